"""Linear attention (Katharopoulos et al. 2020, Eq. 5): what a neuron-astrocyte network computes when calcium answers
linearly and there is no positional drive (Kozachkov, Kastanenka and Krotov 2023).

L = φ(Q) (φ(K)ᵀ V) / (φ(Q) Σ_t φ(k_t)): cost linear in the number of tokens.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from astromorph.attention.precision import wide
from astromorph.feature_map import positive_activity


class LinearAttention(nn.Module):
    """φ(q) (φ(K)ᵀ V) / (φ(q) · Σ φ(k))."""

    def forward(self, query: Tensor, key: Tensor, value: Tensor, keep: Tensor | None = None) -> Tensor:
        """query, key, value: (batch, heads, tokens, features); keep: (batch, tokens), True where a token is real."""
        key = written_activity(key, keep)
        return read(positive_activity(query), write(key, value), key.sum(-2, dtype=wide(key.dtype)))


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
