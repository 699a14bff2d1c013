"""How does the calcium of an astrocyte answer the rate of its synapses?

Every rate drives an astrocyte of its own through release sites that fire independently of each other.
Calcium, IP3 and transmitter are recorded; their means over the time after settling are the steady-state
response.

What was found (the default set, Stimberg et al. 2018, example 2, all published values; 20 Poisson synapses,
their transmitter averaged): mean calcium rises from 0.40 umolar at 0.2 Hz to 0.72 at 30 Hz and has done
half of that at 1 Hz. It saturates for two reasons that multiply: depressing synapses release at most
Omega_d = 2 pools a second however fast they fire, and the receptors fill up, the more so as calcium
silences them through protein kinase C. At rest (no drive) calcium is 0.054 umolar, so the first half of
the whole rise happens below 0.2 Hz and a curve fitted here must not be followed down to no drive at all.
Above 1 Hz the level is steady; below, calcium follows the chance clusters of spikes.
This set is the default because its response is smooth, increasing and saturating without any tuned number,
and does not depend on averaging over a limit cycle.

The cells of De Pitta et al. (2009) oscillate under the same drive. The amplitude-modulated one does so up
to 1.5 Hz and then settles at once on a raised level (subcritical Hopf point): its mean has a step from 0.32
to 0.40 umolar between 1 and 2 Hz. The frequency-modulated one oscillates at every rate between the same
extremes, and its mean is a duty cycle: it rises to 0.40 umolar at 5 Hz and is flat within 2 % from there
on.

Against Fig. 3 of Mia, Bal & Sengupta (IEEE TCDS 2025), Ca = 0.100 + 0.0187 f^0.25 in arbitrary units over
1-10 Hz: both curves rise and saturate, theirs by 15 % from 1 to 10 Hz, ours by 25 %. Their model (Li-
Rinzel cell, 2-AG and e-SP feedback) and its constants are not printed, so this is a likeness of shape and
no reproduction; over the wider range measured here a Hill curve fits far better than a power law (see
studies/fits/calcium_response.py).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from brian2 import second, umolar

from astromorph.settings.checks import check_seed
from biophys.astrocyte import AstrocyteParameters, parameter_set, settling_time
from biophys.simulation.recording import described
from biophys.simulation.simulate import choose_target, run
from biophys.simulation.stimulus import spike_trains
from biophys.synapse import SynapseParameters
from biophys.tripartite import RECORD_EVERY, build_units, largest_step, recorded
from studies.figure import curves, paper_style
from studies.study import MOST_CELLS, Meaning, check_size, labelled

RATES = (0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0)
BLUE = "#0072B2"
TRACES = ["calcium", "inositol_trisphosphate", "receptors_bound", "released_transmitter"]
SHORTEST_WINDOW = 20.0  # s; the drives studied here oscillate with periods of 4 to 14 s
ABOUT = {"study": "calcium-response", "title": "Calcium response of an astrocyte to the rate of its synapses"}
MEANINGS: dict[str, Meaning] = {
    "calcium_mean": ("umolar", "mean free calcium in the astrocyte, after settling"),
    "calcium_min": ("umolar", "least free calcium in the astrocyte, after settling"),
    "calcium_max": ("umolar", "largest free calcium in the astrocyte, after settling"),
    "inositol_trisphosphate_mean": ("umolar", "mean IP3, after settling"),
    "receptors_bound_mean": "mean share of receptors bound, after settling",
    "release_rate": ("1/s", "vesicle pools released per second, mean over synapses, after settling"),
    "released_transmitter_mean": ("umolar", "mean transmitter in the cleft, after settling"),
}


def simulate(
    rates: Sequence[float] = RATES,
    *,
    seconds: float = 120.0,
    step: float = 0.005,
    synapses: int = 20,
    trials: int = 3,
    pattern: str = "poisson",
    astrocyte: str = "stimberg-example-2",
    seed: int = 0,
    target: str = "numpy",
) -> xr.Dataset:
    """Drive one astrocyte per rate and trial, and record its steady response.

    Args:
        rates: presynaptic rates in Hz, each above 0.
        seconds: simulated time in s; the part after settling (three IP3 lifetimes) is averaged.
        step: time step in s.
        synapses: release sites per astrocyte, each with a presynaptic cell of its own.
        trials: repetitions with other spikes.
        pattern: spike pattern, poisson or regular (evenly spaced with random phases).
        astrocyte: parameter set, one of biophys.astrocyte.PARAMETER_SETS.
        seed: of the spike trains.
        target: Brian2 code target: numpy, cython, cpp_standalone or auto.

    Returns a dataset with dims rate (Hz), trial, time (s). Raises ValueError in one sentence for bad input.
    """
    check_seed(seed)
    cell, synapse = parameter_set(astrocyte), SynapseParameters()
    settling = float(settling_time(cell) / second)
    check_counts(rates=len(rates), synapses=synapses, trials=trials)
    check_rates(rates)
    _check_time(seconds, settling)
    _check_step(step, float(largest_step(max(rates) / second, synapses, synapse, cell) / second))
    target = choose_target(target, round(seconds / step))
    drive = Drive(np.unique(rates).tolist(), synapses, trials, pattern, seconds, step, seed)
    states = xr.Dataset(driven(cell, drive, target))
    dataset = states[TRACES].astype("float32")  # drawn, not computed with
    dataset = dataset.assign(_steady_state(states.sel(time=slice(settling, None)), synapse))
    options: dict[str, Any] = {"parameter_set": astrocyte, "pattern": pattern, "target": target, "synapses": synapses}
    options |= {"seed": seed, "seconds": seconds, "step": step, "window": f"{settling:g} s to {seconds:g} s"}
    parameters = described("synapse", synapse._asdict()) | described("astrocyte", cell._asdict())
    return labelled(dataset, MEANINGS, ABOUT | options | parameters)


class Drive(NamedTuple):
    """Spikes at several rates (Hz), each for as many astrocytes as there are trials."""

    rates: Sequence[float]
    synapses: int  # of an astrocyte
    trials: int
    pattern: str
    seconds: float
    step: float  # s
    seed: int


def driven(cell: AstrocyteParameters, drive: Drive, target: str = "numpy") -> Mapping[str, xr.DataArray]:
    """Every state of the astrocytes against time, with dims (rate, trial, time)."""
    rates, synapses, trials, pattern, seconds, step, seed = drive
    trains = spike_trains(pattern, np.repeat(rates, trials * synapses), seconds, step, seed)
    units = {
        "rate": xr.Variable("rate", np.array(rates), {"units": "Hz", "long_name": "presynaptic rate"}),
        "trial": xr.Variable("trial", np.arange(trials), {"units": "1", "long_name": "repetition with other spikes"}),
    }
    build = lambda: build_units(trains, synapses, synapse=SynapseParameters(), astrocyte=cell, step=step * second)
    read = lambda network: recorded(network, units)
    return run(build, read, seconds * second, seed=seed, target=target)


def _steady_state(window: xr.Dataset, synapse: SynapseParameters) -> dict[str, xr.DataArray]:
    """Means, extremes and release per second over the window after settling, with dims (rate, trial)."""
    calcium, released = window.calcium, window.cumulative_release
    seconds = float(released.time[-1] - released.time[0])
    per_second = released.isel(time=[0, -1]).diff("time").squeeze("time", drop=True) / seconds
    # one pool's transmitter times its lifetime: exact, for the decay is linear
    per_pool = float(synapse.rho_c * synapse.Y_T / synapse.Omega_c / umolar / second)
    return {
        "calcium_mean": calcium.mean("time"),
        "calcium_min": calcium.min("time"),
        "calcium_max": calcium.max("time"),
        "inositol_trisphosphate_mean": window.inositol_trisphosphate.mean("time"),
        "receptors_bound_mean": window.receptors_bound.mean("time"),
        "release_rate": per_second,
        "released_transmitter_mean": per_second * per_pool,
    }


def check_rates(rates: Sequence[float]) -> None:
    for rate in rates:
        if not (math.isfinite(rate) and rate > 0):
            raise ValueError(f"rate {rate:g} Hz does not drive a synapse; use rates above 0 Hz")


def check_counts(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{count} {name} are too few to simulate; use at least 1")
    check_size(MOST_CELLS, **counts)


def _check_time(seconds: float, settling: float) -> None:
    least = settling + SHORTEST_WINDOW
    if not (math.isfinite(seconds) and seconds >= least):
        raise ValueError(
            f"{seconds:g} s leave no time to average after {settling:g} s of settling; use at least {least:g} s"
        )


def _check_step(step: float, limit: float) -> None:
    if not 0 < step <= limit * (1 + 1e-9):
        raise ValueError(f"step {step:g} s cannot follow this drive; use one above 0 and up to {limit:.3g} s")
    record_every = float(RECORD_EVERY / second)
    if abs(record_every / step - round(record_every / step)) > 1e-6:
        fitting = record_every / math.ceil(record_every / step)
        raise ValueError(f"step {step:g} s does not divide {record_every:g} s between records; use {fitting:.6g} s")


def draw(dataset: xr.Dataset) -> plt.Figure:
    """Calcium traces at four rates; calcium, IP3 and release after settling against rate."""
    with paper_style():
        figure, panels = plt.subplot_mosaic([["traces"] * 3, ["calcium", "IP3", "release"]], figsize=(7.2, 5.2))
        _draw_traces(panels["traces"], dataset)
        low, high = dataset.calcium_min.min("trial"), dataset.calcium_max.max("trial")
        panels["calcium"].fill_between(dataset.rate, low, high, color=BLUE, alpha=0.2, lw=0, label="min to max")
        _draw_mean(panels["calcium"], dataset.calcium_mean, "calcium (µM)")
        panels["calcium"].legend(loc="lower right", frameon=False, fontsize=7)
        _draw_mean(panels["IP3"], dataset.inositol_trisphosphate_mean, "IP3 (µM)")
        _draw_mean(panels["release"], dataset.release_rate, "release (pools/s)")
    return figure


def _draw_traces(axes: plt.Axes, dataset: xr.Dataset) -> None:
    chosen = np.unique(np.linspace(0, dataset.sizes["rate"] - 1, 4).round().astype(int))
    for rate, trace, color in curves(dataset.calcium.isel(rate=chosen, trial=0), "rate", ordered=True):
        axes.plot(trace.time, trace, color=color, lw=1, label=f"{rate:g} Hz")
    settling, end = float(dataset.attrs["window"].split()[0]), float(dataset.time[-1])
    axes.axvspan(settling, end, color="0.5", alpha=0.12, lw=0, label="averaged")
    axes.set(xlabel="time (s)", ylabel="calcium (µM)", xlim=(0, end), ylim=(0, None))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=5, frameon=False)


def _draw_mean(axes: plt.Axes, values: xr.DataArray, label: str) -> None:
    mean, deviation = values.mean("trial"), values.std("trial")
    look: dict[str, Any] = {"fmt": "o-", "ms": 3, "lw": 1, "capsize": 2, "color": BLUE}
    axes.errorbar(values.rate, mean, deviation, **look, label="mean ± sd of trials")
    axes.set(xscale="log", xlabel="presynaptic rate (Hz)", ylabel=label, ylim=(0, None))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
