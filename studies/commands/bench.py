"""Time on this machine: attention, training, sweeps, synapses of a network, drawn patterns, or learned delays."""

import inspect
import os
import subprocess
import sys
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
    parser.add_argument(
        "--capability", default=None, metavar="NAME", help="instructions to use at most: sse4, avx2 or avx512"
    )
    skipped: set[str | int] = {each for each in SECTIONS if each in inspect.signature(described.bench).parameters}
    parser.add_function_arguments(described.bench, skip=skipped)
    options = parse(parser, rest)
    out, overwrite, capability = (options.pop(option) for option in ("out", "overwrite", "capability"))
    for each, value in options.items():
        if isinstance(value, tuple | list) and not value:
            raise ValueError(f"{each} has no value; give at least one")
    if capability is not None:
        hold_to(capability, words)
    written = [] if out is None else [out, out.with_suffix(".png")]
    from studies.benches.machine import processor
    from studies.shell.machine import threads

    with claim(*written, overwrite=overwrite, endings=(".csv",)):
        benchmark = bench_module(name)
        table = benchmark.bench(**options)
        print(table.to_string(index=False))
        print(f"on {table.attrs.get('hardware', processor())}; {threads()}")
        if written:
            save_table(table, out)
            save_figure(benchmark.draw(table), written[1])
            print(f"wrote {' and '.join(map(str, written))}")


def hold_to(capability: str, words: list[str]) -> None:
    """The same command in a fresh process, where torch and the compiled passes have fewer instructions, and its end."""
    from astromorph.native.capability import held, held_to

    variables = held_to(capability)
    if held() == capability:
        return
    program = "from studies.command_line import command; raise SystemExit(command())"
    raise SystemExit(
        subprocess.run([sys.executable, "-c", program, "bench", *words], env=os.environ | variables).returncode
    )
