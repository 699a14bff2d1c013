"""The forms that were printed, as parts for `AstromorphicAttention(width, heads, **equation_11(...))`.

They are kept to be compared with; what is wrong with them is in the notes beside each. α is `exponent`, m is `scaling`
(500 · width for IMDB in Table S1 of Mia, Bal and Sengupta 2025). The residual + X of Eq. 17 belongs to the block around
the layer. None is causal but `linear_limit` and `measured`. The distance matrix P is not printed; here, as in RMAAT,
exp(-|i - j| / scale).
"""

from torch import nn

from astromorph.attention.plasticity import Hebbian, SaturatingHebbian
from astromorph.attention.positions import PositionalDrive, Unordered
from astromorph.attention.responses import LinearResponse, PowerOfSum, RunningPower

Parts = dict[str, nn.Module]


def equation_11(
    heads: int, features: int, tokens: int, scaling: float = 64_000, exponent: float = 0.25, scale: float = 16.0
) -> Parts:
    """H = σ((φ(K)ᵀV + W_astro V) / m), 1/m inside: at m = 64,000 H is ½ nearly everywhere, a constant."""
    return _drive(heads, features, tokens, scale) | {
        "plasticity": SaturatingHebbian(inside=1 / scaling), "response": PowerOfSum(exponent)
    }  # fmt: skip


def equation_18(
    heads: int, features: int, tokens: int, scaling: float = 64_000, exponent: float = 0.25, scale: float = 16.0
) -> Parts:
    """L = φ(Q) σ(φ(K)ᵀV + W_astro V) / (m φ(Q)·g), 1/m outside: the branch vanishes as 1/m."""
    return _drive(heads, features, tokens, scale) | {
        "plasticity": SaturatingHebbian(outside=1 / scaling), "response": PowerOfSum(exponent)
    }  # fmt: skip


def algorithm_1(
    heads: int, features: int, tokens: int, scaling: float = 64_000, exponent: float = 0.25, scale: float = 16.0
) -> Parts:
    """H = (φ(K)ᵀV + W_astro V) / m without sigmoid, g a running sum of powers."""
    return _drive(heads, features, tokens, scale) | {
        "plasticity": Hebbian(1 / scaling), "response": RunningPower(exponent)
    }  # fmt: skip


def rmaat(
    heads: int, features: int, tokens: int, scaling: float | None = None, exponent: float = 0.25, scale: float = 16.0
) -> Parts:
    """L = φ(Q)(H ⊙ P), H = (φ(K)ᵀV + φ(R)ᵀV) / m, g = (Σ φ(k))^α (arXiv 2601.00426); m: default `features`.

    How R follows from exp(-|i - j| / scale) is not known; here it is Mᵀ M P Mᵀ of its predecessor.
    """
    return _drive(heads, features, tokens, scale) | {
        "plasticity": Hebbian(1 / (scaling or features)), "response": PowerOfSum(exponent)
    }  # fmt: skip


def linear_limit() -> Parts:
    """Kozachkov, Kastanenka and Krotov (2023): L = φ(Q) φ(K)ᵀV / (φ(Q)·Σφ(k)), linear attention; its 1/m cancels."""
    return {"response": LinearResponse(), "position": Unordered()}


def _drive(heads: int, features: int, tokens: int, scale: float) -> Parts:
    return {"position": PositionalDrive(heads, features, tokens, scale, normalised=False)}
