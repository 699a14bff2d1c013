"""Feature maps: the activity φ(x) of hidden neurons, positive, elementwise, as objects.

PositiveActivity is φ(x) = elu(x) + 1 (Katharopoulos et al. 2020, Eq. 7; Mia, Bal and Sengupta 2025, Eq. 4), computed
as max(x + 1, exp(min(x, 0))): the sum elu + 1 would lose small activities to rounding in half precision.
"""

import torch
from torch import Tensor, nn


class PositiveActivity(nn.Module):
    """φ(x) = elu(x) + 1; any shape."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.maximum(x + 1, x.clamp_max(0).exp_())


class ExponentialActivity(nn.Module):
    """φ(x) = exp(x): the strongest contrast; keep its inputs moderate."""

    def forward(self, x: Tensor) -> Tensor:
        return x.exp()


class RectifiedActivity(nn.Module):
    """φ(x) = max(x, 0) + floor: silent neurons keep `floor`, so that calcium never vanishes."""

    def __init__(self, floor: float = 1e-3) -> None:
        super().__init__()
        self.floor = floor

    def forward(self, x: Tensor) -> Tensor:
        return x.clamp_min(0) + self.floor
