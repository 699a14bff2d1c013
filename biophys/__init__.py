"""Physiology of neurons and astrocytes in SI units; knows nothing of torch or of learning.

Import from the modules: `biophys.synapse` and `biophys.astrocyte` hold parameters and equations,
`biophys.simulation.stimulus` makes spikes, `biophys.tripartite` assembles a network, `biophys.simulation.simulate` runs
it and `biophys.simulation.recording` turns the result into a labelled dataset. Nothing is imported here, so that the
exact theory (`biophys.patterns`) loads without Brian2.
"""
