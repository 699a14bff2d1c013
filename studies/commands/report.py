"""Datasets and runs on one HTML page that needs no network: tables, figures, what made them, links to the files.

A folder stands for the runs and datasets in it; without names that is the current folder (*.nc and runs/).

example: astromorph report runs/imdb-* threshold.nc --out report.html
"""

from pathlib import Path

from astromorph.runs.provenance import provenance
from studies.numerals import counted
from studies.shell.outputs import claim, without_screen
from studies.shell.parser import parse, verb_parser


def run(words: list[str]) -> None:
    usage = "[RUN|FILE.nc|FOLDER ...] [--out FILE.html] [--overwrite]"
    parser = verb_parser("astromorph report", __doc__ or "", usage)
    add = parser.add_argument
    add("sources", type=Path, nargs="*", metavar="RUN|FILE.nc|FOLDER", help="what to report")
    add("--out", type=Path, default=Path("report.html"), metavar="FILE", help="page to write")
    add("--overwrite", action="store_true", help="replace what --out names")
    options = parse(parser, words)
    out = options["out"]
    without_screen()
    with claim(out, overwrite=options["overwrite"], endings=(".html",), sources=options["sources"]):
        from studies.report.report import write_report

        count = write_report(out, options["sources"] or [Path()], provenance(["report", *words]))
    print(counted(count, "result"))
    print(f"wrote {out}")
