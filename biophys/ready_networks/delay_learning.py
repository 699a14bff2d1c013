"""A neuron that hears a pattern of spikes again and again in noise, through delays that move towards coincidence.

Every input fires once in each return of the pattern, at an offset of its own, with jitter, and at random besides. The
delays that would bring all spikes of the pattern together are planted: base + length - offset. With `teacher` 0 the
delays follow the neuron's own spikes. Only differences of delays then decide, so the planted ones come back up to a
constant common to all inputs of the neuron. A teacher, an input of fixed delay whose weight alone makes the neuron
fire, fixes that constant: with `teacher` above the threshold the delays come back as they are.

The neuron adapts: each of its spikes raises the threshold, so that a few inputs make it fire at first and half of them
are needed later. Before and after learning, the teacher is silent, and every second return of the pattern is played
backwards, which no delays learned from it fit.
"""

from typing import NamedTuple

import numpy as np
from brian2 import Hz, Network, Quantity, ms, second
from numpy.typing import NDArray

from biophys.delays import DELAYED, ON_POST, ON_PRE, START, DelayParameters, learn_on_arrival
from biophys.simulation.copies import Copies
from biophys.simulation.network import ReadyNetwork, Recordable
from biophys.simulation.parameters import Values, ranges, section
from biophys.simulation.quantities import written
from biophys.simulation.stimulus import SpikeTrains, poisson_trains


@ranges(above_zero="tau_m tau_theta", signed="theta_step")
class Neuron(NamedTuple):
    """A leaky integrator; its potential v counts the inputs that arrive together, as a share of all. Our choice."""

    tau_m: Quantity = 10 * ms  # lifetime of the potential
    theta_0: float = 0.2  # threshold at rest
    theta_step: float = 0.008  # rise of the threshold with each spike
    tau_theta: Quantity = 5 * second  # lifetime of that rise
    t_ref: Quantity = 30 * ms  # refractory time


@ranges(above_zero="period")
class Stimulus(NamedTuple):
    """The pattern and its noise; our choice."""

    inputs: int = 40  # each with a delay of its own
    period: Quantity = 120 * ms  # mean time between returns of the pattern, each drawn from 0.75 to 1.25 of it
    length: Quantity = 20 * ms  # of the pattern: offsets are whole steps from 0 to this
    jitter: Quantity = 1 * ms  # standard deviation of each spike of the pattern
    rate: Quantity = 2 * Hz  # of other spikes of each input
    teacher: float = 0.0  # weight of an input that fires at base + length into the pattern; 0: none
    base: Quantity = 20 * ms  # shortest planted delay
    spread: Quantity = 10 * ms  # delays are drawn from base + length/2 ± this at the start
    learn_from: Quantity = 3 * second  # delays are fixed before
    learn_until: Quantity = 38 * second  # and after


NEURON = """
dv/dt = -v/tau_m : 1 (unless refractory)
dtheta/dt = (theta_0 - theta)/tau_theta : 1
arriving : 1
"""
RESET = """
v = 0
theta += theta_step
"""
SYNAPSE = f"""{DELAYED}
plastic = int(t >= learn_from)*int(t < learn_until) : 1
planted : second (constant)
"""


def build(copies: Copies) -> Network:
    count = copies.values["stimulus"]["inputs"]
    drawn = [drawing(copies, copy) for copy in range(copies.count)]
    axon = copies.spikes(lambda copy: drawn[copy].axons, name="axon")
    volley = copies.spikes(lambda copy: drawn[copy].volleys, name="volley")
    neuron = copies.neurons(
        1, NEURON, ["neuron"], name="neuron", method="exact", threshold="v > theta", reset=RESET, refractory="t_ref"
    )
    neuron.theta = copies.each("neuron", "theta_0")
    neuron.run_regularly("v += arriving*int(not_refractory)", when="synapses", name="arrival")
    synapse = copies.synapses(
        axon, neuron, SYNAPSE, ["rule", "stimulus"], pairs=(np.arange(count), 0), name="synapse",
        on_pre=ON_PRE, on_post=ON_POST, namespace={"weight": 1 / count},
    )  # fmt: skip
    learn_on_arrival(synapse)
    synapse.set_states(START)
    synapse.planted = np.concatenate([each.planted for each in drawn]) * second
    synapse.d = np.concatenate([each.start for each in drawn]) * second
    teaching = copies.synapses(
        volley, neuron, "", ["stimulus"], pairs=([2], [0]), on_pre="v += teacher*int(not_refractory)", name="teaching"
    )
    return Network(axon, volley, neuron, synapse, teaching)


class Drawing(NamedTuple):
    """All chance of one copy; times in s."""

    axons: SpikeTrains
    volleys: SpikeTrains  # cell 0 where the pattern starts, 1 where it starts backwards, 2 is the teacher
    planted: NDArray[np.float64]
    start: NDArray[np.float64]  # delays at the start


def drawing(copies: Copies, copy: int) -> Drawing:
    step, seconds, p = copies.step, copies.seconds, copies.of(copy, "stimulus")
    chance = copies.chance(copy, "pattern")
    offsets = step * chance.integers(0, round(p.length / step), p.inputs, endpoint=True)
    delays = p.base + p.length / 2 + p.spread * chance.uniform(-1, 1, p.inputs)
    chance = copies.chance(copy, "volleys")
    gaps = p.period * chance.uniform(0.75, 1.25, int(seconds / p.period / 0.75) + 1)
    starts = step * np.rint(np.cumsum(gaps) / step)
    starts = starts[starts < seconds - p.length]
    learning = (starts >= p.learn_from) & (starts < p.learn_until)
    backward = ~learning & (np.arange(len(starts)) % 2 == 1)
    times = starts[:, None] + np.where(backward[:, None], p.length - offsets, offsets)
    times = np.abs(times + p.jitter * chance.standard_normal(times.shape))
    noise = poisson_trains(np.full(p.inputs, p.rate), seconds, step, copies.chance(copy, "background"))
    cells = np.append(np.tile(np.arange(p.inputs), len(starts)), noise.cell)
    taught = starts[learning] + p.base + p.length
    marks = np.concatenate([backward.astype(int), np.full(len(taught), 2)])
    return Drawing(
        axons=merged(copies, p.inputs, cells, np.append(times, noise.time)),
        volleys=merged(copies, 3, marks, np.append(starts, taught)),
        planted=p.base + p.length - offsets,
        start=delays,
    )


def merged(copies: Copies, cells: int, cell: NDArray, time: NDArray) -> SpikeTrains:
    """On the grid of time steps, sorted; spikes of one cell in one step are one."""
    slots = np.rint(time / copies.step).astype(np.int64)
    last = round(copies.seconds / copies.step)
    keys = np.unique(cell[slots < last] * last + slots[slots < last])
    return SpikeTrains(cells, keys // last, (keys % last).astype(np.float64) * copies.step)


def check(values: Values) -> None:
    """ValueError in one sentence for times that do not fit together."""
    stimulus, rule = values["stimulus"], values["rule"]
    if np.any(stimulus["learn_until"] < stimulus["learn_from"]):
        raise ValueError("stimulus.learn_until lies before stimulus.learn_from; use that time or a later one")
    needed = stimulus["base"] + np.maximum(stimulus["length"], stimulus["length"] / 2 + stimulus["spread"])
    if np.any(needed > rule["d_max"]):
        raise ValueError(
            f"delays of up to {written(np.max(needed))} are planted or drawn; use rule.d_max of at least that"
        )
    if np.any(stimulus["spread"] > stimulus["base"] + stimulus["length"] / 2):
        raise ValueError("stimulus.spread makes negative delays; use at most stimulus.base + stimulus.length/2")


NETWORK = ReadyNetwork(
    name="delay-learning",
    sections={"rule": section(DelayParameters()), "neuron": section(Neuron()), "stimulus": section(Stimulus())},
    records={
        "delay": Recordable("synapse", "d", "ms", "delay", "input"),
        "planted": Recordable("synapse", "planted", "ms", "delay that makes the pattern coincide", "input"),
        "threshold": Recordable(
            "neuron", "theta", "1", "threshold, as a share of the inputs", fades="neuron.tau_theta"
        ),
        "potential": Recordable("neuron", "v", "1", "potential, as a share of the inputs", fades="neuron.tau_m"),
        "output_spikes": Recordable("neuron", "spikes", "s", "spike times of the neuron"),
        "input_spikes": Recordable("axon", "spikes", "s", "spike times of the inputs", "input"),
        "volleys": Recordable(
            "volley", "spikes", "s", "times of pattern (0), backward pattern (1) and teacher (2)", "kind"
        ),
    },
    shown=("delay", "threshold", "output_spikes"),
    build=build,
    seconds=42.0,
    step=0.001,
    every=0.1,
    fastest=lambda values: 1 / values["neuron"]["tau_m"],
    check=check,
)
