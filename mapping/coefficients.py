"""The file between the floors: a YAML of dimensionless coefficients, where they came from, and how well they fit.

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
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import yaml
from numpy.typing import ArrayLike, NDArray

from astromorph.files.plain_yaml import read_yaml
from astromorph.files.strict_reading import read_as
from astromorph.files.whole_files import whole
from astromorph.settings import CalciumResponse, SynapticRelease
from mapping.calcium_section import CalciumSection
from mapping.process_kernel import KernelFit
from mapping.release_response import NAMES, ReleaseFit
from mapping.retention import RetentionFit, factor
from mapping.section import Section
from mapping.segment_section import SegmentSection

FORMAT_VERSION = 2


@dataclass(frozen=True)
class Coefficients:
    """The whole file: a section for every kind of dataset that was fitted, None for the others."""

    format_version: int
    calcium_response: CalciumSection | None = None
    distance_kernel: Section[KernelFit] | None = None
    release: Section[ReleaseFit] | None = None
    retention: Section[RetentionFit] | None = None
    segment: SegmentSection | None = None


SECTIONS = tuple(field.name for field in fields(Coefficients) if field.name != "format_version")


def write(coefficients: Coefficients, path: str | os.PathLike) -> None:
    """Write all sections as YAML, whole or not at all."""
    content = {name: value for name, value in asdict(coefficients).items() if value is not None}
    with whole(path) as part:
        part.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")


def read(path: str | os.PathLike) -> Coefficients:
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


def read_segment(path: str | os.PathLike) -> SegmentSection:
    """The segment of a coefficients file. FileNotFoundError, or ValueError that names the entry."""
    segment = read(path).segment
    if segment is None:
        raise ValueError(f"{path} holds no dendritic segment; map a dataset of study segment-detection")
    return segment


def as_settings(coefficients: Coefficients) -> CalciumResponse:
    """Calcium response and synapses for the settings of a training; what was not measured is as published.

    Raises ValueError if a fit failed, or neither was measured and no distance kernel either.
    """
    section, synapse = coefficients.calcium_response, release_settings(coefficients)
    if section is None and synapse is None and coefficients.distance_kernel is None:
        raise ValueError(
            "the coefficients hold nothing that attention is made of; map a dataset of simulate calcium-response, "
            "study process-length or study release-rate"
        )
    return replace(CalciumResponse() if section is None else section.settings(), synapse=synapse)


def release_settings(coefficients: Coefficients) -> SynapticRelease | None:
    """The synapse of the torch side, if one was measured. ValueError if its fit failed."""
    if coefficients.release is None:
        return None
    form, fit = coefficients.release.result(), coefficients.release.fit
    numbers: dict[str, Any] = {"knots": tuple(fit.knots), "values": tuple(fit.values)}
    if form == "mean_field":
        numbers = {name: getattr(fit, name) for name in NAMES}
    source = f"{coefficients.release.source.label} {form}"
    return SynapticRelease(form, **numbers, lowest=fit.lowest, highest=fit.highest, source=source)


def retention_factor(coefficients: Coefficients, t: ArrayLike, T: int) -> NDArray:
    """RetentionFactor(t, T) of RMAAT for segments t (whole numbers 1 to T, any shape) of a text of T.

    Sums to 1 over t = 1..T. ValueError if retention was not measured, its fit failed, or t lies outside.
    """
    if coefficients.retention is None:
        raise ValueError("the coefficients hold no retention; map a dataset of simulate retention")
    return factor(t, T, coefficients.retention.result())


def _check_reference(coefficients: Coefficients) -> None:
    """x = 1 must be the same rate for the calcium response and the release; ValueError."""
    if coefficients.calcium_response is None or coefficients.release is None:
        return
    calcium, release = coefficients.calcium_response.reference.rate, coefficients.release.fit.reference_rate
    if abs(calcium / release - 1) > 1e-9:
        raise ValueError(
            f"x = 1 is {calcium:.4g} Hz in the calcium response and {release:.4g} Hz in the release; "
            "map both together, or with the same --reference_rate"
        )


def _check(coefficients: Coefficients) -> None:
    """What the types alone do not say; ValueError."""
    version = coefficients.format_version
    if version != FORMAT_VERSION:
        raise ValueError(f"format_version is {version}, this version reads 1 and {FORMAT_VERSION}")
    sections = {name: section for name in SECTIONS if (section := getattr(coefficients, name)) is not None}
    if not sections:
        raise ValueError(f"the file holds none of {', '.join(SECTIONS)}")
    for name, section in sections.items():
        try:
            section.check()
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    _check_reference(coefficients)
    if coefficients.release is not None and coefficients.release.fit.form:
        release_settings(coefficients)  # refuses numbers that are no synapse


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
