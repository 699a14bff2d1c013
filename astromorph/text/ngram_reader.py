"""A linear reader of n-grams: each word, pair and triple of neighbouring words that a text holds adds its weight.

On film reviews this is hard to beat (Wang and Manning 2012: 91.22 % with pairs; Mesnil et al. 2014: with triples).
It works on word numbers alone, so it can stand in a model beside attention. Its weights are fitted, not trained with
the rest of a model: see ngram_fit.py.
"""

import torch
from torch import Tensor, nn

from astromorph.data.words import UNKNOWN

NO_KEY = torch.iinfo(torch.int64).max


class NgramReader(nn.Module):
    """Knows `vocabulary` words, and at most `ngrams` pairs and as many triples.

    A pair of the words a, b has the key a · vocabulary + b, and a triple of the known pair number p and the word c the
    key p · vocabulary + c; both lists of keys are sorted, so that a key is found by bisection.
    """

    pairs: Tensor
    triples: Tensor
    weight: Tensor
    bias: Tensor

    def __init__(self, vocabulary: int, ngrams: int) -> None:
        super().__init__()
        self.vocabulary, self.ngrams = vocabulary, ngrams
        self.register_buffer("pairs", torch.full((ngrams,), NO_KEY))
        self.register_buffer("triples", torch.full((ngrams,), NO_KEY))
        self.register_buffer("weight", torch.zeros(vocabulary + 2 * ngrams + 1))  # words, pairs, triples, none
        self.register_buffer("bias", torch.zeros(()))

    @property
    def none(self) -> int:
        """The number that stands for no n-gram."""
        return self.vocabulary + 2 * self.ngrams

    def forward(self, words: Tensor, keep: Tensor) -> Tensor:
        """words: (batch, tokens) integers; keep: (batch, tokens), True where real; returns log odds (batch,)."""
        return self.weight[self.numbers(words, keep)].sum(1) + self.bias

    def numbers(self, words: Tensor, keep: Tensor) -> Tensor:
        """The n-grams of each text, each once and `none` in the other places: (batch, 3 · tokens)."""
        words = words.long()
        known = keep & (words > UNKNOWN)
        pair = find(self.pairs, words[:, :-1] * self.vocabulary + words[:, 1:], known[:, :-1] & known[:, 1:])
        triple = find(self.triples, pair[:, :-1] * self.vocabulary + words[:, 2:], (pair[:, :-1] >= 0) & known[:, 2:])
        found = (
            words.where(known, self.none),
            (pair + self.vocabulary).where(pair >= 0, self.none),
            (triple + self.vocabulary + self.ngrams).where(triple >= 0, self.none),
        )
        ordered = torch.cat(found, 1).sort(1).values
        again = torch.zeros_like(ordered, dtype=torch.bool)
        again[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
        return ordered.masked_fill(again, self.none)


def find(keys: Tensor, wanted: Tensor, possible: Tensor) -> Tensor:
    """The place of each `wanted` key among the sorted `keys`, -1 where it is not among them or not `possible`."""
    place = torch.searchsorted(keys, wanted.contiguous()).clamp_max(len(keys) - 1)
    return place.where((keys[place] == wanted) & possible, -1)
