"""How good is a trained run? Learning curves, confusion of the classes, and calibration, on one sheet.

Calibration: test answers sorted by the probability the model gave them; in each bin the share that is right, with its
95 % interval (Wilson 1927), against the mean probability. On the diagonal a model is as sure as it should be; above
it, too modest (label smoothing makes it so). Grey bars say how many answers lie in a bin.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from astromorph.runs.run_folder import RunFolder
from astromorph.training.calibration import Reliability
from biophys.patterns.sampling import wilson_interval
from studies.figure import paper_style
from studies.report import learning_curves

CAPTION = (
    "Loss and accuracy by epoch; what the test examples of each class are taken for; and how often answers are right "
    "against how sure the model is of them, with 95 % intervals (grey: their share of all answers)."
)


def draw(folder: RunFolder, result: Mapping[str, Any]) -> Figure:
    """Four panels. result: what `evaluate_run` gives. FileNotFoundError before the first epoch has ended."""
    with paper_style():
        figure, panels = plt.subplots(2, 2, figsize=(7.2, 6.6))
        learning_curves.draw_panels(panels[0, 0], panels[0, 1], folder)
        if result["class_names"]:
            draw_confusion(panels[1, 0], result["confusion"], result["class_names"])
        else:  # a language model
            panels[1, 0].set_axis_off()
        draw_calibration(panels[1, 1], result["calibration"])
        figure.suptitle(folder.title)
    return figure


def draw_confusion(axes: Axes, confusion: Sequence[Sequence[int]], names: Sequence[str]) -> None:
    """Rows: the true classes, in % of each; columns: what the model says."""
    counts = np.asarray(confusion)
    share = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=100)
    size = 9 if len(names) < 5 else 6.5
    for (row, column), value in np.ndenumerate(share):
        told = "" if counts[row, column] == 0 else f"{value:.0f}" if len(names) > 4 else f"{value:.1f} %"
        axes.text(column, row, told, ha="center", va="center", size=size, color="white" if value > 55 else "black")
    many = len(names) > 4
    axes.set_xticks(range(len(names)), names, rotation=45 if many else 0, ha="right" if many else "center")
    axes.set_yticks(range(len(names)), names, rotation=0 if many else 90, va="center")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set(xlabel="what the model says", ylabel="true class", title="C   Confusion (% of each true class)")


def draw_calibration(axes: Axes, calibration: Reliability) -> None:
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
