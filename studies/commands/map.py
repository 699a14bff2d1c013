"""Fit a power law and a Hill curve to a simulated calcium response, keep the better one, and write its pure
numbers to a YAML file that `astromorph train --astrocyte` reads. The figure of the fit lies beside it.

example: astromorph map response.nc --out astrocyte.yaml
"""

from pathlib import Path

from studies.commands.outputs import claim, save_figure
from studies.commands.parser import parse, verb_parser
from studies.provenance import provenance


def run(words: list[str]) -> None:
    parser = verb_parser("astromorph map", __doc__ or "", "FILE.nc [--option value ...]")
    parser.add_argument("file", type=Path, help="dataset of astromorph simulate calcium-response")
    parser.add_argument("--out", type=Path, default=None, help="coefficients to write; FILE.yaml if left out")
    parser.add_argument("--reference_rate", type=float | None, default=None, help="rate in Hz that becomes x = 1")
    parser.add_argument("--overwrite", action="store_true", help="replace what --out names")
    asked = parse(parser, words)
    out = asked["out"] or asked["file"].with_suffix(".yaml")
    claim(out, out.with_suffix(".png"), overwrite=asked["overwrite"], endings=(".yaml", ".yml"))
    _fit(asked["file"], out, asked["reference_rate"], provenance(["map", *words]))


def _fit(file: Path, out: Path, reference_rate: float | None, origin: dict[str, str]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from biophys.recording import load
    from mapping import coefficients_from_fit, fit_calcium_response, write_coefficients
    from studies import response_fit

    dataset = load(file)
    fit = fit_calcium_response(dataset, reference_rate=reference_rate)
    coefficients = coefficients_from_fit(fit, dataset, file, provenance=origin)
    picture = out.with_suffix(".png")
    write_coefficients(coefficients, out)
    save_figure(response_fit.draw(dataset, coefficients), picture)
    for form, found in fit.candidates.items():
        if found is not None:
            print(f"{form}: exponent {found.exponent:.3f}, R^2 {found.r_squared:.4f}, AICc {found.aicc:.1f}")
    if fit.form is not None:
        print(f"chosen by AICc: {fit.form}, measured from x = {fit.lowest:.3g} to {fit.highest:.3g}")
    print(f"wrote {out} and {picture}", flush=True)
    if fit.form is None:
        raise ValueError(f"the fit to {file} failed ({fit.reason}); {out} says so and cannot be trained with")
