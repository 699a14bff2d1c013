"""How long does a parameter study take: a fresh Brian2 script a point, and this project's sweep?

The points are values of the astrocyte's maximal IP3 production O_beta; the model is a tripartite synapse with few
release sites. Everything is timed as a user meets it, from the start of the process to its end, imports, compiling
and the written file included. Of the fresh scripts a few points are run and their mean is multiplied (`measured`
says how many); a first one that does not count fills Cython's cache. The sweep is run with NumPy, with Cython when its
cache is full (which `--target auto` chooses from then on), and with a C++ program that is compiled anew each time.
"""

import tempfile
from collections.abc import Sequence
from statistics import mean, median

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from biophys.simulation.progress import progress
from studies.benches.comparison import draw_bars, refuse_few, refuse_unknown
from studies.benches.machine import process_seconds

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
    refuse_few(points=points, measured=measured, repeats=repeats)
    refuse_unknown("code target", targets, TARGETS)
    scripts = [target for target in targets if target != "cpp_standalone"]
    drives = np.linspace(1, 5, points)
    line = f"sweep tripartite --axis astrocyte.O_beta=1:5:{points}*umolar/second --record calcium"
    line += f" --set stimulus.synapses={synapses} --seconds {seconds} --step {step} --target"
    rows = []
    for target in scripts:
        words = [target, str(seconds), str(step), str(synapses)]
        each = [[f"{drive:.12g}", *words] for drive in (drives[0], *np.resize(drives, measured))]
        rows.append((SCRIPT, target, mean(timed("benches.plain_script", each)) * points, measured))
    with tempfile.TemporaryDirectory() as folder:
        for target in targets:
            words = [*line.split(), target, "--out"]
            turns = [[*words, f"{folder}/{target}-{turn}.nc"] for turn in range(repeats + 1)]
            rows.append((SWEEP, target, median(timed("command_line", turns)), points))
    frame = pd.DataFrame(rows, columns=["method", "target", "seconds", "measured"])
    fresh = frame.seconds[frame.method == SCRIPT].min() if scripts else np.nan
    return frame.assign(a_point=frame.seconds / points, ratio=fresh / frame.seconds)


def timed(module: str, runs: Sequence[Sequence[str]]) -> list[float]:
    """Seconds of a process for each run, from its start to its end, but for the first, which compiles."""
    bar = progress(runs, unit="run")
    return [process_seconds("-m", f"studies.{module}", *words).wall for words in bar][1:]


def draw(frame: pd.DataFrame) -> Figure:
    """Seconds for all points, a bar a method and target, on a logarithmic axis."""
    names = [f"{row.method} ({row.target})" for row in frame.itertuples()]
    label = "seconds for all points, start of the process to its end"
    return draw_bars(frame.seconds, names, "{:.3g} s", frame.method == SWEEP, label, row=0.3, room=2)
