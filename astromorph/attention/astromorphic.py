"""Astromorphic attention (Mia, Bal and Sengupta 2025, Eqs. 8-17) as a mechanism: what attends in every head.

Write phase: h_t = φ(k_t) + w_t, with w_t the astrocyte's positional drive; Hebbian weight H = (1/m) Σ_t h_tᵀ v_t
(Eqs. 9-12); calcium store g = N ρ((1/N) Σ_t h_t) with the fitted calcium response ρ (Eq. 14).
Read phase: calcium C = (1/m) φ(Q) gᵀ (Eq. 15) feeds back reciprocally on the synapses, L = φ(Q) H / C (Eqs. 16-17).

Settled where the three formulas of the paper disagree: no sigmoid on H (as in Algorithm 1 and in the successor,
RMAAT); "H ⊙ P" is the division of each token's output by its calcium, the one reading whose shapes fit; the 1/m of H
stands in C too, so the branch does not vanish with m, and as it cancels it is not computed. Each head has a process of
its own. `reference.py` spells the same out token by token.

Every part can be exchanged for another (parts.py): L = φ(Q) S(H) F(C), with S the plasticity and F the feedback.
"""

from torch import Tensor, nn

from astromorph.attention.checks import check_share
from astromorph.attention.forms import attend
from astromorph.attention.functional import released
from astromorph.attention.parts import Parts
from astromorph.attention.plasticity import Hebbian
from astromorph.attention.positions import Unordered
from astromorph.attention.responses import LinearResponse, Reciprocal
from astromorph.feature_map import PositiveActivity


class AstromorphicMechanism(nn.Module):
    """The parts of astromorphic attention behind the signature of a mechanism; what is left out is as in linear
    attention. failing: share of tokens whose synapses fail to release in training.
    """

    def __init__(
        self,
        response: nn.Module | None = None,
        position: nn.Module | None = None,
        feature_map: nn.Module | None = None,
        plasticity: nn.Module | None = None,
        feedback: nn.Module | None = None,
        *,
        causal: bool = False,
        failing: float = 0.0,
    ) -> None:
        super().__init__()
        self.response = response or LinearResponse()
        self.position = position or Unordered()
        self.feature_map = feature_map or PositiveActivity()
        self.plasticity = plasticity or Hebbian()
        self.feedback = feedback or Reciprocal()
        self.causal, self.failing = causal, check_share("dropout", failing)

    @property
    def parts(self) -> Parts:
        return Parts(self.feature_map, self.response, self.position, self.plasticity, self.feedback)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, keep: Tensor | None = None) -> Tensor:
        """query, key, value: (batch, heads, tokens, features); keep: (batch, tokens), True where a token is real."""
        if keep is not None:
            keep = keep[:, None, :, None].expand(*key.shape[:3], 1)
        keep = released(keep, key, self.failing if self.training else 0.0)
        return attend(self.parts, query, key, value, keep, self.causal)
