"""Finished runs side by side: mean and standard deviation of the test accuracy over seeds, by attention and settings,
epochs to 85 % validation accuracy, seconds and parameters.

example: astromorph compare runs/imdb-* --out imdb.csv
"""

from pathlib import Path

from studies.shell.outputs import claim, save_figure, save_table
from studies.shell.parser import parse, verb_parser


def run(words: list[str]) -> None:
    parser = verb_parser("astromorph compare", __doc__ or "", "RUN [RUN ...] [--out FILE.csv]")
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folders of finished runs")
    parser.add_argument("--out", type=Path, default=None, help="table of all runs to write, and a PNG beside it")
    parser.add_argument("--overwrite", action="store_true", help="replace what --out names")
    options = parse(parser, words)
    out = options["out"]
    written = [] if out is None else [out, out.with_suffix(".png")]
    with claim(*written, overwrite=options["overwrite"], endings=(".csv",)):
        from astromorph.runs.run_folder import RunFolder
        from studies.report.accuracy_table import collect, draw, printed, summarise

        runs = collect([RunFolder.open(path) for path in options["runs"]])
        print(printed(summarise(runs)))
        if written:
            save_table(runs, out)
            save_figure(draw(runs), written[1])
            print(f"wrote {' and '.join(map(str, written))}")
