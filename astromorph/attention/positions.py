"""Positional terms as objects: none, the learned drive of the papers, and the two distance kernels of `distance.py`.

A further one is a module with a method `terms` (parts.py).
"""

from typing import Any

import torch
from torch import nn

from astromorph.astrocyte import PositionalDrive
from astromorph.attention.distance import AdditiveDistance, MultiplicativeDistance

__all__ = ["AdditiveDistance", "MultiplicativeDistance", "PositionalDrive", "Unordered"]


class Unordered(nn.Module):
    """No positional term: the order of the keys makes no difference (unless causal)."""

    def terms(self, tokens: int, dtype: torch.dtype) -> dict[str, Any]:
        return {}
