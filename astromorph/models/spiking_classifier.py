"""A spiking network that classifies sequences, with delays on all its connections (Hammouamri, Khalfaoui-Hassani and
Masquelier 2024, "Learning delays in spiking neural networks using dilated convolutions with learnable spacings", ICLR,
arXiv 2306.17670, section 3).

Hidden layers are delays, batch norm, neurons that fire, dropout; the last layer is delays and integrators that do not
fire, a class each, whose membranes over time are read out:

softmax  log of the mean over time of the classes' softmax probabilities. The paper takes the cross-entropy of their
         sum, as if a sum of probabilities were a logit; the logarithm makes it the likelihood of the mean answer.
last     the membrane at the last step
mean     the mean membrane
max      the highest membrane

What is evaluated is what is deployed: outside training the network runs with whole delays.
"""

from collections.abc import Callable, Sequence
from math import log
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from astromorph.delays import Delays, IntegerDelays
from astromorph.models.dropout import LockedDropout
from astromorph.neurons.leaky_integrate_and_fire import LeakyIntegrateAndFire
from astromorph.neurons.leaky_integrator import LeakyIntegrator

READOUTS: dict[str, Callable[[Tensor], Tensor]] = {  # from membranes (batch, time, classes) to logits (batch, classes)
    "softmax": lambda v: v.log_softmax(-1).logsumexp(1) - log(v.shape[1]),
    "last": lambda v: v[:, -1],
    "mean": lambda v: v.mean(1),
    "max": lambda v: v.amax(1),
}


class Activity(NamedTuple):
    """spikes: of every hidden layer, (batch, time, neurons); membrane: of the last layer, (batch, time, classes);
    logits: (batch, classes).
    """

    spikes: tuple[Tensor, ...]
    membrane: Tensor
    logits: Tensor


class SpikingLayer(nn.Module):
    """Delays, batch norm over all samples and steps, neurons, dropout of whole neurons for a sequence."""

    optimiser_options = dict.fromkeys(("norm.weight", "norm.bias"), {"weight_decay": 0.0})  # training/optimiser.py

    def __init__(self, delays: Delays, tau: float, dropout: float) -> None:
        super().__init__()
        self.delays = delays
        self.norm = nn.BatchNorm1d(delays.outputs)
        self.neurons = LeakyIntegrateAndFire(tau)
        self.dropout = LockedDropout(dropout)

    def forward(self, spikes: Tensor) -> Tensor:
        """spikes: (batch, time, inputs); returns (batch, time, outputs)."""
        current = self.delays(spikes)
        return self.dropout(self.neurons(self.norm(current.flatten(0, 1)).view_as(current)))

    def deployed(self) -> "DeployedLayer":
        """The batch norm with its running statistics becomes a factor of the weights and a constant current."""
        norm = self.norm
        assert norm.running_mean is not None and norm.running_var is not None
        factor = norm.weight * (norm.running_var + norm.eps).rsqrt()
        whole = self.delays.rounded()
        connections = IntegerDelays(whole.weight * factor[:, None], whole.steps, whole.longest)
        return DeployedLayer(connections, norm.bias - norm.running_mean * factor, self.neurons)


class Readout(nn.Module):
    """Delays and integrators, and how their membranes are read; kind: softmax, last, mean or max."""

    def __init__(self, delays: Delays, tau: float, kind: str) -> None:
        super().__init__()
        if kind not in READOUTS:
            raise ValueError(f"readout {kind!r} is not known; use {', '.join(READOUTS)}")
        self.delays, self.kind = delays, kind
        self.neurons = LeakyIntegrator(tau)

    def forward(self, spikes: Tensor) -> Tensor:
        """spikes: (batch, time, inputs); returns logits (batch, classes)."""
        return READOUTS[self.kind](self.neurons(self.delays(spikes)))


class SpikingClassifier(nn.Module):
    """hidden: layers with .delays, .norm, .neurons and .dropout; readout: .delays, .neurons and .kind.

    Args:
        inputs: channels of the input.
        hidden: neurons of each hidden layer.
        classes: to choose from.
        longest: the longest delay of a connection, whole time steps.
        delays: "none"; "fixed", whole delays drawn at random that stay; or "learned", drawn alike.
        kind: what owns a delay: "synapse", "axon" or "dendrite".
        tau: time constant of all neurons, steps; at least 1.
        dropout: share of a hidden layer's neurons that are silenced for a sequence.
        readout: softmax, last, mean or max.
    """

    def __init__(
        self,
        inputs: int,
        hidden: Sequence[int],
        classes: int,
        longest: int,
        *,
        delays: Literal["none", "fixed", "learned"] = "learned",
        kind: Literal["synapse", "axon", "dendrite"] = "synapse",
        tau: float = 1.5,
        dropout: float = 0.25,
        readout: Literal["softmax", "last", "mean", "max"] = "softmax",
    ) -> None:
        super().__init__()
        if delays not in {"none", "fixed", "learned"}:
            raise ValueError(f"delays {delays!r} are not known; use none, fixed or learned")
        sizes = (inputs, *hidden, classes)
        connections = [
            Delays(before, after, 0 if delays == "none" else longest, kind=kind)
            for before, after in zip(sizes, sizes[1:], strict=False)
        ]
        if delays != "learned":
            for each in connections:
                each.settle()
        self.hidden = nn.ModuleList(SpikingLayer(each, tau, dropout) for each in connections[:-1])
        self.readout = Readout(connections[-1], tau, readout)
        self.learned = delays == "learned"

    @property
    def connections(self) -> list[Delays]:
        """The delays of all layers, from the input on."""
        return [each.delays for each in (*self.hidden, self.readout)]

    def narrow(self, width: float) -> None:
        """Gives the kernels of all learned delays this width, time steps (`annealed_width`)."""
        for each in self.connections if self.learned else ():
            each.width = width

    def forward(self, spikes: Tensor) -> Tensor:
        """spikes: (batch, time, inputs), any number type; returns logits (batch, classes)."""
        if not self.training:
            return self.deployed()(spikes)
        for layer in self.hidden:
            spikes = layer(spikes)
        return self.readout(spikes)

    @torch.no_grad()
    def deployed(self) -> "DeployedClassifier":
        """The network for inference: delays rounded, batch norm folded into weights and currents; a copy."""
        layers = [layer.deployed() for layer in self.hidden]  # type: ignore[operator]
        readout = self.readout
        return DeployedClassifier(layers, readout.delays.rounded(), readout.neurons, readout.kind)


class DeployedLayer(nn.Module):
    """connections: IntegerDelays; current: (outputs,), which flows into each neuron at every step; neurons."""

    current: Tensor

    def __init__(self, connections: IntegerDelays, current: Tensor, neurons: LeakyIntegrateAndFire) -> None:
        super().__init__()
        self.connections, self.neurons = connections, neurons
        self.register_buffer("current", current)

    def forward(self, spikes: Tensor) -> Tensor:
        """spikes: (batch, time, inputs); returns (batch, time, outputs)."""
        return self.neurons(self.connections(spikes) + self.current)


class DeployedClassifier(nn.Module):
    """layers: DeployedLayers; output: IntegerDelays to the classes, integrated by `neurons` and read out by `kind`."""

    def __init__(
        self, layers: Sequence[DeployedLayer], output: IntegerDelays, neurons: LeakyIntegrator, kind: str
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.output, self.neurons, self.kind = output, neurons, kind
        self.eval()

    def forward(self, spikes: Tensor) -> Tensor:
        """spikes: (batch, time, inputs); returns logits (batch, classes)."""
        return self.activity(spikes).logits

    @torch.no_grad()
    def activity(self, spikes: Tensor) -> Activity:
        """What every layer does with spikes (batch, time, inputs)."""
        found = []
        for layer in self.layers:
            spikes = layer(spikes)
            found.append(spikes)
        membrane = self.neurons(self.output(spikes))
        return Activity(tuple(found), membrane, READOUTS[self.kind](membrane))
