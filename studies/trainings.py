"""The trainings of a study: each is done once and kept, and one that was stopped goes on from its last checkpoint."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from astromorph.files.tensors import load_weights
from astromorph.runs.run_folder import RunFolder
from astromorph.settings import CalciumResponse, Settings
from astromorph.tasks import Task
from astromorph.training.evaluation import evaluate
from astromorph.training.hardware import Processor
from astromorph.training.loop import run_epochs
from studies.kept import kept
from studies.threads import processor_threads

Rows = list[dict[str, float]]  # of the table of a run, one an epoch


class Trained(NamedTuple):
    """What came out of a training; the epochs of `validation` are those of its task."""

    test_accuracy: float  # NaN if the test part was not read
    validation: list[float]  # accuracy after each epoch
    measured: Mapping[str, float]  # what the study measures besides


def train_once(
    file: Path,
    settings: Settings,
    response: CalciumResponse | None,
    build: Callable[[], Task],
    measure: Callable[[Task, Processor, Rows], Mapping[str, float]],
    *,
    test: bool = True,
    by_best: bool = False,
) -> Trained:
    """Trains on one thread, or goes on, unless `file` (.json) keeps the result; the folder beside it holds the run.

    The test part is read once, by the weights at the end of the training or, `by_best`, of the best epoch.
    """
    folder = file.with_suffix("")

    def train() -> dict[str, Any]:
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(settings.seed)
        task, processor = build(), Processor.choose(settings.precision)
        rows = run_epochs(RunFolder(folder, settings.data_set, settings, response, {}), task, processor)
        if by_best:
            load_weights(task.model, folder / "weights.safetensors")
        right = evaluate(task.model, task.test(), len(task.class_names), processor).accuracy if test else float("nan")
        validation = [row["validation_accuracy"] for row in rows]
        return {"test_accuracy": right, "validation": validation, **measure(task, processor, rows)}

    with processor_threads(1):
        fields = kept(file, train)
    shutil.rmtree(folder, ignore_errors=True)
    return Trained(fields.pop("test_accuracy"), fields.pop("validation"), fields)


def check_factors(factors: Sequence[float]) -> None:
    """ValueError unless there are multiples of a learning rate."""
    if not factors or not all(0 < factor < np.inf for factor in factors):
        raise ValueError(f"learning rates {list(factors)} are no multiples; use numbers above 0, such as 1")


def first_crossing(times: np.ndarray, accuracy: np.ndarray, target: float) -> float:
    """When accuracy first reaches `target`, on straight lines between the validations; NaN if it does not.

    If it does so by the first validation, that one's time: how it rose before is not known.
    """
    reached = np.flatnonzero(accuracy >= target)
    if not len(reached):
        return np.nan
    after = reached[0]
    if after == 0:
        return float(times[0])
    around = slice(after - 1, after + 1)
    return float(np.interp(target, accuracy[around], times[around]))
