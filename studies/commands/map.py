"""Fit what was measured, and write its pure numbers to a YAML file, with the figure of every fit beside it. What a
dataset holds is recognised; several go into one file, which `astromorph train --astrocyte` builds attention from.

    simulate calcium-response   response of presynaptic plasticity   --form power_law, hill, curve or best
    study process-length        distance kernel between tokens       --spacing, --at degradation=0.5
    study release-rate          feature map of a synapse             --form mean_field, curve or best, --at loop=none
    simulate retention          retention factor of memory
    study segment-detection     gate of a dendritic segment          --at spread=0.3 --at window=5

example: astromorph map response.nc --out astrocyte.yaml
         astromorph map response.nc process.nc release.nc --at degradation=0.5 --at loop=none --out coefficients.yaml
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from studies.shell.outputs import claim, save_figure
from studies.shell.parser import parse, verb_parser
from studies.shell.provenance import provenance

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from mapping import Coefficients


Form = Literal["power_law", "hill", "mean_field", "curve", "best"]


class Fitted(NamedTuple):
    """A fit of one dataset: its section, its figure, what to print, and why it failed (or nothing)."""

    coefficients: "Coefficients"
    figure: "Figure"
    told: str
    reason: str


class Asked(NamedTuple):
    """What the options say of one dataset."""

    file: Path
    form: str
    at: dict[str, str]
    reference_rate: float | None
    spacing: float
    provenance: dict[str, str]


def run(words: list[str]) -> None:
    asked = parse(_parser(), words)
    files, at = asked["file"], places(asked["at"] or [])
    out = asked["out"] or files[0].with_suffix(".yaml")
    if asked["out"] is None and len(files) > 1:
        raise ValueError(f"{len(files)} datasets go into one file of coefficients; name it with --out")
    if twice := [file for file in files if files.count(file) > 1]:
        raise ValueError(f"{twice[0]} is named twice; leave one out")
    from biophys.simulation.recording import load

    datasets = {file: load(file) for file in files}
    kinds = {file: kind_of(file, dataset) for file, dataset in datasets.items()}
    _check_options(asked, at, datasets, kinds)
    pictures = {file: out.with_suffix(".png") for file in files}
    if len(files) > 1:
        pictures = {file: out.with_name(f"{out.stem}-{KINDS[kind].figure}.png") for file, kind in kinds.items()}
    claim(out, *pictures.values(), overwrite=asked["overwrite"], endings=(".yaml", ".yml"))
    import matplotlib

    matplotlib.use("Agg")
    from mapping import merged, write_coefficients

    fits: dict[Path, Fitted] = {}
    reference, origin = asked["reference_rate"], provenance(["map", *words])
    for file in sorted(files, key=lambda file: list(KINDS).index(kinds[file])):  # the calcium response comes first
        kind, dataset = KINDS[kinds[file]], datasets[file]
        here = {name: value for name, value in at.items() if name in dataset.dims}
        form = asked["form"] if asked["form"] in kind.forms else "best"
        try:
            fits[file] = kind.fit(dataset, Asked(file, form, here, reference, asked["spacing"], origin))
        except (KeyError, AttributeError, TypeError, IndexError) as error:
            lacking = " ".join(str(error).split())[:120]
            raise ValueError(f"{file} lacks what is fitted ({lacking}); make it anew with {kind.made}") from error
        if kinds[file] == "calcium response":
            reference = fits[file].coefficients.reference.rate
    write_coefficients(merged([fits[file].coefficients for file in files]), out)
    for file in files:
        save_figure(fits[file].figure, pictures[file])
        print(fits[file].told, flush=True)
    print(f"wrote {out} and {', '.join(map(str, pictures.values()))}", flush=True)
    for file in files:
        if fits[file].reason:
            raise ValueError(
                f"the fit to {file} failed ({fits[file].reason}); {out} says so and cannot be trained with"
            )


def _parser() -> Any:
    parser = verb_parser("astromorph map", __doc__ or "", "FILE.nc ... [--option value ...]")
    add = parser.add_argument
    add("file", type=Path, nargs="+", metavar="FILE", help="datasets of simulations and studies, each of another kind")
    add("--out", type=Path, default=None, help="coefficients to write; FILE.yaml if left out")
    add("--reference_rate", type=float | None, default=None, help="rate in Hz that becomes x = 1")
    add("--form", type=Form, default="best", help="curve of the calcium response and of the release")
    add("--spacing", type=float | None, default=None, help="um between synapses; 0.78 if left out")
    add("--at", action="append", default=None, metavar="NAME=VALUE", help="where to take a curve or profile")
    add("--overwrite", action="store_true", help="replace what --out names")
    return parser


def places(texts: list[str]) -> dict[str, str]:
    """{"window": "5"} from ["window=5"]. ValueError for anything else."""
    found = {}
    for text in texts:
        name, _, value = text.partition("=")
        if not name or not value:
            raise ValueError(f"--at {text} is no place; write a dimension and a number, such as --at window=5")
        found[name] = value
    return found


def numbers(at: dict[str, str]) -> dict[str, float]:
    """Places along dimensions of numbers. ValueError for anything else."""
    found = {}
    for name, value in at.items():
        try:
            found[name] = float(value)
        except ValueError:
            found[name] = math.nan
        if not math.isfinite(found[name]):
            raise ValueError(f"--at {name}={value} is no place; write a dimension and a number, such as --at window=5")
    return found


def kind_of(file: Path, dataset: "xr.Dataset") -> str:
    """What a dataset holds. ValueError if nothing that can be mapped."""
    for name, kind in KINDS.items():
        if any(measure in dataset and dimension in dataset[measure].dims for measure, dimension in kind.holds):
            return name
    made = ", ".join(kind.made for kind in KINDS.values())
    raise ValueError(f"{file} holds nothing that is mapped; make a dataset with one of: {made}")


def _check_options(
    asked: dict[str, Any], at: dict[str, str], datasets: dict[Path, "xr.Dataset"], kinds: dict[Path, str]
) -> None:
    """Every option must have a use. ValueError names the first without."""
    held = " and ".join(f"{file}, which holds a {kind}" for file, kind in kinds.items())
    found = [KINDS[kind] for kind in kinds.values()]
    useless = {
        "--reference_rate": asked["reference_rate"] is not None and not any(kind.has_rate for kind in found),
        f"--form {asked['form']}": asked["form"] != "best" and not any(asked["form"] in kind.forms for kind in found),
        "--spacing": asked["spacing"] is not None and "distance kernel" not in kinds.values(),
    }
    for name in at:
        useless[f"--at {name}"] = not any(name in dataset.dims for dataset in datasets.values())
    for option, wrong in useless.items():
        if wrong:
            raise ValueError(f"{option} does not go with {held}; leave it out")
    if asked["spacing"] is None:
        from mapping.process_kernel import SPACING

        asked["spacing"] = SPACING


def _fit_calcium(dataset: "xr.Dataset", asked: Asked) -> Fitted:
    from mapping import coefficients_from_fit, fit_calcium_response
    from studies.fits import calcium_response as response_fit

    fit = fit_calcium_response(dataset, reference_rate=asked.reference_rate, form=asked.form)
    coefficients = coefficients_from_fit(fit, dataset, asked.file, provenance=asked.provenance)
    told = [
        f"{form}: exponent {found.exponent:.3f}, R^2 {found.r_squared:.4f}, AICc {found.aicc:.1f}"
        for form, found in fit.candidates.items()
        if found is not None
    ]
    if fit.curve is not None:
        told.append(f"curve: {len(fit.curve.knots)} points, R^2 {fit.curve.r_squared:.4f}")
    if fit.form is not None:
        why = " by AICc" if asked.form == "best" and fit.form != "curve" else ""
        told.append(f"chosen{why}: {fit.form}, measured from x = {fit.lowest:.3g} to {fit.highest:.3g}")
    return Fitted(coefficients, response_fit.draw(dataset, coefficients), "\n".join(told), fit.reason)


def _fit_process(dataset: "xr.Dataset", asked: Asked) -> Fitted:
    from mapping import coefficients_from_fit, fit_process_kernel
    from studies.fits import process as kernel_fit

    fit = fit_process_kernel(dataset, spacing=asked.spacing, at=numbers(asked.at))
    coefficients = coefficients_from_fit(fit, dataset, asked.file, provenance=asked.provenance)
    told = "distance kernel: failed"
    if fit.length is not None:
        told = (
            f"distance kernel: length constant {fit.length_constant:.2f} um, {fit.length:.2f} tokens of "
            f"{fit.spacing:g} um"
        )
    return Fitted(coefficients, kernel_fit.draw(fit), told, fit.reason)


def _fit_release(dataset: "xr.Dataset", asked: Asked) -> Fitted:
    from mapping import coefficients_from_fit, fit_release
    from studies.fits import release as release_fit

    fit = fit_release(dataset, reference_rate=asked.reference_rate, form=asked.form, at=asked.at)
    coefficients = coefficients_from_fit(fit, dataset, asked.file, provenance=asked.provenance)
    told = "release: failed"
    if fit.form is not None:
        told = f"release: {fit.form}, measured from x = {fit.lowest:.3g} to {fit.highest:.3g}"
    if fit.residual_rms is not None:
        told += (
            f"; mean field U {fit.resting:.3f}, d {fit.recovery:.3g}, f {fit.facilitation:.3g} errs by "
            f"{100 * fit.residual_rms:.2g} %"
        )
    return Fitted(coefficients, release_fit.draw(fit), told, fit.reason)


def _fit_retention(dataset: "xr.Dataset", asked: Asked) -> Fitted:
    from mapping import coefficients_from_fit, fit_retention
    from studies.fits import retention as retention_fit

    fit = fit_retention(dataset)
    coefficients = coefficients_from_fit(fit, dataset, asked.file, provenance=asked.provenance)
    told = "retention: failed"
    if fit.ratio is not None and fit.ratio_interval is not None:
        low, high = fit.ratio_interval
        told = f"retention: a cycle adds {fit.ratio:.4f} of what the one before added ({low:.4f} to {high:.4f})"
    return Fitted(coefficients, retention_fit.draw(fit), told, fit.reason)


def _fit_segment(dataset: "xr.Dataset", asked: Asked) -> Fitted:
    from mapping import Coefficients
    from mapping.coefficients import FORMAT_VERSION
    from mapping.segment_coefficients import segment_coefficients_from_fit
    from mapping.segment_response import fit_segment_response
    from studies.fits import segment as segment_fit

    fit = fit_segment_response(dataset, at=numbers(asked.at))
    section = segment_coefficients_from_fit(fit, dataset, asked.file, provenance=asked.provenance)
    told = "segment: failed"
    if fit.curve is not None:
        low, high = fit.curve.intervals["gain"]
        gain = f"gain {fit.curve.gain:.2f} ({low:.2f} to {high:.2f})"
        told = f"opens half at {fit.threshold_synapses:.2f} synapses, {gain}"
    reason = fit.reason if fit.status == "failed" else ""
    return Fitted(Coefficients(FORMAT_VERSION, segment=section), segment_fit.draw(dataset, fit), told, reason)


class Kind(NamedTuple):
    """A kind of dataset: how it is recognised and fitted."""

    holds: tuple[tuple[str, str], ...]  # a variable and a dimension of it, any of them
    fit: Callable[["xr.Dataset", Asked], Fitted]
    figure: str  # ending of the figure's name
    made: str  # by which command
    forms: tuple[str, ...] = ()
    has_rate: bool = False


KINDS = {
    "calcium response": Kind(
        (("calcium_mean", "rate"),),
        _fit_calcium,
        "calcium-response",
        "simulate calcium-response",
        ("power_law", "hill", "curve", "best"),
        True,
    ),
    "distance kernel": Kind(
        (("inositol_trisphosphate", "position"),), _fit_process, "distance-kernel", "study process-length"
    ),
    "release": Kind(
        (("release", "rate"),), _fit_release, "release", "study release-rate", ("mean_field", "curve", "best"), True
    ),
    "retention": Kind((("long_term", "time"),), _fit_retention, "retention", "simulate retention"),
    "segment's detection": Kind(
        (("detection_probability", "active_synapses"), ("plateau_voltage", "active_synapses")),
        _fit_segment,
        "segment",
        "study segment-detection",
    ),
}
