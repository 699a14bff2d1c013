"""How did a training go, and how good is its model? Learning curves, confusion and calibration on one sheet.

Curves: loss and validation accuracy by epoch, from the run folder's table. The epoch of the best validation is the one
whose weights are tested; the test accuracy, once it has been read, is a line to compare with.

Calibration: test answers sorted by the probability the model gave them; in each bin the share that is right, with its
95 % interval (Wilson 1927), against the mean probability. On the diagonal a model is as sure as it should be; above
it, too modest (label smoothing makes it so). Grey bars say how many answers lie in a bin.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from astromorph.runs.run_folder import RunFolder
from astromorph.settings import Settings
from astromorph.training.calibration import Reliability
from biophys.patterns.sampling import wilson_interval
from studies.figure import paper_style

CAPTION = (
    "Loss and accuracy by epoch; what the test examples of each class are taken for; and how often answers are right "
    "against how sure the model is of them, with 95 % intervals (grey: their share of all answers)."
)


def draw(folder: RunFolder, result: Mapping[str, Any] | None = None) -> Figure:
    """Learning curves, and under them what `result` holds: confusion, and calibration.

    result: what `evaluate_run` gives, or the run's summary. FileNotFoundError before the first epoch has ended.
    """
    result = result or {}
    below = ";CD" if "calibration" in result else ";CC" if result.get("confusion") else ""
    with paper_style():
        figure, panels = plt.subplot_mosaic(f"AB{below}", figsize=(7.2, 6.6 if below else 3.2))
        _draw_curves(panels["A"], panels["B"], folder)
        if result.get("confusion"):
            _draw_confusion(panels["C"], result["confusion"], result["class_names"])
        elif below:  # a language model
            panels["C"].set_axis_off()
        if "calibration" in result:
            _draw_calibration(panels["D"], result["calibration"])
        figure.suptitle(folder.title)
    return figure


def _draw_curves(losses: Axes, accuracies: Axes, folder: RunFolder) -> None:
    """Losses left, accuracies right, by epoch."""
    table = folder.metrics()
    chosen = folder.summary()["chosen_epoch"] if folder.finished else best_epoch(table, folder.settings)
    losses.plot(table.epoch, table.training_loss, "o-", label="training")
    losses.plot(table.epoch, table.validation_loss, "o-", label="validation")
    losses.set(ylabel="cross-entropy (nats)", title="A   Loss")
    accuracies.plot(table.epoch, table.validation_accuracy, "o-", color="#D55E00", label="validation")
    if folder.finished:
        reached = folder.summary()["test_accuracy"]
        accuracies.axhline(reached, color="0.3", ls="--", lw=1, label=f"test, read once: {reached:.4f}")
    accuracies.set(ylabel="accuracy", title="B   Accuracy")
    for axes in (losses, accuracies):
        axes.axvline(chosen, color="0.6", lw=0.8, zorder=0, label=f"best validation: epoch {chosen}")
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend()


def best_epoch(table: pd.DataFrame, settings: Settings) -> int:
    """The best so far: by accuracy or, of a language model, by loss."""
    by_loss = settings.kind == "language model"
    place = table.validation_loss.idxmin() if by_loss else table.validation_accuracy.idxmax()
    return int(table.loc[place, "epoch"])


def _draw_confusion(axes: Axes, confusion: Sequence[Sequence[int]], names: Sequence[str]) -> None:
    """Rows: the true classes, in % of each; columns: what the model says."""
    counts = np.asarray(confusion)
    share = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=100)
    size = 9 if len(names) < 5 else 6.5
    for (row, column), value in np.ndenumerate(share):
        text = "" if counts[row, column] == 0 else f"{value:.0f}" if len(names) > 4 else f"{value:.1f} %"
        axes.text(column, row, text, ha="center", va="center", size=size, color="white" if value > 55 else "black")
    many = len(names) > 4
    axes.set_xticks(range(len(names)), names, rotation=45 if many else 0, ha="right" if many else "center")
    axes.set_yticks(range(len(names)), names, rotation=0 if many else 90, va="center")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set(xlabel="what the model says", ylabel="true class", title="C   Confusion (% of each true class)")


def _draw_calibration(axes: Axes, calibration: Reliability) -> None:
    filled = calibration.answers > 0
    answers, probability, right = (each[filled] for each in calibration[1:])
    low, high = wilson_interval(np.rint(answers * right).astype(int), answers)
    error = calibration.expected_calibration_error
    width = np.diff(calibration.edges)[0]
    axes.bar(calibration.edges[:-1], calibration.answers / answers.sum(), width, align="edge", color="0.85")
    axes.plot([0, 1], [0, 1], color="0.3", ls="--", lw=1)
    spread = np.maximum([right - low, high - right], 0)
    axes.errorbar(probability, right, spread, fmt="o", color="#0072B2", capsize=2)
    axes.set(
        xlim=(0, 1), ylim=(0, 1), xlabel="probability of the answer given", ylabel="share right (grey: of all answers)"
    )
    axes.set_title(f"D   Calibration: expected error {100 * error:.1f} %")
