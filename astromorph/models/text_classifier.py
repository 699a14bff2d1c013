"""A text classifier: word vectors, encoder layers, the mean over the real tokens, one linear read-out.

Word order reaches softmax and linear attention only through a learned position vector, which all three mechanisms
share, so that they differ in attention alone.

Beside attention a linear reader of n-grams can stand, fitted beforehand (ngram_fit.py): in training attention learns
alone, and afterwards the log odds are a weighted mean of both.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from astromorph.models.dropout import LockedDropout
from astromorph.models.fused import embed

READER_SHARE = 2 / 3  # of a reader of n-grams in the log odds


class TextClassifier(nn.Module):
    """layers: modules on (batch, tokens, width) with a `keep` mask; reader: from words and `keep` to the log odds
    (batch,) of the second of two classes."""

    def __init__(
        self,
        vocabulary: int,
        tokens: int,
        width: int,
        classes: int,
        layers: Sequence[nn.Module],
        dropout: float,
        reader: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.zeros(tokens, width))
        self.layers = nn.ModuleList(layers)
        self.dropout = LockedDropout(dropout)
        self.classify = nn.Linear(width, classes)
        self.reader = reader
        nn.init.normal_(self.words.weight, std=0.1)

    def forward(self, words: Tensor, keep: Tensor) -> Tensor:
        """words: (batch, tokens) integers; keep: (batch, tokens), True where real; returns (batch, classes)."""
        mask = self.dropout.mask(len(words), self.words.embedding_dim, words.device)
        tokens = embed(words, self.words.weight, self.positions[: words.shape[1]], mask)
        for layer in self.layers:
            tokens = layer(tokens, keep)
        summed = (keep.unsqueeze(1).to(tokens.dtype) @ tokens).squeeze(1)
        mean = summed.float() / keep.sum(1, keepdim=True).clamp_min(1)
        logits = self.classify(self.dropout(mean))
        if self.reader is None or self.training:
            return logits
        odds = self.reader(words, keep)
        return torch.lerp(logits.float(), torch.stack((-odds, odds), 1) / 2, READER_SHARE)
