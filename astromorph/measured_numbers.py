"""Numbers that are measured: parts of a module, but neither learned nor saved with its weights."""

import torch
from torch import nn


def hold(module: nn.Module, **coefficients: float) -> None:
    """Keep numbers that are measured, not learned, and that belong to the settings, not to the weights.

    As tensors without axes: they take the type of what they meet, and torch.compile does not treat them as inputs.
    """
    for name, value in coefficients.items():
        module.register_buffer(name, torch.tensor(value, dtype=torch.float64), persistent=False)
