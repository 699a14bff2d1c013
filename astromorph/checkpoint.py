"""Everything a training needs to go on as if it had not been stopped, in one safetensors file, without pickle.

Weights, both moments of AdamW, and the metrics so far. Random numbers need not be kept: each epoch seeds its own.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from astromorph.whole_files import whole

MOMENTS = ("exp_avg", "exp_avg_sq")


def save(path: Path, model: nn.Module, optimiser: torch.optim.AdamW, rows: Sequence[Mapping[str, float]]) -> None:
    """Write the state after the epochs described by `rows`."""
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    steps = 0.0
    for name, parameter in model.named_parameters():
        state = optimiser.state[parameter]
        steps = float(state["step"])
        tensors |= {f"{moment}.{name}": state[moment] for moment in MOMENTS}
    metadata = {"rows": json.dumps(list(rows)), "steps": json.dumps(steps)}
    save_tensors(path, tensors, metadata)


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write tensors whole or not at all."""
    with whole(path) as part:
        save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, part, metadata)


def restore(path: Path, model: nn.Module, optimiser: torch.optim.AdamW) -> list[dict[str, float]]:
    """Fill model and optimiser from `path` and return its metrics; ValueError if the file is damaged."""
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            metadata = file.metadata()
        prefix = "model."
        model.load_state_dict({name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)})
        steps = json.loads(metadata["steps"])
        for name, parameter in model.named_parameters():
            moments = {moment: tensors[f"{moment}.{name}"].to(parameter.device) for moment in MOMENTS}
            step = torch.tensor(steps, device=parameter.device if parameter.is_cuda else "cpu")
            optimiser.state[parameter] = {"step": step, **moments}
        return json.loads(metadata["rows"])
    except (SafetensorError, KeyError, RuntimeError, TypeError, json.JSONDecodeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise ValueError(f"checkpoint {path} is damaged ({reason}); start the run again") from error
