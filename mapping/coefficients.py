"""The file between the floors: a YAML of dimensionless coefficients, where they came from, and how well
they fit.

Written by `astromorph map`, read by `astromorph train --astrocyte`. It has a section for every kind of dataset that was
mapped:

    calcium_response   the response of presynaptic plasticity       mapping/calcium_response.py
    distance_kernel    coupling of tokens by their distance         mapping/process_kernel.py
    release            feature map of a synapse                     mapping/release_response.py
    retention          memory kept from one segment to the next     mapping/retention.py
    segment            gate of a dendritic segment                  mapping/segment_response.py

Reading is strict: a missing, unknown or wrongly typed entry is refused with one sentence, and a section whose fit
failed cannot be used. Files of version 1, which hold a calcium response or a segment alone, are read as well.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import xarray as xr
import yaml
from numpy.typing import ArrayLike, NDArray

from astromorph.files.plain_yaml import read_yaml
from astromorph.files.strict_reading import read_as
from astromorph.files.whole_files import whole
from astromorph.settings import CalciumResponse, SynapticRelease
from mapping.calcium_curve import MeasuredCurve
from mapping.calcium_response import Candidate, ResponseFit
from mapping.process_kernel import KernelFit
from mapping.release_response import ReleaseFit
from mapping.retention import RetentionFit, factor
from mapping.segment_coefficients import SegmentCoefficients, check_segment
from mapping.source import Source, source_of

FORMAT_VERSION = 2
Fit = TypeVar("Fit", KernelFit, ReleaseFit, RetentionFit)


@dataclass(frozen=True)
class Response:
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
class ResponseCoefficients:
    """All that is kept of a calcium response."""

    status: Literal["ok", "failed"]
    reason: str
    response: Response | None
    candidates: dict[str, Candidate | None]
    curve: MeasuredCurve | None
    reference: Reference
    source: Source
    provenance: dict[str, str]


@dataclass(frozen=True)
class Section(Generic[Fit]):
    """All that is kept of another fit."""

    fit: Fit
    source: Source
    provenance: dict[str, str]


@dataclass(frozen=True)
class Coefficients:
    """The whole file. `response`, `candidates`, `reference` and `source` are those of the calcium response."""

    format_version: int
    calcium_response: ResponseCoefficients | None = None
    distance_kernel: Section[KernelFit] | None = None
    release: Section[ReleaseFit] | None = None
    retention: Section[RetentionFit] | None = None
    segment: SegmentCoefficients | None = None

    @property
    def response(self) -> Response | None:
        return self._calcium.response

    @property
    def candidates(self) -> dict[str, Candidate | None]:
        return self._calcium.candidates

    @property
    def reference(self) -> Reference:
        return self._calcium.reference

    @property
    def source(self) -> Source:
        return self._calcium.source

    @property
    def _calcium(self) -> ResponseCoefficients:
        if self.calcium_response is None:
            raise ValueError("the coefficients hold no calcium response; map a dataset of simulate calcium-response")
        return self.calcium_response


SECTIONS = tuple(field.name for field in fields(Coefficients) if field.name != "format_version")


def coefficients_from_fit(
    fit: ResponseFit | KernelFit | ReleaseFit | RetentionFit,
    dataset: xr.Dataset,
    file: str | os.PathLike,
    *,
    provenance: Mapping[str, str] = {},
) -> Coefficients:
    """Gather a fit, the dataset it was made from, and the dataset's file (read for its checksum): one section."""
    came = (source_of(dataset, file), dict(provenance))
    match fit:
        case KernelFit():
            return Coefficients(FORMAT_VERSION, distance_kernel=Section(fit, *came))
        case ReleaseFit():
            return Coefficients(FORMAT_VERSION, release=Section(fit, *came))
        case RetentionFit():
            return Coefficients(FORMAT_VERSION, retention=Section(fit, *came))
    reference = Reference(fit.reference_rate, "Hz", fit.reference_calcium, "umolar")
    section = ResponseCoefficients(
        fit.status,  # type: ignore[arg-type]
        fit.reason,
        _response(fit),
        fit.candidates,
        fit.curve,
        reference,
        *came,
    )
    return Coefficients(FORMAT_VERSION, calcium_response=section)


def _response(fit: ResponseFit) -> Response | None:
    """The chosen curve; None if the fit failed."""
    if fit.form is None:
        return None
    if fit.form == "curve":
        assert fit.curve is not None  # a form is only ever chosen among what was found
        return Response("curve", None, None, None, None, fit.lowest, fit.highest, fit.curve.knots, fit.curve.values)
    chosen = fit.candidates[fit.form]
    assert chosen is not None
    values = (chosen.baseline, chosen.amplitude, chosen.exponent, chosen.half)
    return Response(fit.form, *values, fit.lowest, fit.highest, None, None)  # type: ignore[arg-type]


def merged(parts: list[Coefficients]) -> Coefficients:
    """All sections in one file. ValueError if two are of the same kind, or x = 1 is not the same rate in them."""
    found: dict[str, Any] = {}
    for part in parts:
        for name in SECTIONS:
            section = getattr(part, name)
            if section is None:
                continue
            if name in found:
                raise ValueError(
                    f"{found[name].source.file} and {section.source.file} both give the {name}; leave one out"
                )
            found[name] = section
    whole_file = Coefficients(FORMAT_VERSION, **found)
    _check_reference(whole_file)
    return whole_file


def write_coefficients(coefficients: Coefficients | SegmentCoefficients, path: str | os.PathLike) -> None:
    """Write all sections (or those of a segment alone) as YAML, whole or not at all."""
    if isinstance(coefficients, SegmentCoefficients):
        coefficients = Coefficients(FORMAT_VERSION, segment=coefficients)
    content = {name: value for name, value in asdict(coefficients).items() if value is not None}
    with whole(path) as part:
        part.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def read_coefficients(path: str | os.PathLike) -> Coefficients:
    """Read the YAML strictly. FileNotFoundError, or ValueError that names the entry."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no coefficients file {path}; write one with astromorph map")
    try:
        content = read_yaml(path)
    except ValueError as error:
        raise ValueError(f"{error}; write it again with astromorph map") from error
    try:
        coefficients = read_as(Coefficients, _as_version_2(content))
        _check(coefficients)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; write it again with astromorph map") from None
    return coefficients


def _as_version_2(content: Any) -> Any:
    """What a file of version 1 would be today; anything else as it is."""
    if not isinstance(content, dict) or content.get("format_version") != 1:
        return content
    section = {name: value for name, value in content.items() if name != "format_version"}
    if "segment_response" in section:
        return {"format_version": FORMAT_VERSION, "segment": section}
    if isinstance(section.get("response"), dict):
        section["response"] = {"knots": None, "values": None} | section["response"]
    return {"format_version": FORMAT_VERSION, "calcium_response": {"curve": None} | section}


def response_settings(coefficients: Coefficients) -> CalciumResponse:
    """Response and synapses of the torch side; what was not measured is as published.

    Raises ValueError if a fit failed, or neither was measured and no distance kernel either.
    """
    section, synapse = coefficients.calcium_response, release_settings(coefficients)
    if section is None:
        if synapse is None and coefficients.distance_kernel is None:
            raise ValueError(
                "the coefficients hold nothing that attention is made of; map a dataset of simulate calcium-response, "
                "study process-length or study release-rate"
            )
        return CalciumResponse(synapse=synapse)
    if section.response is None:
        raise _failed(section.source, section.reason, "simulate a response that rises smoothly")
    response = section.response
    quality = ""
    if response.form != "curve":
        chosen = section.candidates[response.form]
        assert chosen is not None  # checked when read
        quality = f" AICc {chosen.aicc:.1f}"
    elif section.curve is not None:
        quality = f" R^2 {section.curve.r_squared:.4f}"
    origin = f"{section.source.told} {response.form}{quality}"
    return CalciumResponse(**asdict(response), source=origin, synapse=synapse)


def release_settings(coefficients: Coefficients) -> SynapticRelease | None:
    """The synapse of the torch side, if one was measured. ValueError if its fit failed."""
    if coefficients.release is None:
        return None
    fit, source = coefficients.release.fit, coefficients.release.source
    if fit.form is None:
        raise _failed(source, fit.reason, "measure release at more rates")
    ends = {"lowest": fit.lowest, "highest": fit.highest, "source": f"{source.told} {fit.form}"}
    if fit.form == "curve":
        return SynapticRelease("curve", knots=tuple(fit.knots), values=tuple(fit.values), **ends)  # type: ignore[arg-type]
    return SynapticRelease("mean_field", fit.resting, fit.recovery, fit.facilitation, **ends)  # type: ignore[arg-type]


def kernel_length(coefficients: Coefficients) -> float | None:
    """lambda of the distance kernel in tokens, if it was measured. ValueError if its fit failed."""
    return _number(coefficients.distance_kernel, "length", "simulate a longer process")


def retention_ratio(coefficients: Coefficients) -> float | None:
    """The ratio q of retention factors, if it was measured. ValueError if its fit failed."""
    return _number(coefficients.retention, "ratio", "simulate more cycles")


def _number(section: Section | None, name: str, cure: str) -> float | None:
    """The one number of a fit; ValueError with the cure if the fit failed."""
    if section is None:
        return None
    if getattr(section.fit, name) is None:
        raise _failed(section.source, section.fit.reason, cure)
    return getattr(section.fit, name)


def retention_factor(coefficients: Coefficients, t: ArrayLike, T: int) -> NDArray:
    """RetentionFactor(t, T) of RMAAT for segments t (whole numbers 1 to T, any shape) of a text of T.

    Sums to 1 over t = 1..T. ValueError if retention was not measured, its fit failed, or t lies outside.
    """
    ratio = retention_ratio(coefficients)
    if ratio is None:
        raise ValueError("the coefficients hold no retention; map a dataset of simulate retention")
    return factor(t, T, ratio)


def _failed(source: Source, reason: str, cure: str) -> ValueError:
    return ValueError(f"the fit to {source.file} failed ({reason}); {cure} and run astromorph map on it")


def _check(read: Coefficients) -> None:
    """What the types alone do not say."""
    if read.format_version != FORMAT_VERSION:
        raise ValueError(f"format_version is {read.format_version}, this version reads 1 and {FORMAT_VERSION}")
    if all(getattr(read, name) is None for name in SECTIONS):
        raise ValueError(f"the file holds none of {', '.join(SECTIONS)}")
    if read.calcium_response is not None:
        _check_response(read.calcium_response)
    if read.segment is not None:
        check_segment(read.segment)
    results = {"distance_kernel": "length", "release": "form", "retention": "ratio"}
    for name, result in results.items():
        section = getattr(read, name)
        if section is not None and (section.fit.status == "ok") != (getattr(section.fit, result) is not None):
            raise ValueError(
                f"{name}: status {section.fit.status} does not go with {result} {getattr(section.fit, result)}"
            )
    _check_reference(read)
    if read.release is not None and read.release.fit.form:
        release_settings(read)  # refuses numbers that are no synapse


def _check_response(read: ResponseCoefficients) -> None:
    if (read.status == "ok") != (read.response is not None):
        raise ValueError(f"status {read.status} does not go with response {read.response}")
    if read.response is None:
        return
    response = read.response
    laws = {name: getattr(response, name) for name in ("baseline", "amplitude", "exponent")}
    if response.form == "curve":
        if read.curve is None or response.knots is None or response.values is None:
            raise ValueError("a response of form curve goes with a curve, knots and values")
    elif (response.form == "hill") != (response.half is not None):
        raise ValueError(f"response.half is {response.half}, which does not suit {response.form}")
    elif missing := [name for name, value in laws.items() if value is None]:
        raise ValueError(f"response.{missing[0]} is None, which does not suit {response.form}")
    elif read.candidates.get(response.form) is None:
        raise ValueError(f"candidates has no {response.form}, the form of the response")


def _check_reference(read: Coefficients) -> None:
    """x = 1 must be the same rate for the calcium response and the release."""
    if read.calcium_response is None or read.release is None:
        return
    calcium, release = read.calcium_response.reference.rate, read.release.fit.reference_rate
    if abs(calcium / release - 1) > 1e-9:
        raise ValueError(
            f"x = 1 is {calcium:.4g} Hz in the calcium response and {release:.4g} Hz in the release; "
            "map both together, or with the same --reference_rate"
        )
