"""The positive feature map of linear attention: activity of hidden neurons as a function of their input.

φ(x) = elu(x) + 1 (Katharopoulos et al. 2020, Eq. 7; Mia et al. 2025, Eq. 4). φ is positive everywhere, φ(0) = 1, so a
hidden neuron at rest has activity 1, which the mapping ties to the reference rate of the measured calcium response.

What a rate brings about behind a synapse is another matter. A spike finds vesicles in a share p of the release sites,
which depends on the rate, so that the drive is rate times release by a spike, T(x) = x p(x) / p(1) in units of the
reference. Depression makes p fall as 1/x at last: sites release no more often than they are filled. Facilitation lets
T rise faster than x at first. φ(x) = T(elu(x) + 1) is the feature map of a measured synapse
(mapping/release_response.py); without plasticity T(x) = x. In attention the calcium response then answers the mean
drive. One that was measured against the rate of depressing synapses, as `astromorph simulate calcium-response` does,
already holds their depression, which both together count twice.
"""

import torch
from torch import Tensor, nn

from astromorph.measured import MonotoneCurve, hold
from astromorph.settings import SynapticRelease


def positive_activity(x: Tensor) -> Tensor:
    """φ(x) = elu(x) + 1, elementwise; any shape.

    As max(x + 1, exp(min(x, 0))): the sum would lose small activities to rounding in half precision.
    """
    return torch.maximum(x + 1, x.clamp_max(0).exp_())


class PositiveActivity(nn.Module):
    """φ(x) = elu(x) + 1; any shape."""

    def forward(self, x: Tensor) -> Tensor:
        return positive_activity(x)

    def scanned(self) -> bool:
        return True


class MeanFieldRelease(nn.Module):
    """T(x) = x p(x) / p(1) with p(x) ∝ (1 + f x) / (1 + U (d + f) x + U d f x²); rates x ≥ 0, any shape.

    The mean field of De Pitta et al. (2011) as in biophys/release_theory.py, with d = f_ref / Ω_d and f = f_ref / Ω_f.
    dT/dx > 0 at every rate, and T tends to 1 / (d p(1)).
    """

    resting: Tensor
    recovery: Tensor
    facilitation: Tensor

    def __init__(self, resting: float, recovery: float, facilitation: float) -> None:
        super().__init__()
        hold(self, resting=resting, recovery=recovery, facilitation=facilitation)

    def forward(self, rate: Tensor) -> Tensor:
        return rate * self.release(rate) / self.release(torch.ones_like(self.resting))

    def release(self, rate: Tensor) -> Tensor:
        """p(x) / U."""
        U, d, f = self.resting, self.recovery, self.facilitation
        return (1 + f * rate) / (1 + U * rate * (d + f + d * f * rate))


class CurveRelease(nn.Module):
    """T(x) through measured points: log T over log x; rates x ≥ 0, any shape."""

    def __init__(self, knots: tuple[float, ...], values: tuple[float, ...]) -> None:
        super().__init__()
        self.lowest = knots[0]
        self.curve = MonotoneCurve(
            *(torch.tensor(each, dtype=torch.float64, device="cpu").log() for each in (knots, values))
        )

    def forward(self, rate: Tensor) -> Tensor:
        wide = rate.to(torch.promote_types(rate.dtype, torch.float32))
        measured = self.curve(wide.clamp_min(self.lowest).log()).exp()
        return (measured * (wide / self.lowest).clamp_max(1)).to(rate.dtype)


class ReleasedActivity(nn.Module):
    """φ(x) = T(elu(x) + 1), elementwise; any shape. `transfer`: T, a module on rates."""

    def __init__(self, transfer: nn.Module) -> None:
        super().__init__()
        self.transfer = transfer

    def forward(self, x: Tensor) -> Tensor:
        return self.transfer(positive_activity(x))


def released_activity(synapse: SynapticRelease) -> ReleasedActivity:
    """The feature map of a fitted synapse."""
    if synapse.form == "curve":
        assert synapse.knots is not None and synapse.values is not None  # checked by SynapticRelease
        return ReleasedActivity(CurveRelease(synapse.knots, synapse.values))
    assert synapse.resting is not None and synapse.recovery is not None and synapse.facilitation is not None
    return ReleasedActivity(MeanFieldRelease(synapse.resting, synapse.recovery, synapse.facilitation))
