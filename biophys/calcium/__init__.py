"""Calcium of astrocytes beyond the simulated cell: models for SciPy, equilibria, cycles, receptors, noise."""
