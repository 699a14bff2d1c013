"""Benchmarks compare fairly: turns are taken in order, warm ones left out, nothing trivial or unknown is timed."""

import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgba

from studies.benches.comparison import OTHERS, OURS, draw_bars, refuse_few, refuse_unknown, take_turns


def test_all_take_turns_in_their_order_and_warm_turns_do_not_count():
    called: list[str] = []

    def work(name: str):
        return lambda: called.append(name) or len(called)

    turns = take_turns({"b": work("b"), "a": work("a")}, 3)
    assert called == ["b", "a"] * 4
    assert turns == {"b": [3, 5, 7], "a": [4, 6, 8]} and list(turns) == ["b", "a"]
    called.clear()
    assert take_turns({"a": work("a")}, 2, warm=0) == {"a": [1, 2]}
    assert take_turns({"a": work("a")}, 1, warm=2) == {"a": [5]}


@pytest.mark.parametrize(
    ("least", "counts", "sentence"),
    [
        (1, {"repeats": 1, "threads": 0}, "threads 0 leaves nothing to time; use at least 1"),
        (0, {"steps": -1}, "steps -1 leaves nothing to time; use at least 0"),
        (1, {"tokens": (8, -2)}, "tokens -2 leaves nothing to time; use at least 1"),
    ],
)
def test_too_few_is_refused(least, counts, sentence):
    with pytest.raises(ValueError) as refused:
        refuse_few(least, **counts)
    assert str(refused.value) == sentence


def test_what_is_enough_and_known_is_not_refused():
    refuse_few(0, steps=0)
    refuse_few(repeats=1, tokens=(1, 2), longest=())
    refuse_unknown("mode", ["a", "b"], ("b", "a"))


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError) as refused:
        refuse_unknown("mode", ["fast", "slow"], ("fast", "safe"))
    assert str(refused.value) == "mode 'slow' is not known; use some of fast, safe"


def test_bars_stand_in_order_with_ours_in_colour_and_their_numbers():
    values = pd.Series([2.0, 0.125])
    figure = draw_bars(values, ["theirs", "ours"], "{:.3g} s", [False, True], "time (s)", row=0.3, room=2)
    (axes,) = figure.axes
    bars = axes.patches
    assert [bar.get_width() for bar in bars] == values.tolist()
    assert [bar.get_facecolor() for bar in bars] == [to_rgba(OTHERS), to_rgba(OURS)]
    assert [text.get_text() for text in axes.texts] == ["2 s", "0.125 s"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["theirs", "ours"]
    assert axes.yaxis_inverted() and axes.get_xscale() == "log" and axes.get_xlabel() == "time (s)"
    assert axes.get_xlim()[1] == 4 and figure.get_figheight() == pytest.approx(0.8 + 0.3 * 2)
    plt.close(figure)
