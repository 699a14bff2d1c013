"""Linear attention (Katharopoulos et al. 2020, Eq. 5): what a neuron-astrocyte network computes when calcium answers
linearly and there is no positional drive (Kozachkov, Kastanenka and Krotov 2023).

L = φ(Q) (φ(K)ᵀ V) / (φ(Q) Σ_t φ(k_t)): cost linear in the number of tokens. On a processor both phases are compiled
passes over the tokens (`scan.cpp`); the plain formulas do the same elsewhere.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from astromorph.attention import compiled, scans
from astromorph.attention.precision import wide
from astromorph.feature_map import positive_activity


class LinearAttention(nn.Module):
    """φ(q) (φ(K)ᵀ V) / (φ(q) · Σ φ(k))."""

    def forward(self, query: Tensor, key: Tensor, value: Tensor, keep: Tensor | None = None) -> Tensor:
        """query, key, value: (batch, heads, tokens, features); keep: (batch, tokens), True where a token is real."""
        return attend(query, key, value, keep, None, positive_activity, lambda total, count: total)


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    keep: Tensor | None,
    drive: Tensor | None,
    feature_map: Callable[[Tensor], Tensor],
    store: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    """φ(q) (hᵀ V) / (φ(q) · g) with h = φ(k) + drive and the calcium g = store(Σ_t h_t, number of real tokens)."""
    wide_type = wide(key.dtype)
    if keep is None:
        count = key.new_full((1, 1, 1), key.shape[-2], dtype=wide_type)
    else:
        count = keep.sum(-1, dtype=wide_type).clamp_min(1)[:, None, None]
    if scanned(query, key, value, feature_map):
        real = None if keep is None else keep.contiguous().view(torch.uint8)[:, None, :, None].expand(*key.shape[:3], 1)
        weight, total = scans.write(key, value, real, drive)
        return scans.read(query, weight, store(total, count), None, None, None, None)[0]
    activity = written_activity(key, keep, drive, feature_map)
    return read(feature_map(query), write(activity, value), store(activity.sum(-2, dtype=wide_type), count))


def scanned(query: Tensor, key: Tensor, value: Tensor, feature_map: Callable[[Tensor], Tensor]) -> bool:
    """Whether the compiled passes compute this: on a processor, in float32 or bfloat16, with φ = elu + 1."""
    alike = query.dtype == key.dtype == value.dtype and key.dtype in compiled.TYPES and query.stride(-1) == 1
    usual = feature_map is positive_activity and key.stride(-1) == 1 and value.stride(-1) == 1
    fits = alike and usual and query.device.type == "cpu" and query.shape[-2] > 0
    return fits and not torch.compiler.is_exporting() and compiled.available()


def written_activity(
    key: Tensor,
    keep: Tensor | None,
    drive: Tensor | None = None,
    feature_map: Callable[[Tensor], Tensor] = positive_activity,
) -> Tensor:
    """φ(k_t), plus a positional drive if there is one, silent where a token is padding; shape of `key`."""
    activity = feature_map(key)
    if drive is not None:
        activity = activity + drive.to(activity.dtype)
    return activity if keep is None else activity * keep[:, None, :, None].to(activity.dtype)


def write(key: Tensor, value: Tensor) -> Tensor:
    """Write phase: the Hebbian weight H = Σ_t φ(k_t)ᵀ v_t, shape (batch, heads, features, features)."""
    return key.mT @ value


def read(query: Tensor, weight: Tensor, calcium: Tensor) -> Tensor:
    """Read phase: L = φ(Q) H / C with the calcium C = φ(Q) · g divided token by token, in at least float32.

    query: (batch, heads, tokens, features), weight: (batch, heads, features, features), calcium g: (batch, heads,
    features); returns the shape of query.
    """
    response = (query * calcium.unsqueeze(-2)).sum(-1, keepdim=True, dtype=calcium.dtype)
    return ((query @ weight) / response.clamp_min(torch.finfo(response.dtype).tiny)).to(query.dtype)
