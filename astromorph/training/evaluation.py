"""How good a model is: accuracy, loss, confusion and calibration over a set of batches."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from tqdm import tqdm

from astromorph.models.text_classifier import TextClassifier
from astromorph.runs.run_folder import RunFolder
from astromorph.tasks import Batch, build_task
from astromorph.tasks.task import Judgement, judge
from astromorph.training.calibration import Reliability, reliability
from astromorph.training.checkpoint import read_tensors
from astromorph.training.hardware import Processor

VOTERS = {"reader": 1.0, "attention": 0.0}  # what alone answers, and its share for the reader


class Evaluation(NamedTuple):
    """accuracy between 0 and 1, mean cross-entropy, confusion[true class][predicted class] in counts (empty where
    classes are not named), and how often the model is right for how sure it is.
    """

    accuracy: float
    loss: float
    confusion: list[list[int]]
    calibration: Reliability


@torch.no_grad()
def evaluate(
    model: nn.Module,
    batches: Iterable[Batch],
    classes: int,
    processor: Processor,
    title: str = "testing",
    judge: Callable[[Any, Tensor], Judgement] = judge,
) -> Evaluation:
    """Runs `model` in evaluation mode over all batches, uncompiled; with `classes` 0 no confusion is counted."""
    model.eval()
    confusion = torch.zeros(classes, classes, dtype=torch.int64)
    loss, probabilities, right = 0.0, [], []
    for inputs, labels in tqdm(batches, desc=title, unit="batch", leave=False, disable=None):
        with processor.precision():
            output = model(*processor.move(inputs))
            losses, answer, confidence = (each.cpu() for each in judge(output, *processor.move((labels,))))
        labels = labels.flatten()
        loss += losses.sum(dtype=torch.float64).item()
        if classes:
            confusion += torch.bincount(labels * classes + answer, minlength=classes**2).view(classes, classes)
        probabilities.append(confidence.float())
        right.append(answer == labels)
    correct = torch.cat(right)
    calibration = reliability(torch.cat(probabilities).numpy(), correct.numpy())
    return Evaluation(int(correct.sum()) / len(correct), loss / len(correct), confusion.tolist(), calibration)


def evaluate_run(folder: RunFolder, root: Path, voter: str = "both") -> dict[str, Any]:
    """The test part through the weights of a run: test_accuracy, test_loss, confusion, calibration, class_names.

    voter: both, or one of VOTERS alone, where a reader of n-grams votes with attention; else ValueError.
    """
    if voter != "both" and not getattr(folder.settings, "ngrams", 0):
        raise ValueError(f"run {folder.path} has no reader of n-grams that votes with attention; leave --voter out")
    weights = folder.path / "weights.safetensors"
    if not weights.is_file():
        raise FileNotFoundError(f"run {folder.path} has no weights yet; continue it with --resume {folder.path}")
    task = build_task(folder.settings, folder.response, root)
    processor = Processor.choose(folder.settings.precision)
    load_weights(task.model, weights)
    if voter != "both":
        assert isinstance(task.model, TextClassifier)
        task.model.reader_share = VOTERS[voter]
    model, classes = task.model.to(processor.device), len(task.class_names)
    result = evaluate(model, task.test(), classes, processor, judge=task.judge)
    return {
        "test_accuracy": result.accuracy,
        "test_loss": result.loss,
        **task.further(result.loss, result.accuracy, "test"),
        "confusion": result.confusion,
        "calibration": result.calibration,
        "class_names": list(task.class_names),
    }


def load_weights(model: nn.Module, file: Path) -> None:
    """Fill `model` from a safetensors file; ValueError if the file is damaged or of another model."""
    try:
        stored, _ = read_tensors(file)
        fault = difference(model.state_dict(), stored)
        if not fault:
            model.load_state_dict(stored)
    except (ValueError, RuntimeError) as error:
        fault = " ".join(str(error).split())[:120]
    if fault:
        raise ValueError(f"{file} does not hold this model's weights ({fault}); train again, or copy the whole folder")


def difference(wanted: Mapping[str, Tensor], stored: Mapping[str, Tensor]) -> str:
    """What is wrong with stored weights, if anything."""
    shape = lambda tensor: " x ".join(map(str, tensor.shape)) or "a number"
    for name, tensor in wanted.items():
        if name not in stored:
            return f"{name} is missing"
        if stored[name].shape != tensor.shape:
            return f"{name} is {shape(stored[name])} instead of {shape(tensor)}"
        if not stored[name].isfinite().all():
            return f"{name} holds what is no number"
    unknown = sorted(stored.keys() - wanted.keys())
    return f"{unknown[0]} is not part of it" if unknown else ""
