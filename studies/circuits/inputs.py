"""What a trained run and its circuits are both shown: test inputs drawn by chance, and the calcium they need."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

import mapping
from astromorph.attention import MultiheadAttention
from astromorph.data.words import shorten
from astromorph.runs import trained
from astromorph.runs.run_folder import RunFolder
from astromorph.settings import CalciumResponse
from astromorph.settings.checks import check_seed
from astromorph.tasks import Task
from biophys.circuits.process_astrocyte import AstrocyteCalcium
from biophys.simulation.recording import load
from mapping.brian2_models import check_circuits
from mapping.circuit import attention_layers, hidden_activity, measured_calcium, watching

RESULTS = Path(__file__).parents[1] / "results"


class Example(NamedTuple):
    """One test input as the model takes it, without the batch axis; `number` in the test set."""

    number: int
    inputs: tuple[Tensor, ...]
    label: int


class Needs(NamedTuple):
    """What an input needs of circuits: tokens that are real, least and largest mean activity of a hidden neuron."""

    tokens: int
    lowest: float
    highest: float


def check_counts(seed: int = 0, **counts: int | None) -> None:
    check_seed(seed)
    for name, count in counts.items():
        if count is not None and count < 1:
            raise ValueError(f"{name} {count} runs nothing; use at least 1")


def trained_task(folder: RunFolder, root: Path) -> Task:
    """The task of a run with its weights. ValueError or FileNotFoundError if there are none or it has no circuit."""
    task = trained.trained_task(folder, root)
    check_circuits(task.model, f"run {folder.path}")
    return task


def identity(folder: RunFolder) -> dict[str, str]:
    """What tells a trained run from others."""
    weights = hashlib.sha256((folder.path / "weights.safetensors").read_bytes()).hexdigest()
    return {"data_set": folder.data_set, "attention": folder.settings.variant_name, "weights": weights}


def drawn(task: Task, folder: RunFolder, count: int, tokens: int | None, seed: int) -> list[Example]:
    """`count` different test inputs; longer texts are cut to `tokens`, beginning and end, as in training."""
    there = sum(len(batch.labels) for batch in task.test())
    if count > there:
        raise ValueError(f"{count} examples are more than the {there} of the test set; ask for fewer")
    chosen = set(np.random.default_rng(seed).choice(there, count, replace=False).tolist())
    rows = ((batch, row) for batch in task.test() for row in range(len(batch.labels)))
    return [
        Example(number, cut(tuple(each[row].clone() for each in batch.inputs), folder, tokens), int(batch.labels[row]))
        for number, (batch, row) in enumerate(rows)
        if number in chosen
    ]


def cut(inputs: tuple[Tensor, ...], folder: RunFolder, tokens: int | None) -> tuple[Tensor, ...]:
    """A text without padding, and with at most `tokens`; anything else as it is."""
    if folder.settings.longest_text is None:
        if tokens is not None:
            raise ValueError(f"images of {folder.data_set} have a fixed number of tokens; leave --tokens out")
        return inputs
    words, keep = inputs
    most, first = folder.settings.longest_text
    longest = most if tokens is None else tokens
    words = torch.from_numpy(shorten(words[keep].numpy(), longest, longest * first // most))
    return words, torch.ones(len(words), dtype=torch.bool)


def stacked(examples: list[Example]) -> tuple[Tensor, ...]:
    """A batch, padded behind the end of shorter inputs."""
    columns = zip(*(example.inputs for example in examples), strict=True)
    return tuple(pad_sequence(list(column), batch_first=True) for column in columns)


@torch.no_grad()
def needs(model: nn.Module, examples: list[Example]) -> list[Needs]:
    """Runs the model, and looks at what enters its attention layers."""
    found: list[list[Needs]] = []

    def look(attention: MultiheadAttention, tokens: Tensor, keep: Tensor | None) -> None:
        activity = hidden_activity(attention, tokens, keep).flatten(1)
        counts = [tokens.shape[1]] * len(tokens) if keep is None else keep.sum(1).tolist()
        ends = zip(counts, activity.amin(1).tolist(), activity.amax(1).tolist(), strict=True)
        found.append([Needs(*each) for each in ends])

    each = []
    with watching(attention_layers(model).values(), look):
        for part in pieces(examples):
            found.clear()
            model(*stacked(part))
            each += [
                Needs(passes[0].tokens, min(need.lowest for need in passes), max(need.highest for need in passes))
                for passes in zip(*found, strict=True)
            ]
    return each


def pieces(examples: list[Example], size: int = 100) -> Iterator[list[Example]]:
    for start in range(0, len(examples), size):
        yield examples[start : start + size]


def within_measured(needed: list[Needs], response: CalciumResponse | None, *, strict: bool) -> str:
    """A sentence if activities lie outside the measured range of the response, else nothing; ValueError if `strict`."""
    lowest, highest = min(need.lowest for need in needed), max(need.highest for need in needed)
    if response is None or (response.lowest <= lowest and highest <= response.highest):
        return ""
    share = np.mean([need.lowest < response.lowest or need.highest > response.highest for need in needed])
    beyond = [f"{response.lowest / lowest:.3g} times below"] if lowest < response.lowest else []
    beyond += [f"{highest / response.highest:.3g} times above"] if highest > response.highest else []
    message = (
        f"mean activities of hidden neurons reach from {lowest:.3g} to {highest:.3g}, {' and '.join(beyond)} the "
        f"measured range {response.lowest:.3g} to {response.highest:.3g}, in {100 * share:.3g} % of the inputs"
    )
    if strict:
        raise ValueError(f"{message}; use --calcium fitted, or train with a response measured there")
    return f"{message}; the fitted response is extrapolated there, as in training"


def astrocyte_of(folder: RunFolder, measurement: Path | None) -> AstrocyteCalcium:
    """The astrocyte a run's response was measured on. ValueError or FileNotFoundError if it is not known."""
    if folder.response is None:
        raise ValueError(f"run {folder.path} has no calcium response; use --calcium fitted")
    file = folder.path / "coefficients.yaml"
    if not file.is_file():
        raise ValueError(
            f"the response of run {folder.path} was not measured ({folder.response.source}); use --calcium fitted, or "
            "train with --astrocyte"
        )
    coefficients = mapping.read(file)
    if mapping.as_settings(coefficients) != folder.response:
        raise ValueError(f"{file} is not what run {folder.path} was trained with; put the right file there")
    section = coefficients.calcium_response
    if section is None:
        raise ValueError(f"{file} holds no calcium response; use --calcium fitted")
    measured = measurement or RESULTS / section.source.file
    dataset = load(measured)
    if hashlib.sha256(measured.read_bytes()).hexdigest() != section.source.sha256:
        raise ValueError(f"{measured} is not the dataset that {file} was fitted to; name that one with --measurement")
    return measured_calcium(dataset, section.reference)
