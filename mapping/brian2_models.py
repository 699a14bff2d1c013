"""Networks of torch in Brian2, called as they were: a transformer with circuits of neurons and astrocytes in the place
of its attention layers (mapping/circuit.py), a spiking classifier as neurons and synapses with delays
(mapping/delay_kernel.py). Each compares itself at every call with torch in double precision.
"""

from copy import deepcopy
from typing import NamedTuple

import torch
from brian2 import Quantity, second
from numpy.typing import NDArray
from torch import Tensor, nn

from astromorph.models.spiking_classifier import Activity, DeployedClassifier
from biophys.circuits.attention_circuit import Neurons
from biophys.circuits.process_calcium import Calcium
from biophys.circuits.rate_circuit import RateNeurons
from biophys.simulation.seeds import check_seed
from mapping.circuit import CircuitAttention, attention_layers, fitted_calcium, with_circuits
from mapping.delay_kernel import simulate
from mapping.trained import Model, name_of, network_of

STEP = 0.001  # s, of a spiking network whose run is not known


class CircuitModel(nn.Module):
    """A transformer with circuits in the place of its attention layers; called with the inputs of the transformer.

    network: the copy, in evaluation mode; circuits: its attention layers by the names of their modules. Each circuit
    holds the `comparisons` of its passes.
    """

    def __init__(self, network: nn.Module, circuits: dict[str, CircuitAttention]) -> None:
        super().__init__()
        self.network, self.circuits = network, circuits
        self.eval()

    @torch.no_grad()
    def forward(self, *inputs: Tensor, **named: Tensor | None) -> Tensor:
        """What the transformer answers, of the same shape and precision."""
        return self.network(*inputs, **named)

    @property
    def largest_error(self) -> float:
        """Largest relative error of an attention layer's output, of all tokens of all calls so far; 0 before any."""
        passes = [comparison for circuit in self.circuits.values() for comparison in circuit.comparisons]
        return max((float(comparison.relative_error.max()) for comparison in passes), default=0.0)


class SpikingComparison(NamedTuple):
    """Of one call, (batch,) each: neurons and steps in which Brian2 and torch differ, largest difference of a logit."""

    different_spikes: NDArray
    logit_difference: NDArray


class SpikingModel(nn.Module):
    """A spiking classifier as neurons and synapses with delays; called with the inputs of the classifier.

    network: as it is deployed; comparisons: of the calls so far; dt: length of a time step.
    """

    def __init__(self, network: DeployedClassifier, dt: Quantity, target: str) -> None:
        super().__init__()
        self.network, self.dt, self.target = network, dt, target
        self.comparisons: list[SpikingComparison] = []
        self.eval()

    def forward(self, spikes: Tensor) -> Tensor:
        """spikes: (batch, time, inputs), whole numbers; returns logits (batch, classes) in the network's precision."""
        return self.activity(spikes).logits.to(self.network.output.weight.dtype)

    @torch.no_grad()
    def activity(self, spikes: Tensor) -> Activity:
        """What every layer does with spikes (batch, time, inputs), in double precision."""
        circuit = simulate(self.network, spikes, dt=self.dt, target=self.target)
        expected = deepcopy(self.network).double().activity(spikes)
        pairs = zip(circuit.spikes, expected.spikes, strict=True)
        different = torch.stack([(ours != theirs).sum((1, 2)) for ours, theirs in pairs]).sum(0)
        logits = (circuit.logits - expected.logits).abs().amax(1)
        self.comparisons.append(SpikingComparison(different.numpy(), logits.numpy()))
        return circuit


def to_brian2(
    model: Model,
    neurons: Neurons | None = None,
    calcium: Calcium | None = None,
    *,
    dt: Quantity | None = None,
    seed: int = 0,
    target: str = "numpy",
) -> CircuitModel | SpikingModel:
    """A trained network in Brian2, called with the inputs of the network; it keeps how far it is from torch.

    Args:
        model: a transformer (or any module with attention layers of astromorph, or such a layer alone), a spiking
            classifier, or an AstromorphicClassifier; or the run of a training: its folder, path, or the name of a
            shipped model. It is not changed.
        neurons: of the circuits of attention, RateNeurons (biophys/circuits/rate_circuit.py) if left out, or
            SpikingNeurons (biophys/circuits/spiking_circuit.py).
        calcium: of their astrocytes; the response of the layer if left out, or that of a measured cell
            (mapping/circuit.py, measured_calcium).
        dt: time step of a spiking classifier; that of its run, or else 1 ms.
        seed: of the spikes of SpikingNeurons.
        target: Brian2 code target: numpy, cython, or for a spiking classifier also cpp_standalone.

    ValueError in one sentence for a network, or a part of it, that has no circuit.

    Example: circuit = mapping.to_brian2("runs/digits"); circuit(images); circuit.largest_error
    """
    check_seed(seed)
    network, step = network_of(model)
    if not isinstance(network, DeployedClassifier):
        if dt is not None:
            raise ValueError(
                "circuits of attention take the time step of their neurons; give neurons=RateNeurons(dt=...)"
            )
        check_circuits(network, name_of(model))
        return with_attention(network, RateNeurons() if neurons is None else neurons, calcium, seed, target)
    if neurons is not None or calcium is not None:
        raise ValueError("a spiking classifier has its own neurons and no astrocytes; leave neurons and calcium out")
    return SpikingModel(network, (step or STEP) * second if dt is None else dt, target)


def check_circuits(network: nn.Module, name: str) -> None:
    """ValueError, with the name, if the attention of a network is nothing that has a circuit."""
    layers = attention_layers(network)
    if not layers:
        raise ValueError(f"{name} has no attention, and so no circuit; use one with --attention linear")
    for layer in layers.values():
        fitted_calcium(layer)


def with_attention(
    network: nn.Module, neurons: Neurons, calcium: Calcium | None, seed: int, target: str
) -> CircuitModel:
    """A copy of the network, which may be an attention layer itself, with circuits."""
    layers = attention_layers(network)
    if "" in layers:
        circuit = CircuitAttention(layers[""], neurons, calcium, seed=seed, target=target)
        return CircuitModel(circuit, {"": circuit})
    copy, circuits = with_circuits(network, neurons, calcium, seed=seed, target=target)
    return CircuitModel(copy, dict(zip(layers, circuits, strict=True)))
