"""Astromorphic attention with distance kernels and causality, pair by pair as its definition is written.

Slow on purpose, for one head: the forms in `attention/` are tested against it, values and gradients. For query i over
the real tokens j (j ≤ i if causal), with r = exp(-|i - j| / λ) and the gate A = r if content fades, else 1:

    L_i = (Σ_j A φ(q_i)·φ(k_j) v_j + γ Σ_j r v_j) / (φ(q_i)·g_i + γ Σ_j r),   g_i = n ρ(Σ_j A φ(k_j) / n),  n = Σ_j A
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from astromorph.attention.reference import feature


def attend(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    real: Sequence[bool],
    response: Callable[[Tensor], Tensor],
    *,
    causal: bool = False,
    drive: tuple[Tensor, Tensor] | None = None,
    fading: Tensor | None = None,
) -> Tensor:
    """queries, keys: (N, m), values: (N, d); drive: λ and γ of the additive term; fading: λ of the gate."""
    return torch.stack(
        [_read(i, queries, keys, values, real, response, causal, drive, fading) for i in range(len(queries))]
    )


def _read(i, queries, keys, values, real, response, causal, drive, fading) -> Tensor:
    q = feature(queries[i])
    summed, driven = torch.zeros_like(values[0]), torch.zeros_like(values[0])
    stored, reach, mass = torch.zeros_like(q), q.new_zeros(()), q.new_zeros(())
    for j in range(len(keys)):
        if not real[j] or (causal and j > i):
            continue
        gate = q.new_ones(()) if fading is None else torch.exp(-abs(i - j) / fading)
        h = gate * feature(keys[j])
        summed, stored, reach = summed + (q @ h) * values[j], stored + h, reach + gate
        if drive is not None:
            length, strength = drive
            r = strength * torch.exp(-abs(i - j) / length)
            driven, mass = driven + r * values[j], mass + r
    if reach == 0:
        return summed
    return (summed + driven) / (q @ (reach * response(stored / reach)) + mass)
