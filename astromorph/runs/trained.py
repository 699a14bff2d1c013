"""What a run has trained: its model without any data, its task with the data, and how good it is on the test part."""

import os
from pathlib import Path
from typing import Any

from torch import nn

from astromorph.data.locations import data_root
from astromorph.files.tensors import load_weights
from astromorph.runs.run_folder import RunFolder
from astromorph.tasks import Task, build_model, build_task
from astromorph.training import evaluation
from astromorph.training.hardware import Processor

VOTERS = {"reader": 1.0, "attention": 0.0}  # what alone answers, and its share for the reader


def trained_model(folder: RunFolder, words: int | None = None) -> nn.Module:
    """The model with its weights, ready to answer; words: size of the vocabulary, for text. Errors of the weights."""
    weights = folder.weights
    model = build_model(folder.settings, folder.response, words)
    load_weights(model, weights)
    return model.eval()


def trained_task(folder: RunFolder, root: Path) -> Task:
    """The task with data under `root` and the weights of the run in its model; errors of the loaders and weights."""
    weights = folder.weights
    task = build_task(folder.settings, folder.response, root)
    load_weights(task.model, weights)
    task.model.eval()
    return task


def evaluate(run: str | os.PathLike, data: str | os.PathLike | None = None, voter: str = "both") -> dict[str, Any]:
    """How good a run, or a shipped model by its name, is on the test part of its data set; as `evaluate_run`.

    data: where data sets lie; else the folder that ASTROMORPH_DATA names, else the user's cache folder.
    """
    return evaluate_run(RunFolder.open(run), data_root(None if data is None else Path(data)), voter)


def evaluate_run(folder: RunFolder, root: Path, voter: str = "both") -> dict[str, Any]:
    """The test part through the weights of a run: test_accuracy, test_loss, confusion, calibration, class_names.

    voter: both, or one of VOTERS alone, where a reader of n-grams votes with attention; else ValueError.
    """
    if voter != "both" and not getattr(folder.settings, "ngrams", 0):
        raise ValueError(f"run {folder.path} has no reader of n-grams that votes with attention; leave --voter out")
    task, processor = trained_task(folder, root), Processor.choose(folder.settings.precision)
    if voter != "both":
        task.model.reader_share = VOTERS[voter]  # type: ignore[assignment]
    model, classes = task.model.to(processor.device), len(task.class_names)
    result = evaluation.evaluate(model, task.test(), classes, processor, judge=task.judge)
    return {
        "test_accuracy": result.accuracy,
        "test_loss": result.loss,
        **task.further(result.loss, result.accuracy, "test"),
        "confusion": result.confusion,
        "calibration": result.calibration,
        "class_names": list(task.class_names),
    }
