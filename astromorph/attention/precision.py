"""Which number type does what: products in the inputs' type, sums over tokens and divisions in at least float32."""

import torch
from torch import Tensor


def wide(dtype: torch.dtype) -> torch.dtype:
    """The type of sums over tokens: float32, or wider if the tokens are."""
    return torch.promote_types(dtype, torch.float32)


def working(x: Tensor) -> torch.dtype:
    """The type of matrix products: the inputs', but float32 for float16, whose range a sum over tokens leaves."""
    return torch.float32 if x.dtype == torch.float16 else x.dtype


def reciprocal(calcium: Tensor) -> Tensor:
    """P = 1/C (Mia et al. 2025, Eq. 16), and 0 where no calcium is stored: nothing written, nothing read.

    In two steps of 1/√C each, or the gradient of a tiny C that nobody reads would be 0 times infinity.
    """
    some = calcium > torch.finfo(calcium.dtype).tiny
    stored = torch.where(some, calcium, 1)
    root = stored.detach().rsqrt()
    return torch.where(some, root * (stored * root).reciprocal(), 0)
