"""What the astrocyte adds to attention: a calcium response and a distance-dependent drive.

Presynaptic plasticity. Each hidden neuron's synapses drive one astrocyte process; its calcium saturates with the
drive (Mia, Bal and Sengupta 2025, Eqs. 13-14). The paper writes g = (Σ_t φ(k_t))^α. On a sum, α acts mostly as a gain
that grows with the number of tokens; here the response acts on the mean activity x = (1/N) Σ_t φ(k_t), which has the
meaning of a rate, and g = N ρ(x) with ρ(1) = 1. So ρ(x) = x is linear attention exactly, at every length.

Positional drive. The astrocyte couples synapses at distance |i - j| by P_ij = exp(-|i - j| / scale); with a learned
M ∈ R^{m×N}, a = Mᵀ (M P Mᵀ) and W_astro = φ(a)ᵀ (Eq. 12). W_astro is added to the keys' activity wherever that appears,
in the Hebbian weight *and* in the calcium drive (the paper leaves it out of the latter, so that its rows do not sum
to one).
"""

from typing import Any

import torch
from torch import Tensor, nn

from astromorph.feature_map import positive_activity
from astromorph.measured import MonotoneCurve, hold, hold_tensors
from astromorph.native.transforms import transformed, without_autocast
from astromorph.settings import CalciumResponse


def in_a_row(kind: float, *numbers: Tensor) -> Tensor:
    """(1 + numbers,): what a compiled pass takes of a response; quick where the numbers are not learned."""
    usual = all(x.is_cpu and not x.requires_grad and not x.ndim for x in numbers)
    if usual and not torch.compiler.is_compiling() and not transformed():
        return torch.tensor([kind, *map(float, numbers)], dtype=numbers[0].dtype)
    return torch.stack((torch.full_like(numbers[0], kind), *numbers))


class PowerLawResponse(nn.Module):
    """ρ(x) = baseline + amplitude · x^exponent; x ≥ 0, any shape."""

    baseline: Tensor
    amplitude: Tensor
    exponent: Tensor

    def __init__(self, baseline: float, amplitude: float, exponent: float) -> None:
        super().__init__()
        hold(self, baseline=baseline, amplitude=amplitude, exponent=exponent)

    def forward(self, activity: Tensor) -> Tensor:
        return self.baseline + self.amplitude * activity**self.exponent

    def scanned(self) -> Tensor:
        """Kind, baseline, amplitude, exponent, and a number that this kind has no use for."""
        return in_a_row(1, self.baseline, self.amplitude, self.exponent, self.exponent)


class HillResponse(nn.Module):
    """ρ(x) = baseline + amplitude · xⁿ / (halfⁿ + xⁿ) with n the exponent; x ≥ 0, any shape."""

    baseline: Tensor
    amplitude: Tensor
    exponent: Tensor
    half_activity: Tensor

    def __init__(self, baseline: float, amplitude: float, exponent: float, half: float) -> None:
        super().__init__()
        hold(self, baseline=baseline, amplitude=amplitude, exponent=exponent, half_activity=half)

    def forward(self, activity: Tensor) -> Tensor:
        powered = activity**self.exponent
        return self.baseline + self.amplitude * powered / (self.half_activity**self.exponent + powered)

    def scanned(self) -> Tensor:
        """Kind, baseline, amplitude, exponent, half-activation to the exponent."""
        half = self.half_activity**self.exponent
        return in_a_row(2, self.baseline, self.amplitude, self.exponent, half)


class CurveResponse(nn.Module):
    """ρ(x) through measured points: the monotone interpolant of `values` over the logarithm of `knots`; x ≥ 0.

    Beyond the measured range it stays what it is at its end.
    """

    def __init__(self, knots: tuple[float, ...], values: tuple[float, ...]) -> None:
        super().__init__()
        self.lowest = knots[0]
        at, rho = (torch.tensor(each, dtype=torch.float64, device="cpu") for each in (knots, values))
        self.curve = MonotoneCurve(at.log(), rho)

    def forward(self, activity: Tensor) -> Tensor:
        return self.curve(activity.clamp_min(self.lowest).log())


def response_module(response: CalciumResponse) -> nn.Module:
    """The torch form of a fitted calcium response."""
    if response.form == "curve":
        assert response.knots is not None and response.values is not None  # checked by CalciumResponse, as the others
        return CurveResponse(response.knots, response.values)
    assert response.baseline is not None and response.amplitude is not None and response.exponent is not None
    if response.form == "power_law":
        return PowerLawResponse(response.baseline, response.amplitude, response.exponent)
    assert response.half is not None
    return HillResponse(response.baseline, response.amplitude, response.exponent, response.half)


class PositionalDrive(nn.Module):
    """W_astro of Eq. 12 for every head: a learned drive of each token position, smoothed along the process.

    Distances are measured between token indices, or between the cells of a grid `rows` wide when the tokens are
    patches of an image read row by row. It is not a function of the distance of query and key: w_t adds Σ_t w_tᵀ v_t to
    the Hebbian weight of every query.
    """

    distance_kernel: Tensor

    def __init__(self, heads: int, features: int, tokens: int, scale: float = 16.0, rows: int = 1) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(heads, features, tokens) / tokens**0.5)  # M
        index = torch.arange(tokens, device="cpu")
        place = torch.stack((index // (tokens // rows), index % (tokens // rows)), dim=1).double()
        hold_tensors(self, distance_kernel=torch.exp(-torch.cdist(place, place) / scale).float())

    def forward(self, tokens: int) -> Tensor:
        """W_astroᵀ = φ(a), shape (heads, tokens, features), for the first `tokens` positions."""
        if tokens > self.table.shape[-1]:
            raise ValueError(
                f"{tokens} tokens are more than the {self.table.shape[-1]} positions of the astrocytic drive; "
                "shorten the input or build the model with more tokens"
            )
        with without_autocast(self.table):
            interaction = self.table @ self.distance_kernel @ self.table.mT  # D = M P Mᵀ
            if torch.compiler.is_exporting():  # of a free number of tokens a slice would ask whether it is the whole
                table = self.table.index_select(-1, torch.arange(tokens, device=self.table.device))
            else:
                table = self.table[..., :tokens]
            return positive_activity(table.mT @ interaction)

    def terms(self, tokens: int, dtype: torch.dtype) -> dict[str, Any]:
        """As a position of attention (attention/parts.py)."""
        return {"drive": self(tokens)}
