"""A causal language model: word vectors, pre-norm decoder layers, the same word vectors read out.

x + attention(LayerNorm(x)), then x + FFN(LayerNorm(x)) with FFN = W₂ relu(W₁ x)² (So et al. 2021, Primer), and a last
LayerNorm. Every token reads only from itself and those before it, if the attention is causal:
`astromorph/language/leak.py`. The loss is computed inside, as scores of every word for every token would not fit into
memory.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from astromorph.language.word_bands import WordBands, wide
from astromorph.models.dropout import LockedDropout


class DecoderLayer(nn.Module):
    """attention: a causal module on (batch, tokens, width)."""

    def __init__(self, width: int, attention: nn.Module, feedforward: int, dropout: float) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(width)
        self.attention = attention
        self.before_feedforward = nn.LayerNorm(width)
        self.expand = nn.Linear(width, feedforward)
        self.contract = nn.Linear(feedforward, width)
        self.dropout = LockedDropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: (batch, tokens, width); returns the same shape."""
        tokens = tokens + self.dropout(self.attention(self.before_attention(tokens)))
        hidden = F.relu(self.expand(self.before_feedforward(tokens))).square()
        return tokens + self.dropout(self.contract(hidden))


class LanguageModel(nn.Module):
    """tokens: how many it reads at most; layers: modules on (batch, tokens, width)."""

    def __init__(self, words: WordBands, tokens: int, width: int, layers: Sequence[nn.Module], dropout: float) -> None:
        super().__init__()
        self.words = words
        self.positions = nn.Parameter(torch.zeros(tokens, width))
        self.layers = nn.ModuleList(layers)
        self.last = nn.LayerNorm(width)
        self.dropout = LockedDropout(dropout)

    def forward(self, words: Tensor, following: Tensor | None = None) -> Any:
        """words: (batch, tokens) integers; returns what was understood up to each token, (batch, tokens, width).

        With `following`, (batch, told), the words that follow the last `told` tokens: in training the cross-entropy of
        each; else cross-entropies, likeliest words and their probabilities, (batch · told,) each, in float32.
        """
        tokens = self.dropout(self.words.read(words) + self.positions[: words.shape[1]])
        for layer in self.layers:
            tokens = layer(tokens)
        tokens = self.dropout(self.last(tokens))
        if following is None:
            return tokens
        tokens = tokens[:, -following.shape[1] :]
        if self.training:
            return self.words.negative_log_likelihood(tokens, following)
        with torch.autocast(tokens.device.type, enabled=False):
            tokens, following = wide(tokens).flatten(0, 1), following.flatten()
            likeliest, log_probability = self.words.likeliest(tokens)
            return self.words.negative_log_likelihood(tokens, following), likeliest, log_probability.exp()
