"""Quantisers of weights, a file each. What all answer:

    quantiser(weight) -> weight                           same shape and type, few values; its gradient passes straight

"Straight" (Bengio, Léonard and Courville 2013, arXiv 1308.3432): in the backward pass the quantiser is the identity, so
the exact weight behind the quantised one goes on learning.
"""

from typing import Any

from astromorph.names import choose, part

QUANTISERS = {
    "ternary": "three values, 1.58 bits: the sign of large weights times one scale, zero for small ones",
}


def names() -> dict[str, str]:
    """The quantisers and a sentence about each."""
    return dict(QUANTISERS)


def named(name: str) -> Any:
    """The function of a quantiser. ValueError with the known ones if there is none of this name."""
    return part(__name__, choose("quantiser", name, QUANTISERS))
