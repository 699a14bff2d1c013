"""Running Brian2: quantities and parameters, stimuli, copies of a network, recording with units."""
