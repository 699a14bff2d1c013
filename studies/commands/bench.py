"""Time on this machine: attention, training, sweeps, synapses of a network, drawn patterns, or learned delays."""

import inspect
from pathlib import Path

from studies.catalogue import BENCHES, bench_module
from studies.shell.outline import outline
from studies.shell.outputs import claim, save_figure, save_table
from studies.shell.parser import parse, verb_parser
from studies.shell.words import first_word, overview

SECTIONS = ("response", "settings", "image_settings")  # arguments of a benchmark that are no plain values
HELP = f"""usage: astromorph bench {"|".join(BENCHES)} [--option value ...]

{__doc__}

benchmarks:
{overview({name: meaning for name, (meaning, _) in BENCHES.items()})}

example: astromorph bench attention --lengths 256 1024 --out attention.csv"""


def run(words: list[str]) -> None:
    name, rest = first_word("bench", "benchmark", words, BENCHES, HELP)
    described = outline(f"studies.benches.{name}", "bench")
    command = f"astromorph bench {name}"
    opening = (described.__doc__ or "").split("\n\n")[0]
    parser = verb_parser(command, f"{opening}\n\nexample: {command} --out {name}.csv")
    parser.add_argument("--out", type=Path, default=None, metavar="FILE", help="table (.csv), and a PNG beside it")
    parser.add_argument("--overwrite", action="store_true", help="replace what --out names")
    skipped: set[str | int] = {each for each in SECTIONS if each in inspect.signature(described.bench).parameters}
    parser.add_function_arguments(described.bench, skip=skipped)
    options = parse(parser, rest)
    out, overwrite = options.pop("out"), options.pop("overwrite")
    for each, value in options.items():
        if isinstance(value, tuple | list) and not value:
            raise ValueError(f"{each} has no value; give at least one")
    written = [] if out is None else [out, out.with_suffix(".png")]
    with claim(*written, overwrite=overwrite, endings=(".csv",)):
        benchmark = bench_module(name)
        table = benchmark.bench(**options)
        print(table.to_string(index=False))
        if written:
            save_table(table, out)
            save_figure(benchmark.draw(table), written[1])
            print(f"wrote {' and '.join(map(str, written))}")
