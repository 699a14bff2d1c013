"""Weights of three values, 1.58 bits (Ma et al. 2024, "The era of 1-bit LLMs", arXiv 2402.17764, Eqs. 1-3).

With the scale m = mean |W| of a matrix, the weight is m · round(W / m), clipped to -m, 0 and m.
"""

from torch import Tensor

LEAST = 1e-5  # scale of a matrix of zeros


def ternary(weight: Tensor) -> Tensor:
    """weight: any shape, one scale for all of it; returns the same shape and type."""
    scale = weight.detach().abs().mean().clamp_min(LEAST)
    quantised = (weight.detach() / scale).round().clamp(-1, 1) * scale
    return quantised + (weight - weight.detach())
