"""Attention among all tokens: write phase and read phase as two passes over blocks that stay in the cache.

Write: Hebbian weight H = Σ_j φ(k_j)ᵀ v_j, summed activity Σ_j φ(k_j) and, for a relative term, each chunk's sums of
values (`distance.py`). Read: L_i = (φ(q_i) H + γ Σ_j r_ij v_j) / (φ(q_i) · g + γ Σ_j r_ij). Between them stands
whatever makes calcium g of the summed activity: small tensors, ordinary differentiation.

The plain formulas stand here: any device, number type and feature map, and what torch.export sees. On a processor
`scan.cpp` does the same, values and gradients, in one pass each that leaves nothing behind but the output.
"""

from typing import NamedTuple

from torch import Tensor, nn

from astromorph.attention.distance import Chunks, first, handed_over, in_chunks
from astromorph.attention.precision import wide, working


class Written(NamedTuple):
    """What the write phase leaves: sums over tokens in at least float32."""

    weight: Tensor  # H: (batch, heads, features, value features)
    activity: Tensor  # Σ φ(k) + w: (batch, heads, features)
    chunks: Tensor | None  # sums handed over: (batch, heads, chunks, 2, value features)


def write(
    feature_map: nn.Module,
    key: Tensor,
    value: Tensor,
    keep: Tensor | None,
    kernel: Chunks | None,
    drive: Tensor | None = None,
) -> Written:
    """Write phase; key, value: (batch, heads, tokens, features), 0 where padded; keep: (batch, heads, tokens, 1) or
    None; drive: added to the activity, (heads, tokens, features).
    """
    activity, value = feature_map(key.to(working(key))), value.to(working(value))
    if drive is not None:
        activity = activity + drive.to(activity.dtype)
    if keep is not None:
        activity = activity * keep.to(activity.dtype)
    dtype, size = wide(key.dtype), 1024
    parts = in_chunks(activity, size).mT @ in_chunks(value, size)
    chunks = None
    if kernel is not None:
        leaving = kernel.leaving[:, None].to(value.dtype)
        chunks = (leaving @ in_chunks(value, leaving.shape[-1])).to(dtype)
    return Written(parts.sum(2, dtype=dtype), activity.sum(-2, dtype=dtype), chunks)


class Relative(NamedTuple):
    """The additive relative term ready to be read; the strength γ is inside."""

    value: Tensor  # (batch, heads, tokens, features), silent where padded
    within: Tensor  # (heads, C, C)
    arriving: Tensor  # (heads, C, 2)
    carried: Tensor  # (batch, heads, chunks, 2, features)
    mass: Tensor  # γ Σ_j r_ij: (batch or 1, heads, tokens)


def relative_term(kernel: Chunks, strength: Tensor, value: Tensor, chunks: Tensor, mass: Tensor) -> Relative:
    """γ Σ_j r_ij v_j in its parts; mass: Σ_j r_ij, (batch or 1, heads, tokens); strength γ: (heads,)."""
    gain = strength[:, None, None]
    return Relative(
        value, gain * kernel.within, gain * kernel.arriving, handed_over(chunks, kernel.step), strength[:, None] * mass
    )


def read(
    feature_map: nn.Module,
    feedback: nn.Module,
    query: Tensor,
    weight: Tensor,
    calcium: Tensor,
    relative: Relative | None,
) -> Tensor:
    """Read phase; query: (batch, heads, queries, features), weight H, calcium g: (batch, heads, features)."""
    activity = feature_map(query.to(working(query)))
    dtype = activity.dtype
    summed = activity @ weight.to(dtype)
    response = (activity @ calcium[..., None].to(dtype)).to(calcium.dtype)
    if relative is not None:
        spread = relative.within[:, None].to(dtype) @ in_chunks(relative.value.to(dtype), relative.within.shape[-1])
        spread = spread + relative.arriving[:, None].to(dtype) @ relative.carried.to(dtype)
        summed = summed + first(spread, query.shape[2])
        response = response + relative.mass[..., None]
    return (summed * feedback(response)).to(query.dtype)
