"""Synapses between pairs of cells that fire at fixed lags: the experiment that measures the window of spike-timing-
dependent plasticity (Bi and Poo, J Neurosci 18:10464, 1998; model of Song, Miller and Abbott, 2000).

Each synapse has a pre- and a postsynaptic cell of its own. Both fire `pairs` times at `rate`, the postsynaptic one
later by the synapse's lag (earlier if negative). Lags are evenly spaced around `lag`, so that one run shows the whole
window; with `synapses=1`, `lag` is that of the synapse. Pairs start at the nearest time step.
"""

from typing import NamedTuple

import numpy as np
from brian2 import Hz, Network, Quantity, ms, second
from numpy.typing import NDArray

from biophys.circuits.time_grid import whole_steps
from biophys.plasticity.spike_timing import ON_POST, ON_PRE, SPIKE_TIMING, SpikeTimingParameters, weights_before_marks
from biophys.simulation.copies import Copies
from biophys.simulation.network import ReadyNetwork, Recordable
from biophys.simulation.parameters import ranges, section
from biophys.simulation.stimulus import SpikeTrains


@ranges(above_zero="rate", shares="w_0", signed="lag spacing")
class Stimulus(NamedTuple):
    """The pairing protocol; our choice, quick to simulate."""

    synapses: int = 40  # each with a pair of cells and a lag of its own
    pairs: int = 5  # of spikes at each synapse
    rate: Quantity = 5 * Hz  # of the pairs
    lag: Quantity = 0 * ms  # postsynaptic after presynaptic spike, mean over the synapses
    spacing: Quantity = 5 * ms  # of the lags of neighbouring synapses
    w_0: float = 0.5  # weight at the start, of the largest


def build(copies: Copies) -> Network:
    step, count = copies.step, copies.values["stimulus"]["synapses"]
    lags = all_lags(copies)
    steps = whole_steps(lags, step, "a lag of stimulus.lag and stimulus.spacing")
    periods = np.atleast_1d(1 / copies.each("stimulus", "rate") / second)
    check_end(copies, lags, periods)

    def trains(copy: int, delays: NDArray[np.int64]) -> SpikeTrains:
        starts = np.rint(np.arange(copies.values["stimulus"]["pairs"]) * float(periods[copy]) / step)
        times = (np.maximum(delays[copy], 0)[:, None] + starts) * step
        return SpikeTrains(count, np.repeat(np.arange(count), times.shape[1]), times.ravel())

    pre = copies.spikes(lambda copy: trains(copy, -steps), name="pre")
    post = copies.spikes(lambda copy: trains(copy, steps), name="post")
    equations, each = SPIKE_TIMING + "lag : second (constant)", np.arange(count)
    synapse = copies.synapses(
        pre, post, equations, ["plasticity"], pairs=(each, each), on_pre=ON_PRE, on_post=ON_POST, name="synapse"
    )
    weights_before_marks(synapse)
    synapse.w = np.repeat(copies.each("stimulus", "w_0"), count)
    synapse.lag = lags.ravel() * second
    return Network(pre, post, synapse)


def all_lags(copies: Copies) -> NDArray[np.float64]:
    """In s, (copies, synapses)."""
    count = copies.values["stimulus"]["synapses"]
    middle, spacing = (np.asarray(copies.each("stimulus", name) / second) for name in ("lag", "spacing"))
    return middle[:, None] + (np.arange(count) - (count - 1) / 2) * spacing[:, None]


def check_end(copies: Copies, lags: NDArray, periods: NDArray) -> None:
    """All pairs must fit into the simulated time, or the weights would tell of fewer."""
    seconds, pairs = copies.seconds, copies.values["stimulus"]["pairs"]
    needed = float(((pairs - 1) * periods + np.abs(lags).max(axis=1)).max())
    if needed >= seconds:
        raise ValueError(f"{seconds:g} s end before the last pair at {needed:.6g} s; simulate longer or fewer pairs")


NETWORK = ReadyNetwork(
    name="spike-timing",
    sections={"plasticity": section(SpikeTimingParameters()), "stimulus": section(Stimulus())},
    records={
        "weight": Recordable("synapse", "w", "1", "weight, of the largest"),
        "lag": Recordable("synapse", "lag", "ms", "lag of the postsynaptic spike"),
        "presynaptic_trace": Recordable(
            "synapse", "x_now", "1", "trace of presynaptic spikes", fades="plasticity.tau_plus"
        ),
        "postsynaptic_trace": Recordable(
            "synapse", "y_now", "1", "trace of postsynaptic spikes", fades="plasticity.tau_minus"
        ),
        "presynaptic_spikes": Recordable("pre", "spikes", "s", "times of presynaptic spikes", "synapse"),
        "postsynaptic_spikes": Recordable("post", "spikes", "s", "times of postsynaptic spikes", "synapse"),
    },
    shown=("weight",),
    build=build,
    seconds=1.0,
    step=0.0005,
    every=0.005,
    fastest=lambda values: values["stimulus"]["rate"],
)
