"""The section of a calcium response: the chosen curve, all that were fitted, and what x = 1 and rho = 1 stand for."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from astromorph.settings import CalciumResponse
from mapping.calcium_curve import MeasuredCurve
from mapping.calcium_response import CalciumFit, Candidate
from mapping.section import Source, Status, check_status, failed

ROUNDING = 1e-6  # of a number that was written with fewer digits


@dataclass(frozen=True)
class ChosenCurve:
    """The chosen curve (see mapping/calcium_response.py) over lowest <= x <= highest; entries of others are None."""

    form: Literal["power_law", "hill", "curve"]
    baseline: float | None
    amplitude: float | None
    exponent: float | None
    half: float | None
    lowest: float
    highest: float
    knots: list[float] | None
    values: list[float] | None


@dataclass(frozen=True)
class Reference:
    """What x = 1 and rho = 1 stand for."""

    rate: float
    rate_units: str
    calcium: float
    calcium_units: str


@dataclass(frozen=True)
class CalciumSection:
    """All that is kept of a calcium response."""

    status: Status
    reason: str
    response: ChosenCurve | None
    candidates: dict[str, Candidate | None]
    curve: MeasuredCurve | None
    reference: Reference
    source: Source
    provenance: dict[str, str]

    def settings(self) -> CalciumResponse:
        """The response of the torch side. ValueError if the fit failed."""
        if self.response is None:
            raise failed(self, "simulate a response that rises smoothly")
        form, quality = self.response.form, ""
        if (candidate := self.candidates.get(form)) is not None:
            quality = f" AICc {candidate.aicc:.1f}"
        elif self.curve is not None:
            quality = f" R^2 {self.curve.r_squared:.4f}"
        return CalciumResponse(**asdict(self.response), source=f"{self.source.label} {form}{quality}")

    def check(self) -> None:
        """What the types alone do not say; ValueError."""
        check_status(self.status, "response", self.response)
        if self.response is None:
            return
        response = self.response
        if response.form == "curve":
            if self.curve is None or response.knots is None or response.values is None:
                raise ValueError("a response of form curve goes with a curve, knots and values")
            self.settings().check_reference()
            return
        if (response.form == "hill") != (response.half is not None):
            raise ValueError(f"response.half is {response.half}, which does not suit {response.form}")
        for name in ("baseline", "amplitude", "exponent"):
            if getattr(response, name) is None:
                raise ValueError(f"response.{name} is None, which does not suit {response.form}")
        candidate = self.candidates.get(response.form)
        if candidate is None:
            raise ValueError(f"candidates has no {response.form}, the form of the response")
        for name, (low, high) in candidate.intervals.items():
            value, room = getattr(response, name, None), ROUNDING * max(abs(low), abs(high), 1.0)
            if value is not None and (value < low - room or value > high + room):
                raise ValueError(f"response.{name} is {value:g}, outside its own interval from {low:.4g} to {high:.4g}")
        self.settings().check_reference()


def calcium_section(fit: CalciumFit, source: Source, provenance: dict[str, str]) -> CalciumSection:
    """The section of a fit."""
    reference = Reference(fit.reference_rate, "Hz", fit.reference_calcium, "umolar")
    curves = _chosen_curve(fit), fit.candidates, fit.curve
    return CalciumSection(fit.status, fit.reason, *curves, reference, source, provenance)


def _chosen_curve(fit: CalciumFit) -> ChosenCurve | None:
    """None if the fit failed."""
    if fit.form is None:
        return None
    chosen = fit.curve if fit.form == "curve" else fit.candidates[fit.form]
    numbers: dict[str, Any] = {field.name: getattr(chosen, field.name, None) for field in fields(ChosenCurve)}
    return ChosenCurve(**numbers | {"form": fit.form, "lowest": fit.lowest, "highest": fit.highest})
