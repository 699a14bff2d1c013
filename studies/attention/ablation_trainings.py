"""The trainings of studies/attention/attention_ablation.py: one attention, one seed, one budget, kept when done.

All attentions of a seed begin with the same weights wherever they have weights in common, and see the same batches and
dropout masks, so that their differences are paired. The test part is read once, by the weights at the end.
"""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from astromorph.attention import AstromorphicMechanism
from astromorph.attention.responses import LinearResponse
from astromorph.settings import SETTINGS, CalciumResponse, Settings
from astromorph.tasks import Task, build_model, build_task
from astromorph.training.hardware import Processor
from astromorph.training.parts import in_parts
from studies.trainings import Rows, Trained, train_once

CONDITIONS: dict[str, dict[str, Any]] = {
    "softmax": {"attention": "softmax"},
    "linear": {"attention": "linear"},
    "astromorphic": {},
    "linear-matched-gain": {"attention": "linear"},
    "without-calcium": {"effects": ("position", "feedback")},
    "without-position": {"effects": ("calcium", "feedback")},
    "without-feedback": {"effects": ("position",)},
    "with-sigmoid": {"effects": ("calcium", "position", "sigmoid", "feedback")},
    "printed-exponent": {"effects": ("exponent", "position", "feedback")},
    "linear-exponent-gain": {"attention": "linear"},
    "no-attention": {"attention": "none"},
}
BUILT = ("calcium", "position", "feedback")  # the default effects, which linear attention leaves as they are
MATCHED = {"linear-matched-gain": "astromorphic", "linear-exponent-gain": "printed-exponent"}  # whose gain they have


class Budget(NamedTuple):
    """What all conditions of a data set share. epochs may be a part of one; target: a validation accuracy."""

    data_set: str
    seeds: int
    epochs: float
    evaluations: int  # validations an epoch
    target: float
    changes: Mapping[str, Any]  # of the settings, from their defaults


SMALL_IMAGES = {"channels": 16, "width": 128, "feedforward": 256, "small_epochs": 0}
BUDGETS = {
    "imdb": Budget("imdb", 3, 2.0, 8, 0.85, {"tokens": 256, "first_tokens": 64}),
    "cifar10": Budget("cifar10", 3, 0.6, 10, 0.6, {**SMALL_IMAGES, "validation": 2500}),
    "digits": Budget("digits", 8, 20.0, 1, 0.85, {}),
}


def settings_of(condition: str, budget: Budget, seed: int, gain: float, factor: float = 1.0) -> Settings:
    """The defaults of the data set but for budget and condition, at `factor` times the learning rate."""
    kind: Any = SETTINGS[budget.data_set]
    parts = max(1, round(budget.epochs * budget.evaluations))
    rate = factor * kind.learning_rate
    own: dict[str, Any] = {"epochs": parts, "seed": seed, "threads": 1, "average": 0, "learning_rate": rate}
    return kind(**{**own, "gain": gain, "compile": False, **budget.changes, **CONDITIONS[condition]})


def trained(name: str, settings: Settings, budget: Budget, root: Path, folder: Path, *, test: bool) -> Trained:
    """Trains, or goes on, and keeps what came out in `folder` under `name`.

    Measured are `gain`, by how much calcium that answers as it does makes the output of attention larger than calcium
    that answers linearly (1 where there is none), `parameters`, and `seconds` of the steps, without validations.
    """
    response = CalciumResponse() if settings.takes_response else None

    def build() -> Task:
        task = in_parts(build_task(settings, response, root), budget.evaluations)
        begin_alike(task, settings)
        return task

    def measure(task: Task, processor: Processor, rows: Rows) -> dict[str, float]:
        return {
            "gain": calcium_gain(task, processor),
            "parameters": sum(parameter.numel() for parameter in task.model.parameters()),
            "seconds": sum(row["seconds"] for row in rows),
        }

    return train_once(folder / f"{name}.json", settings, response, build, measure, test=test)


@torch.no_grad()
def begin_alike(task: Task, settings: Settings) -> None:
    """Give the model the first weights of linear attention at this seed, where it has weights of their name."""
    plain: dict[str, Any] = {"attention": "linear", "effects": BUILT, "gain": 1.0}
    like = replace(settings, **plain)
    torch.manual_seed(settings.seed)
    shared = dict(build_model(like, None, None if task.words is None else len(task.words)).named_parameters())
    for name, parameter in task.model.named_parameters():
        if name in shared:
            parameter.copy_(shared[name])


@torch.no_grad()
def calcium_gain(task: Task, processor: Processor) -> float:
    """Root mean square of what attention puts out over the validation inputs, over that with calcium that answers
    linearly to the same queries, keys and values; 1 for attention without calcium.
    """
    squares = torch.zeros(2, dtype=torch.float64)

    def look(mechanism: nn.Module, entering: tuple[Tensor, Tensor, Tensor, Tensor | None], leaving: Tensor) -> None:
        real = 1.0 if entering[3] is None else entering[3][:, None, :, None]
        for place, output in enumerate((leaving, twins[mechanism](*entering))):
            squares[place] += (output.double() * real).square().sum().cpu()

    twins = {module: twin for module in task.model.modules() if (twin := with_linear_calcium(module)) is not None}
    if not twins:
        return 1.0
    task.model.eval()
    with hooked(mechanism.register_forward_hook(look) for mechanism in twins), processor.precision():
        for inputs, _ in task.validation():
            task.model(*processor.move(inputs))
    return float((squares[0] / squares[1]).sqrt())


def with_linear_calcium(module: nn.Module) -> nn.Module | None:
    """A copy of a mechanism whose calcium answers linearly; None if `module` is no mechanism with calcium."""
    if not isinstance(module, AstromorphicMechanism) or isinstance(module.response, LinearResponse):
        return None
    twin = copy.deepcopy(module)
    twin.response = LinearResponse()
    return twin


@contextmanager
def hooked(hooks: Iterator[RemovableHandle]) -> Iterator[None]:
    """Hooks that are gone at the end."""
    there = list(hooks)
    try:
        yield
    finally:
        for hook in there:
            hook.remove()
