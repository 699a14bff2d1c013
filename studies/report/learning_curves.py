"""How did a training run go?

Loss and validation accuracy by epoch, from the run folder's table. The epoch of the best validation accuracy
is the one whose weights are tested; the test accuracy, once it has been read, is a line to compare with.
"""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from astromorph.runs.run_folder import RunFolder
from astromorph.settings import Settings
from studies.figure import paper_style


def draw(folder: RunFolder) -> Figure:
    """Losses left, accuracies right, by epoch. FileNotFoundError before the first epoch has ended."""
    with paper_style():
        figure, (losses, accuracies) = plt.subplots(1, 2, figsize=(7.2, 3.2))
        draw_panels(losses, accuracies, folder)
        figure.suptitle(folder.title)
    return figure


def draw_panels(losses: Axes, accuracies: Axes, folder: RunFolder) -> None:
    """The same into two given panels."""
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
        _mark_epoch(axes, chosen)


def best_epoch(table: pd.DataFrame, settings: Settings) -> int:
    """The best so far: by accuracy or, of a language model, by loss."""
    by_loss = settings.kind == "language model"
    place = table.validation_loss.idxmin() if by_loss else table.validation_accuracy.idxmax()
    return int(table.loc[place, "epoch"])


def _mark_epoch(axes: Axes, chosen: int) -> None:
    axes.axvline(chosen, color="0.6", lw=0.8, zorder=0, label=f"best validation: epoch {chosen}")
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()
