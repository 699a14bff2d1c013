"""The section of a dendritic segment: threshold and gain of its gate, where they came from, and how well they fit.

A section of the coefficients file (mapping/coefficients.py), read by `astromorph study permuted-mnist --segment`.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import xarray as xr

from mapping.segment_response import SegmentCurve, SegmentFit
from mapping.source import Source, source_of


@dataclass(frozen=True)
class SegmentResponse:
    """The gate of a segment (see mapping/segment_response.py), over lowest <= x <= highest."""

    measure: Literal["detection_probability", "plateau_voltage"]
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
class SegmentCoefficients:
    """All that is kept of a dendritic segment."""

    status: Literal["ok", "failed"]
    reason: str
    segment_response: SegmentResponse | None
    curve: SegmentCurve | None
    reference: SegmentReference | None
    source: Source
    provenance: dict[str, str]


def segment_coefficients_from_fit(
    fit: SegmentFit, dataset: xr.Dataset, file: str | os.PathLike, *, provenance: Mapping[str, str] = {}
) -> SegmentCoefficients:
    """Gather a fit, the dataset it was made from, and the dataset's file (read for its checksum)."""
    response = reference = None
    if fit.curve is not None:
        units = str(dataset[fit.measure].attrs.get("units", "1"))
        values = (fit.threshold_synapses, fit.floor, fit.ceiling)
        reference = SegmentReference(*values, units)  # type: ignore[arg-type]
    if fit.curve is not None and fit.status == "ok":
        numbers = (fit.curve.threshold, fit.curve.gain, fit.lowest, fit.highest)
        response = SegmentResponse(fit.measure, fit.at, *numbers)  # type: ignore[arg-type]
    return SegmentCoefficients(
        status=fit.status,  # type: ignore[arg-type]
        reason=fit.reason,
        segment_response=response,
        curve=fit.curve,
        reference=reference,
        source=source_of(dataset, file),
        provenance=dict(provenance),
    )


def read_segment_coefficients(path: str | os.PathLike) -> SegmentCoefficients:
    """The segment of a coefficients file. FileNotFoundError, or ValueError that names the entry."""
    from mapping.coefficients import read_coefficients  # which knows this section

    segment = read_coefficients(path).segment
    if segment is None:
        raise ValueError(f"{path} holds no dendritic segment; map a dataset of study segment-detection")
    return segment


def segment_response(coefficients: SegmentCoefficients) -> SegmentResponse:
    """The gate of the torch side. Raises ValueError for a failed fit."""
    if coefficients.segment_response is None:
        raise ValueError(
            f"the fit to {coefficients.source.file} failed ({coefficients.reason}); "
            "simulate a segment with a threshold and run astromorph map on it"
        )
    return coefficients.segment_response


def check_segment(read: SegmentCoefficients) -> None:
    """What the types alone do not say; ValueError."""
    if (read.status == "ok") != (read.segment_response is not None):
        raise ValueError(f"status {read.status} does not go with segment_response {read.segment_response}")
    if read.segment_response is not None:
        if not read.segment_response.gain > 0:
            raise ValueError(f"segment_response.gain is {read.segment_response.gain}, not above 0")
        if read.curve is None or read.reference is None:
            raise ValueError("a segment_response goes with a curve and a reference")
