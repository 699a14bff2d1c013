"""The resolved settings of a training as YAML that --config reads again, with the origin of every number.

A setting comes from an option, a --config file, the coefficients of --astrocyte, or is a default. What --astrocyte
holds beyond settings (calcium response, release) follows as comments, with dataset, checksum and interval.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from astromorph.files.plain_yaml import read_yaml
from astromorph.settings import CalciumResponse, Settings
from studies.shell.parser import given_names, given_values

if TYPE_CHECKING:
    from mapping import Coefficients

NONE: Mapping[str, Sequence[float]] = {}


def written(
    settings: Settings,
    response: CalciumResponse | None,
    measured: "Coefficients | None",
    file: Path | None,
    words: Sequence[str],
) -> str:
    """The text. words: the command line without the verb and the data set."""
    origins = _origins(settings, words)
    if measured is not None and (kernel := measured.distance_kernel) is not None:
        interval = _interval(kernel.fit.length_interval)
        origins["position_scale"] = f"distance kernel of {file}: {kernel.source.label}{interval}"
    if measured is not None and (memory := measured.retention) is not None and "retention" in settings.measured:
        origins["retention"] = f"retention of {file}: {memory.source.label}{_interval(memory.fit.ratio_interval)}"
    lines = [f"{_entry(name, value)}  # {origins[name]}" for name, value in asdict(settings).items()]
    if response is not None:
        lines += _response_lines(response, measured, file)
    if measured is not None:
        lines += [f"# {name}: in {file}, not used by this model" for name in _unused(measured, settings)]
    return "\n".join(lines) + "\n"


def _origins(settings: Settings, words: Sequence[str]) -> dict[str, str]:
    """default, a settings file, or option, for every setting."""
    found = {name: "default" for name in asdict(settings)}
    for file in given_values(list(words), "config"):
        found |= {name: file for name in read_yaml(file) or {}}
    return found | {name: "option" for name in given_names(words) if name in found}


def _response_lines(response: CalciumResponse, measured: "Coefficients | None", file: Path | None) -> Iterator[str]:
    """Calcium response and release as comments."""
    section = None if measured is None else measured.calcium_response
    numbers = asdict(response)
    synapse = numbers.pop("synapse")
    chosen = section.candidates.get(response.form) if section is not None else None
    intervals = NONE if chosen is None else chosen.intervals
    if section is not None and section.curve is not None and response.form == "curve" and section.curve.intervals:
        intervals = {"values": section.curve.intervals}  # type: ignore[dict-item]
    origin = "default, published" if section is None else f"{file}: {section.source.file} {section.source.sha256}"
    yield f"# calcium response ({origin}):"
    yield from _comments(numbers, intervals)
    if synapse is not None and measured is not None and measured.release is not None:
        yield f"# release ({file}: {measured.release.source.file} {measured.release.source.sha256}):"
        fitted = response.synapse is not None and response.synapse.form == "mean_field"
        yield from _comments(synapse, (measured.release.fit.intervals or NONE) if fitted else NONE)


def _comments(numbers: Mapping[str, Any], intervals: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    for name, value in numbers.items():
        if value is not None:
            shown = list(value) if isinstance(value, tuple) else value
            yield f"#   {name}: {shown}{_interval(intervals.get(name))}"


def _interval(interval: Sequence[Any] | None) -> str:
    if interval is None:
        return ""
    if isinstance(interval[0], list):
        return "  # 95 % " + ", ".join(f"{low:.6g} to {high:.6g}" for low, high in interval)
    return f"  # 95 % {interval[0]:.6g} to {interval[1]:.6g}"


def _entry(name: str, value: Any) -> str:
    if isinstance(value, tuple):
        return f"{name}: [{', '.join(map(str, value))}]"
    return yaml.safe_dump({name: value}).strip()


def _unused(measured: "Coefficients", settings: Settings) -> list[str]:
    used = settings.measured.values()
    return [name for name in ("retention", "segment") if name not in used and getattr(measured, name) is not None]
