"""Questions to neurons, synapses and astrocytes."""
