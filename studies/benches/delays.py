"""How long do learned delays take to train, and how much memory, against the dense convolution of `dcls`?

Two layers of delayed connections (inputs to hidden, hidden to hidden) with spikes between them: forward and backward
for weights, delays and the hidden spikes, at three widths of the kernel: at the start of annealing (half the longest
delay), in the middle of it (geometrically) and at its end (0.5 steps). Inputs are random spikes; the threshold between
the layers passes the same part of the hidden neurons, and a surrogate derivative goes back through it. "inference" is
the forward pass of the rounded layers on the same spikes: event by event here, the dense convolution there.

Compared with Dcls1d (version "gauss") of `dcls`, if it can be imported, and with `delayed_slowly`, the project's own
dense form. All hold the same weights and delays and take turns in one process; the median counts. Memory is the peak
of a process of its own beyond what it held with libraries warm and the network and its inputs made (Linux). Before
anything is timed, the outputs of all forms are compared at every stage in a small network.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib.util import find_spec
from statistics import median
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from joblib.externals.loky import ProcessPoolExecutor
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from astromorph.settings.checks import check_seed
from astromorph.training.allocator import keep_freed_memory
from biophys.simulation.progress import progress
from studies.benches.comparison import name_machine, refuse_few, say_how_long, take_turns
from studies.benches.delayed_networks import (
    DCLS,
    DENSE,
    OURS,
    Case,
    Network,
    Sizes,
    compare_results,
    given,
    peaks,
    stages,
    threshold,
)
from studies.benches.machine import processor
from studies.figure import paper_style
from studies.numerals import counted
from studies.threads import processor_threads

DASHED: dict[str, Any] = {"linestyle": "--", "marker": "s", "markerfacecolor": "white"}  # the dense form


def bench(
    longest: Sequence[int] = (25,),
    *,
    against: Sequence[str] = (DCLS, DENSE),
    batch: int = 64,
    steps: int = 100,
    inputs: int = 140,
    hidden: int = 256,
    activity: float = 0.05,
    repeats: int = 3,
    threads: int = 2,
    seed: int = 0,
) -> pd.DataFrame:
    """Seconds and memory of learned delays, here and in dense convolutions.

    Args:
        longest: longest delays in time steps; 128 as well takes five times as long.
        against: dcls (left out, with a word, where it is not installed), dense (the project's own), or both.
        batch: sequences at once.
        steps: time steps of a sequence.
        inputs: input neurons.
        hidden: neurons of either layer.
        activity: part of the inputs, and of the hidden neurons, that spike in a step.
        repeats: turns of each, after one that does not count; their median is reported.
        threads: processor threads.
        seed: of weights, delays and spikes.

    Returns the columns longest, stage, width, against, seconds, fastest, slowest, dense_seconds, dense_fastest,
    dense_slowest, times_faster (of the medians), megabytes, dense_megabytes, part_of_memory (infinite or NaN where a
    turn of a small network held no page more).
    """
    check_seed(seed)
    refuse_few(batch=batch, steps=steps, inputs=inputs, hidden=hidden, repeats=repeats, threads=threads)
    refuse_few(**{"longest delay": longest})
    if not 0 < activity < 1:
        raise ValueError(f"activity {activity} is not a part of the neurons; use a number between 0 and 1")
    for name in against:
        if name not in (DENSE, DCLS):
            raise ValueError(f"{name!r} is no other form; use some of {DCLS}, {DENSE}")
    others = [name for name in dict.fromkeys(against) if name != DCLS or find_spec("DCLS") is not None]
    if len(others) < len(set(against)):
        print("dcls is not installed: compared with the project's own dense convolution only")
        others = [DENSE]
    sizes = Sizes(batch, steps, inputs, hidden, activity, seed)
    rows: list[dict[str, object]] = []
    keep_freed_memory()  # as training does; for the dense forms too: they share the process
    with processor_threads(threads):
        compare_results(others)
        taken = expected_seconds(set(longest), sizes, others, repeats)
        say_how_long(taken, f"{counted(len(set(longest)), 'longest delay')}, each at 4 stages", threads)
        for delay in progress(sorted(set(longest)), unit="longest delay"):
            rows += measured(stages(delay), sizes, others, repeats, threads)
    frame = pd.DataFrame(rows)
    frame.insert(frame.columns.get_loc("megabytes"), "times_faster", frame.dense_seconds / frame.seconds)
    frame["part_of_memory"] = frame.megabytes / frame.dense_megabytes
    frame.attrs["hardware"] = f"{processor()}, {counted(threads, 'thread')}"
    return frame


def expected_seconds(longest: Iterable[int], sizes: Sizes, others: Sequence[str], repeats: int) -> float:
    """Of all stages, from one turn of every form on few sequences with short delays: the dense ones cost by the tap."""
    tried = 8  # steps
    few = sizes._replace(batch=min(sizes.batch, 4))
    tensors, case = given(few), stages(tried)[1]
    total = 0.0
    for form in (OURS, *others):
        network = Network(form, few, case, 1.0)
        network.seconds(*tensors)
        once = network.seconds(*tensors) * sizes.batch / few.batch
        taps = [(each + 1) / (tried + 1) for each in longest]
        total += once * sum(taps if form != OURS else [1 + 0.2 * each for each in taps])
    stages_of_one, counted_twice = 3.3, 2  # inference is quicker; memory is of another process and one turn warms
    return total * stages_of_one * (repeats + counted_twice) + 5 * (1 + len(others))


def measured(
    cases: Sequence[Case], sizes: Sizes, others: Sequence[str], repeats: int, threads: int
) -> list[dict[str, object]]:
    """A row for each case and other form."""
    tensors, forms = given(sizes), (OURS, *others)
    levels = [(case, threshold(sizes, case, tensors[0])) for case in cases]
    memory = {form: fresh(peaks, form, sizes, levels, threads) for form in forms}
    rows: list[dict[str, object]] = []
    for place, (case, level) in enumerate(levels):
        networks = {form: Network(form, sizes, case, level) for form in forms}
        turns = take_turns({form: partial(network.seconds, *tensors) for form, network in networks.items()}, repeats)
        rows += [
            {
                **case._asdict(),
                "against": form,
                "seconds": median(turns[OURS]),
                "fastest": min(turns[OURS]),
                "slowest": max(turns[OURS]),
                "dense_seconds": median(turns[form]),
                "dense_fastest": min(turns[form]),
                "dense_slowest": max(turns[form]),
                "megabytes": memory[OURS][place],
                "dense_megabytes": memory[form][place],
            }
            for form in others
        ]
    return rows


def fresh(measure: Callable[..., list[float]], *arguments: object) -> list[float]:
    """What `measure` says in a process of its own, which does not run the caller's script again."""
    with ProcessPoolExecutor(1) as pool:
        return pool.submit(measure, *arguments).result()


def draw(frame: pd.DataFrame) -> Figure:
    """Seconds and megabytes against the longest delay at each stage, ours and a dense form, and how many times less."""
    form = frame.against.iloc[0]
    chosen = frame[frame.against == form]
    longest = sorted(set(chosen.longest))
    with paper_style():
        figure, panels = plt.subplots(2, 2, figsize=(7.2, 5.4), sharex=True)
        for column, (unit, title) in enumerate({"seconds": "time (s)", "megabytes": "memory (MB)"}.items()):
            above, below = panels[:, column]
            for stage, rows in chosen.groupby("stage", sort=False):
                (line,) = above.plot(rows.longest, rows[unit], "o-", label=stage)
                above.plot(rows.longest, rows[f"dense_{unit}"], color=line.get_color(), **DASHED)
                below.plot(rows.longest, rows[f"dense_{unit}"] / rows[unit], "o-")
            above.set(ylabel=title)
            below.set(ylabel=f"{title.split()[0]}, {form} over {OURS}", xlabel="longest delay (steps)")
        for axes in panels.flat:
            axes.set(xscale="log", yscale="log")
            axes.yaxis.set(major_locator=LogLocator(subs=(1, 2, 5)), minor_locator=NullLocator())
            axes.yaxis.set_major_formatter("{x:g}")
            axes.set_xticks(longest, map(str, longest))
            axes.minorticks_off()
        handles, labels = panels[0, 0].get_legend_handles_labels()
        handles += [Line2D([], [], color="0.4", **look) for look in ({"marker": "o"}, DASHED)]
        figure.legend(handles, [*labels, OURS, form], ncols=3, loc="outside upper center")
        name_machine(figure, frame)
    return figure
