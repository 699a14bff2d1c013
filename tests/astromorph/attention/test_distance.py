"""The distance kernel at linear cost against the dense matrix, its closed-form mass, and its symmetries."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from astromorph.attention.distance import AdditiveDistance, carried, distance_sum


def dense(tokens, length, causal):
    index = torch.arange(tokens)
    kernel = torch.exp(-(index[:, None] - index).abs() / length[:, None, None])
    return kernel.tril() if causal else kernel


@given(st.integers(1, 90), st.integers(1, 9), st.floats(0.05, 1e6), st.booleans())
def test_chunked_sum_equals_the_dense_matrix(tokens, size, length, causal):
    lengths = torch.tensor([length, 2 * length], dtype=torch.float64)
    x = torch.randn(2, 2, tokens, 3, generator=torch.Generator().manual_seed(tokens), dtype=torch.float64)
    torch.testing.assert_close(
        distance_sum(x, lengths, causal, size), dense(tokens, lengths, causal) @ x, rtol=1e-10, atol=1e-10
    )


def test_sums_over_many_blocks_of_chunks():
    sums = torch.randn(1, 2, 200, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    step = torch.tensor([0.0, 0.3], dtype=torch.float64)
    slow, state = [], torch.zeros(1, 2, 4, dtype=torch.float64)
    for c in range(200):
        slow.append(state)
        state = torch.exp(-step)[:, None] * state + sums[:, :, c]
    torch.testing.assert_close(carried(sums, step), torch.stack(slow, 2), rtol=1e-11, atol=1e-11)


def test_mass_of_the_kernel_is_a_geometric_series():
    length = torch.tensor([4.0], dtype=torch.float64)
    d = torch.exp(-1 / length)
    ones = torch.ones(1, 1, 100, 1, dtype=torch.float64)
    t = torch.arange(100)
    torch.testing.assert_close(distance_sum(ones, length, True).flatten(), (1 - d ** (t + 1)) / (1 - d))


def test_gradients_equal_finite_differences():
    x = torch.randn(1, 2, 7, 2, dtype=torch.float64, requires_grad=True)
    length = torch.tensor([2.0, 5.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, length: distance_sum(x, length, size=3), (x, length))


@pytest.mark.parametrize("length", [0.0, -1.0, float("nan"), float("inf")])
def test_a_length_that_is_not_positive_is_refused(length):
    with pytest.raises(ValueError, match="of a distance kernel is not positive; choose it above 0"):
        AdditiveDistance(2, length=length)
