"""A position whose reach doubles from head to head and is not learned, as the slopes of Press et al. (2022, ALiBi)."""

from typing import Any

import torch
from torch import nn


class DoublingDistance(nn.Module):
    """γ exp(-|i - j| / λ) beside the content term: λ is shortest · 2^head tokens, γ is learned, one a head."""

    def __init__(self, heads: int, shortest: float = 2.0) -> None:
        super().__init__()
        self.register_buffer("length", shortest * 2.0 ** torch.arange(heads))
        self.log_strength = nn.Parameter(torch.zeros(heads))

    def terms(self, tokens: int, dtype: torch.dtype) -> dict[str, Any]:
        return {"relative": (1 / self.length.to(dtype), self.log_strength.to(dtype).exp())}
