"""The training loop: validation after every epoch, a checkpoint after it, one test at the end.

The epoch with the best validation gives the weights that are tested. Every epoch seeds its own chance events, and a
checkpoint after it holds the rest, so a run that was stopped goes on as if it had not been.
"""

import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from tqdm import tqdm

from astromorph import learning_rules
from astromorph.files.tensors import load_weights, save_tensors
from astromorph.runs.run_folder import RESULT, RunFolder, digest_of_result
from astromorph.settings import TrainingSettings
from astromorph.tasks import Batch, Task, build_task
from astromorph.training import checkpoint, distributed
from astromorph.training.allocator import keep_freed_memory
from astromorph.training.averaging import AveragedWeights
from astromorph.training.evaluation import evaluate
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
        folder.summary()  # refuses one that is none
        raise ValueError(f"run {folder.path} is finished; start another with a new --out, or evaluate this one")
    settings = folder.settings
    keep_freed_memory()
    if settings.threads:
        torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    task = build_task(settings, folder.response, root)
    check_room(folder.path, task.model)
    processor = Processor.choose(settings.precision)
    checkpoint.check_origin(folder.path / "checkpoint.safetensors", checkpoint.origin_of(folder, task))
    with distributed.leader_first() as leads:
        if leads and task.words is not None:
            folder.write_json("vocabulary.json", task.words)
        task.prepare(folder.path)
    rows = run_epochs(folder, task, processor)
    with distributed.leader_first() as leads:
        return test_once(folder, task, processor, rows) if leads else folder.summary()


class Training(NamedTuple):
    """What an epoch works with. forward: the task's model as a call, shared by processes and compiled if asked for."""

    settings: TrainingSettings
    task: Task
    processor: Processor
    forward: Callable[..., Any]
    rule: Callable[..., Tensor]
    optimiser: torch.optim.Optimizer
    average: AveragedWeights


def begin(settings: TrainingSettings, task: Task, processor: Processor) -> Training:
    """A training of `task` before its first epoch. ValueError if the learning rule cannot train the model."""
    model = task.model.to(processor.device)
    rule = learning_rules.named(settings.rule)(model)
    optimiser, average = build_optimiser(settings, model), AveragedWeights(model, settings.average)
    shared = distributed.shared(model)
    forward = compiled(shared) if settings.compile else shared
    return Training(settings, task, processor, forward, rule, optimiser, average)


def run_epochs(folder: RunFolder, task: Task, processor: Processor) -> list[dict[str, float]]:
    """All epochs that are still to do; a row of metrics for each epoch done."""
    settings, saved = folder.settings, folder.path / "checkpoint.safetensors"
    training = begin(settings, task, processor)
    state = task.model, training.average, training.optimiser
    origin = checkpoint.origin_of(folder, task)
    rows = resumed(folder, saved, training, origin)
    for epoch in range(len(rows) + 1, settings.epochs + 1):
        try:
            row = one_epoch(epoch, training)
        except ArithmeticError as error:
            raise ValueError(f"{error}; {what_is_left(folder, rows)}") from error
        first = row.pop("first_step", None)
        rows.append(row)
        if distributed.leads():
            if best_row(rows, task) is row:
                save_tensors(folder.path / "weights.safetensors", training.average.model.state_dict())
            checkpoint.save(saved, *state, rows, origin)
            folder.write_metrics(rows)  # after the checkpoint: metrics without one tell that it was lost
            compiling = "" if first is None else f" ({first:.1f} s of them in the first step, where a compiler works)"
            seconds = f"{row['seconds']:.1f} s{compiling}, {row['examples_per_second']:.0f} {task.unit}/s"
            tqdm.write(
                f"epoch {epoch}/{settings.epochs}: training loss {row['training_loss']:.4f}, validation "
                f"{described(row, task)}, {seconds}"
            )
    return rows


def resumed(folder: RunFolder, saved: Path, training: Training, origin: checkpoint.Origin) -> list[dict[str, float]]:
    """The metrics of the epochs that `saved` holds, and its state in `training`; ValueError if lost or another's."""
    if not saved.exists():
        if (folder.path / "metrics.csv").exists():
            raise ValueError(
                f"{saved} is lost, without which the run cannot go on; put it back, or start again with --overwrite"
            )
        if {"weights_sha256", "test_accuracy"} & set(folder.provenance):
            raise ValueError(f"{folder.path} is an exported model, no run that could go on; train into another folder")
        return []
    rows = checkpoint.restore(saved, training.task.model, training.average, training.optimiser, origin)
    if rows and distributed.leads():
        folder.write_metrics(rows)  # of which the last may not have been written
    return rows


def one_epoch(epoch: int, training: Training) -> dict[str, float]:
    """Trains for one epoch (counted from 1), then validates; `seconds` is the time of the training part.

    `first_step` is the part of it until the first step is done, where the model is compiled only.

    ArithmeticError if the loss or its gradient stops being a number, or explodes.
    """
    settings, task = training.settings, training.task
    task.model.train()
    torch.manual_seed(((settings.seed * 100_003 + epoch) * distributed.size() + distributed.rank()) % 2**64)
    task.begin_epoch(epoch)
    title, leads = f"epoch {epoch}/{settings.epochs}", distributed.leads()
    batches = tqdm(task.training(epoch), title, task.steps, leave=False, unit="batch", disable=None if leads else True)
    sum_of_losses, first, rate, start = 0.0, 0.0, settings.learning_rate, time.perf_counter()
    for step, batch in enumerate(batches, (epoch - 1) * task.steps):
        rate = set_learning_rate(training.optimiser, step, task.steps * settings.epochs, settings.warm_up)
        loss = one_step(step, batch, training, rate)
        sum_of_losses += loss * len(batch.labels) / distributed.size()
        first = first or time.perf_counter() - start
    seconds = time.perf_counter() - start
    row = {
        "epoch": epoch,
        "training_loss": distributed.total(sum_of_losses) / task.examples,
        "validation_loss": math.nan,
        "validation_accuracy": math.nan,
        "learning_rate": rate,
        "seconds": seconds,
        "examples_per_second": task.examples / seconds,
        **({"first_step": first} if settings.compile else {}),
    }
    if leads:
        model, classes = training.average.model, len(task.class_names)
        result = evaluate(model, task.validation(), classes, training.processor, "validating", task.judge)
        row |= {"validation_loss": result.loss, "validation_accuracy": result.accuracy}
    distributed.wait_for_all()
    return row


def one_step(step: int, batch: Batch, training: Training, rate: float) -> float:
    """Learns from this process's share of a batch; its loss. ArithmeticError as of `one_epoch`."""
    model, optimiser, processor = training.task.model, training.optimiser, training.processor
    weight = distributed.weight(len(batch.labels))
    *inputs, labels = processor.move(distributed.share((*batch.inputs, batch.labels)))

    def forward(*inputs: Tensor) -> Any:
        with processor.precision():
            return training.forward(*inputs)

    optimiser.zero_grad(set_to_none=True)
    loss_of = lambda output, labels: training.task.loss(output, labels) * weight
    loss = training.rule(forward, tuple(inputs), labels, loss_of).item()
    size = nn.utils.get_total_norm([each.grad for each in model.parameters() if each.grad is not None])
    check_finite(loss, size.item(), step, training.task.steps * training.settings.epochs, rate)
    if size > LARGEST_GRADIENT:
        nn.utils.clip_grads_with_norm_(model.parameters(), LARGEST_GRADIENT, size)
    optimiser.step()
    training.average.update(model)
    return loss


def test_once(folder: RunFolder, task: Task, processor: Processor, rows: list[dict[str, float]]) -> dict[str, Any]:
    """Reads the test part with the weights of the best epoch and writes the summary."""
    best = best_row(rows, task)
    load_weights(task.model, folder.path / "weights.safetensors")
    result = evaluate(task.model, task.test(), len(task.class_names), processor, judge=task.judge)
    summary = {
        "data_set": folder.data_set,
        "attention": folder.settings.variant_name,
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
        "bfloat16": processor.bfloat16,
        "threads": torch.get_num_threads(),
        "processes": distributed.size(),
        **folder.provenance,
        **folder.digests(),
    }
    summary[RESULT] = digest_of_result(summary)
    folder.write_json("summary.json", summary)
    (folder.path / "checkpoint.safetensors").unlink(missing_ok=True)
    return summary


def best_row(rows: list[dict[str, float]], task: Task) -> dict[str, float]:
    """The first epoch with the highest validation accuracy or, if the task says so, the lowest validation loss."""
    if task.chosen_by == "loss":
        return min(rows, key=lambda row: row["validation_loss"])
    return max(rows, key=lambda row: row["validation_accuracy"])


def described(row: dict[str, float], task: Task) -> str:
    """The result of a validation, as it is printed."""
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
    numbers = {"loss": loss, "gradient": gradient}
    faults = [f"the {name} became {value}" for name, value in numbers.items() if not math.isfinite(value)]
    if loss > EXPLODED:
        faults.append(f"the loss exploded to {loss:.3g}")
    if faults:
        where = f"at step {step + 1} of {steps} with learning rate {rate:.2g}"
        raise ArithmeticError(f"{faults[0]} {where}; lower learning_rate")


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
