"""Astromorphic attention (Mia, Bal and Sengupta 2025, Eqs. 8-17) as a fast matrix form.

Write phase: h_t = φ(k_t) + w_t, with w_t the astrocyte's positional drive; Hebbian weight H = (1/m) Σ_t h_tᵀ v_t
(Eqs. 9-12); calcium store g = N ρ((1/N) Σ_t h_t) with the fitted calcium response ρ (Eq. 14).
Read phase: calcium C = (1/m) φ(Q) gᵀ (Eq. 15) feeds back reciprocally on the synapses, L = φ(Q) H / C (Eqs. 16-17).

Settled where the three formulas of the paper disagree: no sigmoid on H (as in Algorithm 1 and in the successor,
RMAAT); "H ⊙ P" is the division of each token's output by its calcium, the one reading whose shapes fit; the 1/m of H
stands in C too, so the branch does not vanish with m, and as it cancels it is not computed. Each head has a process of
its own. `astromorph/attention/reference.py` spells the same out token by token.
"""

from collections.abc import Callable

from torch import Tensor, nn

from astromorph.astrocyte import PositionalDrive
from astromorph.attention.linear import attend
from astromorph.feature_map import positive_activity


class AstromorphicMechanism(nn.Module):
    """φ(q) H / (φ(q) · g) with calcium response `response` and, if given, positional drive `position`.

    `feature_map`: φ; that of a measured synapse is in `astromorph/feature_map.py`.
    """

    def __init__(
        self,
        response: nn.Module,
        position: PositionalDrive | None = None,
        feature_map: Callable[[Tensor], Tensor] = positive_activity,
    ) -> None:
        super().__init__()
        self.response = response
        self.position = position
        self.feature_map = feature_map

    def forward(self, query: Tensor, key: Tensor, value: Tensor, keep: Tensor | None = None) -> Tensor:
        """query, key, value: (batch, heads, tokens, features); keep: (batch, tokens), True where a token is real."""
        drive = None if self.position is None else self.position(key.shape[-2])
        return attend(query, key, value, keep, drive, self.feature_map, self.calcium)

    def calcium(self, total: Tensor, count: Tensor) -> Tensor:
        """g = N ρ(Σ_t h_t / N); total: (batch, heads, features), count N of real tokens: (batch or 1, 1, 1)."""
        return count * self.response(total / count)
