"""Draw a dataset, a run or a table again from its file, without simulating or training.

example: astromorph plot response.nc --out response.pdf
"""

from pathlib import Path
from typing import TYPE_CHECKING

from studies.shell.datasets import figure_of
from studies.shell.outputs import FIGURE_ENDINGS, claim, save_figure, without_screen
from studies.shell.parser import parse, verb_parser

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def run(words: list[str]) -> None:
    parser = verb_parser("astromorph plot", __doc__ or "", "FILE.nc|FILE.csv|RUN [--out FILE.png] [--overwrite]")
    parser.add_argument("file", type=Path, help="dataset (.nc), table (.csv) of compare or bench, or run folder")
    parser.add_argument("--out", type=Path, default=None, metavar="FILE", help="figure; beside its data if left out")
    parser.add_argument("--overwrite", action="store_true", help="replace what --out names")
    options = parse(parser, words)
    file = options["file"]
    out = options["out"] or (file / "learning_curves.png" if file.is_dir() else file.with_suffix(".png"))
    if file.suffix in (".yaml", ".yml"):
        raise ValueError(f"{file} holds coefficients without their data; plot the dataset they were fitted to")
    with claim(out, overwrite=options["overwrite"], endings=FIGURE_ENDINGS, sources=[file]):
        save_figure(_run_figure(file) if file.is_dir() else _file_figure(file), out)
    print(f"wrote {out}")


def _run_figure(path: Path) -> "Figure":
    without_screen()
    from astromorph.runs.run_folder import RunFolder
    from studies.report import run_sheet

    return run_sheet.draw(RunFolder.open(path))


def _file_figure(file: Path) -> "Figure":
    if file.suffix == ".csv":
        from studies.report import tables

        return tables.draw(file)
    from biophys.simulation.recording import load

    return figure_of(file, load(file))
