"""Linear attention (Katharopoulos et al. 2020, Eq. 5): what a neuron-astrocyte network computes when calcium answers
linearly and there is no positional drive (Kozachkov, Kastanenka and Krotov 2023).
"""

from astromorph.attention.astromorphic import AstromorphicMechanism


class LinearAttention(AstromorphicMechanism):
    """φ(q) (φ(K)ᵀ V) / (φ(q) · Σ φ(k)): all parts as they are by default."""

    def __init__(self, *, causal: bool = False) -> None:
        super().__init__(causal=causal)
