"""Astromorphic attention from parts that can be taken away or exchanged one at a time, for ablations.

    L = φ(Q) S(H) F(C),   H = Σ_t h_tᵀ v_t,   C = φ(Q) · g,   h_t = φ(k_t) + w_t

`response` makes the calcium store g of Σ_t h_t and the number of tokens (`responses.py`), `plasticity` is S
(`plasticity.py`), `feedback` is F (`responses.py`; Mia, Bal and Sengupta 2025, Eqs. 16-17: 1/C). With S the identity,
g = N ρ(Σ h / N) and F = 1/C it is `AstromorphicMechanism`, which is faster. Everything is computed in at least float32:
behind a sigmoid the weights lie so close to ½ that bfloat16 would not tell them apart.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from astromorph.astrocyte import PositionalDrive
from astromorph.attention.linear import written_activity
from astromorph.attention.precision import wide
from astromorph.feature_map import positive_activity


class SwitchedMechanism(nn.Module):
    """The parts above behind the signature of a mechanism; `position` gives w_t."""

    def __init__(
        self,
        response: nn.Module,
        plasticity: nn.Module,
        feedback: nn.Module,
        position: PositionalDrive | None = None,
        feature_map: Callable[[Tensor], Tensor] = positive_activity,
    ) -> None:
        super().__init__()
        self.response, self.plasticity, self.feedback = response, plasticity, feedback
        self.position = position
        self.feature_map = feature_map

    def forward(self, query: Tensor, key: Tensor, value: Tensor, keep: Tensor | None = None) -> Tensor:
        """query, key, value: (batch, heads, tokens, features); keep: (batch, tokens), True where a token is real."""
        dtype, tokens = wide(query.dtype), key.shape[-2]
        drive = None if self.position is None else self.position(tokens)
        with torch.autocast(query.device.type, enabled=False):
            asked = self.feature_map(query.to(dtype))
            written = written_activity(key.to(dtype), keep, drive, self.feature_map)
            weight = self.plasticity(written.mT @ value.to(dtype))
            if keep is None:
                count = asked.new_full((1, 1, 1), tokens)
            else:
                count = keep.sum(-1, dtype=dtype)[:, None, None]
            stored = self.response(written.sum(-2), count)
            return ((asked @ weight) * self.feedback(asked @ stored.unsqueeze(-1))).to(query.dtype)
