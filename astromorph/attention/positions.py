"""Positional terms as objects: none, the learned drive of the papers, and the two distance kernels of `distance.py`."""

from torch import Tensor, nn

from astromorph.astrocyte import PositionalDrive
from astromorph.attention.distance import AdditiveDistance, MultiplicativeDistance
from astromorph.attention.precision import wide, working

__all__ = ["AdditiveDistance", "LearnedDrive", "MultiplicativeDistance", "Unordered"]


class Unordered(nn.Module):
    """No positional term: the order of the keys makes no difference (unless causal)."""


class LearnedDrive(nn.Module):
    """W_astro of Mia et al. (2025), Eq. 12, from M P Mᵀ: learned, as long as its table, indexed from the first token.

    It is not a function of distance (science notes, 1.9): w_t adds Σ_t w_tᵀ v_t to the Hebbian weight of every query.
    `normalised` adds Σ_t w_t to the summed activity too, which the paper leaves out. Not causal.
    """

    def __init__(self, heads: int, features: int, tokens: int, scale: float = 16.0, normalised: bool = True) -> None:
        super().__init__()
        self.drive = PositionalDrive(heads, features, tokens, scale)
        self.normalised = normalised

    def forward(self, value: Tensor, keep: Tensor | None) -> tuple[Tensor, Tensor]:
        """Σ_t w_tᵀ v_t, (batch, heads, features, value features), and Σ_t w_t, (batch or 1, heads, features)."""
        dtype = working(value)
        drive = self.drive(value.shape[2]).to(dtype)
        if keep is not None:
            drive = drive * keep.to(dtype)
        weight = (drive.mT @ value.to(dtype)).to(wide(dtype))
        total = drive.sum(-2, dtype=wide(dtype)).view(-1, *weight.shape[1:3])
        return weight, total * float(self.normalised)
