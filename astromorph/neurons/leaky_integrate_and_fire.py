"""Leaky integrate-and-fire neurons in whole time steps.

h(t) = (1 - 1/τ) v(t - 1) + x(t), a spike where h ≥ 1, then v(t) = 0; else v(t) = h(t). The step at the threshold is
differentiated as `surrogate.py` says, and the reset passes no gradient on (Hammouamri, Khalfaoui-Hassani and Masquelier
2024, arXiv 2306.17670, with the neuron of Fang et al. 2023, "SpikingJelly", Science Advances 9, eadi1480). Input is not
divided by τ.

`fire` runs a sequence in one pass of `leaky_integrate_and_fire.cpp`; `fire_slowly` says the same step by step.
"""

import ctypes
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from astromorph.native.build import library
from astromorph.native.transforms import transformed
from astromorph.neurons.leaky_integrator import LeakyIntegrator
from astromorph.neurons.surrogate import spike

SOURCE = Path(__file__).with_name("leaky_integrate_and_fire.cpp")


class LeakyIntegrateAndFire(LeakyIntegrator):
    """Neurons that share a time constant: x (batch, time, neurons) in, spikes of the same shape out, zeros and ones.

    Args:
        tau: time constant in steps, 1 or more; at 1 a neuron has no memory.
    """

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """x, state: (batch, neurons); spikes and membranes after the step."""
        h = state * self.remaining + x
        return spike(h - 1), h * (h < 1)

    def forward(self, x: Tensor) -> Tensor:
        """All steps of a sequence from rest, in one compiled pass."""
        return fire(x, self.remaining)


def fire(x: Tensor, remaining: float) -> Tensor:
    """Spikes of neurons that keep the share `remaining` of their membrane a step; x: (batch, time, neurons)."""
    if x.device.type != "cpu" or x.dtype != torch.float32 or transformed() or library(SOURCE) is None:
        return fire_slowly(x, remaining)
    return _Fire.apply(x, remaining)


def fire_slowly(x: Tensor, remaining: float) -> Tensor:
    """`fire`, one step after the other."""
    if not x.shape[1]:
        return torch.zeros_like(x)
    v, spikes = torch.zeros_like(x[:, 0]), []
    for now in x.unbind(1):
        h = v * remaining + now
        spikes.append(spike(h - 1))
        v = h * (h < 1)
    return torch.stack(spikes, 1)


class _Fire(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, remaining: float) -> Tensor:
        x = x.contiguous()
        h, spikes = torch.empty_like(x), torch.empty_like(x)
        _call("astromorph_fire", remaining, x, h, spikes)
        ctx.save_for_backward(h)
        ctx.remaining = remaining
        return spikes

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (h,) = ctx.saved_tensors
        of_x = torch.empty_like(h)
        _call("astromorph_fire_back", ctx.remaining, h, gradient.contiguous(), of_x)
        return of_x, None


def _call(name: str, remaining: float, *arrays: Tensor) -> None:
    sizes = (*map(ctypes.c_int64, arrays[0].shape), ctypes.c_int64(torch.get_num_threads()), ctypes.c_float(remaining))
    getattr(library(SOURCE), name)(*sizes, *(ctypes.c_void_p(each.data_ptr()) for each in arrays))
