"""The training loop: validation after every epoch, a checkpoint after it, one test at the end.

The epoch with the best validation gives the weights that are tested. Every epoch seeds its own chance events, and a
checkpoint after it holds the rest, so a run that was stopped goes on as if it had not been.
"""

import hashlib
import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from astromorph.runs.run_folder import RunFolder
from astromorph.settings import Settings
from astromorph.tasks import Task, build_task
from astromorph.training import checkpoint, distributed
from astromorph.training.allocator import keep_freed_memory
from astromorph.training.averaging import AveragedWeights
from astromorph.training.evaluation import evaluate, load_weights
from astromorph.training.hardware import Processor
from astromorph.training.optimiser import build_optimiser, set_learning_rate

LARGEST_GRADIENT = 1.0  # norm to which gradients are clipped
EXPLODED = 1000.0  # nats an example: what no training that goes well ever shows
COPIES = 10  # of the weights, that a run folder may hold at once: weights and checkpoint, each beside its next one


def train(folder: RunFolder, root: Path) -> dict[str, Any]:
    """Trains the run in `folder` with data under `root`, from its last checkpoint if there is one; its summary.

    ValueError if the run is finished or the loss stops being a number, OSError if the folder has no room for it.
    """
    if folder.finished:
        raise ValueError(f"run {folder.path} is finished; start another with a new --out, or evaluate this one")
    settings = folder.settings
    keep_freed_memory()
    if settings.threads:
        torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    task = build_task(settings, folder.response, root)
    check_room(folder.path, task.model)
    processor = Processor.choose(settings.precision)
    with distributed.leader_first() as leads:
        if leads and task.words is not None:
            folder.write_json("vocabulary.json", task.words)
        task.prepare(folder.path)
    rows = run_epochs(folder, task, processor)
    with distributed.leader_first() as leads:
        return test_once(folder, task, processor, rows) if leads else folder.summary()


def run_epochs(folder: RunFolder, task: Task, processor: Processor) -> list[dict[str, float]]:
    """All epochs that are still to do; a row of metrics for each epoch done."""
    settings, model = folder.settings, task.model.to(processor.device)
    optimiser, average = build_optimiser(settings, model), AveragedWeights(model, settings.average)
    saved = folder.path / "checkpoint.safetensors"
    rows = checkpoint.restore(saved, model, average, optimiser) if saved.exists() else []
    shared = distributed.shared(model)
    forward = compiled(shared) if settings.compile else shared
    for epoch in range(len(rows) + 1, settings.epochs + 1):
        try:
            row = one_epoch(epoch, settings, task, forward, optimiser, processor, average)
        except ArithmeticError as error:
            raise ValueError(f"{error}; {what_is_left(folder, rows)}") from error
        rows.append(row)
        if distributed.leads():
            if best_row(rows, task) is row:
                checkpoint.save_tensors(folder.path / "weights.safetensors", average.model.state_dict())
            folder.write_metrics(rows)  # before the checkpoint: what it does not know yet is done again
            checkpoint.save(saved, model, average, optimiser, rows)
            tqdm.write(
                f"epoch {epoch}/{settings.epochs}: training loss {row['training_loss']:.4f}, validation "
                f"{told(row, task)}, {row['seconds']:.1f} s, {row['examples_per_second']:.0f} {task.unit}/s"
            )
    return rows


def one_epoch(
    epoch: int,
    settings: Settings,
    task: Task,
    forward: Callable[..., Any],
    optimiser: torch.optim.Optimizer,
    processor: Processor,
    average: AveragedWeights,
) -> dict[str, float]:
    """Trains for one epoch (counted from 1), then validates; `seconds` is the time of the training part.

    ArithmeticError if the loss or its gradient stops being a number, or explodes.
    """
    task.model.train()
    torch.manual_seed((settings.seed * 100_003 + epoch) * distributed.size() + distributed.rank())
    sum_of_losses, step, steps, start = 0.0, (epoch - 1) * task.steps, task.steps * settings.epochs, time.perf_counter()
    shown = tqdm(
        task.training(epoch),
        total=task.steps,
        desc=f"epoch {epoch}/{settings.epochs}",
        unit="batch",
        leave=False,
        disable=None if distributed.leads() else True,
    )
    rate = settings.learning_rate
    for inputs, labels in shown:
        rate, count = set_learning_rate(optimiser, step, steps, settings.warm_up), len(labels)
        *given, labels = processor.move(distributed.share((*inputs, labels)))
        with processor.precision():
            output = forward(*given)
        loss = mean_loss(output, labels, settings, task) * distributed.weight(count)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        size = nn.utils.get_total_norm([each.grad for each in task.model.parameters() if each.grad is not None])
        check_finite(loss.item(), size.item(), step, steps, rate)
        if size > LARGEST_GRADIENT:
            nn.utils.clip_grads_with_norm_(task.model.parameters(), LARGEST_GRADIENT, size)
        optimiser.step()
        average.update(task.model)
        sum_of_losses += loss.item() * count / distributed.size()
        step += 1
    seconds = time.perf_counter() - start
    row = {
        "epoch": epoch,
        "training_loss": distributed.total(sum_of_losses) / task.examples,
        "validation_loss": math.nan,
        "validation_accuracy": math.nan,
        "learning_rate": rate,
        "seconds": seconds,
        "examples_per_second": task.examples / seconds,
    }
    if distributed.leads():
        classes = len(task.class_names)
        result = evaluate(average.model, task.validation(), classes, processor, "validating", task.judge)
        row |= {"validation_loss": result.loss, "validation_accuracy": result.accuracy}
    distributed.wait_for_all()
    return row


def mean_loss(output: Any, labels: Tensor, settings: Settings, task: Task) -> Tensor:
    """The task's own loss, or the cross-entropy of logits (..., classes) with label smoothing."""
    if task.loss is not None:
        return task.loss(output, labels)
    logits = output.flatten(0, -2).float()
    return F.cross_entropy(logits, labels.flatten(), label_smoothing=getattr(settings, "label_smoothing", 0.0))


def test_once(folder: RunFolder, task: Task, processor: Processor, rows: list[dict[str, float]]) -> dict[str, Any]:
    """Reads the test part with the weights of the best epoch and writes the summary."""
    best = best_row(rows, task)
    load_weights(task.model, folder.path / "weights.safetensors")
    result = evaluate(task.model, task.test(), len(task.class_names), processor, judge=task.judge)
    summary = {
        "data_set": folder.data_set,
        "attention": folder.settings.attention,
        "seed": folder.settings.seed,
        "test_accuracy": result.accuracy,
        "test_loss": result.loss,
        **task.further(result.loss, result.accuracy, "test"),
        "chosen_epoch": int(best["epoch"]),
        "validation_accuracy": best["validation_accuracy"],
        "epochs": len(rows),
        "seconds": sum(row["seconds"] for row in rows),
        "parameters": sum(parameter.numel() for parameter in task.model.parameters()),
        "class_names": list(task.class_names),
        "confusion": result.confusion,
        "weights_sha256": hashlib.sha256((folder.path / "weights.safetensors").read_bytes()).hexdigest(),
        "bfloat16": processor.bfloat16,
        "threads": torch.get_num_threads(),
        "processes": distributed.size(),
        **folder.provenance,
    }
    folder.write_json("summary.json", summary)
    (folder.path / "checkpoint.safetensors").unlink(missing_ok=True)
    return summary


def best_row(rows: list[dict[str, float]], task: Task) -> dict[str, float]:
    """The first epoch with the highest validation accuracy or, if the task says so, the lowest validation loss."""
    if task.chosen_by == "loss":
        return min(rows, key=lambda row: row["validation_loss"])
    return max(rows, key=lambda row: row["validation_accuracy"])


def told(row: dict[str, float], task: Task) -> str:
    """What a reader wants to know of a validation."""
    further = task.further(row["validation_loss"], row["validation_accuracy"], "validation")
    accuracy = f"accuracy {row['validation_accuracy']:.4f}"
    return ", ".join([accuracy, *(f"{name.replace('_', ' ')} {value:.2f}" for name, value in further.items())])


def compiled(model: nn.Module) -> Callable[..., Any]:
    """The model with its elementwise work fused; the model itself where there is no C++ compiler."""
    if not any(shutil.which(name) for name in ("c++", "g++", "clang++")):
        tqdm.write("no C++ compiler found: training uncompiled, which is slower (set compile: false to say so)")
        return model
    return torch.compile(model, dynamic=True)


def check_finite(loss: float, gradient: float, step: int, steps: int, rate: float) -> None:
    """ArithmeticError unless loss and norm of the gradient are numbers and the loss is one of a training."""
    for name, value in {"loss": loss, "gradient": gradient}.items():
        if not math.isfinite(value):
            raise ArithmeticError(
                f"the {name} became {value} at step {step + 1} of {steps} with learning rate {rate:.2g}; lower "
                "learning_rate"
            )
    if loss > EXPLODED:
        raise ArithmeticError(
            f"the loss exploded to {loss:.3g} at step {step + 1} of {steps} with learning rate {rate:.2g}; lower "
            "learning_rate"
        )


def what_is_left(folder: RunFolder, rows: list[dict[str, float]]) -> str:
    """Which weights a run that failed has kept."""
    if not rows:
        return "no epoch had ended, so there are no weights"
    return f"the best weights of the {len(rows)} epochs before are kept in {folder.path / 'weights.safetensors'}"


def check_room(path: Path, model: nn.Module) -> None:
    """OSError unless the disk under `path` has room for all that a training of `model` will write."""
    needed = COPIES * sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values())
    free = shutil.disk_usage(path).free
    if free < needed:
        raise OSError(
            f"{path} has {free / 1e6:.1f} MB free and the run may write {needed / 1e6:.1f} MB; free some space or name "
            "another --out"
        )
