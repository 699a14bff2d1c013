"""Do dendritic segments keep a network from forgetting?

Ten tasks of permuted MNIST are learned one after the other (studies/dendrites/permuted_digits.py) by three networks of
two hidden layers with equally many parameters: active dendrites (Iyer et al. 2022, Front. Neurorobot. 16:846219), whose
gate is that of a measured NMDA segment if `segment` names its coefficients; the same with the segments as first drawn,
which gate by context and learn nothing (as in Masse et al., PNAS 115:E10467, 2018); and a plain network, wider instead.

All see the same images in the same order, and their learning rates are tuned alike: each is tried on one seed that is
not used again, and the one with the highest validation accuracy after the last task is taken. Accuracy while learning
is that of validation images; the test images are read once, at the end.

What was found (gate of gain 21; 3 seeds, mean and standard deviation): after ten tasks the test accuracy is 87.0 ± 1.0
% with active dendrites, 86.4 ± 1.0 % with fixed gating and 80.7 ± 3.1 % in the plain network. That the segments learn
adds 0.4 to 0.9 points in each pair of runs, which three pairs cannot tell from chance. The gated networks lose 7 to 9
points of what they learned, the plain one 9, 9 and 15; but they learn each task better (93 to 94 %, against 89 to 90
%), as they bear a hundred times the learning rate. Fixed gating differs from the plain network by its few winners too,
so how much is due to the gates remains open. All stay below the published 94.6 % of networks four times as wide, with a
segment for each task and 4.5 times as many steps.

Not alike: units, segments and winners were chosen in a few pilots with the gated networks, on the seed for tuning (256
x 10, 512 x 4 and 1024 x 2 units and segments; 5, 10 and 30 % winners), while the width of the plain network follows
from the number of parameters. Nor is the plain network told the context.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from astromorph.data.locations import data_root
from astromorph.dendrite import opening_spread
from astromorph.settings.checks import check_at_least, check_seed
from mapping.coefficients import read_segment
from studies.dendrites.continual_runs import (
    MODELS,
    Measured,
    Run,
    Settings,
    digits_of,
    finish,
    learned_parameters,
    network_of,
)
from studies.dendrites.permuted_digits import parameter_count
from studies.figure import draw_panels
from studies.kept import open_parts
from studies.study import labelled

WORDS = {"active-dendrites": "active dendrites", "fixed-gating": "fixed gating", "plain": "plain network"}
COLORS = {"active-dendrites": "#0072B2", "fixed-gating": "#009E73", "plain": "#D55E00"}
RATES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
PUBLISHED_GATE = (0.0, 1.0, 1.0)  # threshold, gain and first spread of the drives: σ(d), half open at rest
# Iyer et al. (2022), test accuracy after so many tasks: mean of 8 runs, 2048 units, a segment for each task, 60,000
# images a task once (of 10 tasks: three times); their learning rate and epochs are those of the best test accuracy
PUBLISHED = {2: 0.9747, 5: 0.9636, 10: 0.9455}

ABOUT = {
    "study": "permuted-mnist",
    "title": "Continual learning of permuted MNIST with and without dendritic segments",
    "source": "Iyer et al. (2022), Front. Neurorobot. 16:846219",
}
MEANINGS = {
    "model": "network",
    "repetition": "run with a seed of its own",
    "learned": "tasks learned so far",
    "task": "task, in the order of learning",
    "learning_rate": "learning rate of Adam",
    "validation_accuracy": "validation accuracy in a task after so many tasks",
    "task_inferred": "share of validation images whose task was inferred right from the prototypes",
    "test_accuracy": "test accuracy in a task after the last one",
    "tuning_accuracy": "validation accuracy after the last task, mean over tasks, in tuning",
    "chosen_rate": "learning rate chosen in tuning",
    "parameters": "parameters, learned or not",
    "learned_parameters": "parameters that learn",
}


def simulate(
    models: Sequence[str] = MODELS,
    *,
    segment: Path | None = None,
    data: Path | None = None,
    tasks: int = 10,
    examples: int = 40_000,
    validation: int = 5_000,
    epochs: int = 1,
    batch: int = 256,
    units: int = 512,
    segments: int = 4,
    winners: float = 0.05,
    open_share: float = 0.2,
    learning_rates: Sequence[float] = RATES,
    repetitions: int = 3,
    seed: int = 0,
    jobs: int = -1,
    parts: Path = Path("permuted-mnist.parts"),
) -> xr.Dataset:
    """Tune and train every model; what is done is kept task by task, and the same command goes on from there.

    Args:
        models: active-dendrites, fixed-gating or plain.
        segment: coefficients of a dendritic segment written by astromorph map; without, the gate is the published one.
        data: folder that holds MNIST/raw; else ASTROMORPH_DATA, else the user's cache folder.
        tasks: orders of the pixels to be learned one after the other.
        examples: training images of each task.
        validation: further images, held out of the training part.
        epochs: passes through the training images of each task.
        batch: images a training step.
        units: of each hidden layer with dendrites; the plain network has as many as make its parameters equal.
        segments: dendritic segments of a unit.
        winners: share of the units of a layer that may answer at a time.
        open_share: share of the units that a context opens at first, with a measured segment.
        learning_rates: of Adam, tried for each model.
        repetitions: runs of each model with seeds of their own.
        seed: of the first repetition; the others follow, and after them the one for tuning.
        jobs: processes, each of one thread; -1 for one a core.
        parts: folder that keeps finished tasks.

    Returns a dataset with dims model, repetition, learned, task and learning_rate. Raises OSError or ValueError in one
    sentence for bad input.
    """
    _check(models, learning_rates, tasks, epochs, batch, repetitions, seed)
    gate = PUBLISHED_GATE if segment is None else _measured_gate(segment, segments, open_share)
    root = str(data_root(data))
    settings = Settings(root, *gate, tasks, examples, validation, epochs, batch, units, segments, winners)
    for model in models:
        network_of(model, settings, seed)  # refuses what is wrong before anything is read or learned
    digits_of(settings, seed)
    plan = {name: value for name, value in settings._asdict().items() if name != "data"}
    open_parts(parts, plan)
    tuned = _tuned(models, np.array(sorted(learning_rates)), settings, seed + repetitions, parts, jobs)
    dataset = _learned(tuned.chosen_rate, settings, range(seed, seed + repetitions), parts, jobs).merge(tuned)
    gate_options = {
        "segment": "none: the published gate" if segment is None else Path(segment).name,
        "open_share": "none" if segment is None else open_share,
    }
    return labelled(dataset, MEANINGS, ABOUT | gate_options | plan | {"seed": seed})


def _tuned(
    models: Sequence[str], rates: np.ndarray, settings: Settings, seed: int, folder: Path, jobs: int
) -> xr.Dataset:
    """Validation accuracy of every model at every rate, and the rate that reaches the highest."""
    runs = [Run(model, float(rate), seed, True) for model in models for rate in rates]
    tried = finish(runs, settings, folder, jobs, "tuning")
    reached = np.array([np.mean(tried[run][-1]["validation"]) for run in runs]).reshape(len(models), -1)
    return xr.Dataset(
        {"tuning_accuracy": (("model", "learning_rate"), reached), "chosen_rate": ("model", rates[reached.argmax(1)])},
        {"model": list(models), "learning_rate": rates},
    )


def _learned(rates: xr.DataArray, settings: Settings, seeds: range, folder: Path, jobs: int) -> xr.Dataset:
    """Accuracies of every model at its rate with every seed, and its parameters."""
    models, tasks = rates.model.values.tolist(), np.arange(1, settings.tasks + 1)
    chosen = zip(models, rates.values.tolist(), strict=True)
    runs = [Run(model, rate, seed, False) for model, rate in chosen for seed in seeds]
    histories = finish(runs, settings, folder, jobs, "training")
    networks = [network_of(model, settings, seeds[0]) for model in models]
    return xr.Dataset(
        {
            **_accuracies([histories[run] for run in runs], len(models), settings.tasks),
            "parameters": ("model", [parameter_count(network) for network in networks]),
            "learned_parameters": ("model", [learned_parameters(network) for network in networks]),
        },
        {"model": models, "repetition": np.arange(len(seeds)), "learned": tasks, "task": tasks},
    )


def _check(
    models: Sequence[str], rates: Sequence[float], tasks: int, epochs: int, batch: int, repetitions: int, seed: int
) -> None:
    check_seed(seed)
    if unknown := [model for model in models if model not in MODELS]:
        raise ValueError(f"there is no model {unknown[0]!r}; use some of {', '.join(MODELS)}")
    for name, values in (("models", models), ("learning_rates", rates)):
        if not values or len(set(values)) < len(values):
            raise ValueError(f"{name} {', '.join(map(str, values)) or 'are none'}; name at least one, and each once")
    if min(rates) <= 0:
        raise ValueError(f"learning rate {min(rates):g} teaches nothing; use rates above 0")
    check_at_least(1, tasks=tasks, epochs=epochs, batch=batch, repetitions=repetitions)


def _measured_gate(file: Path, segments: int, share: float) -> tuple[float, float, float]:
    """Threshold, gain, and the spread of the first drives that opens a share of the units in each context."""
    gate = read_segment(file).gate()
    return gate.threshold, gate.gain, opening_spread(gate.threshold, segments, share)


def _accuracies(histories: Sequence[Sequence[Measured]], models: int, tasks: int) -> dict[str, tuple[Any, np.ndarray]]:
    """Arrays by model, repetition, tasks learned and task; NaN for a task not learned yet."""
    triangles = np.full((2, len(histories), tasks, tasks), np.nan)
    for run, history in enumerate(histories):
        for learned, row in enumerate(history):
            triangles[:, run, learned, : learned + 1] = row["validation"], row["inferred"]
    validation, inferred = triangles.reshape(2, models, -1, tasks, tasks)
    test = np.array([history[-1]["test"] for history in histories]).reshape(models, -1, tasks)
    axes = ("model", "repetition", "learned", "task")
    return {
        "validation_accuracy": (axes, validation),
        "task_inferred": (axes, inferred),
        "test_accuracy": (("model", "repetition", "task"), test),
    }


def draw(dataset: xr.Dataset) -> plt.Figure:
    """Mean accuracy while tasks are added, forgetting by task, the test at the end, and the tuning."""
    layout = [[_draw_learning, _draw_forgetting], [_draw_test, _draw_tuning]]
    return draw_panels(
        dataset, layout, (7.2, 5.6), legend={"loc": "outside upper center", "ncols": 4, "columnspacing": 1.2}
    )


def _draw_learning(panel: plt.Axes, dataset: xr.Dataset) -> None:
    accuracy = 100 * dataset.validation_accuracy.mean("task")
    for model in dataset.model.values.tolist():
        _band(panel, dataset.learned, accuracy.sel(model=model), model, WORDS[model])
    published = [tasks for tasks in PUBLISHED if tasks <= dataset.sizes["task"]]
    values = [100 * PUBLISHED[tasks] for tasks in published]
    panel.plot(published, values, "k*", ms=6, ls="", label="Iyer et al., 2 × 2048 units")
    panel.set(title="A   Mean over the tasks learned so far", xlabel="tasks learned", ylabel="validation accuracy (%)")
    panel.xaxis.set_major_locator(plt.MaxNLocator(integer=True))


def _draw_forgetting(panel: plt.Axes, dataset: xr.Dataset) -> None:
    accuracy = dataset.validation_accuracy
    itself = ("task", np.arange(dataset.sizes["task"]))
    fresh = accuracy.isel(learned=itself, task=itself)
    lost = 100 * (fresh - accuracy.isel(learned=-1))
    for model in dataset.model.values.tolist():
        _band(panel, dataset.task, lost.sel(model=model), model)
    panel.axhline(0, color="0.6", lw=0.8, zorder=0)
    panel.set(title="B   Forgotten at the end", xlabel="task", ylabel="validation accuracy lost (points)")
    panel.xaxis.set_major_locator(plt.MaxNLocator(integer=True))


def _draw_test(panel: plt.Axes, dataset: xr.Dataset) -> None:
    accuracy = 100 * dataset.test_accuracy.mean("task")
    names = dataset.model.values.tolist()
    for place, model in enumerate(names):
        runs = accuracy.sel(model=model).values
        panel.plot([place] * len(runs), runs, "o", color=COLORS[model], alpha=0.5)
        spread = runs.std(ddof=1) if len(runs) > 1 else 0.0
        panel.errorbar([place + 0.15], [runs.mean()], [spread], fmt="D", capsize=4, color=COLORS[model])
        panel.annotate(
            f"{runs.mean():.1f}", (place + 0.15, runs.mean()), (7, -3), textcoords="offset points", fontsize=8
        )
    panel.set_xticks(range(len(names)), [WORDS[name].replace(" ", "\n") for name in names])
    panel.set(title="C   Mean over all tasks, each run; mean ± sd", ylabel="test accuracy (%)")
    panel.set_xlim(-0.5, len(names) - 0.2)


def _draw_tuning(panel: plt.Axes, dataset: xr.Dataset) -> None:
    for model in dataset.model.values.tolist():
        tried = 100 * dataset.tuning_accuracy.sel(model=model)
        panel.plot(dataset.learning_rate, tried, "o-", color=COLORS[model], mfc="none")
        rate = float(dataset.chosen_rate.sel(model=model))
        panel.plot([rate], [float(tried.sel(learning_rate=rate))], "o", color=COLORS[model], ms=6)
    panel.set(
        title="D   Tuning (filled: chosen)", xlabel="learning rate", ylabel="validation accuracy (%)", xscale="log"
    )


def _band(panel: plt.Axes, x: xr.DataArray, runs: xr.DataArray, model: str, label: str | None = None) -> None:
    """The mean over the repetitions, and from the least to the greatest of them."""
    panel.plot(x, runs.mean("repetition"), color=COLORS[model], label=label)
    panel.fill_between(x, runs.min("repetition"), runs.max("repetition"), color=COLORS[model], alpha=0.2, lw=0)
