"""A text classifier for long texts: the one of text_classifier.py, reading segment by segment with a memory."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from astromorph.models.dropout import LockedDropout
from astromorph.models.recurrent_memory import RecurrentMemory


class LongTextClassifier(nn.Module):
    """layers: modules on (batch, tokens, width) with a `keep` mask; tokens: the most there may be, in `segments`
    pieces of the same length; memory and retention as of RecurrentMemory."""

    def __init__(
        self,
        vocabulary: int,
        tokens: int,
        width: int,
        classes: int,
        layers: Sequence[nn.Module],
        dropout: float,
        memory: int,
        segments: int,
        retention: float,
    ) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.zeros(tokens, width))
        self.recurrent = RecurrentMemory(layers, width, memory, -(-tokens // segments), segments, retention)
        self.dropout = LockedDropout(dropout)
        self.classify = nn.Linear(width, classes)
        nn.init.normal_(self.words.weight, std=0.1)

    def forward(self, words: Tensor, keep: Tensor) -> Tensor:
        """words: (batch, tokens) integers; keep: (batch, tokens), True where real; returns (batch, classes)."""
        total, _ = self.recurrent(self.embed, words, keep)
        mean = total / keep.sum(1, keepdim=True).clamp_min(1)
        return self.classify(self.dropout(mean))

    def embed(self, words: Tensor, positions: Tensor) -> Tensor:
        return self.dropout(self.words(words) + self.positions[positions])
