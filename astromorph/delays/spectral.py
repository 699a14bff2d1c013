"""Delayed connections in the Fourier domain: the cost hardly grows with the longest delay, nor with the activity.

A convolution over time is one product per frequency, ŷ_o(f) = Σ_i k̂_oi(f) x̂_i(f), with k̂ the spectrum of the very taps
of `kernels.py`; the closed Gaussian spectrum w·exp(-2πifd)·exp(-2π²σ²f²) would be a different kernel, one that reaches
before the present step and does not end on a single tap. A step of one synapse takes about 3 (1 + longest / frame)
operations where the dense convolution takes 2 (longest + 1).

* Time is cut into frames, each preceded by the inputs that can still arrive in it (overlap-save), so nothing wraps
  around, and the spectra of the kernel do not grow with the sequence.
* Frames are short, so transforms are matrix products, which leave frequencies first as the product needs them. One
  complex product is three real ones (Gauss), whose sums and differences are part of the transforms.
* Taps and their spectra live for a block of outputs at a time and are made again on the way back: beside the weights
  nothing of size synapses × delays is ever stored.
"""

from collections.abc import Callable
from math import ceil, pi

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from astromorph.delays.kernels import Kernel

BLOCK = 5_000_000  # numbers in a block of spectra: 20 MB in float32
PART = 250_000  # numbers in a part of taps or spectra on the way back: what a cache holds


def fourier(x: Tensor, weight: Tensor, delay: Tensor, longest: int, width: float, kernel: Kernel) -> Tensor:
    """`delayed` for synapses with delays of their own; delay: (outputs, inputs)."""
    batch, time, inputs = x.shape
    reach = min(longest, time - 1)  # an older input cannot arrive any more
    frame = frame_length(batch, time, inputs, len(weight), reach)
    frames = ceil(time / frame)
    of_signal, of_kernel, back = _transforms(frame + reach, x)

    if frames == 1:
        of_signal, pieces = of_signal[:, reach:], x.transpose(0, 1)
    else:
        padded = F.pad(x, (0, 0, reach, frames * frame - time))
        pieces = padded.unfold(1, frame + reach, frame).permute(3, 0, 1, 2)  # (steps, batch, frames, inputs)
    signal = (of_signal @ pieces.flatten(1)).view(-1, batch * frames, inputs)

    def spectra(weight: Tensor, delay: Tensor) -> Tensor:
        taps = kernel(delay.T, longest, width)[: reach + 1] * weight.T  # (delays, inputs, outputs)
        return (of_kernel[:, : reach + 1] @ taps.flatten(1)).view(len(of_kernel), -1, len(weight))

    product = _Product.apply(signal, weight, delay, spectra)  # (products, batch · frames, outputs)
    y = (back[:, reach:].T @ product.flatten(1)).view(frame, batch, frames, len(weight))
    return y.permute(1, 2, 0, 3).flatten(1, 2)[:, :time]


def fourier_back(gradient: Tensor, weight: Tensor, delay: Tensor, longest: int, width: float, kernel: Kernel) -> Tensor:
    """Gradient of `fourier` by x, Σ_o w_oi Σ_τ k(τ; d_oi) gradient_o(t + τ): the same with every lag turned round.

    gradient: (batch, time, outputs); returns (batch, time, inputs), and asks for no gradient itself.
    """
    batch, time, outputs = gradient.shape
    reach, inputs = min(longest, time - 1), weight.shape[1]
    frame = frame_length(batch, time, outputs, inputs, reach)
    frames = ceil(time / frame)
    of_signal, of_kernel, back = _transforms(frame + reach, gradient)
    of_kernel = of_kernel[:, -torch.arange(reach + 1)]
    padded = F.pad(gradient, (0, 0, 0, frames * frame + reach - time)) if frames > 1 else gradient
    pieces = padded.unfold(1, frame + reach if frames > 1 else time, frame).permute(3, 0, 1, 2)
    rows, size = batch * frames, _block((reach + 1) * inputs, PART)
    x = gradient.new_empty(frame, rows * inputs)
    for half in _parts(len(back), ceil(len(back) / 2)):  # sums over outputs of half the products take half the room
        total = gradient.new_empty(len(back[half]), rows, inputs)
        for block in _parts(outputs, size):
            here = len(weight[block])
            taps = kernel(delay[block], longest, width)[: reach + 1].mul_(weight[block]).flatten(1)
            part = pieces[..., block].flatten(1)
            for some in _parts(len(total), max(1, PART // (size * inputs))):
                total[some].baddbmm_(
                    (of_signal[half][some, : len(part)] @ part).view(-1, rows, here),
                    (of_kernel[half][some] @ taps).view(-1, here, inputs),
                    beta=int(block.start > 0),
                )
            del taps, part
        x.addmm_(back[half, :frame].T, total.flatten(1), beta=int(half.start > 0))
    x = x.view(frame, batch, frames, inputs)
    return x.permute(1, 2, 0, 3).flatten(1, 2)[:, :time]


def frame_length(batch: int, time: int, inputs: int, outputs: int, reach: int) -> int:
    """Steps in a frame for the fewest operations: long ones share their past, short ones have few frequencies."""
    return ceil(time / _frames(batch, time, inputs, outputs, reach)[1])


def operations(batch: int, time: int, inputs: int, outputs: int, reach: int) -> float:
    """Additions and multiplications a synapse, one way."""
    return _frames(batch, time, inputs, outputs, reach)[0]


def _frames(batch: int, time: int, inputs: int, outputs: int, reach: int) -> tuple[float, int]:
    """The fewest operations, and the number of frames that needs them."""

    def needed(frames: int) -> float:
        frame = ceil(time / frames)
        length = frame + reach
        products = 3 * batch * frames
        kernels = 3 * (reach + 1)
        signals = 2 * batch * frames * (length / outputs + frame / inputs)
        return length * (products + kernels + signals)

    return min((needed(2**power), 2**power) for power in range(time.bit_length()))


def _transforms(length: int, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A, G and C, each (products, length), of the circular convolution x * k = Cᵀ (A x · G k).

    With X = Xr + iXi and K the spectra at one frequency, the products are (Xr + Xi) Kr, Xr (Ki - Kr) and Xi (Kr + Ki);
    Yr is the first less the third, Yi the first plus the second. Frequency 0 and, in an even length, the highest are
    real and need one.
    """
    frequency = torch.arange(length // 2 + 1)
    angle = (torch.outer(frequency, torch.arange(length)) % length).to(torch.float64) * (2 * pi / length)
    real = 2 * frequency % length == 0
    alone, c, s = angle[real].cos(), angle[~real].cos(), angle[~real].sin()
    of_signal = torch.cat([alone, c - s, c, -s])
    of_kernel = torch.cat([alone, c, -s - c, c - s])
    back = torch.cat([alone, 2 * (c - s), -2 * s, -2 * c]) / length
    return of_signal.to(like), of_kernel.to(like), back.to(like)


class _Product(torch.autograd.Function):
    """signal @ spectra(weight, delay), a block of outputs at a time, spectra made anew each way."""

    @staticmethod
    def forward(ctx, signal: Tensor, weight: Tensor, delay: Tensor, spectra: Callable[[Tensor, Tensor], Tensor]):
        """signal: (products, rows, inputs); returns (products, rows, outputs)."""
        ctx.save_for_backward(signal, weight, delay)
        ctx.spectra = spectra
        product = signal.new_empty(*signal.shape[:2], len(weight))
        for block in _blocks(signal, weight):
            product[..., block] = signal @ spectra(weight[block], delay[block])
        return product

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        signal, *connections = ctx.saved_tensors
        needed = ctx.needs_input_grad[1:3]
        of_signal = torch.zeros_like(signal) if ctx.needs_input_grad[0] else None
        of_connections = [torch.empty_like(each) if w else None for each, w in zip(connections, needed, strict=True)]
        for block in _blocks(signal, connections[0]):
            part = gradient[..., block].contiguous()
            with torch.enable_grad():
                leaves = [each[block].detach().requires_grad_(w) for each, w in zip(connections, needed, strict=True)]
                spectra = ctx.spectra(*leaves)
            if of_signal is not None:
                of_signal.baddbmm_(part, spectra.detach().mT)
            if any(needed):
                wanted = [leaf for leaf in leaves if leaf.requires_grad]
                found = iter(torch.autograd.grad(spectra, wanted, signal.mT @ part))
                for whole in of_connections:
                    if whole is not None:
                        whole[block] = next(found)
        return of_signal, *of_connections, None


def _blocks(signal: Tensor, weight: Tensor) -> list[slice]:
    """Outputs in blocks: small ones need little memory, large ones make better matrix products."""
    return _parts(len(weight), _block(len(signal) * signal.shape[2], BLOCK))


def _block(numbers: int, most: int) -> int:
    """Outputs in a block with so many `numbers` each, in whole vectors."""
    return max(1, most // numbers // 32) * 32


def _parts(whole: int, size: int) -> list[slice]:
    return [slice(start, start + size) for start in range(0, whole, size)]
