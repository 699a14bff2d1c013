"""Tensors in safetensors files, without pickle, with a digest of all of it: a file in which one bit has changed is
refused."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from astromorph.files.older_names import in_todays_names
from astromorph.files.reasons import reason_of
from astromorph.files.whole_files import whole

DIGEST = "sha256"  # of the tensors and what else the metadata says
REAL = (torch.float16, torch.bfloat16, torch.float32, torch.float64)  # may stand for each other


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write tensors and their digest whole or not at all; OSError if they find no room."""
    stored = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    described = metadata or {}
    with whole(path) as part:
        try:
            save_file(stored, part, described | {DIGEST: digest(stored, described)})
        except SafetensorError as error:
            raise OSError(f"{path} cannot be written; free some space, then go on with --resume") from error


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a file and its metadata; ValueError with the reason if it is damaged, PermissionError.

    A file without a digest (of an earlier version) is believed; names of earlier versions are those of today.
    """
    if path.is_file() and not os.access(path, os.R_OK):  # safetensors would say that there is no such file
        raise PermissionError(f"{path} cannot be read (Permission denied); ask its owner to allow it (chmod a+r)")
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            metadata = dict(file.metadata() or {})
    except (SafetensorError, RuntimeError, TypeError, OSError) as error:
        raise ValueError(reason_of(error, "it is cut short, or no safetensors file")) from error
    if (known := metadata.pop(DIGEST, None)) and known != digest(tensors, metadata):
        raise ValueError("it was altered since it was written: its digest differs")
    return in_todays_names(tensors), metadata


def digest(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """sha256 over names, types, shapes and bytes of the tensors, and the metadata."""
    found = hashlib.sha256(json.dumps(dict(metadata), sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def load_weights(model: nn.Module, file: Path) -> None:
    """Fill `model` from a safetensors file; ValueError if the file is damaged or of another model."""
    try:
        stored, _ = read_tensors(file)
        fault = difference(model.state_dict(), stored)
        if not fault:
            model.load_state_dict(stored)
    except (ValueError, RuntimeError) as error:
        fault = reason_of(error, "its tensors do not fit")
    if fault:
        raise ValueError(f"{file} does not hold this model's weights ({fault}); train again, or copy the whole folder")


def difference(wanted: Mapping[str, Tensor], stored: Mapping[str, Tensor]) -> str:
    """What is wrong with stored weights, if anything."""
    shape = lambda tensor: " x ".join(map(str, tensor.shape)) or "a number"
    for name, tensor in wanted.items():
        if name not in stored:
            return f"{name} is missing"
        if stored[name].shape != tensor.shape:
            return f"{name} is {shape(stored[name])} instead of {shape(tensor)}"
        if not alike(tensor.dtype, stored[name].dtype):
            return f"{name} holds {stored[name].dtype} instead of {tensor.dtype}".replace("torch.", "")
        if not stored[name].to(tensor.dtype).isfinite().all():
            return f"{name} holds what is no number"
    unknown = sorted(stored.keys() - wanted.keys())
    return f"{unknown[0]} is not part of it" if unknown else ""


def alike(wanted: torch.dtype, stored: torch.dtype) -> bool:
    """Whether stored numbers mean the same in the wanted type: real ones in any precision, others in their own."""
    return wanted == stored or (wanted in REAL and stored in REAL)
