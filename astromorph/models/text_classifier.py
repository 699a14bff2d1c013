"""A text classifier: word vectors, encoder layers, the mean over the real tokens, one linear read-out.

Word order reaches softmax and linear attention only through a learned position vector, which all three mechanisms
share, so that they differ in attention alone.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from astromorph.models.dropout import LockedDropout


class TextClassifier(nn.Module):
    """layers: modules on (batch, tokens, width) with a `keep` mask."""

    def __init__(
        self,
        vocabulary: int,
        tokens: int,
        width: int,
        classes: int,
        layers: Sequence[nn.Module],
        dropout: float,
    ) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.zeros(tokens, width))
        self.layers = nn.ModuleList(layers)
        self.dropout = LockedDropout(dropout)
        self.classify = nn.Linear(width, classes)
        nn.init.normal_(self.words.weight, std=0.1)

    def forward(self, words: Tensor, keep: Tensor) -> Tensor:
        """words: (batch, tokens) integers; keep: (batch, tokens), True where real; returns (batch, classes)."""
        tokens = self.dropout(self.words(words) + self.positions[: words.shape[1]])
        for layer in self.layers:
            tokens = layer(tokens, keep)
        real = keep.unsqueeze(-1).to(tokens.dtype)
        mean = (tokens * real).sum(1, dtype=torch.float32) / real.sum(1, dtype=torch.float32).clamp_min(1)
        return self.classify(self.dropout(mean))
