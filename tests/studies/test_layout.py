"""Every figure has room for its words, whatever its settings are."""

import io

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from studies.figure import paper_style
from studies.layout import save
from studies.patterns import false_match, missed_match, nmda_threshold, threshold_scaling, union_property
from studies.physiology import self_repair

matplotlib.use("Agg")


def test_long_legends_titles_and_labels_are_inside_the_page():
    with paper_style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3))
        for number in range(19):
            left.plot([0, 1], [0, number], label=f"{number} synapses")
        left.legend()
        left.set_title("A   a title that is longer than its panel is wide by far, and goes on")
        right.set(title="B   the other", ylabel="a label that is longer than the panel is high, and more than the page")
    content = io.BytesIO()
    save(figure, content)
    assert plt.imread(io.BytesIO(content.getvalue())).shape[:2] == (450, 1350)
    page, legend = figure.bbox, left.get_legend().get_window_extent()
    assert legend.x0 > left.bbox.x1 and legend.y0 >= -1 and legend.y1 <= page.y1 + 1
    assert "\n" in right.get_ylabel() and "\n" in left.get_title("left")
    title = left._left_title.get_window_extent()
    assert not title.overlaps(right._left_title.get_window_extent()) and title.x1 <= page.x1
    plt.close(figure)


def test_a_figure_with_room_stays_as_it_is():
    with paper_style():
        figure, axes = plt.subplots(figsize=(5, 3))
        axes.plot(np.arange(3), label="line")
        axes.set(title="title", xlabel="x", ylabel="y")
        legend = axes.legend()
    drawn, figure.savefig = [], lambda *_, **settings: (drawn.append(settings), Figure.savefig(figure, *_, **settings))
    save(figure, io.BytesIO())
    assert drawn == [{"format": "png", "dpi": 150}]  # once, as it is
    assert axes.get_legend() is legend and axes.get_title("left") == "title"
    plt.close(figure)


@pytest.mark.parametrize(
    ("study", "name"),
    [
        (false_match, "active"),
        (missed_match, "limits"),
        (nmda_threshold, "thresholds"),
        (union_property, "sampled_synapses"),
    ],
)
def test_a_list_without_a_value_is_refused(study, name):
    with pytest.raises(ValueError, match=f"^{name} holds no value; give at least one$"):
        study.simulate(**{name: []})


def test_what_is_too_short_is_said_in_our_words():
    with pytest.raises(ValueError, match="shows no exponent"):
        threshold_scaling.simulate(false_match=[1e-9])
    with pytest.raises(ValueError, match="too short to draw rates"):
        self_repair.simulate(seconds=3, fault_time=1, averaged=0.5, after=0.5, repetitions=1)
