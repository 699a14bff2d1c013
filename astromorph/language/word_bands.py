"""Word vectors in bands of falling frequency, read in and out through the same weights: exact, and cheap to train.

The output of a language model is a softmax over the vocabulary, which for 33,278 words costs several times what a small
decoder does. Here the frequent words make up the first band; each rarer band is one more choice beside them, and a
softmax of its own over its words, whose vectors are narrower (Grave et al. 2017, Eqs. 4-7). The same vectors and
projections read the words in (Baevski and Auli 2019, section 3). It is one probability distribution over all words:
nothing is sampled or left out. Numbers must fall by frequency: 0 is the most frequent word.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class WordBands(nn.Module):
    """Vectors of `vocabulary` words; a band ends before each of `cutoffs`, band i is width / narrowing^i wide."""

    def __init__(self, vocabulary: int, width: int, cutoffs: Sequence[int] = (), narrowing: int = 2) -> None:
        super().__init__()
        self.edges = (0, *cutoffs, vocabulary)
        if any(after <= before for before, after in pairwise(self.edges)):
            raise ValueError(f"the cut-offs {tuple(cutoffs)} do not rise from 1 to below the {vocabulary} words")
        sizes = [after - before for before, after in pairwise(self.edges)]
        widths = [max(1, width // narrowing**band) for band in range(len(sizes))]
        self.tables = nn.ParameterList(torch.randn(n, w) * w**-0.5 for n, w in zip(sizes, widths, strict=True))
        self.offsets = nn.ParameterList(torch.zeros(n) for n in sizes)
        self.lifts = nn.ParameterList(torch.randn(width, w) * width**-0.5 for w in widths[1:])
        self.classes = nn.Parameter(torch.randn(len(sizes) - 1, width) * width**-0.5)
        self.class_offsets = nn.Parameter(torch.zeros(len(sizes) - 1))

    def start_from(self, counts: Tensor) -> None:
        """Set the offsets to the logarithms of how often each word occurs, (vocabulary,)."""
        log_counts = counts.double().clamp_min(0.5).log()
        with torch.no_grad():
            for band, (first, end) in enumerate(pairwise(self.edges)):
                within = log_counts[first:end]
                self.offsets[band].copy_(within - within.mean())
                if band:
                    self.class_offsets[band - 1].copy_(within.logsumexp(0) - log_counts[: self.edges[1]].mean())

    def read(self, words: Tensor) -> Tensor:
        """words: integers of any shape; their vectors, (…, width)."""
        flat = words.flatten()
        vectors = F.embedding(flat.clamp_max(self.edges[1] - 1), self.tables[0])
        for band, lift in enumerate(self.lifts, 1):
            rows = self._rows(flat, band)
            lifted = F.linear(F.embedding(flat[rows] - self.edges[band], self.tables[band]), lift)
            vectors = vectors.index_copy(0, rows, lifted.to(vectors.dtype))
        return vectors.view(*words.shape, -1)

    def negative_log_likelihood(self, hidden: Tensor, words: Tensor) -> Tensor:
        """-log p(word) for each of `words`, integers of any shape; hidden: (…, width)."""
        flat, hidden = words.flatten(), hidden.flatten(0, -2)
        choice = flat.clamp_max(self.edges[1] - 1)
        for band in range(1, len(self.tables)):
            choice = torch.where(flat >= self.edges[band], self.edges[1] + band - 1, choice)
        loss = F.cross_entropy(self._first(hidden), choice, reduction="none")
        for band in range(1, len(self.tables)):
            rows = self._rows(flat, band)
            within = F.cross_entropy(self._band(hidden[rows], band), flat[rows] - self.edges[band], reduction="none")
            loss = loss.index_add(0, rows, within)
        return loss.view(words.shape)

    def log_probabilities(self, hidden: Tensor) -> Tensor:
        """log p of every word; hidden: (…, width), result (…, vocabulary)."""
        first = self._first(hidden).log_softmax(-1)
        parts = [first[..., : self.edges[1]]]
        for band in range(1, len(self.tables)):
            choice = first[..., self.edges[1] + band - 1, None]
            parts.append(choice + self._band(hidden, band).log_softmax(-1))
        return torch.cat(parts, -1)

    def likeliest(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """The word of the highest probability and log p of it; hidden: (…, width), results (…).

        A band is read only where its class is likelier than the best word so far: no word in it can be likelier.
        """
        flat = hidden.flatten(0, -2)
        first = self._first(flat).log_softmax(-1)
        best, word = first[:, : self.edges[1]].max(-1)
        for band in range(1, len(self.tables)):
            choice = first[:, self.edges[1] + band - 1]
            rows = (choice > best).nonzero().squeeze(1)
            inside, place = self._band(flat[rows], band).log_softmax(-1).max(-1)
            better = choice[rows] + inside > best[rows]
            rows, place, inside = rows[better], place[better], inside[better]
            word[rows], best[rows] = place + self.edges[band], choice[rows] + inside
        return word.view(hidden.shape[:-1]), best.view(hidden.shape[:-1])

    def _rows(self, flat: Tensor, band: int) -> Tensor:
        return ((flat >= self.edges[band]) & (flat < self.edges[band + 1])).nonzero().squeeze(1)

    def _first(self, hidden: Tensor) -> Tensor:
        """Scores of the words of the first band, then of the other bands; at least float32."""
        vectors = torch.cat((self.tables[0], self.classes))
        return wide(F.linear(hidden, vectors, torch.cat((self.offsets[0], self.class_offsets))))

    def _band(self, hidden: Tensor, band: int) -> Tensor:
        narrow = F.linear(hidden, self.lifts[band - 1].mT)
        return wide(F.linear(narrow, self.tables[band], self.offsets[band]))


def wide(scores: Tensor) -> Tensor:
    return scores if scores.dtype == torch.float64 else scores.float()
