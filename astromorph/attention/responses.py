"""Calcium responses: how an astrocyte's store g follows the summed activity of its synapses, as objects.

Each is called as response(total, count) with total = Σ φ(k), (…, features), and count the number of tokens (or, where
content fades over distance, the sum of its weights), broadcastable against it; it returns g, shaped like total.
`Reciprocal` and `NoFeedback` say how calcium C = φ(q) · g acts back on the synapses (Eq. 16).
"""

import torch
from torch import Tensor, nn

from astromorph.attention.parts import offered
from astromorph.attention.precision import reciprocal


class LinearResponse(nn.Module):
    """g = Σ φ(k): Mia et al. (2025), Eq. 13; Kozachkov, Kastanenka and Krotov (2023). Rows of attention sum to one."""

    def forward(self, total: Tensor, count: Tensor) -> Tensor:
        return total

    def scanned(self) -> Tensor:
        return torch.zeros(5)


class MeanActivityResponse(nn.Module):
    """g = N ρ(Σ φ(k) / N) with ρ a response to a rate, ρ(1) = 1: `PowerLawResponse` or `HillResponse` as measured."""

    def __init__(self, response: nn.Module) -> None:
        super().__init__()
        self.response = response

    def forward(self, total: Tensor, count: Tensor) -> Tensor:
        some = torch.where(count > 0, count, 1)  # before the first real token there is no mean
        silent = torch.finfo(total.dtype).tiny
        return count * self.response((total / some).clamp_min(silent)).to(total.dtype)

    def scanned(self) -> Tensor | None:
        """Numbers that are learned, or differ between features, are not `scan.cpp`'s to take."""
        numbers = offered(self.response, "scanned")
        usual = numbers is not None and numbers.shape == (5,) and not numbers.requires_grad
        return numbers if usual else None


class PowerOfSum(nn.Module):
    """g = (Σ φ(k))^α as printed (Mia et al. 2025, Eq. 14): mostly a gain that grows as N^(1-α)."""

    def __init__(self, exponent: float = 0.25) -> None:
        super().__init__()
        self.exponent = exponent

    def forward(self, total: Tensor, count: Tensor) -> Tensor:
        return total.clamp_min(torch.finfo(total.dtype).tiny) ** self.exponent


class Reciprocal(nn.Module):
    """P = 1/C, and 0 where no calcium is stored (Eq. 16)."""

    def forward(self, calcium: Tensor) -> Tensor:
        return reciprocal(calcium)

    def scanned(self) -> bool:
        return True


class NoFeedback(nn.Module):
    """P = 1: what the synapses do without their astrocyte; outputs grow with the number of tokens."""

    def forward(self, calcium: Tensor) -> Tensor:
        return torch.ones_like(calcium)
