"""Projections and heads around an attention mechanism (Vaswani et al. 2017, section 3.2.2)."""

from typing import Any

import torch
from torch import Tensor, nn


class MultiheadAttention(nn.Module):
    """Projects tokens to queries, keys and values, lets `mechanism` attend in every head, and projects back.

    `mechanism` is any module called as mechanism(query, key, value, keep) on (batch, heads, tokens, features); `delays`
    may let keys and values come later (token_delays.py).
    """

    def __init__(self, width: int, heads: int, mechanism: nn.Module, delays: nn.Module | None = None) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} does not divide into {heads} heads; use a multiple of {heads}")
        self.heads = heads
        self.to_query_key_value = nn.Linear(width, 3 * width)
        self.delays = delays
        self.mechanism = mechanism
        self.to_output = nn.Linear(width, width)

    def forward(self, tokens: Tensor, keep: Tensor | None = None) -> Tensor:
        """tokens: (batch, tokens, width); keep: (batch, tokens), True where a token is real; returns the same shape."""
        batch, count, width = tokens.shape
        projected = self.to_query_key_value(tokens).view(batch, count, 3, self.heads, width // self.heads)
        query, key, value = Split.apply(projected)
        if self.delays is not None:
            key, value = (x.transpose(1, 2) for x in self.delays(key.transpose(1, 2), value.transpose(1, 2)))
        attended = self.mechanism(query, key, value, keep)
        return self.to_output(attended.transpose(1, 2).reshape(batch, count, width))


class Split(torch.autograd.Function):
    """(batch, tokens, 3, heads, features) as three views, (batch, heads, tokens, features) each.

    Their gradients are copied once, into memory as the projection wants it; torch's own way copies them twice.
    """

    @staticmethod
    def forward(ctx: Any, projected: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        query, key, value = (part.transpose(1, 2) for part in projected.unbind(2))
        return query, key, value

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        batch, heads, tokens, features = gradients[0].shape
        packed = gradients[0].new_empty(batch, tokens, 3, heads, features)
        for place, gradient in enumerate(gradients):
            packed[:, :, place].copy_(gradient.transpose(1, 2))
        return packed
