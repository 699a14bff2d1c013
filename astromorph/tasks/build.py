"""From settings to a task or its model: the file of this folder that the settings name."""

import importlib
from pathlib import Path
from types import ModuleType

from torch import nn

from astromorph.settings import CalciumResponse, TrainingSettings
from astromorph.tasks.task import Task


def task_module(settings: TrainingSettings) -> ModuleType:
    """What offers `build(settings, response, root)` and, of a model that is used without its data, `build_model`."""
    return importlib.import_module(f"astromorph.tasks.{settings.task}")


def build_task(settings: TrainingSettings, response: CalciumResponse | None, root: Path) -> Task:
    """The task of `settings` with its data under `root`; errors are those of the loaders."""
    return task_module(settings).build(settings, response, root)


def build_model(settings: TrainingSettings, response: CalciumResponse | None, words: int | None = None) -> nn.Module:
    """The untrained model of a run, without any data: what a training fills, and what stored weights fit into.

    words: size of the vocabulary, for text.
    """
    return task_module(settings).build_model(settings, response, words)
