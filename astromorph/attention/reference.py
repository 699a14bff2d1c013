"""Astromorphic attention token by token, as the equations of Mia, Bal and Sengupta (2025) are written.

Slow on purpose: for one head, `write` lets tokens arrive one after the other (Eqs. 8-10, 13), `read` asks one query
after the other (Eqs. 14-17). The fast forms in `attention/` are tested against this file, values and gradients; the
linear attention is the case ρ(x) = x without positional drive.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def feature(x: Tensor) -> Tensor:
    """φ(x) = elu(x) + 1 (Eq. 4)."""
    return torch.where(x > 0, x + 1, torch.exp(x.clamp(max=0)))


def positional_drive(table: Tensor, scale: float) -> list[Tensor]:
    """w_t for each position: rows of φ(Mᵀ M P Mᵀ) (Eq. 12) with P_ij = exp(-|i - j| / scale); table M: (m, N)."""
    m, n = table.shape
    interaction = sum(
        torch.exp(torch.tensor(-abs(i - j) / scale, dtype=table.dtype)) * torch.outer(table[:, i], table[:, j])
        for i in range(n)
        for j in range(n)
    )
    return [feature(table[:, t] @ interaction) for t in range(n)]


def write(
    keys: Tensor, values: Tensor, real: Sequence[bool], drive: Sequence[Tensor] | None
) -> tuple[Tensor, Tensor, int]:
    """Keys (N, m) and values (N, d) arrive one by one; returns H (m, d), the summed drive (m,) and the tokens seen."""
    m = keys.shape[1]
    weight, stored, seen = torch.zeros(m, values.shape[1], dtype=keys.dtype), torch.zeros_like(keys[0]), 0
    for t in range(keys.shape[0]):
        if not real[t]:
            continue
        h = feature(keys[t]) if drive is None else feature(keys[t]) + drive[t]
        weight = weight + torch.outer(h, values[t]) / m  # H_t = H_{t-1} + (1/m) h_tᵀ v_t
        stored = stored + h  # Σ_t h_t
        seen += 1
    return weight, stored, seen


def read(
    queries: Tensor,
    weight: Tensor,
    stored: Tensor,
    seen: int,
    response: Callable[[Tensor], Tensor],
    *,
    saturating: int | None = None,
    exponent: float | None = None,
    clamped: int | None = None,
) -> Tensor:
    """Each query (N, m) in turn: calcium C = (1/m) φ(q) · g with g = N ρ(Σ h / N), output φ(q) H / C, (N, d).

    What an ablation exchanges (astromorph/models/attention_from_settings.py): saturating N₀: the weight behind a
    sigmoid, Eq. 11 with N₀ in the place of its m; exponent α: g = (Σ h)^α, Eq. 14; clamped N₀: no feedback, C as at φ =
    1 after N₀ tokens.
    """
    m = queries.shape[1]
    g = seen * response(stored / seen) if exponent is None else stored**exponent
    if saturating is not None:
        weight = saturating / m / (1 + torch.exp(-weight * m / saturating))
    outputs = []
    for q in queries:
        h = feature(q)
        calcium = (h * g).sum() / m if clamped is None else clamped
        outputs.append((h @ weight) / calcium)
    return torch.stack(outputs)
