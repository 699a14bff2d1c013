"""Does a trained transformer answer the same when its attention runs as a neuron-astrocyte network?

Test inputs go through the model twice: as it was trained, and with circuits of neurons, plastic synapses and astrocytic
processes in the place of its attention layers (mapping/circuit.py). Many circuits run at once, chunk by chunk of the
inputs, in processes side by side.
"""

import hashlib
import json
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
from torch import Tensor, nn
from tqdm import tqdm

from astromorph.data.locations import data_root
from astromorph.files.whole_files import whole
from astromorph.runs.run_folder import RunFolder
from biophys.circuits import spiking_circuit
from biophys.circuits.attention_circuit import settling_error, settling_time
from biophys.circuits.process_calcium import Calcium
from biophys.circuits.rate_circuit import RateNeurons
from biophys.circuits.spiking_circuit import SpikingNeurons
from biophys.circuits.time_grid import whole_steps
from biophys.simulation.quantities import written
from biophys.simulation.recording import load, save
from mapping.circuit import with_circuits
from studies.circuits.figure import draw
from studies.circuits.inputs import Example, astrocyte_of, drawn, needs, stacked, trained_task, within_measured
from studies.threads import processor_threads

__all__ = ["draw", "simulate"]

Neurons = RateNeurons | SpikingNeurons
NEURONS: dict[str, Callable[[], Neurons]] = {"rate": RateNeurons, "spiking": SpikingNeurons}
# seconds on one core: of a step, of what a step costs for one input more, and of compiling
COST = {"numpy": (1e-4, 3e-5, 0.0), "cython": (1e-4, 1e-6, 70.0)}
MEANINGS = {
    "relative_error": ("1", "error of the attention output over its norm, worst of tokens and layers"),
    "logit_difference": ("1", "largest difference of a logit between circuit and model"),
    "same_class": ("1", "1 where circuit and model predict the same class"),
    "label": ("1", "true class"),
    "model_class": ("1", "class predicted by the model"),
    "circuit_class": ("1", "class predicted by the circuit"),
    "model_margin": ("1", "logit of the true class above the best other one, of the model"),
    "circuit_margin": ("1", "logit of the true class above the best other one, of the circuit"),
    "tokens": ("1", "tokens, each written and read"),
    "lowest_activity": ("1", "least mean activity of a hidden neuron"),
    "highest_activity": ("1", "largest mean activity of a hidden neuron"),
    "synapse_steps": ("1", "synapses computed, summed over steps; mean of a chunk"),
    "seconds_per_token": ("s", "computing time of a token, mean of a chunk"),
}


class Chunk(NamedTuple):
    """Inputs that run at once, and how."""

    model: nn.Module
    examples: list[Example]
    tokens: int  # of all of them
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
    provenance: Mapping[str, str] = {},
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
        provenance: text stored in the dataset.

    Returns a dataset over `input`, the number of an input in the test set. ValueError in one sentence for bad input.
    """
    for name, value in {"examples": examples, "chunk": chunk, "tokens": tokens}.items():
        if value is not None and value < 1:
            raise ValueError(f"{name} {value} runs nothing; use at least 1")
    cells = presenting(NEURONS[neurons](), presentation)
    if isinstance(cells, SpikingNeurons):
        if not rate > 0:
            raise ValueError(f"rate {rate:g} Hz carries no activity; use one above 0")
        cells = cells._replace(R=rate * Hz)
    folder = RunFolder.open(run)
    answer = astrocyte_of(folder, measurement) if calcium == "dynamic" else None
    task = trained_task(folder, data_root(data))
    chosen = drawn(task, folder, examples, tokens, seed)
    needed = needs(task.model, chosen)
    extrapolated = within_measured(needed, folder.response, strict=calcium == "dynamic")
    if extrapolated:
        print(extrapolated, flush=True)
    asked = {
        "data_set": folder.data_set,
        "attention": folder.settings.variant_name,
        "weights": hashlib.sha256((folder.path / "weights.safetensors").read_bytes()).hexdigest(),
        "neurons": neurons,
        "calcium": calcium,
        "response": folder.response.source if folder.response else "linear",
        **{f"neurons.{name}": written(value) for name, value in cells._asdict().items()},
        "examples": examples,
        "longest": tokens or "all",
        "chunk": chunk,
        "seed": seed,
    }
    order = np.argsort([need.tokens for need in needed], kind="stable")
    pieces = np.array_split(order, max(-(-examples // chunk), min(joblib.effective_n_jobs(jobs), examples)))
    chosen_target = quickest(
        target, [2 * max(needed[i].tokens for i in piece) for piece in pieces], cells, len(pieces[0])
    )
    opened(parts, asked | {"chunks": len(pieces), "target": chosen_target})
    chunks = [
        Chunk(
            task.model,
            [chosen[i] for i in piece],
            sum(needed[i].tokens for i in piece),
            cells,
            answer,
            seed + number,
            chosen_target,
            parts and parts / f"{number:04}.nc",
        )
        for number, piece in enumerate(pieces)
    ]
    try:
        results = finished(chunks, jobs)
    except KeyboardInterrupt as interruption:
        told = parts and f"finished chunks are kept in {parts}; the same command goes on"
        raise KeyboardInterrupt(told or "") from interruption
    found = xr.concat(results, "input").sortby("input")  # the order in which they were chosen
    for name, values in zip(("tokens", "lowest_activity", "highest_activity"), zip(*needed, strict=True), strict=True):
        found[name] = ("input", np.array(values))
    for name, (units, meaning) in MEANINGS.items():
        found[name].attrs = {"units": units, "long_name": meaning}
    left = spiking_circuit.settling_error(cells) if isinstance(cells, SpikingNeurons) else settling_error(cells)
    found.input.attrs = {"units": "1", "long_name": "number in the test set"}
    found.attrs = {
        "study": "circuit",
        "title": f"{folder.data_set}, {folder.settings.variant}: {neurons} neurons, {calcium} calcium",
        **asked,
        "target": chosen_target,
        "settling_time": written(settling_time(cells)),
        "settling_error": left,
        "extrapolated": extrapolated or "no",
        "unit": task.unit,
        **{f"provenance_{key}": value for key, value in provenance.items()},
    }
    return found


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
    whole_steps(milliseconds / 1000, float(cells.dt / second), "presentation")
    return cells._replace(T=milliseconds * ms)


def quickest(target: str, presentations: Sequence[int], cells: Neurons, inputs: int) -> str:
    """The named target, or for "auto" the one that is expected to end first."""
    if target != "auto" or shutil.which("g++") is None:
        return "numpy" if target == "auto" else target
    steps = sum(presentations) * float(cells.T / cells.dt)
    return min(COST, key=lambda name: steps * (COST[name][0] + inputs * COST[name][1]) + COST[name][2])


def opened(parts: Path | None, asked: Mapping[str, Any]) -> None:
    """Begins the folder of finished chunks, or goes on with it; ValueError if it was begun for something else."""
    if parts is None:
        return
    plan = parts / "plan.json"
    if not plan.is_file():
        parts.mkdir(parents=True, exist_ok=True)
        with whole(plan) as part:
            part.write_text(json.dumps(asked, indent=1))
    elif json.loads(plan.read_text()) != asked:
        raise ValueError(
            f"{parts} keeps chunks of another command; repeat that, remove the folder, or name another --out"
        )


def finished(chunks: Sequence[Chunk], jobs: int) -> list[xr.Dataset]:
    """Every chunk's result, from its file or from running it; progress in tokens."""
    kept = {number: load(chunk.file) for number, chunk in enumerate(chunks) if chunk.file and chunk.file.is_file()}
    waiting = [number for number in range(len(chunks)) if number not in kept]
    done = sum(chunks[number].tokens for number in kept)
    with tqdm(total=sum(chunk.tokens for chunk in chunks), initial=done, unit="token", disable=None) as bar:
        if len(waiting) == 1 or joblib.effective_n_jobs(jobs) == 1:
            for number in waiting:
                kept[number] = compared(chunks[number], lambda tokens: bar.update(tokens / 2))
        else:
            work = [joblib.delayed(numbered)(number, chunks[number]) for number in waiting]
            with joblib.parallel_config("loky"):
                for number, result in joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)(work):
                    kept[number] = result
                    bar.update(chunks[number].tokens)
    return list(kept.values())


def numbered(number: int, chunk: Chunk) -> tuple[int, xr.Dataset]:
    return number, compared(chunk, lambda tokens: None)


def compared(chunk: Chunk, progress: Callable[[float], Any]) -> xr.Dataset:
    """Model and circuits side by side."""
    options = {"seed": chunk.seed, "target": chunk.target, "progress": progress}
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
        "seconds_per_token": np.full(len(label), seconds / chunk.tokens),
    }
    numbers = [example.number for example in chunk.examples]
    result = xr.Dataset({name: ("input", column) for name, column in columns.items()}, {"input": numbers})
    if chunk.file is not None:
        save(result, chunk.file)
    return result


def margin(logits: Tensor, label: Tensor) -> Tensor:
    """Logit of the true class above the largest other one, (batch,)."""
    own = logits.gather(1, label[:, None]).squeeze(1)
    return own - logits.scatter(1, label[:, None], -torch.inf).amax(1)
