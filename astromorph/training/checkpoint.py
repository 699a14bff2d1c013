"""Everything a training needs to go on as if it had not been stopped, in one safetensors file, without pickle.

Weights, their average if there is one, what the optimiser remembers of each parameter, the metrics so far, and what was
trained on what: a run whose settings, response or examples have changed does not go on. Random numbers need not be
stored: each epoch seeds its own.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from astromorph.files.reasons import reason_of
from astromorph.files.strict_reading import shown
from astromorph.files.tensors import difference, digest, read_tensors, save_tensors
from astromorph.runs.run_folder import RunFolder
from astromorph.tasks import Task
from astromorph.training.averaging import AveragedWeights

MODEL, AVERAGE, MEMORY = "model/", "average/", "optimiser/"
FREE = ("threads", "compile")  # settings that say only how a run is computed; they may change while it is stopped
Origin = Mapping[str, Any]  # data_set, settings, calcium_response, and examples: a digest of the data


def origin_of(folder: RunFolder, task: Task) -> Origin:
    """What is trained on what, as JSON holds it. The digest is over words, counts and the first held-out batch."""
    inputs, labels = next(iter(task.validation()))
    first = {str(place): tensor.cpu().contiguous() for place, tensor in enumerate((*inputs, labels))}
    counts = {"words": json.dumps(task.words), "examples": str(task.examples), "steps": str(task.steps)}
    origin = {
        "data_set": folder.data_set,
        "settings": {name: value for name, value in asdict(folder.settings).items() if name not in FREE},
        "calcium_response": None if folder.response is None else asdict(folder.response),
        "examples": digest(first, counts),
    }
    return json.loads(json.dumps(origin))


def check_origin(path: Path, origin: Origin) -> None:
    """ValueError that names what has changed since `path` was written; one of an earlier version does not know."""
    try:
        with safe_open(path, "pt") as file:
            before = json.loads((file.metadata() or {}).get("origin", "{}"))
    except (SafetensorError, OSError, ValueError):
        return  # `restore` says what is wrong with it
    for name in ("settings", "calcium_response"):
        _check_same(before.get(name), origin[name], "" if name == "settings" else f"{name}.", path)
    if before.get("examples", origin["examples"]) != origin["examples"]:
        raise ValueError(
            f"the examples of {origin['data_set']} are not those that the epochs in {path} were trained on; name the "
            "same --data, or start another run"
        )


def _check_same(before: Any, now: Any, prefix: str, path: Path) -> None:
    """Entries that only one version knows are not compared."""
    if not (isinstance(before, Mapping) and isinstance(now, Mapping)):
        return
    for name, value in now.items():
        if name in before and before[name] != value:
            raise ValueError(
                f"{prefix}{name} is {shown(value)} in settings.yaml, but the epochs in {path} were trained with "
                f"{shown(before[name])}; put that back, or start another run"
            )


def save(
    path: Path,
    model: nn.Module,
    average: AveragedWeights,
    optimiser: torch.optim.Optimizer,
    rows: Sequence[Mapping[str, float]],
    origin: Origin,
) -> None:
    """Write the state after the epochs described by `rows`, and what they were trained on."""
    tensors = {MODEL + name: tensor for name, tensor in model.state_dict().items()}
    if average.averaged is not None:
        tensors |= {AVERAGE + name: tensor for name, tensor in average.averaged.state_dict().items()}
    for name, parameter in model.named_parameters():
        for key, value in optimiser.state.get(parameter, {}).items():
            if value is not None:
                tensors[f"{MEMORY}{key}/{name}"] = torch.as_tensor(value)
    save_tensors(path, tensors, {"rows": json.dumps(list(rows)), "origin": json.dumps(origin)})


def restore(
    path: Path, model: nn.Module, average: AveragedWeights, optimiser: torch.optim.Optimizer, origin: Origin
) -> list[dict[str, float]]:
    """Fill model, average and optimiser from `path` and return its metrics; ValueError if damaged or another run's."""
    check_origin(path, origin)
    try:
        tensors, metadata = read_tensors(path)
        part = lambda prefix: {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
        if fault := difference(model.state_dict(), part(MODEL)):
            raise ValueError(fault)
        model.load_state_dict(part(MODEL))
        if average.averaged is not None:
            average.averaged.load_state_dict(part(AVERAGE))
        remembered = part(MEMORY)
        for name, parameter in model.named_parameters():
            state = {key.removesuffix(f"/{name}"): t for key, t in remembered.items() if key.endswith(f"/{name}")}
            if state:  # a single number stays on the processor, as torch's optimisers want it
                optimiser.state[parameter] = {k: t.to(parameter.device) if t.dim() else t for k, t in state.items()}
        return json.loads(metadata["rows"])
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        reason = reason_of(error, "it is cut short, or no checkpoint of this model")
        raise ValueError(f"checkpoint {path} is damaged ({reason}); start the run again") from error
