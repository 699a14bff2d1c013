"""Does a trained transformer answer the same when its attention runs as a neuron-astrocyte network?

Test inputs go through the model twice: as it was trained, and with circuits of neurons, plastic synapses and astrocytic
processes in the place of its attention layers (mapping/circuit.py). Many circuits run at once, chunk by chunk of the
inputs, in processes side by side.
"""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import joblib
import numpy as np
import torch
import xarray as xr
from brian2 import Hz, ms, second
from numpy.typing import NDArray
from torch import Tensor, nn

from astromorph.data.locations import data_root
from astromorph.runs.run_folder import RunFolder
from biophys.circuits import spiking_circuit
from biophys.circuits.attention_circuit import settling_error, settling_time
from biophys.circuits.process_calcium import Calcium
from biophys.circuits.rate_circuit import RateNeurons
from biophys.circuits.spiking_circuit import SpikingNeurons
from biophys.circuits.time_grid import whole_steps
from biophys.simulation.quantities import written
from biophys.simulation.recording import described
from mapping.circuit import with_circuits
from studies.circuits.figure import draw
from studies.circuits.inputs import (
    Example,
    Needs,
    astrocyte_of,
    check_counts,
    drawn,
    identity,
    needs,
    stacked,
    trained_task,
    within_measured,
)
from studies.circuits.pieces import Progress, finished
from studies.kept import open_parts
from studies.study import Meaning, labelled
from studies.threads import processor_threads

__all__ = ["draw", "message", "simulate"]

Neurons = RateNeurons | SpikingNeurons
NEURONS: dict[str, Callable[[], Neurons]] = {"rate": RateNeurons, "spiking": SpikingNeurons}
MOST_STEPS = 10_000_000  # of a token
TOLD = 60.0  # seconds of work from which on its time is told
# seconds on one core: of a step, of what a step costs for one input more, and of compiling
COST = {"numpy": (1e-4, 3e-5, 0.0), "cython": (1e-4, 1e-6, 70.0)}
MEANINGS: dict[str, Meaning] = {
    "relative_error": "error of the attention output over its norm, worst of tokens and layers",
    "logit_difference": "largest difference of a logit between circuit and model",
    "same_class": "1 where circuit and model predict the same class",
    "label": "true class",
    "model_class": "class predicted by the model",
    "circuit_class": "class predicted by the circuit",
    "model_margin": "logit of the true class above the best other one, of the model",
    "circuit_margin": "logit of the true class above the best other one, of the circuit",
    "tokens": "tokens, each written and read",
    "input": "number in the test set",
    "lowest_activity": "least mean activity of a hidden neuron",
    "highest_activity": "largest mean activity of a hidden neuron",
    "synapse_steps": "synapses computed, summed over steps; mean of a chunk",
    "seconds_per_token": ("s", "computing time of a token, mean of a chunk"),
}


class Chunk(NamedTuple):
    """Inputs that run at once, and how."""

    model: nn.Module
    examples: list[Example]
    size: int  # tokens of all of them
    neurons: Neurons
    calcium: Calcium | None
    seed: int
    target: str
    file: Path | None  # to keep the result in


def simulate(
    run: Path,
    *,
    neurons: Literal["rate", "spiking"] = "rate",
    calcium: Literal["fitted", "dynamic"] = "fitted",
    presentation: float | None = None,
    rate: float = 100.0,
    examples: int = 20,
    tokens: int | None = None,
    chunk: int = 20,
    seed: int = 0,
    jobs: int = -1,
    target: Literal["auto", "numpy", "cython"] = "auto",
    data: Path | None = None,
    measurement: Path | None = None,
    parts: Path | None = None,
) -> xr.Dataset:
    """Error, logits and classes of the circuits over test inputs.

    Args:
        run: run folder.
        neurons: neurons with graded activity (rate), or populations that fire by chance (spiking).
        calcium: the response that the run was trained with (fitted), or the astrocyte it was measured on (dynamic).
        presentation: time in ms for which a token is presented; 300 for rate and 1000 for spiking neurons if left out.
        rate: spikes a second of a spiking population at activity 1 (the root mean square of its layer).
        examples: test inputs, drawn by chance.
        tokens: longer texts are cut to so many, for the model as well.
        chunk: inputs that run at once.
        seed: of the choice of inputs, and of spikes.
        jobs: processes; -1 for one a core.
        target: Brian2 code target.
        data: where data sets lie.
        measurement: dataset that the run's response was fitted to, for dynamic calcium; else that of the package.
        parts: folder that keeps finished chunks; they are not kept if left out.

    Returns a dataset over `input`, the number of an input in the test set. ValueError in one sentence for bad input.
    """
    check_counts(seed, examples=examples, chunk=chunk, tokens=tokens)
    cells = presenting(firing(NEURONS[neurons](), rate), presentation)
    folder = RunFolder.open(run)
    astrocyte = astrocyte_of(folder, measurement) if calcium == "dynamic" else None
    task = trained_task(folder, data_root(data))
    inputs = drawn(task, folder, examples, tokens, seed)
    needed = needs(task.model, inputs)
    if extrapolated := within_measured(needed, folder.response, strict=calcium == "dynamic"):
        print(extrapolated, flush=True)
    options = {"examples": examples, "longest": tokens or "all", "chunk": chunk, "seed": seed}
    plan = _plan(folder, neurons, calcium, cells) | options
    places = _places([need.tokens for need in needed], chunk, jobs)
    presentations = [2 * max(needed[i].tokens for i in place) for place in places]
    code = quickest(target, presentations, cells, len(places[0]))
    seconds = expected(code, presentations, cells, len(places[0])) / min(joblib.effective_n_jobs(jobs), len(places))
    if seconds > TOLD:
        print(f"the circuits take about {seconds / 60:,.0f} minutes", flush=True)
    open_parts(parts, plan | {"chunks": len(places), "target": code})
    whole = Chunk(task.model, inputs, 0, cells, astrocyte, seed, code, None)
    chunks = [_cut(whole, place, number, needed, parts) for number, place in enumerate(places)]
    dataset = _together(finished(chunks, compared, jobs, "token", parts), needed)
    results = {"target": code, "extrapolated": extrapolated or "no", "unit": task.unit}
    return labelled(dataset, MEANINGS, _attributes(plan, cells) | results)


def firing(cells: Neurons, rate: float) -> Neurons:
    """Neurons that, if they are spiking ones, fire at this rate (Hz) at activity 1."""
    if not isinstance(cells, SpikingNeurons):
        return cells
    if not rate > 0:
        raise ValueError(f"rate {rate:g} Hz carries no activity; use one above 0")
    return cells._replace(R=rate * Hz)


def presenting(cells: Neurons, milliseconds: float | None) -> Neurons:
    """Neurons to which each token is presented for this time. ValueError if they do not settle, or between steps."""
    if milliseconds is None:
        return cells
    least = settling_time(cells)
    if not milliseconds * ms >= least:
        fitting = np.ceil(least / cells.dt) * float(cells.dt / ms)
        raise ValueError(
            f"a presentation of {milliseconds:g} ms is shorter than the settling time {least / ms:.3g} ms, in which "
            f"the token before fades to 1 % until synapses learn; use --presentation {fitting:g} or more"
        )
    if milliseconds * ms > MOST_STEPS * cells.dt:
        most = MOST_STEPS * float(cells.dt / ms)
        raise ValueError(f"a presentation of {milliseconds:g} ms would take days; use --presentation {most:g} or less")
    whole_steps(milliseconds / 1000, float(cells.dt / second), "presentation")
    return cells._replace(T=milliseconds * ms)


def quickest(target: str, presentations: Sequence[int], cells: Neurons, inputs: int) -> str:
    """The named target, or for "auto" the one that is expected to end first."""
    if target != "auto" or shutil.which("g++") is None:
        return "numpy" if target == "auto" else target
    return min(COST, key=lambda name: expected(name, presentations, cells, inputs))


def expected(target: str, presentations: Sequence[int], cells: Neurons, inputs: int) -> float:
    """Seconds that this target takes in one process, measured on two cores."""
    step, input_step, compiling = COST[target]
    return sum(presentations) * float(cells.T / cells.dt) * (step + inputs * input_step) + compiling


def _plan(folder: RunFolder, neurons: str, calcium: str, cells: Neurons) -> dict[str, Any]:
    """What a folder of finished chunks is begun for, but for the choice of inputs."""
    return {
        **identity(folder),
        "neurons": neurons,
        "calcium": calcium,
        "response": folder.response.source if folder.response else "linear",
        **described("neurons", cells._asdict()),
    }


def _places(tokens: Sequence[int], chunk: int, jobs: int) -> list[NDArray[np.int64]]:
    """Which inputs run at once: as many as `chunk` at most, of similar length, and a chunk a process at least."""
    chunks = max(-(-len(tokens) // chunk), min(joblib.effective_n_jobs(jobs), len(tokens)))
    return np.array_split(np.argsort(tokens, kind="stable"), chunks)


def _cut(whole: Chunk, place: NDArray[np.int64], number: int, needed: Sequence[Needs], parts: Path | None) -> Chunk:
    """The chunk of the inputs at `place`, to be kept in the folder `parts`."""
    return whole._replace(
        examples=[whole.examples[i] for i in place],
        size=sum(needed[i].tokens for i in place),
        seed=whole.seed + number,
        file=parts and parts / f"{number:04}.nc",
    )


def _together(results: Sequence[xr.Dataset], needed: Sequence[Needs]) -> xr.Dataset:
    """All inputs in the order in which they were drawn, with what they need of circuits."""
    dataset = xr.concat(results, "input").sortby("input")
    for name, values in zip(("tokens", "lowest_activity", "highest_activity"), zip(*needed, strict=True), strict=True):
        dataset[name] = ("input", np.array(values))
    return dataset


def _attributes(plan: Mapping[str, Any], cells: Neurons) -> dict[str, Any]:
    error = spiking_circuit.settling_error(cells) if isinstance(cells, SpikingNeurons) else settling_error(cells)
    what = f"{plan['data_set']}, {plan['attention']} attention"
    return {
        "study": "circuit",
        "title": f"{what}: {plan['neurons']} neurons, {plan['calcium']} calcium",
        **plan,
        "settling_time": written(settling_time(cells)),
        "settling_error": error,
    }


def compared(chunk: Chunk, progress: Progress) -> xr.Dataset:
    """Model and circuits side by side; of each token, which is written and read, progress hears twice."""
    options = {"seed": chunk.seed, "target": chunk.target, "progress": lambda tokens: progress(tokens / 2)}
    circuit_model, circuits = with_circuits(chunk.model, chunk.neurons, chunk.calcium, **options)
    batch = stacked(chunk.examples)
    label = torch.tensor([example.label for example in chunk.examples])
    start = time.perf_counter()
    with processor_threads(1), torch.no_grad():
        logits, answered = chunk.model(*batch), circuit_model(*batch)
    seconds = time.perf_counter() - start
    comparisons = [comparison for circuit in circuits for comparison in circuit.comparisons]
    steps = sum(comparison.synapse_steps for comparison in comparisons)
    columns = {
        "relative_error": np.max([comparison.relative_error for comparison in comparisons], axis=0),
        "logit_difference": (answered - logits).abs().amax(1).double().numpy(),
        "same_class": (answered.argmax(1) == logits.argmax(1)).numpy().astype(np.int8),
        "label": label.numpy(),
        "model_class": logits.argmax(1).numpy(),
        "circuit_class": answered.argmax(1).numpy(),
        "model_margin": margin(logits, label).numpy(),
        "circuit_margin": margin(answered, label).numpy(),
        "synapse_steps": np.full(len(label), steps / len(label)),
        "seconds_per_token": np.full(len(label), seconds / chunk.size),
    }
    numbers = [example.number for example in chunk.examples]
    return xr.Dataset({name: ("input", column) for name, column in columns.items()}, {"input": numbers})


def margin(logits: Tensor, label: Tensor) -> Tensor:
    """Logit of the true class above the largest other one, (batch,)."""
    own = logits.gather(1, label[:, None]).squeeze(1)
    return own - logits.scatter(1, label[:, None], -torch.inf).amax(1)


def message(dataset: xr.Dataset) -> str:
    """What came out, in three lines."""
    same, count, unit = int(dataset.same_class.sum()), dataset.sizes["input"], dataset.attrs["unit"]
    error, difference = float(dataset.relative_error.max(skipna=False)), float(dataset.logit_difference.max())
    right = {who: float((dataset[f"{who}_class"] == dataset.label).mean()) for who in ("model", "circuit")}
    return (
        f"{count} {unit}: same class in {same}, largest relative error {error:.2g}, largest difference of a logit "
        f"{difference:.2g}\n"
        f"accuracy on these {unit}: model {right['model']:.4f}, circuit {right['circuit']:.4f}\n"
        f"{float(dataset.synapse_steps.mean()):.3g} synapse steps an input, "
        f"{float(dataset.seconds_per_token.mean()):.3g} s a token"
    )
