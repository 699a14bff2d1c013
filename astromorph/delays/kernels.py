"""A delay that can be learned: a bump over the integer delays 0..longest, centred at a real delay d.

k(τ) = g(τ - d) / Σ_{τ'=0}^{longest} g(τ' - d), so a connection passes on its whole weight wherever its delay lies and
nothing arrives before it was sent (Hammouamri, Khalfaoui-Hassani and Masquelier 2024, Eq. 6, there with 1e-7 in the
denominator). A wide bump hears many delays at once and gives the delay a gradient from all of them; narrowed during
training it ends on one. This sum over whole steps is the definition: every form in this folder equals it to rounding.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Kernel = Callable[[Tensor, int, float], Tensor]
NARROWEST = 0.02  # steps; a Gaussian this narrow at a whole delay is exactly one tap, in float64 too


def gaussian(delay: Tensor, longest: int, width: float) -> Tensor:
    """Gaussian taps, g(τ) = exp(-τ² / 2σ²), with standard deviation σ = `width` in time steps.

    delay: (...), time steps in 0..longest; returns (longest + 1, ...), summing to one over the first axis.
    """
    return torch.softmax(_lags(delay, longest).square().mul_(-0.5 / max(width, NARROWEST) ** 2), 0)


def triangular(delay: Tensor, longest: int, width: float) -> Tensor:
    """Triangular taps, g(τ) = max(0, 1 + width - |τ|); at width 0 the two nearest taps share the weight linearly.

    delay: (...), time steps in 0..longest; returns (longest + 1, ...), summing to one over the first axis.
    """
    height = (1 + width - _lags(delay, longest).abs()).clamp_min(0)
    return height / height.sum(0)


def _lags(delay: Tensor, longest: int) -> Tensor:
    """τ - d: (longest + 1, ...)."""
    steps = torch.arange(longest + 1, dtype=delay.dtype, device=delay.device)
    return steps.view(-1, *[1] * delay.dim()) - delay
