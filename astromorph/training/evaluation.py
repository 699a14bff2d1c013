"""How good a model is: accuracy, loss, confusion and calibration over a set of batches."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from tqdm import tqdm

from astromorph.tasks.task import Batch, Judgement, judge
from astromorph.training.calibration import Reliability, reliability
from astromorph.training.hardware import Processor


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
