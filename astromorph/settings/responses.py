"""What was measured in physiology, as attention takes it over: the response of calcium and the release of a synapse."""

from dataclasses import dataclass
from itertools import pairwise
from math import inf, log
from typing import Literal

ROUNDED = 0.05  # how far ρ(1) may be from 1, in a response whose numbers were copied by hand
STEEPEST = 85.0  # exponent times log x; x^exponent is then a number of single precision


@dataclass(frozen=True)
class SynapticRelease:
    """Dimensionless drive T of a synapse with short-term plasticity at the rate x of its spikes, with T(1) = 1.

    mean_field: T(x) = x p(x) / p(1), p(x) = U (1 + f x) / (1 + U (d + f) x + U d f x²)
    curve:      log T is the monotone interpolant of log `values` over log `knots`

    U is the resting release probability; d and f are the lifetimes of an empty site and of facilitation in units of one
    over the reference rate, so that d = f = 0 is a synapse without plasticity, T(x) = x. Below its lowest knot a curve
    goes on in proportion to x, above the highest it stays. See mapping/release_response.py.
    """

    form: Literal["mean_field", "curve"] = "mean_field"
    resting: float | None = None  # U
    recovery: float | None = None  # d
    facilitation: float | None = None  # f
    knots: tuple[float, ...] | None = None  # x
    values: tuple[float, ...] | None = None  # T
    lowest: float = 0.0
    highest: float = 0.0
    source: str = ""

    def __post_init__(self) -> None:
        if self.form == "curve":
            hold_knots(self, "a release curve")
            return
        numbers = (self.resting, self.recovery, self.facilitation)
        if None in numbers or not (0 < self.resting <= 1 and min(numbers) >= 0):  # type: ignore[operator,type-var]
            raise ValueError(
                f"a synapse with resting release {self.resting}, recovery {self.recovery} and facilitation "
                f"{self.facilitation} does not release; fit another measurement with astromorph map"
            )


@dataclass(frozen=True)
class CalciumResponse:
    """Dimensionless calcium response ρ of an astrocyte to the mean activity x of its synapses, with ρ(1) = 1.

    power_law: ρ(x) = baseline + amplitude · x^exponent
    hill:      ρ(x) = baseline + amplitude · x^exponent / (half^exponent + x^exponent)
    curve:     the monotone interpolant of `values` over the logarithm of `knots`, constant beyond them

    x = 1 is the reference rate of the measurement; `lowest` and `highest` bound the measured range. The default is
    the response published by Mia, Bal and Sengupta (2025), Fig. 3, as fitted over 1-10 Hz (0.100 + 0.0187 f^0.25,
    reference 3.162 Hz); `astromorph map` replaces it by a measured one. `synapse` says how the synapses' activity
    follows the rate of their spikes; None is in proportion.
    """

    form: Literal["power_law", "hill", "curve"] = "power_law"
    baseline: float | None = 0.8004  # this and the next two: None for a curve
    amplitude: float | None = 0.1996
    exponent: float | None = 0.25
    half: float | None = None  # hill only
    lowest: float = 0.3162
    highest: float = 3.162
    source: str = "Mia, Bal and Sengupta (2025), Fig. 3: 0.100 + 0.0187 f^0.25, reference 3.162 Hz"
    knots: tuple[float, ...] | None = None  # x, curve only
    values: tuple[float, ...] | None = None  # ρ, curve only
    synapse: SynapticRelease | None = None

    def __post_init__(self) -> None:
        if isinstance(self.synapse, dict):  # read from a run folder
            object.__setattr__(self, "synapse", SynapticRelease(**self.synapse))
        if not 0 < self.lowest < self.highest < inf:
            raise ValueError(
                f"a calcium response measured from {self.lowest} to {self.highest} has no range; lowest must be above "
                "0 and below highest"
            )
        if self.form == "curve":
            for name in ("baseline", "amplitude", "exponent", "half"):
                object.__setattr__(self, name, None)
            hold_knots(self, "a calcium response")
            if any(after < before for before, after in pairwise(self.values or ())):
                raise ValueError("a calcium response falls between two knots; run astromorph map again")
            return
        if self.form == "hill" and (self.half is None or self.half <= 0):
            raise ValueError(f"the Hill response needs a positive half-activation, not {self.half}; run map again")
        numbers = (self.baseline, self.amplitude, self.exponent)
        if None in numbers or not (0 < self.amplitude < inf and 0 < self.exponent and 0 <= self.baseline < inf):  # type: ignore[operator]
            raise ValueError(
                f"a calcium response with baseline {self.baseline}, amplitude {self.amplitude} and exponent "
                f"{self.exponent} is not positive and increasing; fit another simulation with astromorph map"
            )
        places = (self.lowest, self.highest, self.half or 1.0)
        if max(self.exponent * abs(log(place)) for place in places) > STEEPEST:  # type: ignore[operator]
            raise ValueError(
                f"a calcium response with exponent {self.exponent} leaves what single precision can hold between "
                f"{self.lowest} and {self.highest}; fit another simulation with astromorph map"
            )

    def check_reference(self) -> None:
        """ValueError unless ρ(1) is 1, as every measured response is divided by its value at the reference rate.

        A curve between two knots is only known to lie between their values.
        """
        if self.form == "curve":
            knots, values = self.knots or (), self.values or ()
            below = max((value for knot, value in zip(knots, values, strict=True) if knot <= 1), default=values[0])
            above = min((value for knot, value in zip(knots, values, strict=True) if knot >= 1), default=values[-1])
            found = min(max(1.0, below), above)
        else:
            saturation = 1.0 if self.form == "power_law" else 1 + (self.half or 0.0) ** (self.exponent or 0.0)
            found = (self.baseline or 0.0) + (self.amplitude or 0.0) / saturation
        if abs(found - 1) > ROUNDED:
            raise ValueError(
                f"a calcium response of {found:.4g} at x = 1 is no measured one, which is 1 there; take the numbers as "
                "astromorph map wrote them"
            )


def hold_knots(curve: CalciumResponse | SynapticRelease, name: str) -> None:
    """Keep `knots` and `values` as tuples; ValueError unless they are positive pairs and the knots rise."""
    for field in ("knots", "values"):
        object.__setattr__(curve, field, tuple(getattr(curve, field) or ()))
    knots, values = curve.knots or (), curve.values or ()
    rising = all(before < after for before, after in pairwise(knots))
    if len(knots) != len(values) or len(knots) < 2 or not rising or min(*knots, *values) <= 0:
        raise ValueError(
            f"{name} of {len(knots)} knots and {len(values)} values is no curve of positive numbers over rising ones; "
            "run astromorph map again"
        )
