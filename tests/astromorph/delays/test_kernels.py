"""Delay kernels: whole weight, single taps when narrow, the schedule of the width."""

from math import exp

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from astromorph.delays import annealed_width, gaussian, triangular

KERNELS = [gaussian, triangular]


@pytest.mark.parametrize("kernel", KERNELS)
@given(longest=st.integers(0, 40), where=st.floats(0, 1), width=st.floats(0, 30))
def test_taps_sum_to_one_and_none_is_negative(kernel, longest, where, width):
    taps = kernel(torch.tensor([where * longest], dtype=torch.float64), longest, width)
    assert taps.shape == (longest + 1, 1)
    assert taps.min() >= 0
    assert abs(taps.sum().item() - 1) < 1e-12


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_narrowest_kernel_at_a_whole_delay_is_exactly_one_tap(kernel, dtype):
    assert torch.equal(kernel(torch.arange(130, dtype=dtype), 129, 0.0), torch.eye(130, dtype=dtype))


def test_taps_against_their_formulas():
    bell = [exp(-((tap - 1.3) ** 2) / (2 * 0.8**2)) for tap in range(5)]
    assert gaussian(torch.tensor(1.3).double(), 4, 0.8).tolist() == pytest.approx([b / sum(bell) for b in bell])
    roof = [0.7, 1.7, 1.3, 0.3, 0.0]  # 1 + 1 - |τ - 1.3|
    assert triangular(torch.tensor(1.3).double(), 4, 1.0).tolist() == pytest.approx([r / 4 for r in roof])
    assert triangular(torch.tensor(1.3).double(), 4, 0.0).tolist() == pytest.approx([0, 0.7, 0.3, 0, 0])


def test_width_shrinks_geometrically_over_a_quarter_then_stays():
    widths = [annealed_width(epoch, 40, 12.0) for epoch in range(41)]
    assert widths[0] == 12
    assert widths[5] ** 2 == pytest.approx(12 * 0.5)
    assert widths[10:] == pytest.approx([0.5] * 31)
    with pytest.raises(ValueError, match="above zero"):
        annealed_width(0, 10, 0.0)
    with pytest.raises(ValueError, match="epoch 11 does not lie in 0..10"):
        annealed_width(11, 10, 3.0)
