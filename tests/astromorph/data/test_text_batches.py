"""Batches hold every text once; padding stands behind the text and nowhere else."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from astromorph.data.batches import bucketed_batches, leave_out, pad, padded_width

lengths_of_texts = st.lists(st.integers(1, 100), min_size=1, max_size=80).map(np.array)
allowed_widths = st.one_of(st.integers(1, 32), st.just([8, 20, 64, 100]))


@given(lengths_of_texts, st.integers(1, 9), allowed_widths, st.one_of(st.none(), st.integers(1, 500)))
def test_each_text_once_within_both_limits(lengths, batch_size, widths, most_tokens):
    batches = list(bucketed_batches(lengths, batch_size, 3, 0, widths, most_tokens))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    padded = padded_width(lengths, widths)
    for batch in batches:
        assert 1 <= len(batch) <= batch_size
        assert most_tokens is None or len(batch) == 1 or len(batch) * padded[batch].max() <= most_tokens


@given(lengths_of_texts, st.integers(1, 9))
def test_sorted_cutting_is_the_least_padding_that_full_batches_allow(lengths, batch_size):
    batches = list(bucketed_batches(lengths, batch_size, 3, 0, widths=1))
    padding = sum(len(batch) * lengths[batch].max() for batch in batches)
    falling = -np.sort(-lengths)
    starts = range(0, len(lengths), batch_size)
    assert padding == sum(falling[start] * len(falling[start : start + batch_size]) for start in starts)


def test_order_follows_seed_and_epoch():
    lengths = np.random.default_rng(0).integers(1, 200, 500)
    order = lambda seed, epoch: np.concatenate(list(bucketed_batches(lengths, 8, seed, epoch))).tolist()
    assert order(1, 2) == order(1, 2)
    assert len({tuple(order(seed, epoch)) for seed in (0, 1, 2) for epoch in (0, 1, 2)}) == 9


def test_companions_in_a_batch_change_between_epochs():
    lengths = np.full(64, 10)
    groups = [{frozenset(batch.tolist()) for batch in bucketed_batches(lengths, 8, 0, epoch)} for epoch in (0, 1)]
    assert groups[0] != groups[1]


@given(st.lists(st.lists(st.integers(1, 9), max_size=30), min_size=1, max_size=9), allowed_widths)
def test_padding_stands_at_the_end_only(texts, widths):
    tokens, mask = pad([np.array(text, np.int32) for text in texts], widths)
    assert tokens.dtype == torch.int64 and mask.dtype == torch.bool and tokens.shape == mask.shape
    assert tokens.shape == (len(texts), padded_width(np.array([max(map(len, texts))]), widths)[0])
    for text, row, real in zip(texts, tokens.tolist(), mask.tolist(), strict=True):
        assert row == text + [0] * (len(row) - len(text))
        assert real == [True] * len(text) + [False] * (len(row) - len(text))


@given(st.integers(0, 100), allowed_widths)
def test_width_is_the_smallest_allowed_one(length, widths):
    allowed = range(widths, 200, widths) if isinstance(widths, int) else widths
    assert padded_width(np.array([length]), widths)[0] == min(w for w in allowed if w >= max(length, 1))


def test_too_long_texts_and_empty_batches_are_refused():
    with pytest.raises(ValueError, match=r"text of 101 tokens exceeds the widest batch \(100\)"):
        pad([np.ones(101, np.int32)], [50, 100])
    with pytest.raises(ValueError, match="batch size 0"):
        bucketed_batches(np.array([1]), 0, 0, 0)


def test_leaving_out_words_keeps_their_order_a_share_of_them_and_one_of_each_text():
    draw = np.random.default_rng(0)
    texts = [np.sort(draw.permutation(1000)[: draw.integers(1, 300)]) for _ in range(200)]
    fewer = leave_out(texts, 0.4, 0, 1)
    assert all(len(some) and np.isin(some, text).all() for some, text in zip(fewer, texts, strict=True))
    assert all((np.diff(some) > 0).all() for some in fewer)
    words, left = sum(map(len, texts)), sum(map(len, fewer))
    assert abs(left / words - 0.6) < 4 * (0.6 * 0.4 / words) ** 0.5 + len(texts) / words  # the words that had to stay
    assert all(map(np.array_equal, fewer, leave_out(texts, 0.4, 0, 1)))
    assert not all(map(np.array_equal, fewer, leave_out(texts, 0.4, 0, 2)))
    assert all(len(some) == 1 for some in leave_out([np.array([7]), np.array([8, 9])], 1 - 1e-9, 0, 1))
    assert all(map(np.array_equal, texts, leave_out(texts, 0.0, 0, 1)))
    with pytest.raises(ValueError, match=r"share 1.0 of words to leave out must be from 0 to below 1"):
        leave_out(texts, 1.0, 0, 1)
