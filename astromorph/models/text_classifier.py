"""A text classifier: word vectors, encoder layers, the mean over the real tokens, one linear read-out.

Word order reaches softmax and linear attention only through a learned position vector, which all three mechanisms
share, so that they differ in attention alone. If asked for, a convolution adds to each word vector what the word and
its neighbours say together, and every feature of a text is its largest over the tokens instead of the mean.

Beside attention a linear reader of n-grams can stand, fitted beforehand (ngram_fit.py): in training attention learns
alone, and afterwards the log odds are a weighted mean of both (`reader_share`: 1 for the reader alone, 0 without it).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from astromorph.models.dropout import LockedDropout
from astromorph.models.fused import embed

READER_SHARE = 2 / 3  # of a reader of n-grams in the log odds
SPREAD = 0.1  # standard deviation of fresh word vectors


class TextClassifier(nn.Module):
    """layers: modules on (batch, tokens, width) with a `keep` mask; reader: from words and `keep` to the log odds
    (batch,) of the second of two classes; phrase: how many neighbours (odd) the convolution joins, 1 for none;
    pooling: mean or max."""

    def __init__(
        self,
        vocabulary: int,
        tokens: int,
        width: int,
        classes: int,
        layers: Sequence[nn.Module],
        dropout: float,
        reader: nn.Module | None = None,
        phrase: int = 1,
        pooling: str = "mean",
    ) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.zeros(tokens, width))
        self.join = nn.Conv1d(width, width, phrase, padding=phrase // 2) if phrase > 1 else None
        self.layers = nn.ModuleList(layers)
        self.pool = {"mean": mean_of, "max": largest_of}[pooling]
        self.dropout = LockedDropout(dropout)
        self.classify = nn.Linear(width, classes)
        self.reader, self.reader_share = reader, READER_SHARE
        nn.init.normal_(self.words.weight, std=SPREAD)

    def forward(self, words: Tensor, keep: Tensor) -> Tensor:
        """words: (batch, tokens) integers; keep: (batch, tokens), True where real; returns (batch, classes)."""
        mask = self.dropout.mask(len(words), self.words.embedding_dim, words.device)
        tokens = embed(words, self.words.weight, self.positions[: words.shape[1]], mask)
        if self.join is not None:
            real = tokens * keep.unsqueeze(2).to(tokens.dtype)
            tokens = tokens + self.join(real.mT).mT
        for layer in self.layers:
            tokens = layer(tokens, keep)
        logits = self.classify(self.dropout(self.pool(tokens, keep)))
        if self.reader is None or self.training:
            return logits
        odds = self.reader(words, keep)
        return torch.lerp(logits.float(), torch.stack((-odds, odds), 1) / 2, self.reader_share)


def mean_of(tokens: Tensor, keep: Tensor) -> Tensor:
    """Mean over the real tokens in float32: (batch, tokens, width) to (batch, width); 0 where there are none."""
    summed = (keep.unsqueeze(1).to(tokens.dtype) @ tokens).squeeze(1)
    return summed.float() / keep.sum(1, keepdim=True).clamp_min(1)


def largest_of(tokens: Tensor, keep: Tensor) -> Tensor:
    """Largest value of each feature among the real tokens, shapes and types as of `mean_of`."""
    largest = tokens.masked_fill(~keep.unsqueeze(2), -torch.inf).amax(1).float()
    return largest.where(keep.any(1, keepdim=True), 0.0)
