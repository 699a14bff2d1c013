"""Word vectors from company: counts word by word, the plain decomposition, and words of one kind near each other."""

import numpy as np
import pytest

from astromorph.text.word_vectors import HELD_BACK, WINDOW, company, information, word_vectors

WORDS = 12


def texts(count: int = 40, seed: int = 0) -> list[np.ndarray]:
    draw = np.random.default_rng(seed)
    return [draw.integers(0, WORDS, draw.integers(1, 30)).astype(np.int32) for _ in range(count)]


def test_company_word_by_word():
    some, wanted = texts(), np.zeros((WORDS, 2 * WORDS))
    for text in some:
        for place, word in enumerate(text):
            for distance in range(1, WINDOW + 1):
                if place + distance < len(text) and word > 1 and text[place + distance] > 1:
                    wanted[word, text[place + distance]] += 1 / distance
                    wanted[text[place + distance], WORDS + word] += 1 / distance
    np.testing.assert_allclose(company(some, WORDS).toarray(), wanted, rtol=1e-5)


def test_information_entry_by_entry():
    counts = company(texts(), WORDS)
    dense, found = counts.toarray().astype(float), information(counts).toarray()
    power = dense.sum(0) ** HELD_BACK
    for word, companion in np.ndindex(dense.shape):
        here = dense[word, companion]
        wanted = max(0, np.log(here / dense[word].sum() * power.sum() / power[companion])) if here else 0
        assert found[word, companion] == pytest.approx(wanted, abs=1e-5)


def test_vectors_are_those_of_the_full_decomposition():
    found = word_vectors(texts(), WORDS, 4, seed=3)
    left, strengths, _ = np.linalg.svd(information(company(texts(), WORDS)).toarray().astype(float))
    wanted = (left * np.sqrt(strengths))[:, :4]
    wanted /= np.sqrt(np.square(wanted[2:]).mean())
    np.testing.assert_allclose(found * np.sign((found * wanted).sum(0)), wanted, atol=1e-4)
    assert not found[:2].any()  # padding and unknown words keep no company
    np.testing.assert_array_equal(found, word_vectors(texts(), WORDS, 4, seed=3))


def test_words_that_keep_the_same_company_are_near():
    """Fine and good stand before films, dull and poor before books; no two of the four ever stand together."""
    fine, good, dull, poor, films, books = range(2, 8)
    draw, some = np.random.default_rng(0), []
    for _ in range(400):
        kind = draw.integers(2)
        first, second = ((fine, good), (films,)) if kind else ((dull, poor), (books,))
        some.append(
            np.r_[draw.integers(8, WORDS), draw.choice(first), second, draw.integers(8, WORDS)].astype(np.int32)
        )
    vectors = word_vectors(some, WORDS, 4, seed=0)
    size = np.linalg.norm(vectors, axis=1, keepdims=True)
    near = (vectors / np.maximum(size, 1e-9)) @ (vectors / np.maximum(size, 1e-9)).T
    assert min(near[fine, good], near[dull, poor]) > max(near[fine, dull], near[fine, poor], near[good, poor]) + 0.5


def test_no_more_directions_than_words():
    with pytest.raises(ValueError, match="width 16 is more than the 12 words of the vocabulary; use a smaller one"):
        word_vectors(texts(), WORDS, 16, seed=0)


def test_texts_without_known_words_give_no_vectors():
    assert not word_vectors([np.ones(5, np.int32)], WORDS, 2, seed=0).any()
