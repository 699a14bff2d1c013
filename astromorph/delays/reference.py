"""Delayed connections as one dense convolution, a tap for every step of delay: the plain form others are tested on."""

from torch import Tensor
from torch.nn import functional as F

from astromorph.delays.kernels import Kernel, gaussian


def delayed_slowly(
    x: Tensor, weight: Tensor, delay: Tensor, longest: int, width: float, kernel: Kernel = gaussian
) -> Tensor:
    """y_o(t) = Σ_i w_oi Σ_τ k(τ; d_oi) x_i(t - τ) for τ = 0..longest; shapes as `delayed`, cost grows with `longest`.

    Hammouamri, Khalfaoui-Hassani and Masquelier (2024), Eqs. 5-6, but causal in place: delay 0 is the present step and
    the output is as long as the input.
    """
    taps = weight * kernel(delay, longest, width)  # (longest + 1, outputs, inputs)
    past = F.pad(x.to(weight.dtype).mT, (longest, 0))
    return F.conv1d(past, taps.flip(0).permute(1, 2, 0)).mT
