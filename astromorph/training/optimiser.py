"""The optimiser of a training, and how its learning rate runs over the steps.

A module whose parameters want a learning rate or a decay of their own says so in `optimiser_options`: parameter by its
name in the module, and torch's options for its group. All others take those of the settings.
"""

import math
from typing import Any

import torch
from torch import nn

from astromorph.settings import TrainingSettings
from astromorph.training.muon import muon


def build_optimiser(settings: TrainingSettings, model: nn.Module) -> torch.optim.Optimizer:
    """AdamW over all that learns or, where settings ask for it, Muon; at the peak of the learning rate."""
    if settings.muon_momentum is not None:
        return muon(model, settings.learning_rate, settings.muon_momentum, settings.weight_decay)
    return torch.optim.AdamW(groups(model), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True)


def groups(model: nn.Module) -> list[dict[str, Any]]:
    """Parameters that learn, by their options; those without come first."""
    options = {
        parameter: own[name]
        for module in model.modules()
        if isinstance(own := getattr(module, "optimiser_options", None), dict)
        for name, parameter in module.named_parameters()
        if name in own
    }
    parts: dict[tuple, list[nn.Parameter]] = {(): []}
    for parameter in model.parameters():
        if parameter.requires_grad:
            parts.setdefault(tuple(options.get(parameter, {}).items()), []).append(parameter)
    return [{"params": parameters, **dict(own)} for own, parameters in parts.items() if parameters]


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
