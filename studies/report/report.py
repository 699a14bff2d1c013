"""A report of what was found: datasets of studies and trained runs on one page that needs nothing else.

A dataset is drawn by the study that made it, a run by its learning curves and the confusion of its classes; several
finished runs of a data set are compared first. What the figures were made with (command, seed, commit) stands under
them, everything else that the file says is folded away, and links lead to the files beside the page.
"""

import os
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np
import pandas as pd
import xarray as xr
from tqdm import tqdm

from astromorph.runs.run_folder import RunFolder
from astromorph.runs.shipped import run_path
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
    run: RunFolder | None
    dataset: xr.Dataset | None


def write_report(out: Path, sources: Sequence[Path], provenance: Mapping[str, str]) -> int:
    """Write the page of all results that the sources name; how many there are. Errors as `found` has them."""
    results = list(dict.fromkeys(chain.from_iterable(found(source) for source in sources)))
    opened = [opened_result(path) for path in results]
    anchors = {result.path: f"result-{place}" for place, result in enumerate(opened, 1)}
    finished: dict[str, list[RunFolder]] = {}
    for result in opened:
        if result.run is not None and result.run.finished:
            finished.setdefault(result.run.data_set, []).append(result.run)
    sections = [overview(opened, anchors)] if len(opened) > 1 else []
    for folders in finished.values():
        sections += side_by_side(folders, anchors) if len(folders) > 1 else []
    for result in tqdm(opened, desc="drawing", unit="result", disable=None):
        sections.append(result_section(result, anchors[result.path], out.parent))
    title = name_of(opened[0]) if len(opened) == 1 else f"Report of {len(opened)} results"
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
    return Result(path, RunFolder.open(path), None) if path.is_dir() else Result(path, None, load(path))


def overview(results: Sequence[Result], anchors: Mapping[Path, str]) -> Section:
    """What the page holds, a row a result."""
    rows = []
    for result in results:
        came = provenance_of(result)
        row = {"result": Link(name_of(result), f"#{anchors[result.path]}"), "seed": seed_of(result)}
        row |= {"commit": came.get("commit", "")[:9], "date": came.get("date", "")[:10]}
        rows.append(row | {"command": came.get("command", "")})
    return Section("What is here", table=pd.DataFrame(rows))


def result_section(result: Result, anchor: str, folder: Path) -> Section:
    if result.run is not None:
        return run_section(result.run, [file_link(file, folder) for file in run_files(result.run)], anchor)
    assert result.dataset is not None
    dataset, came = result.dataset, provenance_of(result)
    settings = {k: v for k, v in dataset.attrs.items() if not k.startswith(study.PROVENANCE) and k not in NO_SETTING}
    seed = f" (seed {seed_of(result)})" if seed_of(result) != "" else ""
    figure, question = drawn(result.path, dataset)
    return Section(
        name_of(result),
        question,
        figure,
        str(dataset.attrs.get("caption", "")),
        made=came.get("command", "") and came["command"] + seed,
        details={
            "Variables": variables(dataset),
            "Settings and parameters": pairs_table(settings),
            "Provenance": pairs_table(came),
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
        row: dict[str, Any] = {"variable": name, "meaning": array.attrs.get("long_name", "")}
        row |= {
            "unit": array.attrs.get("units", ""),
            "dimensions": " × ".join(f"{k} {n}" for k, n in array.sizes.items()),
        }
        values = array.values[np.isfinite(array.values)] if np.issubdtype(array.dtype, np.number) else np.array([])
        summary = (values.min(), values.mean(), values.max()) if values.size else (np.nan,) * 3
        rows.append(row | dict(zip(("least", "mean", "largest"), map(float, summary), strict=True)))
    return pd.DataFrame(rows)


def provenance_of(result: Result) -> dict[str, str]:
    if result.run is not None:
        return dict(result.run.provenance)
    assert result.dataset is not None
    return study.provenance_of(result.dataset)


def name_of(result: Result) -> str:
    if result.run is not None:
        return heading(result.run)
    assert result.dataset is not None
    attributes = result.dataset.attrs
    return str(attributes.get("title") or attributes.get("network") or result.path.name)


def seed_of(result: Result) -> Any:
    seed = (
        result.run.settings.seed if result.run is not None else (result.dataset or xr.Dataset()).attrs.get("seed", "")
    )
    return int(seed) if str(seed).isdigit() else seed


def file_link(path: Path, folder: Path) -> Link:
    """To a file or folder, as seen from the folder of the page."""
    return Link(path.name, quote(os.path.relpath(path, folder)))
