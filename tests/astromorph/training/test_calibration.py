"""Calibration in closed form, and what holds for any answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from astromorph.training.calibration import reliability

ANSWERS = st.integers(1, 40).flatmap(lambda n: st.tuples(arrays(float, n, elements=st.floats(0, 1)), arrays(bool, n)))


def error(probability, right, bins=15) -> float:
    return reliability(probability, right, bins).expected_calibration_error


def test_one_bin_in_closed_form():
    assert error([0.8] * 5, [1, 1, 1, 0, 0]) == pytest.approx(0.2)  # 60 % right, 80 % sure


def test_bins_are_weighed_by_their_answers():
    probability, right = [0.9] * 6 + [0.6] * 4, [1] * 6 + [1, 1, 0, 0]
    assert error(probability, right) == pytest.approx(0.6 * 0.1 + 0.4 * 0.1)
    table = reliability(probability, right, 10)
    assert table.answers.tolist() == [0, 0, 0, 0, 0, 4, 0, 0, 6, 0]  # open below: 0.9 is in the ninth of ten
    assert table.right[[5, 8]].tolist() == [0.5, 1.0] and np.isnan(table.right[0])


def test_too_sure_and_too_modest_do_not_cancel_across_bins():
    assert error([0.9, 0.9, 0.1, 0.1], [1, 0, 1, 0], 10) == pytest.approx(0.4)
    assert error([0.9, 0.9, 0.1, 0.1], [1, 0, 1, 0], 1) == pytest.approx(0.0)


def test_right_as_often_as_sure_has_no_error_but_chance():
    draw = np.random.default_rng(0)
    probability = draw.uniform(0, 1, 200_000)
    assert error(probability, draw.uniform(size=probability.size) < probability) < 0.005


@given(ANSWERS, st.integers(1, 30))
def test_error_lies_between_the_whole_gap_and_one(answers, bins):
    probability, right = answers
    found = error(probability, right, bins)
    assert abs(right.mean() - probability.mean()) - 1e-12 <= found <= 1
    assert found == pytest.approx(error(probability[::-1], right[::-1], bins))
    assert reliability(probability, right, bins).answers.sum() == len(right)


@pytest.mark.parametrize(
    ("probability", "right", "said"),
    [
        ([], [], "at least 1"),
        ([0.5], [1, 0], "as many of each"),
        ([1.5], [1], "between 0 and 1"),
        ([np.nan], [1], "nan"),
    ],
)
def test_what_is_no_probability_is_refused(probability, right, said):
    with pytest.raises(ValueError, match=said):
        reliability(probability, right)
