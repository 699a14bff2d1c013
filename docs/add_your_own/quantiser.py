"""Weights of fifteen values, four bits with a sign: W = m q / 7 with m = max |W| and q whole, from -7 to 7."""

from torch import Tensor


def four_bit(weight: Tensor) -> Tensor:
    """weight: any shape, one scale for all of it; returns the same shape and type."""
    step = weight.detach().abs().max().clamp_min(1e-5) / 7
    quantised = (weight.detach() / step).round() * step
    return quantised + (weight - weight.detach())  # the gradient passes straight
