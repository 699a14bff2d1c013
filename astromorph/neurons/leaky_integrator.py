"""Leaky integrators: membranes v(t) = (1 - 1/τ) v(t - 1) + x(t) that never fire, for reading a spiking network out."""

import torch
from torch import Tensor, nn


class LeakyIntegrator(nn.Module):
    """x (batch, time, neurons) in, membranes of the same shape out.

    Args:
        tau: time constant in steps, 1 or more; at 1 the membrane is the input.
    """

    def __init__(self, tau: float = 2.0) -> None:
        super().__init__()
        if not tau >= 1:
            raise ValueError(f"time constant {tau} is shorter than a time step; use 1 or more")
        self.tau, self.remaining = tau, 1 - 1 / tau  # the share of its membrane that a neuron keeps over a step

    def start(self, batch: int, device: torch.device | str | None = None) -> Tensor:
        """Membranes at rest, (batch, 1), which every neuron of an input shares."""
        return torch.zeros(batch, 1, device=device)

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """x, state: (batch, neurons); membranes after the step, twice."""
        v = state * self.remaining + x
        return v, v

    def forward(self, x: Tensor) -> Tensor:
        """All steps as one matrix product: v(t) = Σ_s (1 - 1/τ)^(t - s) x(s) over s ≤ t."""
        step = torch.arange(x.shape[1], device=x.device)
        age = step[:, None] - step
        return ((self.remaining ** age.clamp_min(0).to(x)) * (age >= 0)) @ x

    def extra_repr(self) -> str:
        return f"tau={self.tau}"
