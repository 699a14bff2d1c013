"""A report of what was found: datasets of studies and trained runs on one page that needs nothing else.

A dataset is drawn by the study that made it, a run by its learning curves and the confusion of its classes; several
finished runs of a data set are compared first. What the figures were made with (command, seed, commit) stands under
them, everything else that the file says is folded away, and links lead to the files beside the page.
"""

import os
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import numpy as np
import pandas as pd
import xarray as xr

from astromorph.runs.run_folder import RunFolder
from astromorph.runs.shipped import run_path
from biophys.simulation.progress import progress
from biophys.simulation.recording import load
from studies import study
from studies.report.page import Picture, Section, pairs_table, picture, write_page
from studies.report.page_table import Link
from studies.report.run_section import heading, run_files, run_section, side_by_side
from studies.shell.datasets import figure_of, study_of

NO_SETTING = ("title", "caption", "study")


class Result(NamedTuple):
    """Something to report: a run, or a dataset in its file."""

    path: Path
    content: RunFolder | xr.Dataset
    name: str
    seed: object
    provenance: Mapping[str, str]


def write_report(out: Path, sources: Sequence[Path], provenance: Mapping[str, str]) -> int:
    """Write the page of all results that the sources name; how many there are. Errors as `found` has them."""
    results = list(dict.fromkeys(chain.from_iterable(found(source) for source in sources)))
    opened = [opened_result(path) for path in results]
    anchors = {result.path: f"result-{place}" for place, result in enumerate(opened, 1)}
    finished: dict[str, list[RunFolder]] = {}
    for result in opened:
        if isinstance(result.content, RunFolder) and result.content.finished:
            finished.setdefault(result.content.data_set, []).append(result.content)
    sections = [overview(opened, anchors)] if len(opened) > 1 else []
    for folders in finished.values():
        sections += side_by_side(folders, anchors) if len(folders) > 1 else []
    for result in progress(opened, desc="drawing", unit="result"):
        sections.append(result_section(result, anchors[result.path], out.parent))
    title = opened[0].name if len(opened) == 1 else f"Report of {len(opened)} results"
    write_page(out, title, sections, provenance)
    return len(opened)


def found(source: Path) -> list[Path]:
    """The runs and datasets that a path names: itself or, in a folder that is no run, its *.nc files and run folders.

    FileNotFoundError or ValueError, in one sentence, if there are none.
    """
    place = run_path(source)
    if not place.exists():
        raise FileNotFoundError(f"there is no {source}; name run folders and datasets (.nc), or a folder of them")
    if (place / "settings.yaml").is_file():
        return [place]
    if place.is_file():
        if place.suffix != ".nc":
            raise ValueError(f"{source} is neither the folder of a run nor a dataset (.nc); report one of these")
        return [place]
    runs = [file.parent for pattern in ("*", "runs/*") for file in sorted(place.glob(f"{pattern}/settings.yaml"))]
    inside = [*sorted(place.glob("*.nc")), *runs]
    if not inside:
        raise ValueError(
            f"the folder {source} holds no run and no dataset (.nc); name another, or train or simulate first"
        )
    return inside


def opened_result(path: Path) -> Result:
    if path.is_dir():
        run = RunFolder.open(path)
        return Result(path, run, heading(run), run.settings.seed, run.provenance)
    dataset = load(path)
    name = dataset.attrs.get("title") or dataset.attrs.get("network") or path.name
    seed = dataset.attrs.get("seed", "")
    return Result(path, dataset, str(name), int(seed) if str(seed).isdigit() else seed, study.provenance_of(dataset))


def overview(results: Sequence[Result], anchors: Mapping[Path, str]) -> Section:
    """What the page holds, a row a result."""
    rows = []
    for result in results:
        commit, date, command = (result.provenance.get(name, "") for name in ("commit", "date", "command"))
        row = {"result": Link(result.name, f"#{anchors[result.path]}"), "seed": result.seed}
        rows.append(row | {"commit": commit[:9], "date": date[:10], "command": command})
    return Section("What is here", table=pd.DataFrame(rows))


def result_section(result: Result, anchor: str, folder: Path) -> Section:
    if isinstance(result.content, RunFolder):
        return run_section(result.content, [file_link(file, folder) for file in run_files(result.content)], anchor)
    dataset, command = result.content, result.provenance.get("command", "")
    settings = {k: v for k, v in dataset.attrs.items() if not k.startswith(study.PROVENANCE) and k not in NO_SETTING}
    seed = f" (seed {result.seed})" if result.seed != "" else ""
    figure, question = drawn(result.path, dataset)
    return Section(
        result.name,
        question,
        figure,
        str(dataset.attrs.get("caption", "")),
        made=command and command + seed,
        details={
            "Variables": variables(dataset),
            "Settings and parameters": pairs_table(settings),
            "Provenance": pairs_table(result.provenance),
        },
        files=[file_link(result.path, folder)],
        anchor=anchor,
    )


def drawn(path: Path, dataset: xr.Dataset) -> tuple[Picture, str]:
    """The figure of the study that made the dataset, and what it asks. ValueError for a dataset of no known study."""
    figure = figure_of(path, dataset)
    if figure.get_supxlabel().split() == str(dataset.attrs.get("caption", "")).split():
        figure.supxlabel("")  # the page has the caption as text
    question = (study_of(path, dataset.attrs).__doc__ or "").split("\n\n")[0]
    return picture(figure), " ".join(question.split())


def variables(dataset: xr.Dataset) -> pd.DataFrame:
    """A row a variable: meaning, unit, size, least, mean and largest value."""
    rows = []
    for name, array in dataset.data_vars.items():
        values = array.values[np.isfinite(array.values)] if np.issubdtype(array.dtype, np.number) else np.array([])
        summary = (values.min(), values.mean(), values.max()) if values.size else (np.nan,) * 3
        sizes = " × ".join(f"{dim} {size}" for dim, size in array.sizes.items())
        rows.append((name, *(array.attrs.get(key, "") for key in ("long_name", "units")), sizes, *map(float, summary)))
    return pd.DataFrame(rows, columns=["variable", "meaning", "unit", "dimensions", "least", "mean", "largest"])


def file_link(path: Path, folder: Path) -> Link:
    """To a file or folder, as seen from the folder of the page."""
    return Link(path.name, quote(os.path.relpath(path, folder)))
