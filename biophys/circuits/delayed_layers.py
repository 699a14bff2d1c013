"""Layers of integrate-and-fire neurons whose synapses have delays, in whole time steps: a trained network in Brian2.

In every step of length dt each layer takes in the spikes of the layer before, those sent d steps ago through a synapse
of delay d, and

    h = kept v + (sum of weights of what arrives + current);   a spike where h >= 1, then v = 0; else v = h.

That is a neuron whose membrane decays with the time constant -dt/log(kept) between steps. Neurons of the last layer may
go without a threshold: their potential is the answer. Within a step the layers take their turns, so that a synapse of
delay 0 passes a spike on in the same step, as the trained network has it (Hammouamri, Khalfaoui-Hassani and Masquelier
2024).

Inputs are shown one after the other, in one network. After each of them all neurons are held at rest for as long as the
longest delay, so that nothing is on its way when the next one begins. An input channel that counts up to k events in a
step is k cells with the same synapses, as many of which fire as it counts.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from brian2 import (
    Clock,
    Network,
    NeuronGroup,
    Quantity,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    second,
)
from numpy.typing import NDArray

from biophys.circuits.delayed_layer import Layer, longest
from biophys.simulation.simulate import run

NEURON = """
v : 1  # potential, of the threshold
received : 1  # sum of the weights of what arrives in this step
current : 1 (constant)  # into the neuron at every step
shown = int(t_in_timesteps % turn < steps) : 1 (shared)
"""
UPDATE = """
v = shown*(kept*v + (received + current))
received = 0
"""


class Response(NamedTuple):
    """spikes: of each hidden layer, (inputs, time, neurons), true or false; potential: of the last, (inputs, time,
    neurons), in units of the threshold."""

    spikes: tuple[NDArray[np.bool_], ...]
    potential: NDArray[np.float64]


def respond(
    layers: Sequence[Layer], counts: NDArray, *, dt: Quantity = 0.001 * second, target: str = "numpy"
) -> Response:
    """What the layers do with inputs; all but the last fire.

    counts: (inputs, time, channels), whole numbers of events, 0 or more. dt: length of a step. target: Brian2 code
    target. ValueError in one sentence for layers and counts that do not fit.
    """
    counts = checked(layers, counts)
    turn = counts.shape[1] + longest(layers)

    def read(built: Network) -> Response:
        fired = []
        for number, layer in enumerate(layers[:-1]):
            monitor = built[f"spikes_{number}"]
            raster = np.zeros((len(counts), turn, len(layer.weight)), bool)
            at = np.rint(np.asarray(monitor.t / dt)).astype(int)
            raster[at // turn, at % turn, np.asarray(monitor.i)] = True
            fired.append(raster[:, : counts.shape[1]])
        potential = np.asarray(built["potential"].v).T.reshape(len(counts), turn, -1)
        return Response(tuple(fired), potential[:, : counts.shape[1]].copy())

    return run(lambda: network(layers, counts, dt), read, len(counts) * turn * dt, target=target)


def checked(layers: Sequence[Layer], counts: NDArray) -> NDArray[np.int64]:
    counts = np.asarray(counts)
    if counts.ndim != 3 or 0 in counts.shape:
        raise ValueError(f"inputs of shape {counts.shape} are not (inputs, time, channels); reshape them")
    if np.any(counts < 0) or np.any(counts != np.rint(counts)):
        raise ValueError("inputs that are no whole numbers of events cannot be shown as spikes; use 0, 1, 2, ...")
    sizes = [counts.shape[2], *(len(layer.weight) for layer in layers)]
    for number, (layer, size) in enumerate(zip(layers, sizes, strict=False)):
        if layer.weight.shape[1] != size:
            raise ValueError(f"layer {number} hears {layer.weight.shape[1]} cells, not the {size} before it; fit them")
    return counts.astype(np.int64)


def network(layers: Sequence[Layer], counts: NDArray, dt: Quantity) -> Network:
    """Groups layer_0 .. and their synapses into_0 .., monitors spikes_0 .. and potential."""
    clock = Clock(dt, name="steps")
    names = {"turn": counts.shape[1] + longest(layers), "steps": counts.shape[1]}
    before, owner = cells(counts, names["turn"], clock)
    objects: list[Any] = [before]
    for number, layer in enumerate(layers):
        slot, fires = f"layer_{number}", number < len(layers) - 1
        group = NeuronGroup(
            len(layer.weight), NEURON, clock=clock, name=slot, namespace=names | {"kept": layer.kept},
            **({"threshold": "v >= 1", "reset": "v = 0"} if fires else {}),
        )  # fmt: skip
        group.current = layer.current
        group.run_regularly(UPDATE, when=slot, order=1, name=f"update_{number}")
        synapses = connected(before, owner, group, layer, f"into_{number}")
        synapses.pre.when, synapses.pre.order = slot, 0
        if fires:
            group.thresholder["spike"].when, group.thresholder["spike"].order = slot, 2
            group.resetter["spike"].when, group.resetter["spike"].order = slot, 3
            objects.append(SpikeMonitor(group, when="end", name=f"spikes_{number}"))
        else:
            objects.append(StateMonitor(group, "v", record=True, when="end", clock=clock, name="potential"))
        objects += [group, synapses]
        before, owner = group, np.arange(len(group))
    built = Network(objects)
    turns = [f"layer_{number}" for number in range(len(layers))]
    built.schedule = ["start", "groups", "thresholds", *turns, "synapses", "resets", "end"]
    return built


def cells(counts: NDArray, turn: int, clock: Clock) -> tuple[SpikeGeneratorGroup, NDArray[np.int64]]:
    """Cells that fire as the inputs, shown in turn, say, and the channel of each: one a channel, then further ones."""
    channels = counts.shape[2]
    further = np.maximum(counts.max((0, 1)) - 1, 0)
    owner = np.concatenate([np.arange(channels), np.repeat(np.arange(channels), further)])
    number, time, channel = np.nonzero(counts)
    times = counts[number, time, channel]
    copy = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    channel = np.repeat(channel, times)
    cell = np.where(copy == 0, channel, channels + (np.cumsum(further) - further)[channel] + copy - 1)
    at = np.repeat(number * turn + time, times)
    return SpikeGeneratorGroup(len(owner), cell, at * clock.dt, clock=clock, name="input"), owner


def connected(
    source: SpikeGeneratorGroup | NeuronGroup, owner: NDArray[np.int64], group: NeuronGroup, layer: Layer, name: str
) -> Synapses:
    """Every source to every neuron; owner: the input of the layer that each source belongs to."""
    synapses = Synapses(source, group, "w : 1 (constant)", on_pre="received += w", clock=group.clock, name=name)
    i, j = (grid.ravel() for grid in np.meshgrid(np.arange(len(owner)), np.arange(len(group)), indexing="ij"))
    synapses.connect(i=i, j=j)
    synapses.w = layer.weight[j, owner[i]]
    synapses.delay = layer.steps[j, owner[i]] * group.clock.dt
    return synapses


def layers_of(built: Network, channels: int) -> list[Layer]:
    """The layers back from the arrays of a network that hears so many input channels."""
    found: list[Layer] = []
    while (name := f"layer_{len(found)}") in built:
        group, synapses = built[name], built[f"into_{len(found)}"]
        i, j = np.asarray(synapses.i), np.asarray(synapses.j)
        first = i < (len(found[-1].weight) if found else channels)  # further cells of a channel are like its first
        weight = np.zeros((len(group), int(i[first].max()) + 1))
        steps = np.zeros(weight.shape, np.int64)
        weight[j[first], i[first]] = np.asarray(synapses.w)[first]
        steps[j[first], i[first]] = np.rint(np.asarray(synapses.delay / group.clock.dt))[first]
        found.append(Layer(weight, steps, np.array(group.current), float(group.namespace["kept"])))
    return found
