"""How good a model is: accuracy, loss and confusion over a set of batches."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn
from tqdm import tqdm

from astromorph.hardware import Processor
from astromorph.run_folder import RunFolder
from astromorph.tasks import Batch, build_task


class Evaluation(NamedTuple):
    """accuracy between 0 and 1, mean cross-entropy, confusion[true class][predicted class] in counts."""

    accuracy: float
    loss: float
    confusion: list[list[int]]


@torch.no_grad()
def evaluate(
    model: nn.Module, batches: Iterable[Batch], classes: int, processor: Processor, title: str = "testing"
) -> Evaluation:
    """Runs `model` in evaluation mode over all batches, uncompiled."""
    model.eval()
    confusion = torch.zeros(classes, classes, dtype=torch.int64)
    loss = 0.0
    for inputs, labels in tqdm(batches, desc=title, unit="batch", leave=False, disable=None):
        with processor.precision():
            logits = model(*processor.move(inputs))
        logits = logits.float().cpu()
        loss += F.cross_entropy(logits, labels, reduction="sum").item()
        confusion += torch.bincount(labels * classes + logits.argmax(1), minlength=classes**2).view(classes, classes)
    count = int(confusion.sum())
    return Evaluation(int(confusion.diagonal().sum()) / count, loss / count, confusion.tolist())


def evaluate_run(folder: RunFolder, root: Path) -> dict[str, Any]:
    """The test part through the weights of a run: test_accuracy, test_loss, confusion, class_names."""
    weights = folder.path / "weights.safetensors"
    if not weights.is_file():
        raise FileNotFoundError(f"run {folder.path} has no weights yet; continue it with --resume {folder.path}")
    task = build_task(folder.settings, folder.response, root)
    processor = Processor.choose(folder.settings.precision)
    load_weights(task.model, weights)
    result = evaluate(task.model.to(processor.device), task.test(), len(task.class_names), processor)
    return {
        "test_accuracy": result.accuracy,
        "test_loss": result.loss,
        "confusion": result.confusion,
        "class_names": list(task.class_names),
    }


def load_weights(model: nn.Module, file: Path) -> None:
    """Fill `model` from a safetensors file; ValueError if the file is damaged or of another model."""
    try:
        model.load_state_dict(load_file(file))
    except Exception as error:
        reason = " ".join(str(error).split())[:120]
        raise ValueError(f"{file} does not hold this model's weights ({reason}); train again") from error
