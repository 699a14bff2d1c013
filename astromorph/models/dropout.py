"""Locked dropout (Gal and Ghahramani 2016): one mask of features for all tokens of an input.

Drawing a random number for every activation is the dearest single step of a small transformer on a processor; a mask
a review costs a few hundred times less and regularises as well.
"""

import torch
from torch import Tensor, nn


class LockedDropout(nn.Module):
    """Drops a share of the features of each input, the same ones at every token, and rescales the rest."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: (batch, tokens, width) or (batch, width); returns the same shape."""
        mask = self.mask(tokens.shape[0], tokens.shape[-1], tokens.device)
        return (
            tokens if mask is None else tokens * mask.view(len(mask), *(1,) * (tokens.dim() - 2), -1).to(tokens.dtype)
        )

    def mask(self, inputs: int, width: int, device: torch.device) -> Tensor | None:
        """What to multiply the features of each input with, (inputs, 1, width) in float32; None where nothing drops."""
        if not self.training or self.share == 0:
            return None
        return (torch.rand(inputs, 1, width, device=device) >= self.share) / (1 - self.share)
