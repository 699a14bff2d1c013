"""Benchmarks compare fairly: turns are taken in order, warm ones left out, nothing trivial or unknown is timed."""

import math
import os

import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgba

from studies.benches.comparison import (
    OTHERS,
    OURS,
    draw_bars,
    refuse_different,
    refuse_few,
    refuse_unknown,
    say_how_long,
    take_turns,
)


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


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.1, "less than a minute"),
        (50, "about 1 minute"),
        (170, "about 3 minutes"),
        (5399, "about 90 minutes"),
        (7000, "about 2 hours"),
    ],
)
def test_a_benchmark_says_how_long_it_will_take(seconds, words, capsys):
    say_how_long(seconds, "20 cases of 5 mechanisms")
    assert capsys.readouterr().err == f"{words} (20 cases of 5 mechanisms)\n"


def test_more_threads_than_cores_are_told_and_not_refused(monkeypatch, capsys):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1}, raising=False)
    say_how_long(1.0, "1 case", processes=2)
    assert capsys.readouterr().err.count("\n") == 1
    say_how_long(1.0, "1 case", processes=3)
    assert capsys.readouterr().err.splitlines()[0] == (
        "3 threads or processes are more than the 2 cores for this process, so times will be longer than they need be "
        "and waver; use at most 2"
    )


@pytest.mark.parametrize("result", [[1.0, 2.3], [math.nan, 2.0]])
def test_a_difference_of_results_ends_before_anything_is_timed(result):
    refuse_different("ours", [1.0, 2.1], [1.0, 2.0], 0.06)
    with pytest.raises(ValueError, match=r"^ours: results are .* of the largest apart and may be 0.06, so nothing was"):
        refuse_different("ours", result, [1.0, 2.0], 0.06)
