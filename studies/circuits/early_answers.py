"""A trained model whose attention runs as spiking neurons, with answers that are also read out early.

A query's answer is the spikes that output neurons fire in the last half of its presentation. Read out after a share of
the presentation, it is those of the last half of the time until then. Currents then still carry what is left of the
query before, exp(-t/tau) of it; only the error of the attention tells whose answer this is, as a class that is read
from all tokens together may be right all the same. The model behind the attention (of one layer) runs on from each.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr
from brian2 import NetworkOperation
from numpy.typing import NDArray
from torch import Tensor, nn

from biophys.circuits.attention_circuit import Layer, Learning, Parts, Shape
from biophys.circuits.process_calcium import Calcium
from biophys.circuits.spiking_circuit import SpikingNeurons, counting_error
from mapping.circuit import CircuitAttention, attention_layers, size, watching, with_circuits
from studies.circuits.inputs import Example, stacked
from studies.circuits.pieces import Progress
from studies.threads import processor_threads


class EarlyReading:
    """Spiking neurons that also answer each query from the spikes until some steps of its presentation.

    `answers`: an array (ends, tokens, stimuli, heads, outputs) for each network that was built, once it has run.
    """

    def __init__(self, neurons: SpikingNeurons, shares: Sequence[float]) -> None:
        self.neurons = neurons
        self.T, self.tau, self.window, self.dt, self.R = neurons.T, neurons.tau, neurons.window, neurons.dt, neurons.R
        self.ends = [max(1, round(share * float(neurons.T / neurons.dt))) for share in shares]
        self.networks: list[tuple[Shape, dict[int, list[NDArray]]]] = []

    def last(self, end: int) -> int:
        """Steps before an end whose spikes are counted."""
        return max(1, round(self.window * end))

    def build(self, layer: Layer, shape: Shape, calcium: Calcium, learning: Learning) -> Parts:
        parts = self.neurons.build(layer, shape, calcium, learning)
        output = next(part for part in parts.objects if part.name == "output")
        fired: dict[int, list[NDArray]] = {step: [] for end in self.ends for step in (end, end - self.last(end))}

        def look() -> None:
            step = round(float(learning.steps.t / learning.steps.dt)) % learning.all + 1
            if step in fired:
                fired[step].append(np.array(output.fired))

        looking = NetworkOperation(look, clock=learning.steps, when="end")
        self.networks.append((shape, fired))
        return parts._replace(objects=[*parts.objects, looking], only_reading=[*parts.only_reading, looking])

    @property
    def answers(self) -> list[NDArray]:
        return [np.array([self._answer(end, *network) for end in self.ends]) for network in self.networks]

    def _answer(self, end: int, shape: Shape, fired: dict[int, list[NDArray]]) -> NDArray:
        begin, spikes = end - self.last(end), float(self.R * self.dt * self.last(end))
        counted = np.array(fired[end]) - (np.array(fired[begin]) if begin else 0)
        return counted.reshape(-1, shape.stimuli, shape.heads, shape.outputs) / spikes


class Answered(nn.Module):
    """Stands where an attention layer stood and gives what it is told, one output a pass."""

    def __init__(self, outputs: Sequence[Tensor]) -> None:
        super().__init__()
        self.outputs = iter(outputs)

    def forward(self, tokens: Tensor, keep: Tensor | None = None) -> Tensor:
        return next(self.outputs).to(tokens.dtype)


class Early(NamedTuple):
    """Inputs that run at once at one rate and presentation time."""

    model: nn.Module
    examples: list[Example]
    neurons: SpikingNeurons
    shares: tuple[float, ...]
    seed: int
    target: str
    file: Path | None  # to keep the result in
    size: int = 1  # as a piece (pieces.py)


@torch.no_grad()
def compared(work: Early, progress: Progress) -> xr.Dataset:
    """Model and circuit side by side; dims input and share."""
    neurons = EarlyReading(work.neurons, work.shares)
    model, (circuit,) = with_circuits(work.model, neurons, seed=work.seed, target=work.target)
    ((name, _),) = attention_layers(work.model).items()
    passes: list[tuple[Tensor, Tensor]] = []
    batch = stacked(work.examples)
    with processor_threads(1), watching([circuit], lambda _, *entering: passes.append(_entering(*entering))):
        start = time.perf_counter()
        logits, answered = work.model(*batch), model(*batch)
        seconds = time.perf_counter() - start
        read = [_read(circuit, neurons, *each) for each in zip(neurons.answers, passes, strict=True)]
        early_class = []
        for end in range(len(work.shares)):
            model.set_submodule(name, Answered([answers[end] for answers, _, _ in read]))
            early_class.append(model(*batch).argmax(1).numpy().astype(np.int8))
    tokens = sum(int(keep.sum()) for _, keep in passes)
    steps = sum(comparison.synapse_steps for comparison in circuit.comparisons)
    early_error, counting = (np.sqrt(np.mean([np.square(each[k]) for each in read], axis=0)) for k in (1, 2))
    progress(work.size)
    return xr.Dataset(
        {
            "relative_error": ("input", early_error[-1]),
            "counting_error": ("input", counting),
            "logit_difference": ("input", (answered - logits).abs().amax(1).numpy()),
            "circuit_class": ("input", answered.argmax(1).numpy().astype(np.int8)),
            "early_class": (("share", "input"), early_class),
            "early_error": (("share", "input"), early_error.astype(np.float32)),
            "seconds_per_token": ("input", np.full(len(batch[0]), seconds / tokens)),
            "synapse_steps": ("input", np.full(len(batch[0]), steps / tokens)),
        },
        {"input": [example.number for example in work.examples]},
    )


def _entering(tokens: Tensor, keep: Tensor | None) -> tuple[Tensor, Tensor]:
    return tokens, torch.ones(tokens.shape[:2], dtype=torch.bool) if keep is None else keep


def _read(
    circuit: CircuitAttention, neurons: EarlyReading, early: NDArray, entering: tuple[Tensor, Tensor]
) -> tuple[Tensor, NDArray, NDArray]:
    """Of a pass: outputs (ends, batch, tokens, width), their errors (ends, batch), and those of counting (batch,)."""
    tokens, keep = entering
    expected = circuit.attention(tokens.double(), keep=keep)
    joined, to_output = circuit.joined, circuit.attention.to_output
    unit, spikes = size(joined[keep]), float(neurons.R * neurons.T * neurons.window)
    answers = joined.new_zeros(len(early), *joined.shape)
    for row, real in enumerate(keep):
        answers[:, row, real] = unit * torch.from_numpy(early[:, : int(real.sum()), row]).flatten(2)
    outputs = to_output(answers)
    counts = unit * torch.from_numpy(counting_error(joined.numpy() / unit, spikes))
    there = keep[..., None]
    norm = torch.linalg.norm(expected * there, dim=(1, 2))
    error = torch.linalg.norm((outputs - expected) * there, dim=(2, 3)) / norm
    counting = (counts.square() @ to_output.weight.square().T * there).sum((1, 2)).sqrt() / norm
    return outputs, error.numpy(), counting.numpy()


@torch.no_grad()
def without_circuit(model: nn.Module, pieces: Sequence[Sequence[Example]]) -> xr.Dataset:
    """What the model says as it is, and with silent attention."""
    columns: dict[str, list[int]] = {"model_class": [], "silent_class": [], "label": [], "tokens": []}
    (attention,) = attention_layers(model).values()
    passes: list[Tensor] = []
    for piece in pieces:
        batch = stacked(list(piece))
        with watching([attention], lambda _, *entering: passes.append(_entering(*entering)[1])):
            columns["model_class"] += model(*batch).argmax(1).tolist()
        silence = attention.register_forward_hook(
            lambda module, entering, leaving: module.to_output(torch.zeros_like(leaving))
        )
        columns["silent_class"] += model(*batch).argmax(1).tolist()
        silence.remove()
        columns["label"] += [example.label for example in piece]
        columns["tokens"] += passes[-1].sum(1).tolist()
    numbers = [example.number for piece in pieces for example in piece]
    return xr.Dataset({name: ("input", values) for name, values in columns.items()}, {"input": numbers})
