"""The step at a threshold and what stands in the place of its derivative.

A spike has no derivative, so that of an arctangent is taken, (a/2) / (1 + (π a x / 2)²) at the distance x above the
threshold, whose area is one (Fang et al. 2021, "Incorporating learnable membrane time constants", ICCV; a = 5 in
Hammouamri, Khalfaoui-Hassani and Masquelier 2024, arXiv 2306.17670).
"""

from math import pi
from typing import Any

import torch
from torch import Tensor

SLOPE = 5.0  # a


def spike(above: Tensor, slope: float = SLOPE) -> Tensor:
    """One where the membrane is at its threshold or above, else zero; above: membrane less threshold, any shape."""
    return _Step.apply(above, slope)


class _Step(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(above: Tensor, slope: float) -> Tensor:
        return (above >= 0).to(above.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0])
        ctx.slope = inputs[1]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (above,) = ctx.saved_tensors
        return gradient * (ctx.slope / 2) / (1 + (pi / 2 * ctx.slope * above).square()), None
