"""Everything a training needs to go on as if it had not been stopped, in one safetensors file, without pickle.

Weights, their average if there is one, what the optimiser remembers of each parameter, and the metrics so far. Random
numbers need not be kept: each epoch seeds its own. A digest of all of it is kept too, so that a file in which a single
bit has changed is refused.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from astromorph.files.whole_files import whole
from astromorph.training.averaging import AveragedWeights

DIGEST = "sha256"  # of the tensors and what else the metadata says
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


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write tensors and their digest whole or not at all; OSError if they find no room."""
    kept, told = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}, metadata or {}
    with whole(path) as part:
        try:
            save_file(kept, part, told | {DIGEST: digest(kept, told)})
        except SafetensorError as error:
            raise OSError(f"{path} cannot be written ({error}); free some space, then go on with --resume") from error


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a file and its metadata; ValueError with the reason if it is damaged.

    A file without a digest (of an earlier version) is believed.
    """
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            metadata = dict(file.metadata() or {})
    except (SafetensorError, RuntimeError, TypeError, OSError) as error:
        raise ValueError(" ".join(str(error).split())[:120]) from error
    if (known := metadata.pop(DIGEST, None)) and known != digest(tensors, metadata):
        raise ValueError("it was altered since it was written: its digest differs")
    return tensors, metadata


def digest(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """sha256 over names, types, shapes and bytes of the tensors, and the metadata."""
    found = hashlib.sha256(json.dumps(dict(metadata), sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


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
