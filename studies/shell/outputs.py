"""Files that a verb writes: never over another without being asked, and whole or not at all."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from astromorph.files.locks import writing
from astromorph.files.whole_files import whole

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

FIGURE_ENDINGS = (".png", ".pdf", ".svg")


RUN_FILES = (  # that a training writes; its learning curves are drawn by `plot`
    *("settings.yaml", "metrics.csv", "weights.safetensors", "summary.json", "checkpoint.safetensors"),
    *("vocabulary.json", "pieces.model", "coefficients.yaml"),
)


@contextmanager
def claim(*paths: Path, overwrite: bool, endings: tuple[str, ...] = (), sources: Sequence[Path] = ()) -> Iterator[None]:
    """The block writes these files, and no other command does so meanwhile; the folder they lie in is made.

    Refuses, before it begins, paths that are taken, that another command is writing, that are one of the sources, or
    that end otherwise than the first path must. Files of a run are the run's own, and never replaced.
    """
    if paths and endings and paths[0].suffix not in endings:
        raise ValueError(f"output file {paths[0]} must end in {' or '.join(endings)}; rename it")
    with writing(*paths):
        _refuse_taken(paths, overwrite, sources)
        yield


def _refuse_taken(paths: Sequence[Path], overwrite: bool, sources: Sequence[Path]) -> None:
    for path in paths:
        if path.is_dir():
            raise IsADirectoryError(f"output file {path} is a folder; name a file, such as {path / 'result'}")
        if path.exists() and any(source.exists() and path.samefile(source) for source in sources):
            raise ValueError(f"{path} is what is read, and would be replaced by the result; name another with --out")
        if (path.parent / "settings.yaml").exists() and path.name in RUN_FILES:
            raise ValueError(f"{path} is a part of the run in {path.parent}; name another with --out")
        if path.exists() and not overwrite:
            raise FileExistsError(f"{path} exists already; name another with --out, or replace it with --overwrite")


def without_screen() -> None:
    """Figures are drawn for files from here on, and no window is needed."""
    import matplotlib

    matplotlib.use("Agg")


def save_figure(figure: "Figure", path: Path) -> None:
    """Write a figure in the format of its ending, with room for its words."""
    from matplotlib import pyplot

    from studies.layout import save

    try:
        with whole(path) as part:
            save(figure, part, path.suffix[1:])
    finally:
        pyplot.close(figure)


def save_table(table: "pd.DataFrame", path: Path) -> None:
    """Write a table as comma-separated values, without its row numbers."""
    save_bytes(table.to_csv(index=False).encode(), path)


def save_bytes(content: bytes, path: Path) -> None:
    with whole(path) as part:
        part.write_bytes(content)
