"""The forms as they were printed, as mechanisms to compare with: MultiheadAttention(width, heads, equation_11(...)).

α is `exponent`, m is `scaling` (500 · width for IMDB in Table S1 of Mia, Bal and Sengupta 2025). The residual + X of
Eq. 17 belongs to the block around the layer. The distance matrix P is not printed; here, as in RMAAT,
exp(-|i - j| / 16). Calcium does not follow the astrocyte's drive, so rows do not sum to one, and none is causal.
"""

import torch
from torch import Tensor, nn

from astromorph.astrocyte import PositionalDrive
from astromorph.attention.plasticity import Hebbian, SaturatingHebbian
from astromorph.feature_map import positive_activity


class Printed(nn.Module):
    """L = φ(Q) S(φ(K)ᵀV + W_astro V) / (φ(Q)·g); g = (Σ φ(k))^α or, `running`, Σ_t (Σ_{s≤t} φ(k_s))^α."""

    def __init__(self, size: tuple[int, ...], plasticity: nn.Module, exponent: float, running: bool = False) -> None:
        super().__init__()
        self.position = PositionalDrive(*size)  # heads, features, tokens
        self.plasticity, self.exponent, self.running = plasticity, exponent, running

    def forward(self, query: Tensor, key: Tensor, value: Tensor, keep: Tensor | None = None) -> Tensor:
        exact = torch.promote_types(query.dtype, torch.float32)
        with torch.autocast(query.device.type, enabled=False):
            real = 1.0 if keep is None else keep[:, None, :, None].to(exact)
            asked, activity = (positive_activity(x.to(exact)) for x in (query, key))
            drive = self.position(key.shape[2]).to(exact)
            weight = self.plasticity(((activity + drive) * real).mT @ value.to(exact))
            activity = activity * real
            stored = activity.cumsum(2) if self.running else activity.sum(2, keepdim=True)
            powered = stored.clamp_min(torch.finfo(exact).tiny) ** self.exponent
            calcium = (powered * (activity.sum(-1, keepdim=True) > 0)).sum(2) if self.running else powered.squeeze(2)
            return (asked @ weight / (asked @ calcium[..., None])).to(query.dtype)


def equation_11(heads: int, features: int, tokens: int, scaling: float = 64_000, exponent: float = 0.25) -> Printed:
    """H = σ((φ(K)ᵀV + W_astro V) / m), 1/m inside: at m = 64,000 H is ½ nearly everywhere, a constant."""
    return Printed((heads, features, tokens), SaturatingHebbian(inside=1 / scaling), exponent)


def equation_18(heads: int, features: int, tokens: int, scaling: float = 64_000, exponent: float = 0.25) -> Printed:
    """L = φ(Q) σ(φ(K)ᵀV + W_astro V) / (m φ(Q)·g), 1/m outside: the branch vanishes as 1/m."""
    return Printed((heads, features, tokens), SaturatingHebbian(outside=1 / scaling), exponent)


def algorithm_1(heads: int, features: int, tokens: int, scaling: float = 64_000, exponent: float = 0.25) -> Printed:
    """H = (φ(K)ᵀV + W_astro V) / m without sigmoid, g a running sum of powers (line 17)."""
    return Printed((heads, features, tokens), Hebbian(1 / scaling), exponent, running=True)


def rmaat(heads: int, features: int, tokens: int, scaling: float | None = None, exponent: float = 0.25) -> Printed:
    """L = φ(Q)(H ⊙ P), H = (φ(K)ᵀV + φ(R)ᵀV) / m, g = (Σ φ(k))^α (arXiv 2601.00426); m: default `features`.

    How R follows from exp(-|i - j| / scale) is not known; here it is Mᵀ M P Mᵀ of its predecessor.
    """
    return Printed((heads, features, tokens), Hebbian(1 / (scaling or features)), exponent)
