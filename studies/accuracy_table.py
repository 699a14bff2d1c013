"""How accurate is each attention? Finished runs side by side: mean and standard deviation over seeds.

Only runs of one data set that agree in every setting but attention and seed are averaged; others are refused, so that
a row compares like with like.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from astromorph.run_folder import RunFolder

STYLE = Path(__file__).with_name("figures.mplstyle")
FREE = ("attention", "seed")  # what compared runs may differ in


def collect(folders: Sequence[RunFolder]) -> pd.DataFrame:
    """A row a run; ValueError if runs differ in another setting than attention and seed."""
    if not folders:
        raise ValueError("no run to compare; name at least one run folder")
    check_alike(folders)
    rows = []
    for folder in folders:
        summary, epochs = folder.summary(), folder.metrics()
        reached = epochs.epoch[epochs.validation_accuracy >= 0.85]
        rows.append(
            {
                "data_set": folder.data_set,
                "attention": folder.settings.attention,
                "seed": folder.settings.seed,
                "test_accuracy": summary["test_accuracy"],
                "validation_accuracy": summary["validation_accuracy"],
                "chosen_epoch": summary["chosen_epoch"],
                "epochs_to_85_percent": reached.min() if len(reached) else None,
                "seconds": summary["seconds"],
                "seconds_per_epoch": epochs.seconds.median(),
                "parameters": summary["parameters"],
                **{key: summary.get(key, "unknown") for key in ("commit", "hardware", "command")},
            }
        )
    return pd.DataFrame(rows)


def check_alike(folders: Sequence[RunFolder]) -> None:
    settled = lambda folder: {k: v for k, v in asdict(folder.settings).items() if k not in FREE}
    first = folders[0]
    for other in folders[1:]:
        if other.data_set != first.data_set:
            raise ValueError(
                f"{other.path} trains on {other.data_set} and {first.path} on {first.data_set}; "
                "compare runs of one data set"
            )
        mine, theirs = settled(first), settled(other)
        different = [f"{key} {theirs[key]} against {mine[key]}" for key in mine if mine[key] != theirs[key]]
        if different:
            raise ValueError(
                f"{other.path} differs from {first.path} in {', '.join(different)}; "
                "compare runs that differ in attention and seed only"
            )


def summarise(runs: pd.DataFrame) -> pd.DataFrame:
    """A row an attention: n, mean and standard deviation (n - 1) of the test accuracy, seconds an epoch and a run."""
    grouped = runs.groupby(["data_set", "attention"], sort=False)
    return grouped.agg(
        n=("seed", "size"),
        test_accuracy=("test_accuracy", "mean"),
        sd=("test_accuracy", "std"),
        seconds_per_epoch=("seconds_per_epoch", "mean"),
        seconds=("seconds", "mean"),
        parameters=("parameters", "first"),
    ).reset_index()


def draw(runs: pd.DataFrame) -> Figure:
    """Test accuracy of every run as a dot, mean and standard deviation a bar, by attention."""
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(figsize=(5, 3.2), layout="constrained")
        table = summarise(runs)
        for place, row in enumerate(table.itertuples()):
            dots = runs.test_accuracy[runs.attention == row.attention]
            axes.plot([place] * len(dots), 100 * dots, "o", alpha=0.5, color="0.4", zorder=1)
            axes.errorbar([place], [100 * row.test_accuracy], [100 * row.sd], fmt="D", capsize=6, zorder=2)
        axes.set_xticks(range(len(table)), table.attention)
        axes.set_xlim(-0.6, len(table) - 0.4)
        axes.set_ylabel("test accuracy (%)")
        axes.set_title(f"{runs.data_set.iloc[0]}: runs, mean ± sd over {int(table.n.min())} seeds")
    return figure
