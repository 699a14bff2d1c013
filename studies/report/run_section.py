"""The part of a report that tells of trained runs: each on its own, and those of one data set side by side."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from astromorph.runs.pretrained import DIGEST
from astromorph.runs.run_folder import METRICS, OWN_FILES, RunFolder
from studies.numerals import counted
from studies.report import accuracy_table, compared_runs, run_sheet
from studies.report.page import Section, pairs_table, picture
from studies.report.page_table import Link

TOLD = ("test_accuracy", "test_loss", "chosen_epoch", "validation_accuracy", "epochs", "seconds", "parameters")
TABLES = ("class_names", "confusion")  # of a summary, which the figure shows
HEADINGS = {name: name.replace("_", " ") for name in METRICS}
CAPTION = "Loss and accuracy by epoch; the line marks the epoch of the best validation accuracy."
CONFUSION = " Below, what the test examples of each class are taken for, in % of each."


def run_section(folder: RunFolder, files: Sequence[Link], anchor: str = "") -> Section:
    """One run: how it went in words, curves and confusion, its epochs, settings and provenance."""
    begun = (folder.path / "metrics.csv").is_file()
    summary = folder.summary() if folder.finished else {}
    made = folder.provenance.get("command", "")
    return Section(
        heading(folder),
        outcome(folder),
        picture(run_sheet.draw(folder, summary)) if begun else None,
        CAPTION + (CONFUSION if summary.get("confusion") else ""),
        made=f"{made} (seed {folder.settings.seed})" if made else "",
        details=dict(run_tables(folder)),
        files=files,
        anchor=anchor,
    )


def heading(folder: RunFolder) -> str:
    return f"{folder.path.name}: {folder.title}"


def outcome(folder: RunFolder) -> str:
    """The result of a run in a sentence or two."""
    path = shlex.quote(str(folder.path))
    if not folder.finished and DIGEST in folder.provenance:
        return f"A model without its training, to be used. astromorph evaluate {path} measures it on the test set."
    if not folder.finished:
        done = len(folder.metrics()) if (folder.path / "metrics.csv").is_file() else 0
        again = f"astromorph train {folder.data_set} --resume {path}"
        return f"Not finished: {done} of {counted(folder.settings.epochs, 'epoch')}. It goes on with {again}."
    found = folder.summary()
    return (
        f"Test accuracy {100 * found['test_accuracy']:.2f} %, read once with the weights of epoch "
        f"{found['chosen_epoch']} of {found['epochs']} (validation {100 * found['validation_accuracy']:.2f} %). "
        f"{found['parameters']:,} weights, {found['seconds']:,.0f} s of training."
    )


def run_tables(folder: RunFolder) -> Mapping[str, pd.DataFrame]:
    """What a run was asked and what came out, in full."""
    tables: dict[str, pd.DataFrame] = {}
    if (folder.path / "metrics.csv").is_file():
        tables["Epochs"] = folder.metrics().map(lambda value: float(f"{value:.4g}")).rename(columns=HEADINGS)
    tables["Settings"] = pairs_table(asdict(folder.settings))
    if folder.response is not None:
        tables["Calcium response"] = pairs_table(asdict(folder.response))
    if folder.finished:
        found = folder.summary()
        further = [name for name in found if name not in (*TOLD, *TABLES, *folder.provenance)]
        tables["Results"] = pairs_table({name: found[name] for name in (*TOLD, *further)})
        if found["confusion"]:
            names = [str(name) for name in found["class_names"]]
            tables["Confusion (rows: true class)"] = pd.DataFrame(
                {"true class": names}
                | {f"taken for {name}": [row[at] for row in found["confusion"]] for at, name in enumerate(names)}
            )
    tables["Provenance"] = pairs_table(folder.provenance)
    return tables


def run_files(folder: RunFolder) -> list[Path]:
    """The files of a run that are there, in reading order."""
    return [folder.path / name for name in OWN_FILES if (folder.path / name).is_file()]


def side_by_side(folders: Sequence[RunFolder], anchors: Mapping[Path, str]) -> list[Section]:
    """Finished runs of one data set: mean and spread by attention and settings, then every run."""
    name = folders[0].data_set
    try:
        runs = accuracy_table.collect(folders)
    except ValueError as error:  # a run and its copy, which would count twice
        return [Section(f"{name}: runs side by side", f"Not compared: {error}.")]
    table = accuracy_table.summarise(runs)
    rows = {key: row for row, key in enumerate(zip(table.attention, table.setting, strict=True), 1)}
    places = [rows[key] for key in zip(runs.attention, runs.setting, strict=True)]
    drawn = runs.assign(setting=[f"row {place}" for place in places])
    means = pd.DataFrame(
        {
            "row": list(rows.values()),
            "attention": table.attention,
            "differs in": table.setting,
            "runs": table.n,
            **accuracy_table.in_words(table),
            "s an epoch": table.seconds_per_epoch.round(1),
            "weights": table.parameters,
        }
    )
    single = pd.DataFrame(
        {
            "run": [Link(folder.path.name, f"#{anchors[folder.path]}") for folder in folders],
            "row": places,
            "attention": runs.attention,
            "seed": runs.seed,
            "test accuracy (%)": (100 * runs.test_accuracy).map("{:.2f}".format),
            "validation accuracy (%)": (100 * runs.validation_accuracy).map("{:.2f}".format),
            "best epoch": runs.chosen_epoch,
            "seconds": runs.seconds.round(1),
        }
    )
    curves: dict[str, list[pd.DataFrame]] = {}
    for folder, attention, setting in zip(folders, drawn.attention, drawn.setting, strict=True):
        curves.setdefault(f"{attention}, {setting}", []).append(folder.metrics())
    return [
        Section(
            f"{name}: runs side by side",
            "Mean ± standard deviation on the test part; a row holds runs that differ in their seed only.",
            picture(accuracy_table.draw(drawn)),
            "Dots are runs, diamonds their means with one standard deviation.",
            table=without_empty(means),
        ),
        Section(
            f"{name}: every run",
            "",
            picture(compared_runs.draw(curves)),
            "Lines are means over seeds, bands reach from the worst to the best.",
            table=without_empty(single),
        ),
    ]


def without_empty(table: pd.DataFrame) -> pd.DataFrame:
    """Without the columns that say nothing."""
    empty = [name for name in table if all(value == "" or value != value for value in table[name])]
    return table.drop(columns=empty)
