"""Time on this machine: attention, training, sweeps, synapses of a network, drawn patterns, or learned delays."""

import importlib
import inspect
from pathlib import Path

from studies.shell.outputs import claim, save_bytes, save_figure
from studies.shell.parser import parse, verb_parser
from studies.shell.words import first_word

BENCHMARKS = {
    "attention": "studies.benches.attention",
    "training": "studies.benches.training",
    "sweep": "studies.benches.sweep",
    "synapses": "studies.benches.synapses",
    "patterns": "studies.benches.patterns",
    "delays": "studies.benches.delays",
}
SECTIONS = ("response", "settings", "image_settings")  # arguments of a benchmark that are no plain values
HELP = f"""usage: astromorph bench {"|".join(BENCHMARKS)} [--option value ...]

{__doc__}

example: astromorph bench attention --lengths 256 1024 --out attention.csv"""


def run(words: list[str]) -> None:
    name, rest = first_word("bench", "benchmark", words, BENCHMARKS, HELP)
    import matplotlib

    matplotlib.use("Agg")
    study = importlib.import_module(BENCHMARKS[name])
    command = f"astromorph bench {name}"
    opening = inspect.cleandoc(study.__doc__ or "").split("\n\n")[0]
    parser = verb_parser(command, f"{opening}\n\nexample: {command} --out {name}.csv")
    parser.add_argument("--out", type=Path, default=None, metavar="FILE", help="table (.csv), and a PNG beside it")
    parser.add_argument("--overwrite", action="store_true", help="replace what --out names")
    skipped: set[str | int] = {name for name in SECTIONS if name in inspect.signature(study.bench).parameters}
    parser.add_function_arguments(study.bench, skip=skipped)
    asked = parse(parser, rest)
    out, overwrite = asked.pop("out"), asked.pop("overwrite")
    if out is not None:
        claim(out, out.with_suffix(".png"), overwrite=overwrite, endings=(".csv",))
    table = study.bench(**asked)
    print(table.to_string(index=False))
    if out is not None:
        save_bytes(table.to_csv(index=False).encode(), out)
        save_figure(study.draw(table), out.with_suffix(".png"))
        print(f"wrote {out} and {out.with_suffix('.png')}")
