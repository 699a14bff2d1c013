"""The file between the floors: a YAML of dimensionless coefficients, where they came from, and how well
they fit.

Written by `astromorph map`, read by `astromorph train --astrocyte`. Reading is strict: a missing, unknown
or wrongly typed entry is refused with one sentence, and a file of a failed fit cannot be trained with. The file of a
dendritic segment is read in the same way (mapping/segment_coefficients.py).
"""

import hashlib
import math
import os
import types
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import xarray as xr
import yaml

from astromorph.settings import CalciumResponse
from astromorph.whole_files import whole
from mapping.calcium_response import Candidate, ResponseFit

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Response:
    """The chosen curve: power law or Hill (see mapping/calcium_response.py), over lowest <= x <= highest."""

    form: Literal["power_law", "hill"]
    baseline: float
    amplitude: float
    exponent: float
    half: float | None
    lowest: float
    highest: float


@dataclass(frozen=True)
class Reference:
    """What x = 1 and rho = 1 stand for."""

    rate: float
    rate_units: str
    calcium: float
    calcium_units: str


@dataclass(frozen=True)
class Source:
    """The dataset that was fitted: its name without folder, its checksum, and what was simulated."""

    file: str
    sha256: str
    parameters: dict[str, str]


@dataclass(frozen=True)
class Coefficients:
    """The whole file."""

    format_version: int
    status: Literal["ok", "failed"]
    reason: str
    response: Response | None
    candidates: dict[str, Candidate | None]
    reference: Reference
    source: Source
    provenance: dict[str, str]


def coefficients_from_fit(
    fit: ResponseFit, dataset: xr.Dataset, file: str | os.PathLike, *, provenance: Mapping[str, str] = {}
) -> Coefficients:
    """Gather a fit, the dataset it was made from, and the dataset's file (read for its checksum)."""
    response = None
    if fit.form is not None:
        chosen = fit.candidates[fit.form]
        assert chosen is not None  # a form is only ever chosen among the fitted candidates
        values = (chosen.baseline, chosen.amplitude, chosen.exponent, chosen.half)
        response = Response(fit.form, *values, fit.lowest, fit.highest)  # type: ignore[arg-type]
    return Coefficients(
        format_version=FORMAT_VERSION,
        status=fit.status,  # type: ignore[arg-type]
        reason=fit.reason,
        response=response,
        candidates=fit.candidates,
        reference=Reference(fit.reference_rate, "Hz", fit.reference_calcium, "umolar"),
        source=source_of(dataset, file),
        provenance=dict(provenance),
    )


def source_of(dataset: xr.Dataset, file: str | os.PathLike) -> Source:
    """What was simulated, and the file it lies in (read for its checksum)."""
    simulated = {
        str(name): str(value)
        for name, value in dataset.attrs.items()
        if name != "title" and not str(name).startswith("provenance_")
    }
    return Source(Path(file).name, hashlib.sha256(Path(file).read_bytes()).hexdigest(), simulated)


def write_coefficients(coefficients: Any, path: str | os.PathLike) -> None:
    """Write Coefficients, or those of a segment, as YAML, whole or not at all."""
    with whole(path) as part:
        part.write_text(yaml.safe_dump(asdict(coefficients), sort_keys=False, allow_unicode=True))


def read_coefficients(path: str | os.PathLike) -> Coefficients:
    """Read the YAML strictly. FileNotFoundError, or ValueError that names the entry."""
    return read_strictly(path, Coefficients, _check)


def read_strictly(path: str | os.PathLike, kind: type, check: Callable[[Any], None]) -> Any:
    """Read a YAML as the dataclass `kind` and `check` it; errors as above."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no coefficients file {path}; write one with astromorph map")
    try:
        content = yaml.safe_load(Path(path).read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid YAML; write it again with astromorph map") from error
    try:
        coefficients = _read_as(kind, content, "the file")
        check(coefficients)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; write it again with astromorph map") from None
    return coefficients


def response_settings(coefficients: Coefficients) -> CalciumResponse:
    """The settings of the torch side. Raises ValueError for a failed fit."""
    if coefficients.response is None:
        raise ValueError(
            f"the fit to {coefficients.source.file} failed ({coefficients.reason}); "
            "simulate a response that rises smoothly and run astromorph map on it"
        )
    response, source = coefficients.response, coefficients.source
    chosen = coefficients.candidates[response.form]
    assert chosen is not None  # checked when read
    origin = f"{source.file} {source.sha256[:12]} {response.form} AICc {chosen.aicc:.1f}"
    return CalciumResponse(**asdict(response), source=origin)


def _check(read: Coefficients) -> None:
    """What the types alone do not say."""
    check_version(read.format_version)
    if (read.status == "ok") != (read.response is not None):
        raise ValueError(f"status {read.status} does not go with response {read.response}")
    if read.response is not None:
        if (read.response.form == "hill") != (read.response.half is not None):
            raise ValueError(f"response.half is {read.response.half}, which does not suit {read.response.form}")
        if read.candidates.get(read.response.form) is None:
            raise ValueError(f"candidates has no {read.response.form}, the form of the response")


def check_version(found: int) -> None:
    """Raise ValueError unless this version reads files of version `found`."""
    if found != FORMAT_VERSION:
        raise ValueError(f"format_version is {found}, this version reads {FORMAT_VERSION}")


def _read_as(expected: Any, value: Any, where: str) -> Any:
    """`value` as the expected type, through dataclasses and dictionaries; ValueError names the place."""
    origin, inner = get_origin(expected), get_args(expected)
    if origin is types.UnionType:
        return None if value is None else _read_as(inner[0], value, where)
    if is_dataclass(expected):
        return _read_dataclass(expected, value, where)
    if origin is Literal:
        if value not in inner:
            raise ValueError(f"{where} is {value!r}, not one of {', '.join(inner)}")
        return value
    if origin is dict and isinstance(value, dict):
        return {_read_as(str, key, where): _read_as(inner[1], each, f"{where}.{key}") for key, each in value.items()}
    if origin is list and isinstance(value, list):
        return [_read_as(inner[0], each, where) for each in value]
    if expected is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if expected in (int, str) and type(value) is expected:
        return value
    names = {float: "a finite number", int: "a whole number", str: "text"}
    raise ValueError(f"{where} is {value!r}, not {names.get(expected, 'a list or section')}")


def _read_dataclass(expected: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{where} is {value!r}, not a section of named entries")
    names, prefix = [field.name for field in fields(expected)], "" if where == "the file" else f"{where}."
    for name in value:
        if name not in names:
            raise ValueError(f"{prefix}{name} is not a known entry of {where}")
    for name in names:
        if name not in value:
            raise ValueError(f"{prefix}{name} is missing")
    hints = get_type_hints(expected)
    return expected(**{name: _read_as(hints[name], value[name], f"{prefix}{name}") for name in names})
