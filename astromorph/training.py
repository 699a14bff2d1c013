"""The training loop: AdamW, linear warm-up and cosine decay, validation after every epoch, one test at the end.

The epoch with the best validation accuracy gives the weights that are tested. Every epoch seeds its own chance events,
and a checkpoint after it holds the rest, so a run that was stopped goes on as if it had not been.
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
from torch import nn
from tqdm import tqdm

from astromorph import checkpoint
from astromorph.evaluation import evaluate, load_weights
from astromorph.hardware import Processor
from astromorph.run_folder import RunFolder
from astromorph.settings import Settings
from astromorph.tasks import Task, build_task

WARM_UP = 0.2  # share of all steps
LARGEST_GRADIENT = 1.0  # norm to which gradients are clipped


def train(folder: RunFolder, root: Path) -> dict[str, Any]:
    """Trains the run in `folder` with data under `root`, from its last checkpoint if there is one; its summary.

    ValueError if the run is finished or the loss stops being a number.
    """
    if folder.finished:
        raise ValueError(f"run {folder.path} is finished; start another with a new --out, or evaluate this one")
    settings = folder.settings
    if settings.threads:
        torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    task = build_task(settings, folder.response, root)
    processor = Processor.choose(settings.precision)
    if task.words is not None:
        folder.write_json("vocabulary.json", task.words)
    rows = run_epochs(folder, task, processor)
    return test_once(folder, task, processor, rows)


def run_epochs(folder: RunFolder, task: Task, processor: Processor) -> list[dict[str, float]]:
    """All epochs that are still to do; a row of metrics for each epoch done."""
    settings, model = folder.settings, task.model.to(processor.device)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    saved = folder.path / "checkpoint.safetensors"
    rows = checkpoint.restore(saved, model, optimiser) if saved.is_file() else []
    best = max((row["validation_accuracy"] for row in rows), default=-1.0)
    forward = compiled(model) if settings.compile else model
    for epoch in range(len(rows) + 1, settings.epochs + 1):
        row = one_epoch(epoch, settings, task, forward, optimiser, processor)
        rows.append(row)
        if row["validation_accuracy"] > best:
            best = row["validation_accuracy"]
            checkpoint.save_tensors(folder.path / "weights.safetensors", model.state_dict())
        checkpoint.save(saved, model, optimiser, rows)
        folder.write_metrics(rows)
        tqdm.write(
            f"epoch {epoch}/{settings.epochs}: training loss {row['training_loss']:.4f}, validation accuracy "
            f"{row['validation_accuracy']:.4f}, {row['seconds']:.1f} s, "
            f"{row['examples_per_second']:.0f} {task.unit}/s"
        )
    return rows


def one_epoch(
    epoch: int,
    settings: Settings,
    task: Task,
    forward: Callable[..., torch.Tensor],
    optimiser: torch.optim.AdamW,
    processor: Processor,
) -> dict[str, float]:
    """Trains for one epoch (counted from 1), then validates; `seconds` is the time of the training part."""
    task.model.train()
    torch.manual_seed(settings.seed * 100_003 + epoch)
    total, step, start = 0.0, (epoch - 1) * task.steps, time.perf_counter()
    shown = tqdm(
        task.training(epoch),
        total=task.steps,
        desc=f"epoch {epoch}/{settings.epochs}",
        unit="batch",
        leave=False,
        disable=None,
    )
    rate = settings.learning_rate
    for inputs, labels in shown:
        rate = learning_rate(step, task.steps * settings.epochs, settings.learning_rate)
        for group in optimiser.param_groups:
            group["lr"] = rate
        with processor.precision():
            logits = forward(*processor.move(inputs))
        (labels,) = processor.move((labels,))
        loss = F.cross_entropy(logits.float(), labels, label_smoothing=settings.label_smoothing)
        check_finite(loss.item(), step, rate)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(task.model.parameters(), LARGEST_GRADIENT)
        optimiser.step()
        total += loss.item() * len(labels)
        step += 1
    seconds = time.perf_counter() - start
    result = evaluate(task.model, task.validation(), len(task.class_names), processor, "validating")
    return {
        "epoch": epoch,
        "training_loss": total / task.examples,
        "validation_loss": result.loss,
        "validation_accuracy": result.accuracy,
        "learning_rate": rate,
        "seconds": seconds,
        "examples_per_second": task.examples / seconds,
    }


def test_once(folder: RunFolder, task: Task, processor: Processor, rows: list[dict[str, float]]) -> dict[str, Any]:
    """Reads the test part with the weights of the best epoch and writes the summary."""
    best = max(rows, key=lambda row: row["validation_accuracy"])
    load_weights(task.model, folder.path / "weights.safetensors")
    result = evaluate(task.model, task.test(), len(task.class_names), processor)
    summary = {
        "data_set": folder.data_set,
        "attention": folder.settings.attention,
        "seed": folder.settings.seed,
        "test_accuracy": result.accuracy,
        "test_loss": result.loss,
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
        **folder.provenance,
    }
    folder.write_json("summary.json", summary)
    (folder.path / "checkpoint.safetensors").unlink(missing_ok=True)
    return summary


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Linear warm-up to `peak` over the first WARM_UP of all steps, then half a cosine down to zero."""
    warm = max(1, round(WARM_UP * steps))
    if step < warm:
        return peak * (step + 1) / warm
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def compiled(model: nn.Module) -> Callable[..., torch.Tensor]:
    """The model with its elementwise work fused; the model itself where there is no C++ compiler."""
    if not any(shutil.which(name) for name in ("c++", "g++", "clang++")):
        tqdm.write("no C++ compiler found: training uncompiled, which is slower (set compile: false to say so)")
        return model
    return torch.compile(model, dynamic=True)


def check_finite(loss: float, step: int, rate: float) -> None:
    if not math.isfinite(loss):
        raise ValueError(
            f"the loss became {loss} at step {step + 1} with learning rate {rate:.2g}; lower learning_rate"
        )
