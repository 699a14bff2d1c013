"""The step at a threshold and what stands in the place of its derivative.

A spike has no derivative, so that of an arctangent is taken, (a/2) / (1 + (π a x / 2)²) at the distance x above the
threshold, whose area is one (Fang et al. 2021, "Incorporating learnable membrane time constants", ICCV; a = 5 in
Hammouamri, Khalfaoui-Hassani and Masquelier 2024, arXiv 2306.17670).
"""

from math import pi
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

SLOPE = 5.0  # a


def spike(above: Tensor, slope: float = SLOPE) -> Tensor:
    """One where the membrane is at its threshold or above, else zero; above: membrane less threshold, any shape."""
    return _Step.apply(above, slope)


class _Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, above: Tensor, slope: float) -> Tensor:
        ctx.save_for_backward(above)
        ctx.slope = slope
        return (above >= 0).to(above.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (above,) = ctx.saved_tensors
        return gradient * (ctx.slope / 2) / (1 + (pi / 2 * ctx.slope * above).square()), None
