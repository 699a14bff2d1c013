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

from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import mapping
from astromorph.runs.provenance import provenance
from studies.shell.outputs import claim, save_figure, without_screen
from studies.shell.parser import parse, verb_parser

Form = Literal["power_law", "hill", "mean_field", "curve", "best"]


def run(words: list[str]) -> None:
    options = parse(_parser(), words)
    files, out, overwrite = (options.pop(name) for name in ("file", "out", "overwrite"))
    options["at"] = places(options["at"] or [])
    if out is None and len(files) > 1:
        raise ValueError(f"{len(files)} datasets go into one file of coefficients; name it with --out")
    out = out or files[0].with_suffix(".yaml")
    without_screen()
    from mapping import fits

    measurements = [fits.recognised(file) for file in files]
    pictures = [out.with_name(f"{out.stem}-{each.section.replace('_', '-')}.png") for each in measurements]
    if len(files) == 1:
        pictures = [out.with_suffix(".png")]
    with claim(out, *pictures, overwrite=overwrite, endings=(".yaml", ".yml"), sources=files):
        results = fits.fit_each(measurements, fits.Options(**options), provenance(["map", *words]))
        shown = [import_module(f"studies.fits.{each.section}") for each in measurements]
        figures = [
            part.draw(result.measurement.dataset, result.fit) for part, result in zip(shown, results, strict=True)
        ]
        mapping.write(fits.joined(results), out)
        for part, result, figure, picture in zip(shown, results, figures, pictures, strict=True):
            save_figure(figure, picture)
            print(part.summary(result.fit), flush=True)
    print(f"wrote {out} and {', '.join(map(str, pictures))}", flush=True)
    for measurement, fit, _ in results:
        if fit.status == "failed":
            raise ValueError(
                f"the fit to {measurement.name} failed ({fit.reason}); {out} says so and cannot be trained with"
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
    for text in texts:
        if not all(text.partition("=")):
            raise ValueError(f"--at {text} is no place; write a dimension and a number, such as --at window=5")
    return dict(text.split("=", 1) for text in texts)
