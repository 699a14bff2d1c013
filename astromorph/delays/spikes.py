"""Delayed connections spike by spike: a training path whose cost follows the activity of the inputs.

Each spike adds the taps of a synapse to the row of the output, each synapse hears at its spikes what came back to the
row. With 5 % of the inputs active this is a twentieth of the dense convolution, and a narrow kernel has few taps:
those that cannot be told from zero at the precision of the numbers are left out. Taps are made one synapse at a time
(`spikes.cpp`), so nothing of size synapses × delays is ever stored, nor are the inputs kept for the way back.

The gradient by the inputs is dense, for a surrogate derivative is nowhere zero; it goes through the Fourier domain.
"""

import ctypes
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from astromorph.delays.kernels import NARROWEST, Kernel, gaussian, triangular
from astromorph.delays.spectral import fourier_back, operations
from astromorph.native.build import library

SOURCE = Path(__file__).with_name("spikes.cpp")
NUMBERS = {torch.float32: "float", torch.float64: "double"}
KERNELS: dict[Kernel, int] = {gaussian: 0, triangular: 1}
EFFORT = 1.5  # of an operation on short vectors at unaligned places, in operations of a large matrix product
VECTOR = 8  # taps at once
REACH = 5.8  # widths from the centre of a Gaussian to its last tap in float32, which is 4e-8 of the first
MOST = 2**31 - 1  # places are 32 bits


class Sizes(ctypes.Structure):
    """Of the layer and its input; what `spikes.cpp` reads."""

    _fields_ = (
        *[(name, ctypes.c_int64) for name in ("batch", "time", "inputs", "outputs", "longest")],
        *[(name, ctypes.c_int64) for name in ("kernel", "threads", "ones")],
        ("width", ctypes.c_double),
    )


class Bump(NamedTuple):
    """The delay kernel of a layer."""

    longest: int
    width: float
    kernel: Kernel


class Spikes(NamedTuple):
    """What is not zero in (batch, time, inputs), by input, then by time."""

    shape: torch.Size
    start: Tensor  # (inputs, time + 1): how many stand before this input and step
    place: Tensor  # (spikes,): where each stands in the row of an output
    value: Tensor  # (spikes,)
    ones: bool  # all values are one


def fits(x: Tensor, weight: Tensor, kernel: Kernel = gaussian) -> bool:
    """Whether there is compiled code for these numbers."""
    numbers = x.device.type == "cpu" and x.dtype in NUMBERS and x.dtype == weight.dtype
    return kernel in KERNELS and numbers and x.numel() + VECTOR * len(x) <= MOST and library(SOURCE) is not None


def worth(x: Tensor, weight: Tensor, bump: Bump) -> float:
    """Spikes up to which they cost less one by one than in the Fourier domain."""
    batch, time, inputs = x.shape
    radius = REACH * max(bump.width, NARROWEST) if bump.kernel is gaussian else 1 + bump.width
    taps = min(2 * radius + 1, bump.longest + 1, time)
    heard = taps * (1 - taps / (2 * time)) + VECTOR / 2  # a late spike has no time for all of them
    whole = operations(batch, time, inputs, len(weight), min(bump.longest, time - 1))
    return inputs * whole / (2 * EFFORT * heard)


def few(x: Tensor, most: float) -> Spikes | None:
    """The spikes of x (batch, time, inputs), or None if they are more than `most`."""
    x = x.detach().contiguous()
    start = torch.empty(x.shape[2], x.shape[1] + 1, dtype=torch.int32)
    sizes = _sizes(x.shape, x.shape[2])
    _call("count", x.dtype, sizes, x, start)
    count = int(start[-1, -1])
    if count > most:
        return None
    place, value = torch.empty(count, dtype=torch.int32), x.new_empty(count)
    _call("list", x.dtype, sizes, x, start, place, value)
    return Spikes(x.shape, start, place, value, bool((value == 1).all()))


def listed(x: Tensor) -> Spikes:
    """The spikes of x (batch, time, inputs)."""
    spikes = few(x, MOST)
    assert spikes is not None
    return spikes


def sent(spikes: Spikes, weight: Tensor, delay: Tensor, bump: Bump) -> Tensor:
    """What arrives: (batch, time, outputs)."""
    y = weight.new_empty(*spikes.shape[:2], len(weight))
    given = [tensor.detach().contiguous() for tensor in (weight, delay)]
    _call("forward", weight.dtype, _sizes(spikes.shape, len(weight), bump, spikes.ones), *spikes[1:4], *given, y)
    return y


class Delayed(torch.autograd.Function):
    """`sent`, differentiable once by x, weight and delay."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, delay: Tensor, spikes: Spikes, bump: Bump) -> Tensor:
        ctx.save_for_backward(weight, delay)
        ctx.spikes, ctx.bump = spikes, bump
        return sent(spikes, weight, delay, bump)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        weight, delay = (tensor.contiguous() for tensor in ctx.saved_tensors)
        gradient = gradient.contiguous()
        of_x, of_weight, of_delay = None, None, None
        if ctx.needs_input_grad[0]:
            of_x = fourier_back(gradient, weight, delay, *ctx.bump)
        if any(ctx.needs_input_grad[1:3]):
            of_weight, of_delay = torch.empty_like(weight), torch.empty_like(delay)
            sizes = _sizes(ctx.spikes.shape, len(weight), ctx.bump, ctx.spikes.ones)
            _call("backward", weight.dtype, sizes, *ctx.spikes[1:4], weight, delay, gradient, of_weight, of_delay)
        return of_x, of_weight, of_delay, None, None


def _sizes(shape: torch.Size, outputs: int, bump: Bump | None = None, ones: bool = False) -> Sizes:
    longest, width, kernel = bump or Bump(0, 0.0, gaussian)
    width = max(width, NARROWEST) if kernel is gaussian else width
    return Sizes(*shape, outputs, longest, KERNELS[kernel], torch.get_num_threads(), ones, width)


def _call(name: str, dtype: torch.dtype, sizes: Sizes, *tensors: Tensor) -> None:
    function = getattr(library(SOURCE), f"astromorph_{name}_{NUMBERS[dtype]}")
    function(ctypes.byref(sizes), *(ctypes.c_void_p(tensor.data_ptr()) for tensor in tensors))
