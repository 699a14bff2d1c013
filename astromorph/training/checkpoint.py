"""Everything a training needs to go on as if it had not been stopped, in one safetensors file, without pickle.

Weights, their average if there is one, what the optimiser remembers of each parameter, and the metrics so far. Random
numbers need not be stored: each epoch seeds its own.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import nn

from astromorph.files.tensors import read_tensors, save_tensors
from astromorph.training.averaging import AveragedWeights

MODEL, AVERAGE, MEMORY = "model/", "average/", "optimiser/"


def save(
    path: Path,
    model: nn.Module,
    average: AveragedWeights,
    optimiser: torch.optim.Optimizer,
    rows: Sequence[Mapping[str, float]],
) -> None:
    """Write the state after the epochs described by `rows`."""
    tensors = {MODEL + name: tensor for name, tensor in model.state_dict().items()}
    if average.averaged is not None:
        tensors |= {AVERAGE + name: tensor for name, tensor in average.averaged.state_dict().items()}
    for name, parameter in model.named_parameters():
        for key, value in optimiser.state.get(parameter, {}).items():
            if value is not None:
                tensors[f"{MEMORY}{key}/{name}"] = torch.as_tensor(value)
    save_tensors(path, tensors, {"rows": json.dumps(list(rows))})


def restore(
    path: Path, model: nn.Module, average: AveragedWeights, optimiser: torch.optim.Optimizer
) -> list[dict[str, float]]:
    """Fill model, average and optimiser from `path` and return its metrics; ValueError if the file is damaged."""
    try:
        tensors, metadata = read_tensors(path)
        part = lambda prefix: {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
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
        reason = " ".join(str(error).split())[:120]
        raise ValueError(f"checkpoint {path} is damaged ({reason}); start the run again") from error
