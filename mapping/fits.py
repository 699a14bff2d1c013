"""What can be fitted: a line a kind of dataset, by which it is recognised, fitted and kept.

A new fit is a file of its own here, its line in KINDS, its field in `Coefficients` and its figure in studies/fits.
"""

import inspect
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import xarray as xr

from astromorph.files.reasons import lacking
from mapping import calcium_response, process_kernel, release_response, retention, segment_response
from mapping.calcium_section import calcium_section
from mapping.coefficients import FORMAT_VERSION, Coefficients
from mapping.places import Place
from mapping.section import Section, Source, source_of
from mapping.segment_section import segment_section
from mapping.units import in_units


class Kind(NamedTuple):
    """A kind of dataset. Options of a fit are the arguments its function has."""

    made: str  # by which command
    holds: tuple[tuple[str, str], ...]  # a variable and a dimension of it, any of them
    fit: Callable[..., Any]
    forms: tuple[str, ...] = ()
    section: Callable[[Any, Source, dict[str, str]], Any] = Section
    units: Mapping[str, str] = {}  # that the fit works in; measured ones are converted


SEGMENT = ("detection_probability", "active_synapses"), ("plateau_voltage", "active_synapses")
KINDS = {  # by section of the coefficients
    "calcium_response": Kind(
        "simulate calcium-response",
        (("calcium_mean", "rate"),),
        calcium_response.fit_calcium_response,
        calcium_response.FORMS,
        calcium_section,
        calcium_response.UNITS,
    ),
    "distance_kernel": Kind(
        "study process-length",
        (("inositol_trisphosphate", "position"),),
        process_kernel.fit_process_kernel,
        units=process_kernel.UNITS,
    ),
    "release": Kind(
        "study release-rate",
        (("release", "rate"),),
        release_response.fit_release,
        release_response.FORMS,
        units=release_response.UNITS,
    ),
    "retention": Kind("simulate retention", (("long_term", "time"),), retention.fit_retention, units=retention.UNITS),
    "segment": Kind(
        "study segment-detection",
        SEGMENT,
        segment_response.fit_segment_response,
        section=segment_section,
        units=segment_response.UNITS,
    ),
}


class Options(NamedTuple):
    """What a fit may be given, if it has a use for it; see `fit`."""

    form: str = "best"
    at: Mapping[str, Place] = {}
    reference_rate: float | None = None
    spacing: float | None = None


class Measurement(NamedTuple):
    """A dataset to fit: what messages call it, the section it becomes, and where it came from."""

    name: str
    section: str
    dataset: xr.Dataset
    source: Source


class Fitted(NamedTuple):
    """A measurement, the outcome of its fit, and the section that is kept of it."""

    measurement: Measurement
    fit: Any
    section: Any


def fit(
    *datasets: xr.Dataset | str | os.PathLike,
    form: str = "best",
    at: Mapping[str, Place] = {},
    reference_rate: float | None = None,
    spacing: float | None = None,
    provenance: Mapping[str, str] = {},
) -> Coefficients:
    """Fit what was measured. What each dataset holds is recognised, and becomes a section of the coefficients.

    Args:
        datasets: of `simulate calcium-response`, `study process-length`, `study release-rate`, `simulate retention` and
            `study segment-detection`, one of each kind at most, or paths of their files. Coefficients name the file and
            its checksum; those of a dataset in memory name its study and the checksum of its content.
        form: of the calcium response (power_law, hill, curve) and of the release (mean_field, curve), or the best.
        at: where to take a curve or profile that varies with more, such as {"degradation": 2, "loop": "none"}.
        reference_rate: Hz that become x = 1; if left out the geometric mean of the measured rates, of those of the
            calcium response if there is one.
        spacing: um between synapses, 0.78 if left out.
        provenance: text kept with every section.

    A fit that fails becomes a section that says why, and that cannot be trained with. ValueError in one sentence for a
    dataset that holds nothing of this, an option without a use, and what a fit does not know.

    Example: mapping.fit("response.nc", "process.nc", at={"degradation": 2})
    """
    options = Options(form, at, reference_rate, spacing)
    return joined(fit_each([recognised(dataset) for dataset in datasets], options, provenance))


def recognised(dataset: xr.Dataset | str | os.PathLike) -> Measurement:
    """A dataset, or the file of one, and what it holds. ValueError if that is nothing to fit."""
    if isinstance(dataset, xr.Dataset):
        source = source_of(dataset)
        name = source.file
    elif not isinstance(dataset, str | os.PathLike):
        raise ValueError(f"{type(dataset).__name__} is no dataset; give an xarray.Dataset, or the path of its file")
    else:
        from biophys.simulation.recording import load  # imports Brian2

        name, file, dataset = str(dataset), dataset, load(dataset)
        source = source_of(dataset, file)
    for section, kind in KINDS.items():
        if any(measure in dataset and dimension in dataset[measure].dims for measure, dimension in kind.holds):
            return Measurement(name, section, in_units(dataset, kind.units), source)
    commands = ", ".join(kind.made for kind in KINDS.values())
    raise ValueError(f"{name} holds nothing that is mapped; make a dataset with one of: {commands}")


def fit_each(measurements: Sequence[Measurement], options: Options, provenance: Mapping[str, str] = {}) -> list[Fitted]:
    """The fits of measurements in their order; x = 1 is the same rate in all of them. ValueError as of `fit`."""
    _check(measurements, options)
    results: dict[str, Fitted] = {}
    for measurement in sorted(measurements, key=lambda each: list(KINDS).index(each.section)):
        outcome = _fit(measurement, options)
        section = KINDS[measurement.section].section(outcome, measurement.source, dict(provenance))
        results[measurement.section] = Fitted(measurement, outcome, section)
        if measurement.section == "calcium_response":  # the first
            options = options._replace(reference_rate=outcome.reference_rate)
    return [results[measurement.section] for measurement in measurements]


def joined(results: Iterable[Fitted]) -> Coefficients:
    """Coefficients of a section for every fit."""
    return Coefficients(FORMAT_VERSION, **{each.measurement.section: each.section for each in results})


def _fit(measurement: Measurement, options: Options) -> Any:
    """The outcome of a fit with those of the options that it has."""
    kind, dataset = KINDS[measurement.section], measurement.dataset
    here = options._replace(
        form=options.form if options.form in kind.forms else "best",
        at={name: place for name, place in options.at.items() if name in dataset.dims},
    )
    usable = {name: value for name, value in here._asdict().items() if value is not None and _takes(kind, name)}
    try:
        return kind.fit(dataset, **usable)
    except (KeyError, AttributeError, TypeError, IndexError) as error:
        missing = lacking(error)
        raise ValueError(
            f"{measurement.name} lacks what is fitted ({missing}); make it anew with {kind.made}"
        ) from error


def _takes(kind: Kind, option: str) -> bool:
    return option in inspect.signature(kind.fit).parameters


def _check(measurements: Sequence[Measurement], options: Options) -> None:
    """One dataset of a kind, and a use for every option. ValueError names the first without."""
    if not measurements:
        raise ValueError("there is no dataset to fit; give one, such as that of simulate calcium-response")
    by_section: dict[str, Measurement] = {}
    for each in measurements:
        if (other := by_section.setdefault(each.section, each)) is not each:
            raise ValueError(f"{other.name} and {each.name} both give the {each.section}; leave one out")
    kinds, form = [KINDS[section] for section in by_section], options.form
    known = dict.fromkeys(each for kind in KINDS.values() for each in kind.forms)
    if form not in known:
        raise ValueError(f"there is no form {form!r}; use one of {', '.join(known)}")
    rest = {name: getattr(options, name) for name in ("reference_rate", "spacing")}
    used = {name: value is None or any(_takes(kind, name) for kind in kinds) for name, value in rest.items()}
    used[f"form {form}"] = form == "best" or any(form in kind.forms for kind in kinds)
    dims = {name for each in measurements if _takes(KINDS[each.section], "at") for name in each.dataset.dims}
    used |= {f"at {name}": name in dims for name in options.at}
    if useless := [option for option, use in used.items() if not use]:
        held = " and ".join(f"{each.name}, which holds a {each.section.replace('_', ' ')}" for each in measurements)
        raise ValueError(f"{useless[0]} does not go with {held}; leave it out")
