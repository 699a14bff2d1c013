"""The section of a dendritic segment: threshold and gain of its gate, where they came from, and how well they fit.

Read by `astromorph study permuted-mnist --segment`.
"""

from dataclasses import dataclass

from mapping.section import Source, Status, check_status, failed
from mapping.segment_response import Measure, SegmentCurve, SegmentFit


@dataclass(frozen=True)
class FittedGate:
    """The gate of a segment (see mapping/segment_response.py), over lowest <= x <= highest."""

    measure: Measure
    at: dict[str, float]  # where it was taken along other dimensions of the dataset
    threshold: float
    gain: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class SegmentReference:
    """What x = 1 stands for, and the measure of a segment at rest and fully open."""

    synapses: float
    floor: float
    ceiling: float
    units: str  # of floor and ceiling


@dataclass(frozen=True)
class SegmentSection:
    """All that is kept of a dendritic segment."""

    status: Status
    reason: str
    segment_response: FittedGate | None
    curve: SegmentCurve | None
    reference: SegmentReference | None
    source: Source
    provenance: dict[str, str]

    def gate(self) -> FittedGate:
        """The gate of the torch side. ValueError if the fit failed."""
        if self.segment_response is None:
            raise failed(self, "simulate a segment with a threshold")
        return self.segment_response

    def check(self) -> None:
        """What the types alone do not say; ValueError."""
        check_status(self.status, "segment_response", self.segment_response)
        if self.segment_response is not None:
            if not self.segment_response.gain > 0:
                raise ValueError(f"segment_response.gain is {self.segment_response.gain}, not above 0")
            if self.curve is None or self.reference is None:
                raise ValueError("a segment_response goes with a curve and a reference")


def segment_section(fit: SegmentFit, source: Source, provenance: dict[str, str]) -> SegmentSection:
    """The section of a fit."""
    gate = reference = None
    if fit.curve is not None:
        reference = SegmentReference(fit.threshold_synapses, fit.floor, fit.ceiling, fit.units)  # type: ignore[arg-type]
    if fit.curve is not None and fit.status == "ok":
        numbers = (fit.curve.threshold, fit.curve.gain, fit.lowest, fit.highest)
        gate = FittedGate(fit.measure, fit.at, *numbers)  # type: ignore[arg-type]
    return SegmentSection(fit.status, fit.reason, gate, fit.curve, reference, source, provenance)
