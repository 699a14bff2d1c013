import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astromorph.data.splits import validation_of_groups, validation_split


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


@given(st.lists(st.integers(0, 9), min_size=2, max_size=80), st.data())
def test_groups_stay_whole(groups, data):
    groups = np.array(groups)
    largest = np.bincount(groups).max()
    count = data.draw(st.integers(1, len(groups)))
    if len(np.unique(groups)) == 1 or count > len(groups) - largest:
        return  # may leave nothing to learn from, see below
    train, validation = validation_of_groups(groups, count, seed=3)
    assert sorted([*train, *validation]) == list(range(len(groups)))
    assert not set(groups[train]) & set(groups[validation])
    assert count <= len(validation) < count + largest
    assert (np.diff(train) > 0).all() and (np.diff(validation) > 0).all()


def test_the_seed_draws_groups():
    groups = np.repeat(np.arange(50), 4)
    drawn = lambda seed: validation_of_groups(groups, 40, seed)[1].tolist()
    assert drawn(4) == drawn(4) != drawn(5)
    assert len(drawn(4)) == 40


@pytest.mark.parametrize(("count", "groups"), [(0, [0, 1, 2]), (1, [5, 5, 5]), (3, [0, 1, 2]), (9, [0, 1, 2])])
def test_groups_that_leave_nothing_are_refused(count, groups):
    with pytest.raises(ValueError, match=f"cannot hold {count} of 3 examples"):
        validation_of_groups(np.array(groups), count, 0)
