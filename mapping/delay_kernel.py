"""A trained spiking classifier as neurons and synapses in Brian2, and back: the same weights, delays and spikes.

Deployed, the network of Hammouamri, Khalfaoui-Hassani and Masquelier (2024; astromorph/models/spiking_classifier.py)
has whole delays, and its batch norm is a factor of the weights and a constant current, so it is a network of leaky
integrate-and-fire neurons as it stands (biophys/circuits/delayed_layers.py). Both take the same steps. They add the
same weights in different orders, so that in double precision potentials agree within rounding, about 1e-15, and spikes
all do unless a potential comes as near the threshold as that. The same network in single precision rounds to 1e-7, and
a spike may differ where a potential is that near.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from brian2 import Quantity, second
from torch import Tensor

from astromorph.delays import IntegerDelays
from astromorph.models.spiking_classifier import READOUTS, Activity, DeployedClassifier, DeployedLayer
from astromorph.neurons.leaky_integrate_and_fire import LeakyIntegrateAndFire
from astromorph.neurons.leaky_integrator import LeakyIntegrator
from biophys.circuits.delayed_layer import Layer
from biophys.circuits.delayed_layers import respond

Neurons = TypeVar("Neurons", LeakyIntegrateAndFire, LeakyIntegrator)


def layers_of(network: DeployedClassifier) -> list[Layer]:
    """The layers of a network, the last of which does not fire; delays of axons and dendrites are those of synapses."""
    hidden = [layer for layer in network.layers if isinstance(layer, DeployedLayer)]
    last = layer_of(network.output, torch.zeros(len(network.output.weight)), network.neurons)
    return [*(layer_of(layer.connections, layer.current, layer.neurons) for layer in hidden), last]


def layer_of(connections: IntegerDelays, current: Tensor, neurons: LeakyIntegrator) -> Layer:
    """Every synapse with a delay of its own."""
    steps = connections.steps.expand_as(connections.weight).cpu().numpy().copy()
    weight, current = (each.double().cpu() for each in (connections.weight, current))
    return Layer(weight.numpy(), steps, current.numpy(), neurons.remaining)


def classifier_of(layers: Sequence[Layer], readout: str, dtype: torch.dtype = torch.float32) -> DeployedClassifier:
    """The network of these layers; readout: softmax, last, mean or max. Shared delays are shared again.

    ValueError if the last layer has a current, which a readout does not know.
    """
    if readout not in READOUTS:
        raise ValueError(f"readout {readout!r} is not known; use {', '.join(READOUTS)}")
    *hidden, last = layers
    if np.any(last.current):
        raise ValueError("the last layer has a constant current, and readouts have none; leave it out")

    def deployed(layer: Layer) -> DeployedLayer:
        current = at_most(layer.current, dtype)
        return DeployedLayer(connections(layer, dtype), current, keeping(LeakyIntegrateAndFire(1), layer.kept))

    neurons = keeping(LeakyIntegrator(1), last.kept)
    return DeployedClassifier([deployed(layer) for layer in hidden], connections(last, dtype), neurons, readout)


def connections(layer: Layer, dtype: torch.dtype) -> IntegerDelays:
    """Of the fewest delays that tell those of all synapses."""
    steps = torch.tensor(layer.steps)
    for axis in (0, 1):
        if bool((steps == steps.narrow(axis, 0, 1)).all()):
            steps = steps.narrow(axis, 0, 1).clone()
            break
    return IntegerDelays(at_most(layer.weight, dtype), steps, int(steps.max()))


def at_most(numbers: np.ndarray, dtype: torch.dtype) -> Tensor:
    """Numbers rounded down: a membrane that stays below its threshold in double precision does so in single."""
    exact = torch.tensor(numbers, dtype=torch.float64)
    rounded = exact.to(dtype)
    return torch.where(rounded > exact, torch.nextafter(rounded, torch.full_like(rounded, -torch.inf)), rounded)


def keeping(neurons: Neurons, kept: float) -> Neurons:
    neurons.tau, neurons.remaining = 1 / (1 - kept), kept
    return neurons


def simulate(
    network: DeployedClassifier, spikes: Tensor, *, dt: Quantity = 0.001 * second, target: str = "numpy"
) -> Activity:
    """What the network does with spikes (batch, time, inputs) when Brian2 runs it, in double precision.

    dt: length of a time step. target: Brian2 code target. ValueError if spikes are not whole numbers, 0 or more.
    """
    found = respond(layers_of(network), spikes.cpu().numpy(), dt=dt, target=target)
    membrane = torch.from_numpy(found.potential)
    fired = tuple(torch.from_numpy(each).double() for each in found.spikes)
    return Activity(fired, membrane, READOUTS[network.kind](membrane))
