"""The optimiser of a training, and how its learning rate runs over the steps."""

import math
from typing import Any

import torch
from torch import nn

from astromorph.settings import Cifar10Settings, Settings, SpikingSettings
from astromorph.training.muon import muon

DELAY_RATE = 100  # learning rate of the delays of tokens over that of weights


def build_optimiser(settings: Settings, model: nn.Module) -> torch.optim.Optimizer:
    """AdamW over all parameters or, where settings ask for it, Muon; at the peak of the learning rate.

    Delays have a rate of their own (`delay_rate`), and neither they nor other single numbers a channel decay.
    """
    if isinstance(settings, Cifar10Settings) and settings.optimiser == "muon":
        return muon(model, settings.learning_rate, settings.momentum, settings.weight_decay)
    if isinstance(settings, SpikingSettings):
        return torch.optim.AdamW(groups(settings, model), weight_decay=0.0, fused=True)
    delays = [each for name, each in model.named_parameters() if name.endswith(".delays.position")]
    others = [each for name, each in model.named_parameters() if not name.endswith(".delays.position")]
    own: dict[str, Any] = {"params": delays, "lr": DELAY_RATE * settings.learning_rate, "weight_decay": 0.0}
    parts: list[dict[str, Any]] = [{"params": others}, *([own] if delays else [])]
    return torch.optim.AdamW(
        parts,
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=True,
    )


def groups(settings: SpikingSettings, model: nn.Module) -> list[dict[str, Any]]:
    """Weights, norms, and delays where they are learned, with their rates."""
    kinds: dict[str, list[nn.Parameter]] = {"weight": [], "norm": [], "position": []}
    for name, parameter in model.named_parameters():
        kind = "position" if name.endswith(".position") else "norm" if parameter.dim() == 1 else "weight"
        if parameter.requires_grad:
            kinds[kind].append(parameter)
    own: dict[str, dict[str, float]] = {
        "weight": {"weight_decay": settings.weight_decay},
        "norm": {},
        "position": {"lr": settings.delay_rate},
    }
    return [
        {"params": parameters, "lr": settings.learning_rate, **own[kind]}
        for kind, parameters in kinds.items()
        if parameters
    ]


def learning_rate(step: int, steps: int, peak: float, warm_up: float) -> float:
    """Linear warm-up to `peak` over the first share `warm_up` of all steps, then half a cosine down to zero."""
    warm = max(1, round(warm_up * steps))
    if step < warm:
        return peak * (step + 1) / warm
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def set_learning_rate(optimiser: torch.optim.Optimizer, step: int, steps: int, warm_up: float) -> float:
    """Gives every group of parameters its rate at `step` of `steps`; that of the first group is returned.

    A group's peak is the rate with which the optimiser was built.
    """
    for group in optimiser.param_groups:
        group["lr"] = learning_rate(step, steps, group.setdefault("peak", group["lr"]), warm_up)
    return optimiser.param_groups[0]["lr"]
