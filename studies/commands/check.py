"""What is installed, what this machine can do, which data sets are intact, and a self-test of each floor (10 s).

The text can be pasted into an issue report. The exit status is 1 if a self-test fails.

example: astromorph check
"""

import platform
import sys
from pathlib import Path

from studies.shell.parser import parse, verb_parser

WIDTH = 12


def run(words: list[str]) -> None:
    parser = verb_parser("astromorph check", __doc__ or "", "[--quick] [--data DIR]")
    parser.add_argument("--quick", action="store_true", help="without the self-test")
    parser.add_argument("--data", type=Path, default=None, metavar="DIR", help="where data sets lie")
    options = parse(parser, words)
    from astromorph.data.locations import data_root

    root = data_root(options["data"])
    describe(root)
    if not options["quick"]:
        examine()


def describe(root: Path) -> None:
    """Versions, machine, code targets and data sets, a line each."""
    from astromorph import __version__
    from astromorph.data.fetch import NAMES
    from astromorph.runs.provenance import commit, hardware
    from studies.shell import machine

    line("astromorph", f"{__version__}, commit {commit(Path(__file__))}")
    line("python", f"{platform.python_version()}, {platform.platform()}")
    line("packages", ", ".join(f"{name} {version}" for name, version in machine.versions().items()))
    line("machine", f"{hardware()}, {machine.memory()}")
    line("", machine.instructions())
    line("threads", machine.threads())
    line("precision", machine.precision())
    line("accelerator", machine.accelerators())
    compiler = machine.compiler()
    line("compiler", compiler)
    line("brian2", machine.code_targets(compiler))
    line("attention", f"compiled scan {machine.scan()}")
    line("data", str(root) if root.is_dir() else f"{root} (not there yet)")
    for message in machine.data_sets(NAMES, root):
        line("", message)


def examine() -> None:
    """The self-test, a line each; SystemExit(1) after a sentence if one fails."""
    from studies.shell.self_test import CURES, self_test

    verdicts = []
    for verdict in self_test():
        line(verdict.floor, f"{'ok    ' if verdict.passed else 'FAILED'} {verdict.message}, {verdict.seconds:.1f} s")
        verdicts.append(verdict)
    failed = list(dict.fromkeys(verdict.floor for verdict in verdicts if not verdict.passed))
    if not failed:
        print("all floors stand")
        return
    sys.stdout.flush()
    for floor in failed:
        print(f"astromorph: {floor} fails its self-test; {CURES[floor]}", file=sys.stderr)
    raise SystemExit(1)


def line(name: str, message: str) -> None:
    print(f"{name:<{WIDTH}}{message}", flush=True)
