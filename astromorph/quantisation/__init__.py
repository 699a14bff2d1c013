"""Quantisers of weights, a file each. What all answer:

    quantiser(weight) -> weight                           same shape and type, few values; its gradient passes straight

"Straight" (Bengio, Léonard and Courville 2013, arXiv 1308.3432): in the backward pass the quantiser is the identity, so
the exact weight behind the quantised one goes on learning.
"""

from astromorph.names import room

QUANTISERS = {
    "ternary": "three values, 1.58 bits: the sign of large weights times one scale, zero for small ones",
}
names, named = room(__name__, "quantiser", QUANTISERS)
