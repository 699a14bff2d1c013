"""The optimiser of a training, and how its learning rate runs over the steps."""

import math

import torch
from torch import nn

from astromorph.muon import muon
from astromorph.settings import Cifar10Settings, Settings

DELAY_RATE = 100  # learning rate of the delays of tokens over that of weights


def build_optimiser(settings: Settings, model: nn.Module) -> torch.optim.Optimizer:
    """AdamW over all parameters or, where settings ask for it, Muon; at the peak of the learning rate."""
    if isinstance(settings, Cifar10Settings) and settings.optimiser == "muon":
        return muon(model, settings.learning_rate, settings.momentum, settings.weight_decay)
    delays = [each for name, each in model.named_parameters() if name.endswith(".delays.position")]
    others = [each for name, each in model.named_parameters() if not name.endswith(".delays.position")]
    own = {"params": delays, "lr": DELAY_RATE * settings.learning_rate, "weight_decay": 0.0}
    return torch.optim.AdamW(
        [{"params": others}, own] if delays else others,
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=True,
    )


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
