"""The exponential distance kernel r(|i - j|) = exp(-|i - j| / λ), exactly and at linear cost.

Coupling along an astrocytic process decays exponentially with the length constant λ (`biophys/coupling/process.py`).
Summing N tokens with this kernel is a first-order scan in each direction: all that lies left of a token reaches it
through one number a feature. Here the tokens are cut into chunks: inside a chunk the kernel is one small matrix,
between chunks one carried sum decays (`carried`), so all the work is matrix products and any length costs the same a
token.

λ is learned, one a head, and of course positive: its logarithm is the parameter. So is the strength γ of the additive
term, similarity = φ(q_i)·φ(k_j) + γ r(|i - j|). The multiplicative one, similarity = φ(q_i)·φ(k_j) r(|i - j|), has no
strength: it would cancel in the normaliser.
"""

import math
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class AdditiveDistance(nn.Module):
    """γ r(|i - j|) beside the content term: what position alone contributes; `length` λ in tokens, `strength` γ.

    Each head gets the same start; both are learned on a logarithmic scale.
    """

    def __init__(self, heads: int, length: float = 16.0, strength: float = 1.0) -> None:
        super().__init__()
        self.log_length = logarithm("length", length, heads)
        self.log_strength = logarithm("strength", strength, heads)

    def terms(self, tokens: int, dtype: torch.dtype) -> dict[str, Any]:
        """As a position of attention (parts.py)."""
        return {"relative": (torch.exp(-self.log_length.to(dtype)), torch.exp(self.log_strength.to(dtype)))}


class MultiplicativeDistance(nn.Module):
    """r(|i - j|) times the content term: calcium that decays along the process; `length` λ in tokens."""

    def __init__(self, heads: int, length: float = 64.0) -> None:
        super().__init__()
        self.log_length = logarithm("length", length, heads)

    def terms(self, tokens: int, dtype: torch.dtype) -> dict[str, Any]:
        """As a position of attention (parts.py)."""
        return {"fading": torch.exp(-self.log_length.to(dtype))}


def logarithm(name: str, value: float, heads: int) -> nn.Parameter:
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"{name} {value} of a distance kernel is not positive; choose it above 0")
    return nn.Parameter(torch.full((heads,), math.log(value)))


class Chunks(NamedTuple):
    """The kernel cut into chunks of C tokens: what stays inside, what leaves, what arrives. Each starts with heads."""

    within: Tensor  # (heads, C, C): exp(-|t - u| / λ), for causal attention with u ≤ t only
    leaving: Tensor  # (heads, sides, C): weight of token t in the sum handed to the right (and to the left)
    arriving: Tensor  # (heads, C, sides): weight of the sum handed over from the left (and from the right) at token t
    step: Tensor  # (heads,): C / λ, the decay of a handed sum over a chunk, as a logarithm


def chunked_kernel(rate: Tensor, size: int, causal: bool) -> Chunks:
    """The kernel exp(-rate |i - j|) for chunks of `size` tokens; rate 1/λ: (heads,), 0 for no decay at all."""
    t = torch.arange(size, device=rate.device, dtype=rate.dtype)
    apart = t[:, None] - t
    exponents = (apart.abs(), torch.stack((size - 1 - t, t)), torch.stack((t + 1, size - t), 1))
    within, leaving, arriving = (torch.exp(-rate[:, None, None] * exponent) for exponent in exponents)
    if causal:
        within, leaving, arriving = within.tril(), leaving[:, :1], arriving[..., :1]
    return Chunks(within, leaving, arriving, rate * size)


def carried(sums: Tensor, step: Tensor, block: int = 32) -> Tensor:
    """What has been handed over when each chunk begins, Σ_{c' < c} exp(-step (c - 1 - c')) sums_c'.

    sums: (batch, heads, chunks, ...); step: (heads,). Blocks of chunks, then one small matrix over blocks.
    """
    batch, heads, chunks = sums.shape[:3]
    padded = in_chunks(sums.flatten(3), block)
    blocks = padded.shape[2]
    index = torch.arange(block, device=sums.device, dtype=step.dtype)
    carry = strictly_before(step, block)[:, None] @ padded
    if torch.compiler.is_exporting() or blocks > 1:
        total = torch.exp(-step[:, None] * (block - 1 - index))[:, None, None] @ padded
        before = strictly_before(step * block, blocks) @ total.squeeze(3)
        carry = carry + torch.exp(-step[:, None] * index)[:, None, :, None] * before[..., None, :]
    return first(carry, chunks).unflatten(3, sums.shape[3:])


def strictly_before(step: Tensor, count: int) -> Tensor:
    """Matrix (heads, count, count) with exp(-step (i - 1 - j)) below the diagonal."""
    index = torch.arange(count, device=step.device, dtype=step.dtype)
    between = (index[:, None] - index - 1).clamp_min(0)
    return torch.exp(-step[:, None, None] * between).tril(-1)


def handed_over(sums: Tensor, step: Tensor) -> Tensor:
    """`carried` from the left and, if there are two sides, from the right; (batch, heads, chunks, sides, …)."""
    sides = [carried(sums[:, :, :, 0], step)]
    if sums.shape[3] > 1:
        sides.append(carried(sums[:, :, :, 1].flip(2), step).flip(2))
    return torch.stack(sides, 3)


def distance_sum(x: Tensor, length: Tensor, causal: bool = False, size: int = 64) -> Tensor:
    """Σ_j exp(-|i - j| / λ) x_j for every token i, over j ≤ i only if causal.

    x: (batch, heads, tokens, features); length λ: (heads,), in tokens; `size`: tokens in a chunk; returns x's shape.
    """
    return smear(x, chunked_kernel(1 / length.to(x.dtype), size, causal))


def smear(x: Tensor, kernel: Chunks) -> Tensor:
    """`distance_sum` with a kernel already cut; x: (batch, heads, tokens, features)."""
    cut = in_chunks(x, kernel.within.shape[-1])
    arrived = handed_over(kernel.leaving[:, None] @ cut, kernel.step)
    spread = kernel.within[:, None] @ cut + kernel.arriving[:, None] @ arrived
    return first(spread, x.shape[2])


def in_chunks(x: Tensor, size: int) -> Tensor:
    """(batch, heads, tokens, …) as (batch, heads, chunks, size, …), the last chunk filled with zeros."""
    tokens = x.shape[2]
    if torch.compiler.is_exporting() and tokens:
        return in_free_chunks(x, size)
    missing = -tokens % size
    if missing:
        x = F.pad(x, (0, 0) * (x.ndim - 3) + (0, missing))
    return x.unflatten(2, (-1, size))


def in_free_chunks(x: Tensor, size: int) -> Tensor:
    """`in_chunks` of an export, in which the number of tokens may be free: nothing is asked of it, and there are never
    fewer than two chunks, the last of them without tokens.
    """
    tokens = x.shape[2]
    whole, inside = (torch.arange(count, device=x.device) for count in (tokens // size + 2, size))
    place = whole[:, None] * size + inside
    beyond = (place >= tokens)[(..., *(None,) * (x.ndim - 3))]
    return x[:, :, place.clamp_max(tokens - 1)].masked_fill(beyond, 0)


def first(chunks: Tensor, tokens: int) -> Tensor:
    """The first tokens of (batch, heads, chunks, size, …) one after another: (batch, heads, tokens, …)."""
    joined = chunks.flatten(2, 3)
    if torch.compiler.is_exporting():
        return joined.index_select(2, torch.arange(tokens, device=joined.device))
    return joined[:, :, :tokens]
