"""Attention: the astromorphic layer for any model, and mechanisms behind one signature for ours.

`AstromorphicAttention` is a whole layer on (batch, tokens, width), `astromorphic_attention` the function inside it.
`MultiheadAttention` holds the projections around a mechanism, which is any module called as mechanism(query, key,
value, keep): softmax, linear, or `AstromorphicMechanism`, the one whose parts are measured and which runs as a circuit.
"""

from astromorph.attention.astromorphic import AstromorphicMechanism
from astromorph.attention.functional import astromorphic_attention
from astromorph.attention.layer import AstromorphicAttention
from astromorph.attention.linear import LinearAttention
from astromorph.attention.multihead import MultiheadAttention
from astromorph.attention.softmax import SoftmaxAttention

__all__ = [
    "AstromorphicAttention",
    "AstromorphicMechanism",
    "LinearAttention",
    "MultiheadAttention",
    "SoftmaxAttention",
    "astromorphic_attention",
]
