"""What the write phase makes of the Hebbian sum Σ_t h_tᵀ v_t; objects called on (batch, heads, features, features)."""

import torch
from torch import Tensor, nn


class Hebbian(nn.Module):
    """H = scale · Σ_t h_tᵀ v_t (Mia et al. 2025, Eqs. 9-10; scale 1/m in Algorithm 1)."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, weight: Tensor) -> Tensor:
        return weight if self.scale == 1 else weight * self.scale

    def factor(self) -> float:
        return self.scale


class SaturatingHebbian(nn.Module):
    """H = outside · σ(inside · Σ_t h_tᵀ v_t): inside 1/m is Eq. 11, outside 1/m is Eq. 18. Not causal."""

    def __init__(self, inside: float = 1.0, outside: float = 1.0) -> None:
        super().__init__()
        self.inside, self.outside = inside, outside

    def forward(self, weight: Tensor) -> Tensor:
        return self.outside * torch.sigmoid(self.inside * weight)
