"""Networks that learn the tasks of permuted MNIST one after the other, kept task by task.

Every task begins from the weights that the last one wrote into a folder, also if nothing was stopped in between; so a
study that is stopped goes on as if it had not been. Runs learn side by side in processes of one thread, a task at a
time.
"""

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import joblib
import torch
from safetensors.torch import load_file
from torch import nn

from astromorph.data.mnist import load_mnist
from astromorph.dendrite import SegmentGate
from astromorph.files.tensors import save_tensors
from astromorph.files.whole_files import whole
from biophys.simulation.progress import progress
from biophys.simulation.workers import ending_with_this
from studies.dendrites.permuted_digits import (
    DendriticNetwork,
    PermutedDigits,
    PlainNetwork,
    accuracies,
    parameter_count,
    permuted_digits,
    plain_units,
    train_task,
)
from studies.threads import processor_threads

MODELS = ("active-dendrites", "fixed-gating", "plain")
Measured = dict[str, list[float]]  # "validation", "inferred" (of the tasks learned so far), "test": shares by task


class Settings(NamedTuple):
    """What all runs share."""

    data: str  # folder of the data sets
    threshold: float  # of the gate
    gain: float
    spread: float  # of the drives at first
    tasks: int
    examples: int  # training images of each task
    validation: int  # images held out
    epochs: int  # passes through the examples of each task
    batch: int
    units: int  # of a hidden layer with dendrites
    segments: int
    winners: float


class Run(NamedTuple):
    """One network through all tasks; in tuning it is measured after the last one only, and never tested."""

    model: str
    rate: float
    seed: int
    tuning: bool

    @property
    def name(self) -> str:
        return f"{'tuning' if self.tuning else 'run'}-{self.model}-{self.rate:g}-{self.seed}"


def finish(runs: Sequence[Run], settings: Settings, folder: Path, jobs: int, title: str) -> dict[Run, list[Measured]]:
    """Takes every run through all tasks; what was measured after each."""
    done = {run: len(history(run, folder)) for run in runs}
    with progress(total=len(runs) * settings.tasks, initial=sum(done.values()), desc=title, unit="task") as bar:
        while waiting := sorted((run for run in runs if done[run] < settings.tasks), key=done.__getitem__):
            work = [joblib.delayed(learn_next)(run, settings, folder) for run in waiting]
            with joblib.parallel_config("loky"):
                side_by_side = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
                for run in side_by_side(ending_with_this(work)):
                    done[run] += 1
                    bar.update()
    return {run: history(run, folder) for run in runs}


def learn_next(run: Run, settings: Settings, folder: Path) -> Run:
    """Trains `run` on its next task, measures, and writes weights and measurements."""
    past, digits = history(run, folder), digits_of(settings, run.seed)
    task = len(past)
    before, after = (folder / f"{run.name}.{number}.safetensors" for number in (task, task + 1))
    with processor_threads(1):
        network = network_of(run.model, settings, run.seed)
        if task:
            network.load_state_dict(load_file(before))
        train_task(network, digits, task, run.rate, settings.batch, settings.epochs, run.seed)
        last, measured = task + 1 == settings.tasks, Measured()
        if last or not run.tuning:
            measured["validation"], measured["inferred"] = accuracies(network, digits, digits.validation, task + 1)
        if last and not run.tuning:
            measured["test"], _ = accuracies(network, digits, digits.test, task + 1)
    if not last:
        save_tensors(after, network.state_dict())
    with whole(folder / f"{run.name}.json") as part:
        part.write_text(json.dumps([*past, measured]), encoding="utf-8")
    before.unlink(missing_ok=True)
    return run


def history(run: Run, folder: Path) -> list[Measured]:
    """What was measured after each task that `run` has learned."""
    file = folder / f"{run.name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []


@functools.lru_cache(maxsize=2)
def digits_of(settings: Settings, seed: int) -> PermutedDigits:
    """The images of `seed`; errors are those of the loader."""
    images = load_mnist(Path(settings.data))
    return permuted_digits(images, settings.tasks, settings.examples, settings.validation, seed)


def network_of(model: str, settings: Settings, seed: int) -> nn.Module:
    """`model` before the first task; the plain network has as many parameters as the others, or a few less."""
    torch.manual_seed(seed)
    dendritic = DendriticNetwork(
        settings.units,
        settings.segments,
        SegmentGate(settings.threshold, settings.gain),
        settings.spread,
        settings.winners,
        learned=model == "active-dendrites",
    )
    return PlainNetwork(plain_units(parameter_count(dendritic))) if model == "plain" else dendritic


def learned_parameters(network: nn.Module) -> int:
    """The parameters that learn."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
