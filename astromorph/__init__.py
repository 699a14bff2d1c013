"""Attention modules built from neuron-astrocyte steady states, and the transformers trained with them."""

__version__ = "0.2.0"
