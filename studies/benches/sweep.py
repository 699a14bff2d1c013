"""How long does a parameter study take: a fresh Brian2 script a point, and this project's sweep?

The points are values of the astrocyte's maximal IP3 production O_beta; the model is a tripartite synapse with few
release sites. Before anything is timed, scripts and sweep simulate one with many release sites at the least and at the
greatest production, and their mean calcium must agree but for the chance of spikes. Everything is timed as a user meets
it, from the start of the process to its end, imports, compiling and the written file included. Of the fresh scripts a
few points are run and their median is multiplied (`measured` says how many); of Cython a first one that does not count
fills the cache. The sweep is run with NumPy, with Cython when its cache is full (which `--target auto` chooses from
then on), and with a C++ program that is compiled anew each time.
"""

import tempfile
import time
from collections.abc import Sequence
from statistics import median

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from biophys.simulation.progress import progress
from studies.benches.comparison import draw_bars, refuse_different, refuse_few, refuse_unknown, say_how_long
from studies.benches.machine import process_output, process_seconds
from studies.numerals import counted

SCRIPT = "fresh script a point"
SWEEP = "astromorph sweep"
COMPARED, SITES = 2.0, 1000  # s and release sites, many enough that both have much the same spikes
TOLERANCE = 0.1  # of the largest mean; it doubles from the least to the greatest production
COMPILING = {"numpy": 0.0, "cython": 30.0, "cpp_standalone": 10.0}  # as long as so many starts of Python with Brian2
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

    Returns the columns method, target, seconds (median), fastest, slowest, measured, a_point, ratio (to the fastest
    kind of fresh script).
    """
    refuse_few(points=points, measured=measured, repeats=repeats)
    refuse_unknown("code target", targets, TARGETS)
    scripts = [target for target in targets if target != "cpp_standalone"]
    drives = np.linspace(1, 5, points)
    line = sweep_line(points, seconds, step, synapses)
    taken = expected_seconds(targets, measured, repeats, seconds / step)
    say_how_long(taken, f"{counted(points, 'point')}, {counted(len(scripts) + len(targets), 'method')}")
    rows = []
    for target in scripts:
        words = [target, str(seconds), str(step), str(synapses)]
        each = [[f"{drive:.12g}", *words] for drive in (drives[0], *np.resize(drives, measured))]
        taken_each = timed("benches.plain_script", each, target)
        rows.append((SCRIPT, target, *spread([points * taken for taken in taken_each]), measured))
    with tempfile.TemporaryDirectory() as folder:
        for target in targets:
            turns = [[*line, target, "--out", f"{folder}/{target}-{turn}.nc"] for turn in range(repeats + 1)]
            rows.append((SWEEP, target, *spread(timed("command_line", turns, target)), points))
    frame = pd.DataFrame(rows, columns=["method", "target", "seconds", "fastest", "slowest", "measured"])
    fresh = frame.seconds[frame.method == SCRIPT].min() if scripts else np.nan
    return frame.assign(a_point=frame.seconds / points, ratio=fresh / frame.seconds)


def sweep_line(points: int, seconds: float, step: float, synapses: int) -> list[str]:
    """The words of the sweep before its code target."""
    line = f"sweep tripartite --axis astrocyte.O_beta=1:5:{points}*umolar/second --record calcium"
    return f"{line} --set stimulus.synapses={synapses} --seconds {seconds} --step {step} --target".split()


def spread(seconds: Sequence[float]) -> tuple[float, float, float]:
    """Median, least and most."""
    return median(seconds), min(seconds), max(seconds)


def expected_seconds(targets: Sequence[str], measured: int, repeats: int, steps: float) -> float:
    """Of all processes, after results were compared, which tells how long a script takes to start and to step.

    ValueError if the mean calcium of scripts and of the sweep differ more than by the chance of their spikes.
    """
    start = process_seconds("-c", "import brian2, pandas").wall
    begun = time.perf_counter()
    scripts = [mean_of_script(drive) for drive in (1, 5)]
    stepping = max((time.perf_counter() - begun) / 2 - 1.5 * start, 0.0) / (COMPARED / 0.001)
    refuse_different("mean calcium of the sweep and of scripts", means_of_sweep(), scripts, TOLERANCE)
    total = 0.0
    for target in targets:
        compiling = COMPILING[target] * start
        if target == "cpp_standalone":
            total += repeats * (2 * start + compiling)
        else:
            total += (repeats + measured) * (1.5 * start + steps * stepping) + compiling
    return total


def mean_of_script(drive: float) -> float:
    """Mean calcium of a script with many release sites, in umolar."""
    words = [str(drive), "numpy", str(COMPARED), "0.001", str(SITES)]
    return float(process_output("-m", "studies.benches.plain_script", *words).split()[-1])


def means_of_sweep() -> np.ndarray:
    """The same of the sweep at the least and the greatest production."""
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/compared.nc"
        process_output("-m", "studies.command_line", *sweep_line(2, COMPARED, 0.001, SITES), "numpy", "--out", file)
        with xr.open_dataset(file) as dataset:
            return dataset.calcium.mean("time").values.ravel()


def timed(module: str, runs: Sequence[Sequence[str]], target: str) -> list[float]:
    """Seconds of a process for each run but the first, which with Cython compiles and counts for nothing elsewhere."""
    bar = progress(runs if target == "cython" else runs[1:], unit="run")
    seconds = [process_seconds("-m", f"studies.{module}", *words).wall for words in bar]
    return seconds[1:] if target == "cython" else seconds


def draw(frame: pd.DataFrame) -> Figure:
    """Seconds for all points, a bar a method and target, on a logarithmic axis."""
    names = [f"{row.method} ({row.target})" for row in frame.itertuples()]
    label = "seconds for all points, start of the process to its end"
    return draw_bars(frame.seconds, names, "{:.3g} s", frame.method == SWEEP, label, row=0.3, room=2)
