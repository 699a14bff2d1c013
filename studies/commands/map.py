"""Fit what was measured, and write its pure numbers to a YAML file: the calcium response (power law and Hill curve, the
better one kept) for `astromorph train --astrocyte`, or the detection curve of a dendritic segment (logistic) for
`astromorph study permuted-mnist --segment`. The figure of the fit lies beside it.

example: astromorph map response.nc --out astrocyte.yaml
         astromorph map segment-detection.nc --at spread=0.3 --at window=5 --out segment.yaml
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from studies.commands.outputs import claim, save_figure
from studies.commands.parser import parse, verb_parser
from studies.provenance import provenance

if TYPE_CHECKING:
    import xarray as xr


def run(words: list[str]) -> None:
    parser = verb_parser("astromorph map", __doc__ or "", "FILE.nc [--option value ...]")
    parser.add_argument("file", type=Path, help="dataset of simulate calcium-response or of study segment-detection")
    parser.add_argument("--out", type=Path, default=None, help="coefficients to write; FILE.yaml if left out")
    parser.add_argument("--reference_rate", type=float | None, default=None, help="rate in Hz that becomes x = 1")
    parser.add_argument(
        "--at", action="append", default=None, metavar="NAME=VALUE", help="segment: where to take the curve"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace what --out names")
    asked = parse(parser, words)
    out = asked["out"] or asked["file"].with_suffix(".yaml")
    claim(out, out.with_suffix(".png"), overwrite=asked["overwrite"], endings=(".yaml", ".yml"))
    import matplotlib

    matplotlib.use("Agg")
    from biophys.recording import load

    file, origin = asked["file"], provenance(["map", *words])
    dataset = load(file)
    of_segment = "active_synapses" in dataset.dims
    option, given = ("--reference_rate", asked["reference_rate"]) if of_segment else ("--at", asked["at"])
    if given is not None:
        kind = "a segment's detection" if of_segment else "a calcium response"
        raise ValueError(f"{option} does not go with {file}, which holds {kind}; leave it out")
    if of_segment:
        reason = _fit_segment(dataset, file, out, places(asked["at"] or []), origin)
    else:
        reason = _fit_calcium(dataset, file, out, asked["reference_rate"], origin)
    print(f"wrote {out} and {out.with_suffix('.png')}", flush=True)
    if reason:
        raise ValueError(f"the fit to {file} failed ({reason}); {out} says so and cannot be trained with")


def places(texts: list[str]) -> dict[str, float]:
    """{"window": 5.0} from ["window=5"]. ValueError for anything else."""
    found = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            found[name] = float(value)
        except ValueError:
            found[name] = math.nan
        if not name or not math.isfinite(found[name]):
            raise ValueError(f"--at {text} is no place; write a dimension and a number, such as --at window=5")
    return found


def _fit_calcium(
    dataset: "xr.Dataset", file: Path, out: Path, reference_rate: float | None, origin: dict[str, str]
) -> str:
    """Write coefficients and figure; why the fit failed, or nothing."""
    from mapping import coefficients_from_fit, fit_calcium_response, write_coefficients
    from studies import response_fit

    fit = fit_calcium_response(dataset, reference_rate=reference_rate)
    coefficients = coefficients_from_fit(fit, dataset, file, provenance=origin)
    write_coefficients(coefficients, out)
    save_figure(response_fit.draw(dataset, coefficients), out.with_suffix(".png"))
    for form, found in fit.candidates.items():
        if found is not None:
            print(f"{form}: exponent {found.exponent:.3f}, R^2 {found.r_squared:.4f}, AICc {found.aicc:.1f}")
    if fit.form is None:
        return fit.reason
    print(f"chosen by AICc: {fit.form}, measured from x = {fit.lowest:.3g} to {fit.highest:.3g}")
    return ""


def _fit_segment(dataset: "xr.Dataset", file: Path, out: Path, at: dict[str, float], origin: dict[str, str]) -> str:
    """The same of a segment."""
    from mapping import write_coefficients
    from mapping.segment_coefficients import segment_coefficients_from_fit
    from mapping.segment_response import fit_segment_response
    from studies import segment_fit

    fit = fit_segment_response(dataset, at=at)
    write_coefficients(segment_coefficients_from_fit(fit, dataset, file, provenance=origin), out)
    save_figure(segment_fit.draw(dataset, fit), out.with_suffix(".png"))
    if fit.curve is not None:
        low, high = fit.curve.intervals["gain"]
        print(
            f"opens half at {fit.threshold_synapses:.2f} synapses, gain {fit.curve.gain:.2f} ({low:.2f} to {high:.2f})"
        )
    return fit.reason if fit.status == "failed" else ""
