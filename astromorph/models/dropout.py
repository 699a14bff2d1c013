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
        if not self.training or self.share == 0:
            return tokens
        mask_shape = (tokens.shape[0],) + (1,) * (tokens.dim() - 2) + (tokens.shape[-1],)
        kept = torch.rand(mask_shape, device=tokens.device) >= self.share
        return tokens * (kept / (1 - self.share)).to(tokens.dtype)
