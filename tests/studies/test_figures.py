"""Nothing on a figure is clipped by its page, and no legend or title is printed over another."""

from itertools import combinations

import matplotlib
import pytest
from brian2 import second, umolar
from matplotlib.legend import Legend
from matplotlib.text import Text

import biophys
from studies.patterns import false_match, missed_match, nmda_threshold, union_property
from studies.physiology import calcium_regimes
from studies.report import sweep_figure

matplotlib.use("Agg")
EXACT = {
    union_property: {"populations": [5000], "active": 100, "synapses": 30, "threshold": 10},
    nmda_threshold: {"populations": [5000, 20_000]},
    false_match: {"populations": [4000, 8000], "synapses": 20, "threshold": 9},
    missed_match: {"active": 90, "synapses": 25},
}


def faults(figure):
    """Texts that leave the page, and titles and legends that lie on each other."""
    figure.savefig("/dev/null", format="png")  # which lays the figure out
    page = figure.bbox
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    outer = [text for text in texts if not text.get_clip_on()]
    boxes = {text.get_text(): text.get_window_extent() for text in outer}
    clipped = [
        words
        for words, box in boxes.items()
        if box.x0 < page.x0 - 1 or box.x1 > page.x1 + 1 or box.y0 < page.y0 - 1 or box.y1 > page.y1 + 1
    ]
    titles = [text for text in (figure._suptitle, figure._supxlabel) if text is not None]
    titles += [text for axes in figure.axes for text in (axes._left_title, axes.title) if text.get_text()]
    laid = [*titles, *figure.findobj(Legend)]
    over = [
        (str(one), str(other))
        for one, other in combinations(laid, 2)
        if one.get_window_extent().padded(-1).overlaps(other.get_window_extent().padded(-1))
    ]
    matplotlib.pyplot.close(figure)
    return clipped + over


@pytest.mark.parametrize("study", EXACT, ids=lambda study: study.__name__.rpartition(".")[2])
def test_exact_studies(study):
    assert not faults(study.draw(study.simulate()))
    assert not faults(study.draw(study.simulate(**EXACT[study])))


def test_regimes_of_one_set_and_of_two():
    for sets in (["de-pitta-amplitude"], ["de-pitta-amplitude", "de-pitta-frequency"]):
        figure = calcium_regimes.draw(calcium_regimes.simulate(sets, drives=3))
        assert figure.axes[0].get_title("left") == "A   De Pittà, amplitude"
        assert not faults(figure)


def test_sweep_along_two_axes():
    rates = [0.6, 0.9, 1.2] * umolar / second
    axes = {"stimulus.I": [0.2, 0.5, 0.7] * umolar, "astrocyte.O_P": rates}
    dataset = biophys.sweep("li-rinzel", axes, record="calcium", seconds=2, step=0.01, every=0.1, jobs=1)
    figure = sweep_figure.draw(dataset)
    assert figure.legends[0].get_title().get_text().split() == ["astrocyte.O_P", "(µM/s)"]
    assert not faults(figure)


def test_words_beside_the_thresholds_that_are_shown_are_left_out():
    assert not faults(nmda_threshold.draw(nmda_threshold.simulate([3, 4])))
