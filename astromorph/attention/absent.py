"""No attention at all: what a model does without it, for comparisons."""

import torch
from torch import Tensor, nn


class NoAttention(nn.Module):
    """Stands where attention stood and adds nothing: tokens pass by the residual path alone, each on its own."""

    def forward(self, tokens: Tensor, keep: Tensor | None = None) -> Tensor:
        """tokens: (batch, tokens, width); returns zeros of the same shape."""
        return torch.zeros_like(tokens)
