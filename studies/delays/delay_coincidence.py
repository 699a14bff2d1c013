"""Do delays that follow spikes find the pattern that a neuron keeps hearing?

Each of 40 inputs fires once in every return of a pattern, at an offset of its own, jittered by 1 ms and among random
spikes at 2 Hz (biophys/ready_networks/delay_learning.py). Delays start anywhere within 20 ms. They follow either the
spikes that the neuron fires by itself (`own`), which tells the planted delays up to a constant common to its inputs,
the median error, that is subtracted here; or those that a teacher makes it fire (`taught`), which tells them as they
are. Before and after, delays are fixed and the teacher is silent, and half of the patterns are played backwards.

What was found (10 patterns each, 35 s of learning, 290 returns): by its own spikes a neuron finds all of 400 delays
within one step of 1 ms, with a standard deviation of 0.34 ms (theory: 0.33) and a common constant of -1 to 8 ms; with a
teacher, 399 of 400, and a constant of -0.4 to -0.2 ms, since the neuron at times fires just before its teacher tells it
to. Afterwards it answers every pattern and none that is played backwards, without a teacher.
"""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from brian2 import second
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.stats import norm

from astromorph.settings.checks import check_seed
from biophys.delays import DelayParameters, settled_spread
from biophys.ready_networks.delay_learning import NETWORK, Neuron, Stimulus
from biophys.simulation import network
from studies.figure import draw_panels
from studies.numerals import counted
from studies.study import MOST_CELLS, Meaning, check_size, labelled, unfolded

MODES: dict[str, dict[str, Any]] = {
    "own": {},
    "taught": {"stimulus.teacher": 1.0, "neuron.theta_0": 0.6, "neuron.theta_step": 0.0},
}
DIRECTIONS = ("forward", "backward")
STAGES = ("before", "after")
BLUE, RED, GREY = "#0072B2", "#D55E00", "0.55"
COLORS = {"own": BLUE, "taught": RED}
REACH = 40  # steps drawn on either side of coincidence
REST = 4.0  # s without learning at the end
LONGEST = 0.09  # s from the start of a pattern in which a spike answers it
MEANINGS: dict[str, Meaning] = {
    "error": ("ms", "delay less the planted one"),
    "constant": ("ms", "median error of a neuron's inputs at the end"),
    "within": "share of delays within one step of the planted ones and the constant",
    "threshold": "threshold, as a share of the inputs",
    "potential": "mean summed potential, as a share of the inputs",
    "answered": "share of patterns that the neuron answers with a spike",
    "lag": ("ms", "time from the step in which the planted delays let the pattern coincide"),
    "stage": "delays at the start or at the end",
    "direction": "pattern as learned or backwards",
    "mode": "whose spikes the delays follow",
    "pattern": "number of the pattern",
}


def simulate(
    *,
    patterns: int = 10,
    seconds: float = 42.0,
    seed: int = 0,
    target: str = "auto",
) -> xr.Dataset:
    """Delays against time, what is left of their errors, and the neuron's answers before and after.

    Args:
        patterns: how many are drawn; a neuron learns each by its own spikes, and another with a teacher.
        seconds: simulated time; learning lasts from 3 s until 4 s before the end.
        seed: of patterns, delays at the start and noise; pattern n has seed + n.
        target: Brian2 code target: numpy, cython, cpp_standalone or auto.

    Returns a dataset with dims mode (own, taught), pattern, input, time (s), stage, direction and lag (ms). ValueError
    in one sentence for bad input.
    """
    check_seed(seed)
    if patterns < 1 or seconds < 8:
        raise ValueError(f"{patterns} patterns and {seconds:g} s are too few; use at least 1 pattern and 8 s")
    check_size(MOST_CELLS, modes=len(MODES), patterns=patterns)
    until = {"stimulus.learn_until": (seconds - REST) * second}
    points = [network.Point(MODES[mode] | until, seed + number) for mode in MODES for number in range(patterns)]
    record = ("delay", "planted", "threshold", "output_spikes", "input_spikes", "volleys")
    run = network.simulate(NETWORK, points, seconds=seconds, record=record, every=0.5, target=target)
    error = run.delay - run.planted
    constant = error.isel(time=-1).median("input")
    within = np.abs(error.isel(time=-1) - constant) <= 1e3 * NETWORK.step
    heard = [responses(run.isel(point=number), float(constant[number]), seconds) for number in range(len(points))]
    potential, answered = map(np.array, zip(*heard, strict=True))
    arrays = {
        "error": error.transpose("point", "input", "time"),
        "constant": constant,
        "within": within.mean("input"),
        "threshold": run.threshold.isel(neuron=0, time=[0, -1], drop=True).rename(time="stage").drop_vars("stage"),
        "potential": (("point", "stage", "direction", "lag"), potential),
        "answered": (("point", "stage", "direction"), answered),
    }
    dataset = unfolded(xr.Dataset(arrays), {"mode": list(MODES), "pattern": np.arange(patterns)}).assign_coords(
        stage=list(STAGES), direction=list(DIRECTIONS), lag=1e3 * NETWORK.step * np.arange(-REACH, REACH + 1)
    )
    settings = {name: value for name, value in run.attrs.items() if name != "network"}
    return labelled(dataset, MEANINGS, _attributes(dataset, seed) | settings)


def responses(one: xr.Dataset, constant: float, seconds: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of one neuron with the delays of the start and of the end: what arrives, and whether it answers.

    Returns the mean summed potential (stage, direction, lag) around the step in which planted delays, later by
    `constant` (ms) at the end, let the pattern coincide; and the share of patterns with a spike (stage, direction).
    """
    step, stimulus = NETWORK.step, Stimulus()
    meet = float((stimulus.base + stimulus.length) / second)
    potential = np.empty((len(STAGES), len(DIRECTIONS), 2 * REACH + 1))
    answered = np.empty(potential.shape[:2])
    for stage, (end, start) in enumerate([(float(stimulus.learn_from / second), 0.0), (seconds, seconds - REST)]):
        trace = summed(one.input_spikes.values, one.delay.values[:, -stage], round(seconds / step))
        for direction in range(len(DIRECTIONS)):
            volleys = one.volleys.values[direction]
            volleys = volleys[(volleys > start) & (volleys < end - LONGEST)]
            centre = np.rint((volleys + meet + 1e-3 * constant * stage) / step).astype(int)
            potential[stage, direction] = trace[centre[:, None] + np.arange(-REACH, REACH + 1)].mean(0)
            after = one.output_spikes.values[0] - volleys[:, None]
            answered[stage, direction] = ((after > 0) & (after < LONGEST)).any(1).mean()
    return potential, answered


def summed(spikes: NDArray[np.float64], delays: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    """Potential (steps,) of a neuron that does not fire: each arrival adds 1/inputs, which decays.

    spikes: (inputs, any) in s, filled up with NaN; delays: (inputs,) in ms.
    """
    arrivals = np.rint(spikes / NETWORK.step) + np.floor(1e-3 * delays / NETWORK.step + 0.5)[:, None]
    arrivals = arrivals[arrivals < steps].astype(int)
    decay = np.exp(-NETWORK.step / float(Neuron().tau_m / second))
    return lfilter([1.0], [1.0, -decay], np.bincount(arrivals, minlength=steps) / len(spikes))


def _attributes(dataset: xr.Dataset, seed: int) -> dict[str, Any]:
    parts = []
    for mode in MODES:
        shares = dataset.within.sel(mode=mode)
        error = (dataset.error.sel(mode=mode).isel(time=-1) - dataset.constant.sel(mode=mode)).values
        parts.append(
            f"{mode} spikes: {100 * float(shares.mean()):.1f} % of {counted(error.size, 'delay')} within one step of "
            f"1 ms (of a pattern's at least {100 * float(shares.min()):.1f} %), standard deviation {error.std():.2f} "
            f"ms, common constant {float(dataset.constant.sel(mode=mode).min()):.1f} to "
            f"{float(dataset.constant.sel(mode=mode).max()):.1f} ms"
        )
    return {
        "study": "delay-coincidence",
        "title": "Delays that follow spikes find planted ones",
        "caption": f"{'; '.join(parts)}. {counted(dataset.sizes['pattern'], 'pattern')}, seeds from {seed}. The median "
        "error of each pattern is subtracted. Theory: normal with the spread of a settled delay, to first order in "
        "eta.",
        "seed": seed,
    }


def draw(dataset: xr.Dataset) -> plt.Figure:
    """Errors against time, errors at the end, what arrives together, and how often the neuron answers."""
    layout = [[_draw_course, _draw_errors], [_draw_potential, _draw_answers]]
    return draw_panels(dataset, layout, (7.2, 5.6), caption=dataset.attrs["caption"])


def _draw_course(axes: plt.Axes, dataset: xr.Dataset) -> None:
    one = dataset.sel(mode="own").isel(pattern=0)
    axes.axhspan(-1, 1, color="0.85", lw=0, label="± one step")
    axes.plot(one.time, (one.error - one.constant).transpose("time", "input"), color=COLORS["own"], lw=0.6)
    axes.set(xlabel="time (s)", ylabel="delay less planted one (ms)", title="A   One neuron, its own spikes")
    axes.legend(loc="upper right")


def _draw_errors(axes: plt.Axes, dataset: xr.Dataset) -> None:
    edges = np.arange(-2, 2.01, 0.1)
    axes.axvspan(-1, 1, color="0.85", lw=0)
    for mode, color in COLORS.items():
        error = dataset.error.isel(time=-1) - dataset.constant
        values = error.sel(mode=mode).values.ravel()
        axes.hist(values, edges.tolist(), density=True, histtype="step", color=color, lw=1.2, label=mode)
    jitter = float(np.hypot(Stimulus().jitter / second, NETWORK.step / np.sqrt(6)))  # spike and delay are rounded, too
    spread = 1e3 * settled_spread(jitter, float(Stimulus().rate * second), DelayParameters())
    fine = np.linspace(edges[0], edges[-1], 200)
    axes.plot(fine, norm.pdf(fine, scale=spread), "k--", lw=1, label=f"theory, {spread:.2f} ms")
    axes.set(xlabel="error at the end (ms)", ylabel="density (1/ms)", title="B   All delays after learning")
    axes.legend(loc="upper right")


def _draw_potential(axes: plt.Axes, dataset: xr.Dataset) -> None:
    shown = dataset.potential.sel(mode="own").mean("pattern")
    lines = {("before", "forward"): (GREY, "-"), ("after", "forward"): (BLUE, "-"), ("after", "backward"): (BLUE, ":")}
    for (stage, direction), (color, line) in lines.items():
        course = shown.sel(stage=stage, direction=direction)
        axes.plot(dataset.lag, course, line, color=color, label=f"{stage}, {direction}")
    level = float(dataset.threshold.sel(mode="own", stage="after").mean())
    axes.axhline(level, color="k", lw=0.8, ls="--")
    axes.text(dataset.lag[0], level, "threshold after", va="bottom", fontsize=7)
    axes.set(xlabel="time from planted coincidence (ms)", ylabel="potential (share of inputs)", ylim=(0, None))
    axes.set(title="C   What arrives of the pattern")
    axes.legend(loc="upper right")


def _draw_answers(axes: plt.Axes, dataset: xr.Dataset) -> None:
    cases = [(stage, direction) for stage in STAGES for direction in DIRECTIONS]
    place = np.arange(len(cases))
    for shift, (mode, color) in zip((-0.13, 0.13), COLORS.items(), strict=True):
        shares = 100 * np.array([dataset.answered.sel(mode=mode, stage=s, direction=d).values for s, d in cases])
        axes.plot(place + shift, shares, "o", color=color, ms=2.5, alpha=0.4)
        axes.plot(place + shift, shares.mean(1), "_", color=color, ms=14, mew=2, label=mode)
    axes.set_xticks(place, [f"{stage},\n{direction}" for stage, direction in cases])
    axes.set(ylabel="patterns answered (%)", ylim=(-4, 104), title="D   With delays fixed, without teacher")
    axes.legend(loc="center right")
