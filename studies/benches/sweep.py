"""How long does a parameter study take: a fresh Brian2 script a point, and this project's sweep?

The points are values of the astrocyte's maximal IP3 production O_beta; the model is a tripartite synapse with few
release sites. Everything is timed as a user meets it, from the start of the process to its end, imports, compiling
and the written file included. Of the fresh scripts a few points are run and their mean is multiplied (`measured`
says how many); a first one that does not count fills Cython's cache. The sweep is run with NumPy, with Cython when its
cache is full (which `--target auto` chooses from then on), and with a C++ program that is compiled anew each time.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from statistics import mean, median

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from tqdm import tqdm

from studies.figure import paper_style

SCRIPT = "fresh script a point"
SWEEP = "astromorph sweep"
TARGETS = ("numpy", "cython", "cpp_standalone")


def bench(
    points: int = 64,
    *,
    measured: int = 3,
    repeats: int = 3,
    seconds: float = 10.0,
    step: float = 0.001,
    synapses: int = 10,
    targets: Sequence[str] = TARGETS,
) -> pd.DataFrame:
    """Seconds for all points, by method and code target.

    Args:
        points: values of O_beta.
        measured: fresh scripts that are run and timed for each code target.
        repeats: sweeps of which the median is reported.
        seconds: simulated time in s.
        step: time step in s.
        synapses: release sites.
        targets: code targets of the sweep; scripts run with numpy and cython where those are named.

    Returns the columns method, target, seconds, a_point, ratio (to the fastest kind of fresh script), measured.
    """
    for name, count in {"points": points, "measured": measured, "repeats": repeats}.items():
        if count < 1:
            raise ValueError(f"{name} {count} leaves nothing to time; use at least 1")
    for target in targets:
        if target not in TARGETS:
            raise ValueError(f"code target {target!r} is not known; use some of {', '.join(TARGETS)}")
    rows = []
    values = np.linspace(1, 5, points)
    scripts = [target for target in targets if target != "cpp_standalone"]
    with tqdm(total=len(scripts) * (measured + 1) + len(targets) * (repeats + 1), unit="run", disable=None) as bar:
        for target in scripts:
            each: list[float] = []
            for number, value in enumerate([values[0], *np.resize(values, measured)]):
                taken = timed(
                    "studies.benches.plain_script", f"{value:.12g}", target, str(seconds), str(step), str(synapses)
                )
                if number:  # the first one compiles
                    each.append(taken)
                bar.update()
            rows.append((SCRIPT, target, mean(each) * points, measured))
        for target in targets:
            whole: list[float] = []
            for number in range(repeats + 1):
                with tempfile.TemporaryDirectory() as folder:
                    words = f"sweep tripartite --axis astrocyte.O_beta=1:5:{points}*umolar/second --record calcium"
                    words += f" --set stimulus.synapses={synapses} --seconds {seconds} --step {step} --target {target}"
                    again = timed("studies.command_line", *words.split(), "--out", f"{folder}/sweep.nc")
                if number:
                    whole.append(again)
                bar.update()
            rows.append((SWEEP, target, median(whole), points))
    frame = pd.DataFrame(rows, columns=["method", "target", "seconds", "measured"])
    fresh = frame.seconds[frame.method == SCRIPT].min() if scripts else np.nan
    return frame.assign(a_point=frame.seconds / points, ratio=fresh / frame.seconds)


def timed(module: str, *words: str) -> float:
    """Seconds of a process of its own, from start to end. RuntimeError with its last words if it fails."""
    start = time.perf_counter()
    ended = subprocess.run([sys.executable, "-m", module, *words], capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError(f"{module} {' '.join(words)} failed: {ended.stderr.strip().splitlines()[-1:]}")
    return time.perf_counter() - start


def draw(frame: pd.DataFrame) -> Figure:
    """Seconds for all points, a bar a method and target, on a logarithmic axis."""
    with paper_style():
        figure, axes = plt.subplots(figsize=(7.2, 0.8 + 0.3 * len(frame)), layout="constrained")
        colors = ["0.6" if method == SCRIPT else "#0072B2" for method in frame.method]
        bars = axes.barh(np.arange(len(frame)), frame.seconds, color=colors)
        axes.bar_label(bars, [f"{taken:.3g} s" for taken in frame.seconds], padding=3)
        axes.set_yticks(np.arange(len(frame)), [f"{row.method} ({row.target})" for row in frame.itertuples()])
        axes.invert_yaxis()
        axes.set(xscale="log", xlabel="seconds for all points, start of the process to its end")
        axes.set_xlim(right=frame.seconds.max() * 2)
    return figure
