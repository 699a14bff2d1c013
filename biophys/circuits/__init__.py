"""Trained networks in Brian2: attention as neurons and astrocytes, spiking layers with delays."""
