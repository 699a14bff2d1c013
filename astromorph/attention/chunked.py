"""Attention in which what a token reads depends on its place: causal, or with content that fades over distance.

Tokens are cut into chunks of C. Inside a chunk, similarity is a small matrix, W = (φ(Q) φ(K)ᵀ) ∘ A + γ r, with A the
gate: 1 for j ≤ i if causal, r(|i - j|) if multiplicative, both if both. Whatever lies outside the chunk arrives
through the sums handed over between chunks (`distance.py`): Hebbian weights and summed activities. For every token

    numerator   Σ_j A_ij φ(q_i)·φ(k_j) v_j + γ Σ_j r_ij v_j
    calcium     C_i = φ(q_i)·g_i + γ Σ_j r_ij,  g_i = n_i ρ(Σ_j A_ij φ(k_j) / n_i),  n_i = Σ_j A_ij

so the calcium response sees the mean activity of the synapses within reach, a running mean if causal, and with ρ(x) = x
the weights of the values sum to one. `streaming.py` is the same one token at a time.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from astromorph.attention.distance import chunked_kernel, first, handed_over, in_chunks, smear
from astromorph.attention.parts import Distance
from astromorph.attention.precision import wide, working
from astromorph.attention.recompute import over_blocks

CHUNK = 64  # tokens


def attend(
    parts: tuple[nn.Module, nn.Module, nn.Module],
    query: Tensor,
    key: Tensor,
    value: Tensor,
    keep: Tensor | None,
    rate: Tensor,
    relative: Distance | None,
    causal: bool,
    size: int = CHUNK,
) -> Tensor:
    """(batch, heads, tokens, features) each, keys and values 0 where padded; keep: (batch, heads, tokens, 1) or None;
    `rate` of the gate: (heads,).

    parts: feature map, calcium response and feedback.
    """
    batch, heads, tokens, _ = query.shape
    dtype = working(query)
    gate = chunked_kernel(rate, size, causal)
    present = rate.new_ones(1, heads, tokens, 1) if keep is None else keep.to(rate.dtype)
    reach = in_chunks(smear(present, gate), size).expand(batch, -1, -1, -1, -1)
    queries, keys, values = (in_chunks(x, size) for x in (query, key, value))
    if keep is None and (torch.compiler.is_exporting() or tokens % size):
        keep = present.expand(batch, -1, -1, -1)
    real = None if keep is None else in_chunks(keep, size).to(dtype)
    learned = [p for part in parts for p in part.parameters() if p.requires_grad]
    sums = over_blocks(ChunkWrite(parts[0]).write, (keys, values, real), (gate.leaving,), learned)
    weights, activities = (handed_over(x, gate.step) for x in sums)
    cut: list[Tensor | None] = [queries, keys, values, real, reach, weights, activities]
    shared: list[Tensor | None] = [gate.within, gate.arriving]
    if relative is None:
        cut, shared = [*cut, None, None], [*shared, None, None]
    else:
        kernel, gain = chunked_kernel(relative.rate, size, causal), relative.strength[:, None, None]
        driven = kernel.leaving[:, None].to(dtype) @ values.to(dtype)
        mass = in_chunks(gain * smear(present, kernel), size).expand(batch, -1, -1, -1, -1)
        cut += [handed_over(driven.to(wide(dtype)), kernel.step), mass]
        shared += [gain * kernel.within, gain * kernel.arriving]
    (output,) = over_blocks(ChunkRead(*parts).read, cut, shared, learned)
    return first(output, tokens)


class ChunkWrite(NamedTuple):
    """What every chunk hands over: (batch, heads, chunks, sides, …) weights and activities, in at least float32."""

    feature_map: nn.Module

    def write(self, key: Tensor, value: Tensor, real: Tensor | None, leaving: Tensor) -> tuple[Tensor, Tensor]:
        dtype, sums = working(key), wide(key.dtype)
        activity = active(self.feature_map, key, real)
        fading = leaving[:, None, :, :, None].to(dtype)  # (heads, 1, sides, C, 1)
        if torch.compiler.is_exporting():  # one product a side: no number of tokens is asked
            weights = torch.stack([(activity * side).mT @ value.to(dtype) for side in fading.unbind(2)], 3)
        else:
            weights = (activity[:, :, :, None] * fading).mT @ value[:, :, :, None].to(dtype)
        return weights.to(sums), (leaving[:, None].to(dtype) @ activity).to(sums)


def active(feature_map: nn.Module, x: Tensor, real: Tensor | None) -> Tensor:
    activity = feature_map(x.to(working(x)))
    return activity if real is None else activity * real


class ChunkRead(NamedTuple):
    """What the queries of every chunk read: (batch, heads, chunks, C, value features)."""

    feature_map: nn.Module
    response: nn.Module
    feedback: nn.Module

    def read(
        self, query: Tensor, key: Tensor, value: Tensor, real: Tensor | None, reach: Tensor, weights: Tensor,
        activities: Tensor, driven: Tensor | None, mass: Tensor | None, within: Tensor, arriving: Tensor,
        drive_within: Tensor | None, drive_arriving: Tensor | None,
    ) -> tuple[Tensor]:  # fmt: skip
        dtype, value = working(query), value.to(working(query))
        asked, activity = active(self.feature_map, query, None), active(self.feature_map, key, real)
        gate = within[:, None].to(dtype)
        similarity = asked @ activity.mT * gate
        if drive_within is not None:
            similarity = similarity + drive_within[:, None].to(dtype)
        summed = similarity @ value
        for side in range(arriving.shape[-1]):
            summed = summed + (asked * arriving[:, None, :, side, None].to(dtype)) @ weights[:, :, :, side].to(dtype)
        stored = (gate @ activity).to(activities.dtype) + arriving[:, None] @ activities
        calcium = (asked * self.response(stored, reach)).sum(-1, keepdim=True)
        if mass is not None and driven is not None and drive_arriving is not None:
            summed = summed + (drive_arriving[:, None] @ driven).to(dtype)
            calcium = calcium + mass
        return ((summed * self.feedback(calcium)).to(query.dtype),)
