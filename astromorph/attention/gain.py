"""A mechanism whose output is multiplied by a constant: the control for effects that might act as a gain alone."""

from torch import Tensor, nn


class Amplified(nn.Module):
    """gain · mechanism(query, key, value, keep)."""

    def __init__(self, mechanism: nn.Module, gain: float) -> None:
        super().__init__()
        self.mechanism = mechanism
        self.gain = gain

    def forward(self, query: Tensor, key: Tensor, value: Tensor, keep: Tensor | None = None) -> Tensor:
        """query, key, value: (batch, heads, tokens, features); keep: (batch, tokens), True where a token is real."""
        return self.gain * self.mechanism(query, key, value, keep)
