"""Delayed connections by the cheapest of the exact forms.

Synapses with delays of their own go spike by spike (`spikes.py`) where few inputs are active or the kernel has few
taps, else through the Fourier domain (`spectral.py`). One delay per axon or per dendrite needs neither: the inputs, or
the outputs, are delayed each on its own and a matrix product does the rest.
"""

import torch
from scipy.fft import next_fast_len
from torch import Tensor
from torch.nn import functional as F

from astromorph.delays import spikes
from astromorph.delays.kernels import Kernel, gaussian
from astromorph.delays.reference import delayed_slowly
from astromorph.delays.spectral import fourier
from astromorph.native.transforms import transformed


def delayed(x: Tensor, weight: Tensor, delay: Tensor, longest: int, width: float, kernel: Kernel = gaussian) -> Tensor:
    """y_o(t) = Σ_i w_oi Σ_τ k(τ; d_oi) x_i(t - τ) for τ = 0..longest; x is silent before its first step.

    Args:
        x: (batch, time, inputs); spikes, graded values or anything else.
        weight: (outputs, inputs).
        delay: time steps in 0..longest; (outputs, inputs), (1, inputs) for axons or (outputs, 1) for dendrites.
        longest: the longest delay, whole time steps.
        width: of the kernel, time steps (see `kernels.py`).
        kernel: `gaussian` or `triangular`.

    Returns:
        (batch, time, outputs), in the number type of `weight`; differentiable once by x, weight and delay.
    """
    outputs, inputs = weight.shape
    if x.dim() != 3 or x.shape[2] != inputs or tuple(delay.shape) not in {(outputs, inputs), (1, inputs), (outputs, 1)}:
        raise ValueError(
            f"input {tuple(x.shape)}, weight {tuple(weight.shape)} and delay {tuple(delay.shape)} do not fit; give "
            "(batch, time, inputs), (outputs, inputs) and (outputs, inputs), (1, inputs) or (outputs, 1)"
        )
    x = x.to(weight.dtype)
    with torch.autocast(x.device.type, enabled=False):
        if not x.shape[0] or not x.shape[1]:
            return F.linear(x, weight)
        if delay.shape[0] == 1:
            return F.linear(_each(x, kernel(delay[0], longest, width)), weight)
        if delay.shape[1] == 1:
            return _each(F.linear(x, weight), kernel(delay[:, 0], longest, width))
        return _every(x, weight, delay, spikes.Bump(longest, width, kernel))


def _each(x: Tensor, taps: Tensor) -> Tensor:
    """Every channel under taps of its own; x: (batch, time, channels), taps: (delays, channels)."""
    time = x.shape[1]
    length = next_fast_len(time + min(len(taps), time) - 1, real=True)
    spectrum = torch.fft.rfft(x, length, dim=1) * torch.fft.rfft(taps[:time], length, dim=0)
    return torch.fft.irfft(spectrum, length, dim=1)[:, :time]


def _every(x: Tensor, weight: Tensor, delay: Tensor, bump: spikes.Bump) -> Tensor:
    """Every synapse under taps of its own."""
    if transformed():
        return delayed_slowly(x, weight, delay, *bump)
    if spikes.fits(x, weight, bump.kernel) and delay.dtype == weight.dtype:
        found = spikes.few(x, spikes.worth(x, weight, bump))
        if found is not None:
            return spikes.Delayed.apply(x, weight, delay, found, bump)
    return fourier(x, weight, delay, *bump)
