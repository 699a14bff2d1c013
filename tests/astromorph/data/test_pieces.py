"""Byte pairs: nothing is lost, common words stay whole, and the same text gives the same pieces."""

import numpy as np
import pytest

from astromorph.data.pieces import in_pieces, joined, written_out
from astromorph.data.wikitext2 import NumberedText

WORDS = ("calcium", "calms", "the", "astrocytes", "astrocyte", "<unk>", "<eos>", "naïve", "@-@", "1,000", "…")


@pytest.fixture(scope="module")
def text() -> NumberedText:
    draw = np.random.default_rng(0)
    share = np.arange(len(WORDS), 0, -1) / sum(range(len(WORDS) + 1))
    parts = [draw.choice(len(WORDS), count, p=share).astype(np.int32) for count in (3000, 200, 300)]
    return NumberedText(*parts, (*WORDS, "βωξ", "never"))  # two words the training part lacks


@pytest.mark.parametrize("size", [290, 320])
def test_every_part_is_read_back_word_by_word(text, size):
    cut = in_pieces(text, size)
    strange = np.array([11, 5, 12, 6, 11], np.int32)
    for part, pieces in zip(text[:3], cut[:3], strict=True):
        assert written_out(cut.model, [cut.pieces[p] for p in pieces]) == [text.words[w] for w in part]
    cut = in_pieces(text._replace(test=strange), size)
    read = written_out(cut.model, [cut.pieces[p] for p in cut.test])
    assert read == ["βωξ", "<unk>", "never", "<eos>", "βωξ"]


def test_the_commonest_piece_comes_first_and_the_end_of_a_line_is_whole(text):
    cut = in_pieces(text, 320)
    counts = np.bincount(cut.train, minlength=len(cut.pieces))
    assert (np.diff(counts) <= 0).all() and len(set(cut.pieces)) == len(cut.pieces) <= 320
    assert counts[cut.pieces.index("<eos>")] == (text.train == WORDS.index("<eos>")).sum()
    assert counts[cut.pieces.index("<unk>")] == (text.train == WORDS.index("<unk>")).sum()
    assert counts[cut.pieces.index("▁calcium")] == (text.train == 0).sum()


def test_the_same_text_gives_the_same_pieces(text):
    one, other = in_pieces(text, 300), in_pieces(text, 300)
    assert one.pieces == other.pieces and one.model == other.model and np.array_equal(one.train, other.train)


def test_pieces_of_words_are_joined_in_order():
    spelling = [np.array([7, 8], np.int32), np.array([9], np.int32), np.array([1, 2, 3], np.int32)]
    assert joined(spelling, np.array([2, 0, 1, 0])).tolist() == [1, 2, 3, 7, 8, 9, 7, 8]
    assert joined(spelling, np.array([], np.int64)).tolist() == []


def test_too_few_pieces_are_refused(text):
    with pytest.raises(ValueError, match="10 pieces cannot be learned"):
        in_pieces(text, 10)
