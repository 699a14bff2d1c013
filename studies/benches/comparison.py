"""How a benchmark compares: results before times, all in turns, for as long as it says; bars show ours in colour."""

import os
import sys
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from biophys.simulation.progress import progress
from studies.figure import paper_style
from studies.numerals import counted

OURS, OTHERS = "#0072B2", "0.6"  # colours
K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


def refuse_few(least: int = 1, /, **counts: int | Sequence[int]) -> None:
    """ValueError for the first count, each of which may be several, that leaves nothing to time."""
    for name, several in counts.items():
        for count in np.atleast_1d(several):
            if count < least:
                raise ValueError(f"{name} {count} leaves nothing to time; use at least {least}")


def refuse_unknown(what: str, names: Iterable[str], known: Sequence[str]) -> None:
    """ValueError, with the known ones, for the first name that is none of them."""
    for name in names:
        if name not in known:
            raise ValueError(f"{what} {name!r} is not known; use some of {', '.join(known)}")


def refuse_different(what: str, result: ArrayLike, expected: ArrayLike, tolerance: float) -> None:
    """ValueError unless no number of a result is further from the expected one than this part of the largest."""
    result, expected = np.asarray(result), np.asarray(expected)
    apart = np.abs(result - expected).max() / max(np.abs(expected).max(), np.finfo(float).tiny)
    if not apart <= tolerance:  # nor where it is no number
        raise ValueError(
            f"{what}: results are {apart:.2g} of the largest apart and may be {tolerance:.2g}, so nothing was timed; "
            "see whether they agree with ASTROMORPH_PLAIN=1, and report it"
        )


def say_how_long(seconds: float, what: str, processes: int = 1) -> None:
    """On standard error, before a benchmark starts: how long it will take, and more threads or processes than cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if processes > cores:
        few = f"{processes} threads or processes are more than the {counted(cores, 'core')} for this process"
        print(f"{few}, so times will be longer than they need be and waver; use at most {cores}", file=sys.stderr)
    print(f"{duration(seconds)} ({what})", file=sys.stderr)


def duration(seconds: float) -> str:
    """`less than a minute`, `about 3 minutes`, `about 2 hours`: no estimate here is better than that."""
    if seconds < 50:
        return "less than a minute"
    hours = seconds >= 90 * 60
    return f"about {counted(round(seconds / (3600 if hours else 60)), 'hour' if hours else 'minute')}"


def take_turns(
    works: Mapping[K, Callable[[], T]], repeats: int, *, warm: int = 1, shown: bool = False
) -> dict[K, list[T]]:
    """What each work returns in each of its turns, after `warm` turns that do not count.

    They take turns so that a busy machine slows all of them; progress is shown if asked for.
    """
    returned: dict[K, list[T]] = {name: [] for name in works}
    for name in progress([*works] * (warm + repeats), unit="turn", disable=not shown):
        returned[name].append(works[name]())
    return {name: turns[warm:] for name, turns in returned.items()}


def name_machine(figure: Figure, frame: pd.DataFrame) -> None:
    """Below the panels, the machine on which a table was measured; a table from a file does not say it."""
    if "hardware" in frame.attrs:
        figure.supxlabel(frame.attrs["hardware"], fontsize=8)


def draw_bars(
    values: pd.Series, names: Iterable[str], text: str, ours: Iterable[bool], label: str, *, row: float, room: float
) -> Figure:
    """Values above zero as bars on a logarithmic axis, the first on top.

    text: how the number behind a bar is written, such as "{:.3g} s". row: inches of a bar. room: for that number, right
    end of the axis over the largest value.
    """
    with paper_style():
        figure, axes = plt.subplots(figsize=(7.2, 0.8 + row * len(values)))
        bars = axes.barh(range(len(values)), values, color=[OURS if each else OTHERS for each in ours])
        axes.bar_label(bars, fmt=text, padding=3)
        axes.set_yticks(range(len(values)), names)
        axes.invert_yaxis()
        axes.set(xscale="log", xlabel=label)
        axes.set_xlim(right=values.max() * room)
    return figure
