"""Leaky integrate-and-fire neurons in whole time steps, and a leaky integrator that never fires.

h(t) = (1 - 1/τ) v(t - 1) + x(t), a spike where h ≥ 1, then v(t) = 0; else v(t) = h(t). The step at the threshold has no
derivative; in its place stands that of an arctangent, (a/2) / (1 + (π a (h - 1) / 2)²) with a = 5, and the reset passes
none on (Hammouamri, Khalfaoui-Hassani and Masquelier 2024, arXiv 2306.17670, with the neuron of Fang et al. 2023,
"SpikingJelly", Science Advances 9, eadi1480). Input is not divided by τ.

`fire` runs a sequence in one pass of `integrate_and_fire.cpp`; `fire_slowly` says the same step by step.
"""

import ctypes
from math import pi
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from astromorph.native.build import library

SOURCE = Path(__file__).with_name("integrate_and_fire.cpp")
SLOPE = 5.0  # a


class LeakyIntegrateAndFire(nn.Module):
    """Neurons that share a time constant: x (batch, time, neurons) in, spikes of the same shape out, zeros and ones.

    Args:
        tau: time constant in steps, 1 or more; at 1 a neuron has no memory.
    """

    def __init__(self, tau: float) -> None:
        super().__init__()
        self.tau, self.kept = tau, share_kept(tau)

    def forward(self, x: Tensor) -> Tensor:
        return fire(x, self.kept)

    def extra_repr(self) -> str:
        return f"tau={self.tau}"


class LeakyIntegrator(LeakyIntegrateAndFire):
    """The same neurons without a threshold: their membrane v(t) = (1 - 1/τ) v(t - 1) + x(t)."""

    def forward(self, x: Tensor) -> Tensor:
        return integrate(x, self.kept)


def share_kept(tau: float) -> float:
    """The share of its membrane that a neuron keeps over a step. ValueError for a time constant below one step."""
    if not tau >= 1:
        raise ValueError(f"time constant {tau} is shorter than a time step; use 1 or more")
    return 1 - 1 / tau


def integrate(x: Tensor, kept: float) -> Tensor:
    """v(t) = Σ_s kept^(t - s) x(s) over s ≤ t; x: (batch, time, neurons)."""
    step = torch.arange(x.shape[1], device=x.device)
    age = step[:, None] - step
    return ((kept ** age.clamp_min(0).to(x)) * (age >= 0)) @ x


def fire(x: Tensor, kept: float) -> Tensor:
    """Spikes of neurons that keep the share `kept` of their membrane a step; x: (batch, time, neurons)."""
    if x.device.type != "cpu" or x.dtype != torch.float32 or library(SOURCE) is None:
        return fire_slowly(x, kept)
    return _Fire.apply(x, kept)


def fire_slowly(x: Tensor, kept: float) -> Tensor:
    """`fire`, one step after the other."""
    v, spikes = torch.zeros_like(x[:, 0]), []
    for now in x.unbind(1):
        h = v * kept + now
        spikes.append(_Step.apply(h))
        v = h * (h < 1)
    return torch.stack(spikes, 1)


class _Step(torch.autograd.Function):
    """One where h ≥ 1, else zero; differentiated as an arctangent."""

    @staticmethod
    def forward(ctx, h: Tensor) -> Tensor:
        ctx.save_for_backward(h)
        return (h >= 1).to(h.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> Tensor:
        (h,) = ctx.saved_tensors
        return gradient * (SLOPE / 2) / (1 + (pi / 2 * SLOPE * (h - 1)).square())


class _Fire(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, kept: float) -> Tensor:
        x = x.contiguous()
        h, spikes = torch.empty_like(x), torch.empty_like(x)
        _call("astromorph_fire", kept, x, h, spikes)
        ctx.save_for_backward(h)
        ctx.kept = kept
        return spikes

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        (h,) = ctx.saved_tensors
        of_x = torch.empty_like(h)
        _call("astromorph_fire_back", ctx.kept, h, gradient.contiguous(), of_x)
        return of_x, None


def _call(name: str, kept: float, *arrays: Tensor) -> None:
    sizes = (*map(ctypes.c_int64, arrays[0].shape), ctypes.c_int64(torch.get_num_threads()), ctypes.c_float(kept))
    getattr(library(SOURCE), name)(*sizes, *(ctypes.c_void_p(each.data_ptr()) for each in arrays))
