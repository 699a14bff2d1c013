"""Which attention learns how fast? Validation accuracy against epochs, one colour a mechanism.

The line is the mean over the seeds, the band reaches from the worst to the best of them.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from studies.figure import paper_style

PANELS = {"validation_accuracy": "validation accuracy", "training_loss": "training loss"}


def draw(metrics: Mapping[str, Sequence[pd.DataFrame]]) -> Figure:
    """metrics: for each mechanism one frame a seed, as RunFolder.metrics() gives it."""
    with paper_style():
        figure, panels = plt.subplots(1, len(PANELS), figsize=(7.2, 3.2))
        for axes, (column, label) in zip(panels, PANELS.items(), strict=True):
            for name, seeds in metrics.items():
                together = pd.concat(seeds).groupby("epoch")[column]
                mean, low, high = together.mean(), together.min(), together.max()
                (line,) = axes.plot(mean.index, mean, label=name)
                axes.fill_between(mean.index, low, high, alpha=0.2, lw=0, color=line.get_color())
            axes.set(xlabel="epoch", ylabel=label)
        panels[1].set(ylim=(0, None))
        panels[0].legend(loc="lower right")
    return figure
