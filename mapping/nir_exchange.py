"""Networks with delays as graphs of the neuromorphic intermediate representation (NIR: Pedersen et al., Nat Commun
15:8122, 2024), to give them to other libraries and to take them from there.

NIR describes neurons in continuous time, and its delays belong to channels, not to synapses. So that forward Euler with
the time step dt, which the graph's metadata name, takes exactly the steps of the network:

neurons   h = kept v + x is that of tau v' = -v + r x with r = tau/dt and kept = 1 - dt/tau. NIR fires above the
          threshold, the network at 1 or more, so the threshold is the number just below 1, and one that is read
          stands for the number just above it.
delays    of axons: a Delay, then Affine. Of dendrites: Linear, Delay, and Affine of the identity, since the constant
          current is not delayed. Of synapses: each input is copied once for every delay that one of its synapses has
          (Linear), the copies are delayed, and Affine weighs them: tapped delay lines, exact, and as many channels as
          there are different pairs of input and delay.

On the way back any chain of Linear, Affine, Scale, Flatten and Delay between neurons is taken together, as long as no
neuron hears an input at two delays. Neurons must be LIF with reset to 0, and LI at the end.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import h5py
import nir
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from astromorph.files.reasons import reason_of
from astromorph.files.whole_files import whole
from biophys.circuits.delayed_layer import Layer

if TYPE_CHECKING:
    from astromorph.models.spiking_classifier import DeployedClassifier
    from mapping.trained import Model

KNOWN = "Linear, Affine, Scale, Flatten, Delay, LIF and, at the end, LI"


class Exchanged(NamedTuple):
    """layers, the last of which does not fire; dt: time step, s; readout: how the last layer is read, if known."""

    layers: list[Layer]
    dt: float
    readout: str | None


def to_nir(model: "Model", path: str | os.PathLike, *, dt: float | None = None) -> Exchanged:
    """Write a spiking classifier as a NIR file (HDF5), whole or not at all; returns what was written.

    model: a spiking classifier, or the run of one: its folder or path. dt: time step in s, that of the run or else
    0.001. ValueError for a network that is no spiking classifier.

    Example: mapping.to_nir("runs/spoken-digits", "spoken-digits.nir")
    """
    from mapping.delay_kernel import layers_of
    from mapping.trained import spiking_network

    network, step = spiking_network(model)
    exchanged = Exchanged(layers_of(network), dt or step or 0.001, network.kind)
    write(Path(path), exchanged)
    return exchanged


def from_nir(path: str | os.PathLike, *, dt: float | None = None, readout: str | None = None) -> "DeployedClassifier":
    """The spiking classifier of a NIR file, to call with spikes (batch, time, inputs) or to run with `to_brian2`.

    dt: time step in s, if the file names none. readout: softmax, last, mean or max, if the file names none. ValueError
    in one sentence for a file that holds no such network.
    """
    from mapping.delay_kernel import classifier_of

    exchanged = read(Path(path), dt)
    kind = exchanged.readout or readout
    if kind is None:
        raise ValueError(f"{path} does not say how its last layer is read; give readout softmax, last, mean or max")
    return classifier_of(exchanged.layers, kind)


def write(path: Path, exchanged: Exchanged) -> None:
    """The network as a NIR file (HDF5), whole or not at all."""
    with whole(path) as part:
        nir.write(part, graph(exchanged))


def read(path: Path, dt: float | None = None) -> Exchanged:
    """The network of a NIR file. dt: time step in s, if the file does not say. ValueError in one sentence."""
    if not path.is_file():
        raise ValueError(f"{path} is no file; give a NIR file")
    try:
        return network(stored(path), dt)
    except Exception as error:  # whatever h5py and nir make of a foreign file, or the reason why it is refused
        reason = reason_of(error, "it is cut short, no NIR file, or holds a node that is not known")
        raise ValueError(f"{path} holds no network that can be taken ({reason})") from error


def stored(path: Path) -> nir.NIRGraph:
    """The graph in a file, an edge that is listed twice once: nir refuses those."""
    with h5py.File(path) as file:
        found = nir.serialization.hdf2dict(file["node"])
    found |= {"edges": list(dict.fromkeys(map(tuple, found["edges"]))), "type_check": True}
    return nir.dict2NIRNode(found)


def graph(exchanged: Exchanged) -> nir.NIRGraph:
    """The network as a chain of NIR nodes."""
    layers, dt, readout = exchanged
    nodes: dict[str, nir.NIRNode] = {"input": nir.Input({"input": np.array([layers[0].weight.shape[1]])})}
    for number, layer in enumerate(layers):
        last = layer is layers[-1]
        for kind, node in connections(layer, dt, last):
            nodes[f"{kind}_{number}"] = node
        tau, one = plain(1 / (1 - layer.kept)), np.ones(len(layer.weight))
        shared = {"tau": tau * dt * one, "r": tau * one, "v_leak": 0 * one}
        threshold = {"v_threshold": np.nextafter(one, 0), "v_reset": 0 * one}
        nodes[f"neurons_{number}"] = nir.LI(**shared) if last else nir.LIF(**shared, **threshold)
    nodes["output"] = nir.Output({"output": np.array([len(layers[-1].weight)])})
    names = list(nodes)
    metadata = {"dt": dt} | ({"readout": readout} if readout else {})
    return nir.NIRGraph(nodes, list(zip(names, names[1:], strict=False)), metadata)


def connections(layer: Layer, dt: float, last: bool) -> list[tuple[str, nir.NIRNode]]:
    """Names and nodes of the synapses of a layer; the current of the last is left out."""
    outputs, inputs = layer.weight.shape
    steps = layer.steps

    def weights(matrix: NDArray) -> tuple[str, nir.NIRNode]:
        return "weights", nir.Linear(matrix) if last else nir.Affine(matrix, layer.current)

    if not steps.any():
        return [weights(layer.weight)]
    if (steps == steps[:1]).all():
        return [("delays", nir.Delay(steps[0] * dt)), weights(layer.weight)]
    if (steps == steps[:, :1]).all():
        delays = ("delays", nir.Delay(steps[:, 0] * dt))
        return [("dendrites", nir.Linear(layer.weight)), delays, weights(np.eye(outputs))]
    slots = int(steps.max()) + 1
    taps, place = np.unique(np.arange(inputs) * slots + steps, return_inverse=True)
    copies, spread = np.zeros((len(taps), inputs)), np.zeros((outputs, len(taps)))
    copies[np.arange(len(taps)), taps // slots] = 1
    spread[np.arange(outputs)[:, None], place.reshape(steps.shape)] = layer.weight
    return [("taps", nir.Linear(copies)), ("delays", nir.Delay(taps % slots * dt)), weights(spread)]


def network(given: nir.NIRGraph, dt: float | None = None) -> Exchanged:
    """The network of a graph. dt: time step in s, if the graph does not say. ValueError in one sentence."""
    metadata = given.metadata if isinstance(given.metadata, dict) else {}
    step = float(metadata.get("dt", dt or 0))
    if not 0 < step < np.inf:
        raise ValueError("the graph names no time step; give dt in seconds")
    layers: list[Layer] = []
    size, *between = chain(given)
    way = straight(int(np.prod(size[1].input_type["input"])))
    for name, node in between:
        match node:
            case nir.Linear() | nir.Affine() | nir.Scale():
                way = weighed(way, name, node)
            case nir.Flatten() if np.prod(node.output_type["output"]) == len(way.current):
                pass  # channels lie flat here already
            case nir.Delay():
                way = delayed(way, name, node, step)
            case nir.LIF() | nir.LI() if isinstance(node, nir.LIF) or name == between[-1][0]:
                layers.append(layer_of(way, name, node, step))
                way = straight(len(layers[-1].weight))
            case _:
                raise ValueError(f"node {name!r} is a {type(node).__name__}; this network knows {KNOWN}")
    if not between or not isinstance(between[-1][1], nir.LI):
        raise ValueError(f"the graph does not end in neurons that only integrate; this network knows {KNOWN}")
    readout = metadata.get("readout")
    return Exchanged(layers, step, None if readout is None else str(readout))


def chain(found: nir.NIRGraph) -> list[tuple[str, nir.NIRNode]]:
    """Names and nodes from the input, which is the first, up to the output, which is left out."""
    after: dict[str, str] = {}
    for source, target in dict.fromkeys(map(tuple, found.edges)):
        if source in after:
            raise ValueError(f"node {source!r} leads to {after[source]!r} and {target!r}; only a chain can be taken")
        after[source] = target
    names = [name for name, node in found.nodes.items() if isinstance(node, nir.Input)]
    if len(names) != 1 or len(set(after.values())) < len(after) or len(after) != len(found.nodes) - 1:
        raise ValueError("the graph branches or runs in circles; only a chain from one input can be taken")
    while names[-1] in after:
        names.append(after[names[-1]])
    return [(name, found.nodes[name]) for name in names[:-1]]


class Way(NamedTuple):
    """From one layer's spikes to the next one's neurons, so far.

    matrices: by delay in steps, (channels, inputs); current: (channels,).
    """

    matrices: dict[int, csr_array]
    current: NDArray[np.float64]


def straight(size: int) -> Way:
    return Way({0: csr_array(np.eye(size))}, np.zeros(size))


def weighed(way: Way, name: str, node: nir.Linear | nir.Affine | nir.Scale) -> Way:
    weight = np.asarray(node.scale if isinstance(node, nir.Scale) else node.weight, float)
    weight = np.diag(weight.ravel()) if isinstance(node, nir.Scale) else weight
    if weight.ndim != 2 or weight.shape[1] != len(way.current):
        raise ValueError(
            f"node {name!r} of shape {weight.shape} does not fit the {len(way.current)} channels before it"
        )
    bias = np.asarray(node.bias, float) if isinstance(node, nir.Affine) else 0
    sparse = csr_array(weight)
    return Way({steps: sparse @ matrix for steps, matrix in way.matrices.items()}, weight @ way.current + bias)


def delayed(way: Way, name: str, node: nir.Delay, dt: float) -> Way:
    if way.current.any():
        raise ValueError(f"node {name!r} delays a constant current; put the Affine behind the Delay")
    exact = np.broadcast_to(np.asarray(node.delay, float) / dt, way.current.shape)
    steps = np.rint(exact).astype(int)
    if np.any(np.abs(exact - steps) > 1e-3) or np.any(steps < 0):
        raise ValueError(f"node {name!r} has delays that are no whole number of time steps of {dt:g} s; round them")
    matrices: dict[int, csr_array] = {}
    for before, matrix in way.matrices.items():
        for more in np.unique(steps):
            part = csr_array(np.diag((steps == more).astype(float))) @ matrix
            total = before + int(more)
            matrices[total] = matrices[total] + part if total in matrices else part
    return Way(matrices, way.current)


def layer_of(way: Way, name: str, node: nir.LIF | nir.LI, dt: float) -> Layer:
    """The way, with the neurons at its end in units of their threshold."""
    tau = {plain(value) for value in np.ravel(node.tau / dt)}
    if len(tau) > 1 or not min(tau) >= 1:
        raise ValueError(
            f"node {name!r} has time constants of {min(tau):g} to {max(tau):g} steps; use one for all, 1 or more"
        )
    kept, threshold = 1 - 1 / min(tau), np.ones(1)
    if isinstance(node, nir.LIF):
        threshold = np.ravel(node.v_threshold)
        if np.any(node.v_reset) or not np.all(threshold > 0):
            raise ValueError(f"node {name!r} does not reset from a threshold above 0 to 0; this network does")
        threshold = reached(threshold)
    gain = np.ravel(node.r) / min(tau) / threshold
    current = way.current * gain + np.ravel(node.v_leak) / min(tau) / threshold
    weights = np.array([matrix.toarray() for matrix in way.matrices.values()])
    if np.any((weights != 0).sum(0) > 1):
        neuron, source = np.argwhere((weights != 0).sum(0) > 1)[0]
        raise ValueError(f"neuron {neuron} of {name!r} hears input {source} at several delays; one each is known")
    if not (np.isfinite(weights).all() and np.isfinite(current).all()):
        raise ValueError(f"weights or currents into {name!r} are no finite numbers; repair the graph")
    steps = np.array(list(way.matrices))[(weights != 0).argmax(0)]
    return Layer(weights.sum(0) * gain.reshape(-1, 1), steps, current, kept)


def reached(threshold: NDArray) -> NDArray[np.float64]:
    """The lowest membrane that fires: the number above the threshold, which is 1 for what `write` has written."""
    numbers = threshold if threshold.dtype.kind == "f" else threshold.astype(float)
    return np.nextafter(numbers, np.full_like(numbers, np.inf)).astype(float)


def plain(value: float) -> float:
    """Without the last digits, which products with the time step have rounded."""
    return float(f"{value:.12g}")
