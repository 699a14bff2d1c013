"""Softmax attention (Vaswani et al. 2017, Eq. 1): the baseline everyone knows, as fast as we can make it.

PyTorch's fused kernel computes it, but for training on a processor: there the kernel's backward pass takes two to
four times as long as plain matrix products over a few sequences at a time, whose scores stay in the cache
(`astromorph bench training` shows what an epoch costs).
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from astromorph.native.transforms import again, transformed

SCORES_AT_ONCE = 2**20  # scores in a block: 2 MiB in bfloat16, a core's cache


class SoftmaxAttention(nn.Module):
    """softmax(q kᵀ / √features) v, among all tokens or, if causal, over the token itself and those before it."""

    def __init__(self, *, causal: bool = False) -> None:
        super().__init__()
        self.causal = causal

    def forward(self, query: Tensor, key: Tensor, value: Tensor, keep: Tensor | None = None) -> Tensor:
        """query, key, value: (batch, heads, tokens, features); keep: (batch, tokens), True where a token is real."""
        if self.causal:
            if keep is not None:
                raise ValueError("causal softmax takes no mask of padding; leave `keep` out")
            if transformed():
                later = torch.ones(query.shape[2], key.shape[2], device=query.device).tril() == 0
                return plainly(query, key, value, torch.where(later, torch.finfo(query.dtype).min, 0))
            return F.scaled_dot_product_attention(query, key, value, is_causal=True)
        plain = transformed() or torch.compiler.is_exporting()  # of a free length no loop is written down
        if query.device.type == "cpu" and torch.is_grad_enabled() and not plain:
            return in_blocks(query, key, value, keep)
        if transformed():
            silent = 0 if keep is None else torch.where(keep, 0, torch.finfo(query.dtype).min)[:, None, None, :]
            return plainly(query, key, value, silent)
        mask = None if keep is None else keep[:, None, None, :]
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)


def plainly(query: Tensor, key: Tensor, value: Tensor, penalty: Tensor | float) -> Tensor:
    """By the formula, with a penalty added to the scores: for torch.func and second derivatives."""
    return (query @ key.mT * query.shape[-1] ** -0.5 + penalty).softmax(-1) @ value


@torch.compiler.disable  # nothing to gain: the loop would be unrolled, and compiled anew for every batch
def in_blocks(query: Tensor, key: Tensor, value: Tensor, keep: Tensor | None) -> Tensor:
    """The same values and gradients, sequence by sequence; shapes as above."""
    keep = query.new_ones(len(key), key.shape[-2], dtype=torch.bool) if keep is None else keep
    return BlockedSoftmax.apply(query, key, value, keep)


class BlockedSoftmax(torch.autograd.Function):
    """P = softmax(q kᵀ / √features), L = P v, for a few sequences at a time; P is kept for the backward pass."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, keep: Tensor) -> Tensor:
        size = max(1, SCORES_AT_ONCE // max(1, query.shape[1] * query.shape[2] * key.shape[2]))
        silent = torch.finfo(query.dtype).min
        penalty = torch.zeros(keep.shape, dtype=query.dtype).masked_fill_(~keep, silent)[:, None, None, :].split(size)
        weights, read = [], []
        with torch.autocast("cpu", enabled=False):
            scaled = (query * query.shape[-1] ** -0.5).split(size)
            for q, k, v, bias in zip(scaled, key.split(size), value.split(size), penalty, strict=True):
                weights.append((q @ k.mT).add_(bias).softmax(-1))
                read.append(weights[-1] @ v)
        attended, ctx.penalty = torch.cat(read), penalty
        ctx.save_for_backward(query, key, value, attended, *weights)
        return attended

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, attended, *weights = ctx.saved_tensors
        if torch.is_grad_enabled():
            plain = lambda query, key, value: plainly(query, key, value, torch.cat(ctx.penalty))
            return *again(plain, (query, key, value), gradients, ctx.needs_input_grad[:3]), None
        (gradient,) = gradients
        scale, size = query.shape[-1] ** -0.5, len(weights[0])
        along = (gradient * attended).sum(-1, keepdim=True)  # Σ_t P ∂P, without its square matrices
        to_query, to_key, to_value = [], [], []
        blocks = (tensor.split(size) for tensor in (query * scale, key, value, gradient, along))
        for q, k, v, g, mean, p in zip(*blocks, weights, strict=True):
            to_value.append(p.mT @ g)
            scores = (g @ v.mT).sub_(mean).mul_(p)
            to_query.append(scores @ k)
            to_key.append(scores.mT @ q)
        return torch.cat(to_query).mul_(scale), torch.cat(to_key), torch.cat(to_value), None
