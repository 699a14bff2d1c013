"""Words of a figure, as they are drawn: none leaves the page, and none lies on another or on a legend."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from unittest.mock import patch

import matplotlib
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from studies.command_line import main
from studies.figure import paper_style
from studies.layout import save

matplotlib.use("Agg")
RESULTS = Path(__file__).parents[2] / "studies" / "results"
NOT_DRAWN = {"attention-ablation.csv"}  # beside a dataset of the same name, which is
QUICK = ["bench-training.csv", "circuit.nc", "wikitext2.csv"]
DRAWN = sorted(path.name for path in RESULTS.iterdir() if path.suffix in (".nc", ".csv") and path.name not in NOT_DRAWN)


@contextmanager
def watched() -> Iterator[list[str]]:
    """The faults of every figure that is saved meanwhile, as its last drawing has them."""
    found: list[str] = []
    drawn: dict[int, tuple[Text | Legend, Bbox]] = {}
    draw_text, draw_legend, savefig = Text.draw, Legend.draw, Figure.savefig

    def text(self, renderer, *rest, **named):
        if self.get_visible() and self.get_text().strip():
            box, clip = self.get_window_extent(renderer), self.get_clip_box() if self.get_clip_on() else None
            if box := box if clip is None else Bbox.intersection(box, clip):
                drawn[id(self)] = (self, box.frozen())
        return draw_text(self, renderer, *rest, **named)

    def legend(self, renderer, *rest, **named):
        if self.get_visible():
            drawn[id(self)] = (self, self.get_window_extent(renderer).frozen())
        return draw_legend(self, renderer, *rest, **named)

    def saved(self, *rest, **named):
        drawn.clear()
        savefig(self, *rest, **named)
        found[:] = faults(list(drawn.values()), self.bbox)

    with patch.object(Text, "draw", text), patch.object(Legend, "draw", legend), patch.object(Figure, "savefig", saved):
        yield found


def faults(drawn: list[tuple[Text | Legend, Bbox]], page: Bbox) -> list[str]:
    edge = page.padded(1)
    off = [f"{one} is off the page" for one, box in drawn if not (edge.contains(*box.min) and edge.contains(*box.max))]
    over = [
        f"{one} lies on {other}"
        for (one, box), (other, there) in combinations(drawn, 2)
        if not (_belong(one, other) or _belong(other, one))
        and min(box.width, there.width) > 2
        and box.padded(-1).overlaps(there.padded(-1))
    ]
    return off + over


def _belong(word: Text | Legend, legend: Text | Legend) -> bool:
    return isinstance(legend, Legend) and word in (*legend.get_texts(), legend.get_title())


def plotted(name: str, folder: Path) -> list[str]:
    with watched() as found:
        assert main(["plot", str(RESULTS / name), "--out", str(folder / "figure.png")]) == 0
    return found


def test_faults_are_seen(tmp_path):
    with paper_style():
        figure, axes = plt.subplots(figsize=(3, 2))
        axes.plot([0, 1], label="line")
        axes.text(0.2, 0.5, "one word")
        axes.text(0.25, 0.5, "another word")
        figure.text(0.9, 0.1, "a word that leaves the page")
        with watched() as found:
            save(figure, tmp_path / "figure.png")
        plt.close(figure)
    assert len(found) == 2 and "another" in found[1] and "leaves the page" in found[0]


@pytest.mark.parametrize("name", QUICK)
def test_committed_results(name, tmp_path):
    assert plotted(name, tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in DRAWN if name not in QUICK])
def test_all_committed_results(name, tmp_path):
    assert plotted(name, tmp_path) == []
