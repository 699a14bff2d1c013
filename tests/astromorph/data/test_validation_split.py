import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astromorph.data.splits import validation_split


@given(st.lists(st.integers(0, 4), min_size=2, max_size=80), st.data())
def test_parts_are_complete_disjoint_and_stratified(labels, data):
    labels = np.array(labels)
    count = data.draw(st.integers(1, len(labels) - 1))
    train, validation = validation_split(labels, count, seed=0)
    assert len(validation) == count
    assert sorted([*train, *validation]) == list(range(len(labels)))
    assert (np.diff(train) > 0).all() and (np.diff(validation) > 0).all()
    for name in np.unique(labels):
        share = count * np.mean(labels == name)
        assert abs(np.sum(labels[validation] == name) - share) < 1


def test_the_seed_decides():
    labels = np.repeat([0, 1], 100)
    drawn = lambda seed: validation_split(labels, 50, seed)[1].tolist()
    assert drawn(4) == drawn(4) != drawn(5)
    assert np.bincount(labels[drawn(4)]).tolist() == [25, 25]


@pytest.mark.parametrize("count", [0, 10, 11, -1])
def test_a_part_that_leaves_nothing_is_refused(count):
    with pytest.raises(ValueError, match=f"cannot hold {count} of 10 examples out; use a number from 1 to 9"):
        validation_split(np.zeros(10), count, 0)
