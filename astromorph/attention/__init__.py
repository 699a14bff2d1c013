"""Attention mechanisms behind one signature, and the multi-head layer that holds their projections."""

from astromorph.attention.astromorphic import AstromorphicAttention
from astromorph.attention.linear import LinearAttention
from astromorph.attention.multihead import MultiheadAttention
from astromorph.attention.softmax import SoftmaxAttention

__all__ = ["AstromorphicAttention", "LinearAttention", "MultiheadAttention", "SoftmaxAttention"]
