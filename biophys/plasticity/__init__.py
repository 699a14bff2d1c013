"""How synapses change: spike timing, Hebbian, presynaptic by calcium, slow over cycles."""
