"""Word vectors in bands: one exact distribution over all words, against a slow reference word by word."""

import math

import pytest
import torch

from astromorph.language.word_bands import WordBands

VOCABULARY, WIDTH = 30, 8


def bands(cutoffs=(5, 14), dtype=torch.float64) -> WordBands:
    torch.manual_seed(0)
    made = WordBands(VOCABULARY, WIDTH, cutoffs).to(dtype)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_()
    return made


def slow_log_probability(words: WordBands, hidden: torch.Tensor, word: int) -> torch.Tensor:
    """log p from the definition, one exponential at a time."""
    first = [hidden @ v + b for v, b in zip(words.tables[0], words.offsets[0], strict=True)]
    first += [hidden @ v + b for v, b in zip(words.classes, words.class_offsets, strict=True)]
    total = sum(score.exp() for score in first)
    band = sum(word >= edge for edge in words.edges[1:])
    if band == 0:
        return (first[word].exp() / total).log()
    narrow = words.lifts[band - 1].T @ hidden
    scores = [narrow @ v + b for v, b in zip(words.tables[band], words.offsets[band], strict=True)]
    inside = scores[word - words.edges[band]].exp() / sum(score.exp() for score in scores)
    return (first[words.edges[1] + band - 1].exp() / total * inside).log()


@pytest.mark.parametrize("cutoffs", [(), (10,), (5, 14)])
def test_loss_and_gradients_are_those_of_the_definition(cutoffs):
    words, hidden = bands(cutoffs), torch.randn(2, VOCABULARY, WIDTH, dtype=torch.float64, requires_grad=True)
    labels = torch.stack((torch.arange(VOCABULARY), torch.arange(VOCABULARY).flip(0)))
    inputs = (hidden, *words.parameters())
    fast = words.negative_log_likelihood(hidden, labels)
    slow = -torch.stack([
        torch.stack([slow_log_probability(words, h, int(w)) for h, w in zip(row, told, strict=True)])
        for row, told in zip(hidden, labels, strict=True)
    ])  # fmt: skip
    torch.testing.assert_close(fast, slow)
    used = [one for one in inputs if one.numel()]
    torch.testing.assert_close(torch.autograd.grad(fast.sum(), used), torch.autograd.grad(slow.sum(), used))


@pytest.mark.parametrize("cutoffs", [(), (10,), (5, 14)])
def test_it_is_one_distribution_whose_likeliest_word_is_found(cutoffs):
    words, hidden = bands(cutoffs), torch.randn(200, WIDTH, dtype=torch.float64)
    log_p = words.log_probabilities(hidden)
    torch.testing.assert_close(log_p.exp().sum(-1), torch.ones(200, dtype=torch.float64))
    labels = torch.randint(0, VOCABULARY, (200,))
    torch.testing.assert_close(words.negative_log_likelihood(hidden, labels), -log_p[torch.arange(200), labels])
    answer, best = words.likeliest(hidden)
    assert torch.equal(answer, log_p.argmax(-1))
    torch.testing.assert_close(best, log_p.amax(-1))
    assert not cutoffs or (answer >= cutoffs[0]).any()  # the search is tried beyond the first band


def test_it_starts_from_how_often_words_occur():
    words, counts = bands(), torch.randint(1, 100, (VOCABULARY,))
    words.start_from(counts)
    nothing = torch.zeros(WIDTH, dtype=torch.float64)
    torch.testing.assert_close(
        words.log_probabilities(nothing).exp(), (counts / counts.sum()).double(), atol=1e-6, rtol=0
    )


def test_knowing_nothing_gives_the_size_of_the_vocabulary_as_perplexity():
    words = WordBands(VOCABULARY, WIDTH, (5, 14))
    words.start_from(torch.ones(VOCABULARY))
    loss = words.negative_log_likelihood(torch.zeros(VOCABULARY, WIDTH), torch.arange(VOCABULARY)).mean()
    assert math.exp(loss.item()) == pytest.approx(VOCABULARY)


def test_words_are_read_in_through_the_vectors_that_read_them_out():
    words = bands()
    read = words.read(torch.arange(VOCABULARY).view(2, 15)).flatten(0, 1)
    expected = [words.tables[0], words.tables[1] @ words.lifts[0].T, words.tables[2] @ words.lifts[1].T]
    torch.testing.assert_close(read, torch.cat(expected))


def test_cutoffs_that_do_not_rise_are_refused():
    with pytest.raises(ValueError, match=r"cut-offs \(14, 5\) do not rise"):
        WordBands(VOCABULARY, WIDTH, (14, 5))
