"""Segments with a memory: a plain loop, recomputation, padding, and what training keeps."""

import copy

import pytest
import torch
from torch import Tensor, nn

from astromorph.attention import LinearAttention, MultiheadAttention
from astromorph.models.encoder import EncoderLayer
from astromorph.models.long_text_classifier import LongTextClassifier
from astromorph.models.recurrent_memory import RecurrentMemory, retention_factors

WIDTH, SEGMENT, MEMORY, MOST = 8, 5, 2, 6
RATIO = 0.7


def test_retention_factors_fall_and_sum_to_one():
    factors = retention_factors(RATIO, MOST)
    torch.testing.assert_close(factors.sum(1), torch.ones(MOST))
    torch.testing.assert_close(factors[3, 1:4] / factors[3, :3], torch.full((3,), RATIO))
    assert torch.equal(factors, factors.tril()) and factors[0, 0] == 1
    torch.testing.assert_close(retention_factors(1.0, 4)[3], torch.full((4,), 0.25))


def layers(dropout: float = 0.0) -> list[nn.Module]:
    return [EncoderLayer(WIDTH, MultiheadAttention(WIDTH, 2, LinearAttention()), 16, dropout) for _ in range(2)]


def recurrence(dropout: float = 0.0) -> RecurrentMemory:
    torch.manual_seed(0)
    return RecurrentMemory(layers(dropout), WIDTH, MEMORY, SEGMENT, MOST, RATIO)


def plain(symbols: Tensor, positions: Tensor) -> Tensor:
    return symbols + 0.01 * positions[:, None]


def tokens(count: int, batch: int = 3) -> Tensor:
    return torch.randn(batch, count, WIDTH, generator=torch.Generator().manual_seed(1))


def test_it_is_the_loop_that_the_equation_describes():
    model, given = recurrence(), tokens(13)
    total, memory = model(plain, given, torch.ones(3, 13, dtype=torch.bool))
    expected, kept = torch.zeros(3, WIDTH), model.start.expand(3, -1, -1)
    for t, factor in enumerate([1 / 2.19, 0.7 / 2.19, 0.49 / 2.19]):
        part = given[:, t * SEGMENT : (t + 1) * SEGMENT]
        now = torch.cat((kept, part + 0.01 * torch.arange(t * SEGMENT, t * SEGMENT + part.shape[1])[:, None]), 1)
        for layer in model.layers:
            now = layer(now)
        kept, expected = factor * now[:, :MEMORY], expected + now[:, MEMORY:].sum(1)
    torch.testing.assert_close(total, expected)
    torch.testing.assert_close(memory, kept)


def test_early_segments_reach_late_outputs_through_the_memory_alone():
    model, given = recurrence(), tokens(13)
    keep = torch.ones(3, 13, dtype=torch.bool)
    changed = given.clone()
    changed[:, 0] += 1
    _, before = model(plain, given, keep)
    _, after = model(plain, changed, keep)
    assert (before - after).abs().max() > 1e-6
    model.factors.zero_()  # nothing is retained
    _, before = model(plain, given, keep)
    _, after = model(plain, changed, keep)
    assert torch.equal(before, after)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_recomputation_changes_neither_values_nor_gradients(dropout):
    kept = recurrence(dropout).double()
    again = copy.deepcopy(kept)
    kept.recompute = False
    results = []
    for model in (kept, again):
        torch.manual_seed(5)
        given = tokens(28).double().requires_grad_()
        total, memory = model(plain, given, torch.ones(3, 28, dtype=torch.bool))
        (total.double().square().sum() + memory.square().sum()).backward()
        results.append([total, memory, given.grad, *(parameter.grad for parameter in model.parameters())])
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)


def test_padding_changes_nothing():
    model, given = recurrence().double(), tokens(23, batch=2).double()
    keep = torch.arange(23) < torch.tensor([[23], [7]])
    total, memory = model(plain, given, keep)
    alone, its_memory = model(plain, given[1:, :7], keep[1:, :7])
    torch.testing.assert_close(total[1:], alone)
    torch.testing.assert_close(memory[1:], its_memory)


def test_what_training_keeps_does_not_grow_with_the_number_of_segments():
    def kept(model: RecurrentMemory, count: int) -> int:
        """Bytes that the graph holds between forward and backward."""
        held: dict[int, int] = {}

        def hold(tensor: Tensor) -> Tensor:
            held[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(hold, lambda tensor: tensor):
            result = model(plain, tokens(count), torch.ones(3, count, dtype=torch.bool))
        assert result[0].requires_grad
        return sum(held.values())

    model = recurrence()
    again = kept(model, 30) - kept(model, 10)
    model.recompute = False
    plainly = kept(model, 30) - kept(model, 10)
    memory = 3 * MEMORY * WIDTH * 4  # bytes of the memory between two segments
    assert again <= 4 * 5 * memory < plainly / 10  # four more segments; tensors and masks between them


def test_a_classifier_of_long_texts_learns_what_only_an_early_segment_says():
    torch.manual_seed(0)
    model = LongTextClassifier(20, 30, WIDTH, 2, layers(), 0.0, MEMORY, MOST, RATIO)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    draw, keep = torch.Generator().manual_seed(0), torch.ones(64, 15, dtype=torch.bool)
    for _ in range(60):
        words = torch.randint(2, 20, (64, 15), generator=draw)
        labels = torch.randint(0, 2, (64,), generator=draw)
        words[:, 0] = labels
        loss = torch.nn.functional.cross_entropy(model(words, keep), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 0.2


def test_bad_sizes_get_a_sentence():
    with pytest.raises(ValueError, match="31 tokens are 7 segments of 5, more than the model's 6; shorten"):
        recurrence()(plain, tokens(31), torch.ones(3, 31, dtype=torch.bool))
    with pytest.raises(ValueError, match="0 memory tokens and segments of 5 tokens: use at least 1 of each"):
        RecurrentMemory(layers(), WIDTH, 0, SEGMENT, MOST, RATIO)
