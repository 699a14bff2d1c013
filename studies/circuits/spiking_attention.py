"""How many spikes, and how much time, does a trained transformer's attention need to give the right answer?

The attention of a trained run goes through circuits of spiking neurons (biophys/circuits/spiking_circuit.py), at
several rates and presentation times. Measured are the error of the attention output (all tokens of an input, norm of
the difference over norm), the class that the rest of the model gets from it, and both when queries are answered early
(early_answers.py). The control is the model with silent attention: what it answers right, it owes to the rest.

What was found (100 IMDB reviews of 64 tokens). From 1 Hz and once the circuit settles, the median error falls as
1/sqrt(rate x presentation), and the counts of the answers' own spikes alone make 83 to 92 % of it. Below, a population
is silent for longer than its currents last, and the error is larger. With 30 Hz and one second (15 spikes a
unit of activity are counted; error 8.6 %), or with 100 Hz and half a second, and all that is more, the accuracy is 84
or 85 %, that of the model 85 %, and at least 99 classes of 100 are the model's; 10 Hz lose up to 3 points. When queries
are answered makes little difference: after 50 ms of 1000, with four times the error, as many classes are right, for
chance in the answers is averaged over tokens, while chance in the weights that were written is not.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, Literal

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from brian2 import Hz, ms

from astromorph.data.locations import data_root
from astromorph.runs.run_folder import RunFolder
from astromorph.settings.checks import check_seed
from biophys.circuits.spiking_circuit import SpikingNeurons, settling_error
from mapping.circuit import attention_layers
from studies.circuits.early_answers import Early, EarlyReading, compared, without_circuit
from studies.circuits.inputs import Example, check_counts, drawn, identity, pieces, trained_task
from studies.circuits.pieces import finished
from studies.figure import draw_panels
from studies.kept import open_parts
from studies.study import Meaning, labelled

SETTLED = 0.02  # a circuit whose settling error is below this share of a step
SHARES = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
MEANINGS: dict[str, Meaning] = {
    "relative_error": "error of the attention output over its norm, all tokens of an input",
    "counting_error": "the same, as only the counts of the answers' spikes would make it",
    "logit_difference": "largest difference of a logit between circuit and model",
    "circuit_class": "class predicted by the circuit",
    "early_error": "error of the attention output when queries are answered after a share of the presentation",
    "early_class": "class predicted when queries are answered after a share of the presentation",
    "model_class": "class predicted by the model",
    "silent_class": "class predicted by the model with silent attention",
    "label": "true class",
    "tokens": "tokens, each written and read",
    "seconds_per_token": ("s", "computing time of a token"),
    "synapse_steps": "synapses that got spikes, times steps, of a token",
    "settling_error": "what is left of the token before, as a share of the step between the two",
    "answered_after": ("ms", "time of a query until its answer"),
    "rate": ("Hz", "spikes a second of a population at activity 1"),
    "presentation": ("ms", "time for which a token is presented"),
    "share": "share of the presentation after which a query is answered",
    "input": "number in the test set",
}
CAPTION = (
    "A: points, median over the inputs; lines, 1/√(rate × presentation) with one factor, set at the highest rate and "
    "the longest presentation; dotted, what counting the answers' own spikes makes (no free factor). B: bars, standard "
    "errors over inputs of the difference from the model; grey, the model ± 1 point. C (median), D: tokens are written "
    "for the whole presentation, queries answered early. Dashed: the model with silent attention."
)


def simulate(
    run: Path,
    *,
    rates: Sequence[float] = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0),
    presentations: Sequence[float] = (250.0, 500.0, 1000.0, 2000.0),
    examples: int = 100,
    tokens: int = 64,
    step: float = 25.0,
    chunk: int = 50,
    seed: int = 0,
    jobs: int = -1,
    target: Literal["numpy", "cython"] = "cython",
    data: Path | None = None,
    parts: Path | None = None,
) -> xr.Dataset:
    """Error of the attention and classes, over rates, presentation times and test inputs.

    Args:
        run: run folder of a training with astromorphic or linear attention and one attention layer.
        rates: spikes a second of a population at activity 1 (the root mean square of its layer), in Hz.
        presentations: times for which a token is presented, in ms.
        examples: test inputs, drawn by chance.
        tokens: longer texts are cut to so many, for the model as well; images keep theirs.
        step: time step in ms.
        chunk: inputs that run at once.
        seed: of the choice of inputs, and of spikes.
        jobs: processes; -1 for one a core.
        target: Brian2 code target; cython compiles for a minute, once.
        data: where data sets lie.
        parts: folder that keeps what is finished; nothing is kept if left out.

    Returns a dataset over `rate`, `presentation`, `input` and `share`. ValueError in one sentence for bad input.
    """
    check_seed(seed)
    check_counts(examples=examples, tokens=tokens, chunk=chunk)
    _check(rates, presentations, step)
    folder = RunFolder.open(run)
    task = trained_task(folder, data_root(data))
    if (layers := len(attention_layers(task.model))) > 1:
        raise ValueError(
            f"run {folder.path} has {layers} attention layers, and an early answer of one would reach the next too "
            "late; use a run of one layer"
        )
    longest = tokens if folder.settings.longest_text else None
    inputs = list(pieces(drawn(task, folder, examples, longest, seed), chunk))
    options = {"examples": examples, "longest": longest or "all", "step": step, "chunk": chunk, "seed": seed}
    plan = {**identity(folder), **options, "target": target}
    open_parts(parts, plan)
    rates, presentations = sorted(rates), sorted(presentations)
    cells = {each: SpikingNeurons(T=each * ms, dt=step * ms) for each in presentations}
    cell = cells[presentations[0]]
    works = _works(Early(task.model, [], cell, SHARES, seed, target, None), inputs, rates, cells, parts)
    dataset = _together(finished(works, compared, jobs, "circuit", parts), rates, presentations)
    dataset = dataset.merge(without_circuit(task.model, inputs), join="exact")
    dataset = dataset.transpose("rate", "presentation", "share", "input").assign(_of_presentations(cells, step))
    title = f"{folder.data_set}, {folder.settings.variant}, as a circuit of spiking neurons"
    about = {"study": "spiking-attention", "title": title, "caption": CAPTION}
    results = {"unit": task.unit, "tau": str(cell.tau), "window": cell.window}
    return labelled(dataset, MEANINGS, about | plan | results)


def _check(rates: Sequence[float], presentations: Sequence[float], step: float) -> None:
    for name, values in {"rates": rates, "presentations": presentations}.items():
        if not values or len(set(values)) < len(values) or not min(values) > 0:
            raise ValueError(f"{name} {list(values)} must be above 0, at least one, and each named once")
    if not step > 0:
        raise ValueError(f"step {step:g} ms does not move on; use one above 0")
    for presentation in presentations:
        if presentation < 4 * step or abs(presentation / step - round(presentation / step)) > 1e-9:
            raise ValueError(
                f"a presentation of {presentation:g} ms is not four or more whole steps of {step:g} ms; change one"
            )


def _works(
    whole: Early,
    inputs: Sequence[list[Example]],
    rates: Sequence[float],
    cells: Mapping[float, SpikingNeurons],
    parts: Path | None,
) -> list[Early]:
    """Every piece of the inputs at every rate and presentation, to be kept in the folder `parts`."""
    return [
        whole._replace(
            examples=examples,
            neurons=cells[held]._replace(R=rate * Hz),
            seed=_seed(whole.seed, rate, held, number),
            file=parts and parts / f"{rate:g}Hz-{held:g}ms-{number:04}.nc",
        )
        for rate, held in product(rates, cells)
        for number, examples in enumerate(inputs)
    ]


def _seed(seed: int, rate: float, presentation: float, number: int) -> int:
    """Of one piece of work; it does not depend on what else is asked for."""
    words = [seed, round(1e6 * rate), round(1e6 * presentation), number]
    return int(np.random.SeedSequence(words).generate_state(1)[0])


def _together(results: Sequence[xr.Dataset], rates: Sequence[float], presentations: Sequence[float]) -> xr.Dataset:
    """The pieces of every rate and presentation, in this order, as one dataset."""
    count = len(results) // (len(rates) * len(presentations))
    wholes = [xr.concat(results[i : i + count], "input", data_vars="all") for i in range(0, len(results), count)]
    rows = [wholes[i : i + len(presentations)] for i in range(0, len(wholes), len(presentations))]
    dataset = xr.combine_nested(rows, ["rate", "presentation"])
    return dataset.assign_coords(rate=rates, presentation=presentations, share=list(SHARES))


def _of_presentations(cells: Mapping[float, SpikingNeurons], step: float) -> dict[str, Any]:
    ends = [[end * step for end in EarlyReading(each, SHARES).ends] for each in cells.values()]
    return {
        "settling_error": ("presentation", [settling_error(each) for each in cells.values()]),
        "answered_after": (("presentation", "share"), ends),
    }


def draw(dataset: xr.Dataset) -> plt.Figure:
    """Error with the 1/sqrt law, accuracy by rate and presentation, and error and class of early answers."""
    title = f"{dataset.attrs['title']}; spikes a second of a population at activity 1:"
    legend = {"loc": "outside upper center", "ncols": 8, "title": title, "columnspacing": 1.0}
    layout = [[_draw_error, _draw_accuracy], [_draw_early_error, _draw_early_class]]
    return draw_panels(dataset, layout, (7.2, 6.0), caption=dataset.attrs["caption"], legend=legend)


def _colors(dataset: xr.Dataset) -> list[tuple[float, Any]]:
    """Every rate with its colour."""
    return list(zip(dataset.rate.values, plt.cm.viridis(np.linspace(0, 0.92, dataset.sizes["rate"])), strict=True))


def _settled(dataset: xr.Dataset) -> xr.Dataset:
    """At the shortest presentation in which circuits settle, or the longest."""
    settled = dataset.presentation[dataset.settling_error < SETTLED]
    return dataset.sel(presentation=float(settled.min() if len(settled) else dataset.presentation.max()))


def _draw_error(axes: plt.Axes, dataset: xr.Dataset) -> None:
    error, counting = (dataset[name].median("input") for name in ("relative_error", "counting_error"))
    law = 1 / np.sqrt(dataset.rate * dataset.presentation)
    factor = float((error / law)[-1, -1])
    for rate, color in _colors(dataset):
        of = {"rate": rate}
        axes.plot(dataset.presentation, error.sel(of), "o", color=color, label=f"{rate:g} Hz")
        axes.plot(dataset.presentation, (factor * law).sel(of), color=color, lw=1)
        axes.plot(dataset.presentation, counting.sel(of), ":", color=color, lw=1)
    axes.set(xscale="log", yscale="log", xlabel="presentation (ms)", ylabel="relative error of the attention output")
    _name_times(axes, dataset.presentation)
    axes.set_title("A   error, and 1/√(rate × presentation)")


def _draw_accuracy(axes: plt.Axes, dataset: xr.Dataset) -> None:
    right, model, silent = (
        (dataset[f"{who}_class"] == dataset.label) * 100.0 for who in ("circuit", "model", "silent")
    )
    error = (right - model).std("input", ddof=1) / np.sqrt(right.sizes["input"])
    for rate, color in _colors(dataset):
        of = {"rate": rate}
        axes.errorbar(
            dataset.presentation, right.mean("input").sel(of), error.sel(of), fmt="o-", color=color, lw=1, capsize=2
        )
    axes.axhspan(float(model.mean()) - 1, float(model.mean()) + 1, color="0.85", zorder=0)
    axes.axhline(float(silent.mean()), color="0.4", ls="--", lw=1)
    axes.set(xscale="log", xlabel="presentation (ms)", ylabel="accuracy of the circuit (%)")
    _name_times(axes, dataset.presentation)
    axes.set_title("B   accuracy")


def _draw_early_error(axes: plt.Axes, dataset: xr.Dataset) -> None:
    at = _settled(dataset)
    for rate, color in _colors(dataset):
        axes.plot(at.answered_after, at.early_error.sel(rate=rate).median("input"), "o-", color=color, lw=1)
    axes.set(xscale="log", yscale="log", xlabel="time of a query until its answer (ms)", ylabel="relative error")
    _name_times(axes, at.answered_after)
    axes.set_title(f"C   early answers, presentation {float(at.presentation):g} ms")


def _draw_early_class(axes: plt.Axes, dataset: xr.Dataset) -> None:
    at = _settled(dataset)
    same = 100 * (at.early_class == at.model_class).mean("input")
    for rate, color in _colors(dataset):
        axes.plot(at.answered_after, same.sel(rate=rate), "o-", color=color, lw=1)
    axes.axhline(100 * float((at.silent_class == at.model_class).mean()), color="0.4", ls="--", lw=1)
    axes.set(xscale="log", xlabel="time of a query until its answer (ms)", ylabel="same class as the model (%)")
    _name_times(axes, at.answered_after)
    axes.set_title(f"D   class from them, presentation {float(at.presentation):g} ms")


def _name_times(axes: plt.Axes, times: xr.DataArray) -> None:
    axes.set_xticks(times.values, [f"{time:g}" for time in times.values])
    axes.xaxis.set_minor_locator(plt.NullLocator())
