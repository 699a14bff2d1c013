"""Spike trains against the statistics of their point processes; bounds are four standard errors."""

import numpy as np
import pytest
from brian2 import Network, SpikeMonitor, second

from biophys.simulation.copies import Copies
from biophys.simulation.simulate import run
from biophys.simulation.stimulus import burst_trains, modulated_trains, pattern_trains, poisson_trains, regular_trains

CELLS = 4000


def counts(trains, begin, end):
    """Spikes of each cell from begin to end in s."""
    return np.bincount(trains.cell[(trains.time >= begin) & (trains.time < end)], minlength=trains.cells)


def assert_poisson(numbers, mean):
    """Counts whose mean and variance are both `mean`, within four standard errors."""
    assert numbers.mean() == pytest.approx(mean, abs=4 * np.sqrt(mean / len(numbers)))
    spread = np.sqrt((mean + 2 * mean**2) / len(numbers))
    assert numbers.var(ddof=1) == pytest.approx(mean, abs=4 * spread)


def test_a_modulated_train_has_poisson_counts_of_the_integrated_rate():
    """10 + 8 sin(2 pi t) Hz: half a period holds 5 +- 8/pi spikes."""
    trains = modulated_trains(lambda times: 10 + 8 * np.sin(2 * np.pi * times), np.full(CELLS, 18.0), 2.0, 1e-3, seed=1)
    for begin, sign in ((0.0, 1), (0.5, -1), (1.0, 1), (1.5, -1)):
        assert_poisson(counts(trains, begin, begin + 0.5), 5 + sign * 8 / np.pi)
    halves = np.corrcoef(counts(trains, 0.0, 0.5), counts(trains, 0.5, 1.0))[0, 1]
    assert abs(halves) < 4 / np.sqrt(CELLS)  # what has happened does not matter


def test_each_cell_may_have_its_own_rate_of_time():
    slopes = np.repeat([1.0, 3.0], CELLS // 2)
    trains = modulated_trains(lambda times: slopes[:, None] * times, 2 * slopes, 2.0, 1e-3, seed=2)
    numbers = counts(trains, 0.0, 2.0).reshape(2, -1)
    assert_poisson(numbers[0], 2.0)
    assert_poisson(numbers[1], 6.0)


def test_a_constant_rate_is_a_poisson_train_with_exponential_intervals():
    trains = modulated_trains(lambda times: np.full_like(times, 20.0), np.full(200, 50.0), 20.0, 1e-6, seed=3)
    intervals = np.diff(trains.time)[np.diff(trains.cell) == 0]
    order = np.sort(intervals)
    distance = np.abs(-np.expm1(-20 * order) - (np.arange(len(order)) + 0.5) / len(order)).max()
    assert distance < 1.95 / np.sqrt(len(order))  # Kolmogorov-Smirnov at 1e-3; the end of the train cuts off 0.1 %


def test_bursts_have_their_rates_inside_and_outside_the_windows():
    rates = np.repeat([40.0, 20.0], CELLS // 2)
    trains = burst_trains(rates, 1.0, 1e-3, seed=4, on=0.1, off=0.4, background=4.0)
    for begin in (0.0, 0.5):
        inside = counts(trains, begin - 5e-4, begin + 0.0995).reshape(2, -1)  # times lie on grid points, not between
        assert_poisson(inside[0], 4.0)
        assert_poisson(inside[1], 2.0)
        assert_poisson(counts(trains, begin + 0.0995, begin + 0.4995), 1.6)


def test_bursts_are_silent_between_windows_by_default():
    trains = burst_trains(np.full(50, 30.0), 5.0, 1e-3, seed=5, on=0.2, off=0.3)
    assert len(trains.time) > 2000 and np.all(trains.time % 0.5 < 0.2011)


STARTS = np.array([0.2, 0.5, 0.9, 1.3])


def repetition(trains, start):
    """Cells and times, in ms from the start, of the spikes well inside one repetition."""
    step = np.rint((trains.time - start) * 1e3)
    chosen = (step > 1) & (step < 99)
    return np.stack([trains.cell[chosen], step[chosen]])


def test_a_pattern_returns_spike_for_spike():
    trains = pattern_trains(np.full(300, 20.0), 1.5, 1e-3, seed=6, starts=STARTS, length=0.1)
    first = repetition(trains, STARTS[0])
    assert first.shape[1] > 400
    for start in STARTS[1:]:
        assert np.array_equal(repetition(trains, start), first)
    background = repetition(trains, 0.7)
    assert np.mean(np.isin(first[0] * 1000 + first[1], background[0] * 1000 + background[1])) < 0.1


def test_the_rate_does_not_betray_a_pattern():
    """Over patterns drawn anew, counts inside and outside the windows are those of one Poisson process."""
    inside, outside = [], []
    for seed in range(100):
        trains = pattern_trains(np.full(20, 20.0), 1.5, 1e-3, seed=seed, starts=STARTS, length=0.1)
        inside.append(counts(trains, 0.4995, 0.5995))
        outside.append(counts(trains, 0.6995, 0.7995))
    assert_poisson(np.concatenate(inside), 2.0)
    assert_poisson(np.concatenate(outside), 2.0)


def test_jitter_spreads_each_repetition_by_its_standard_deviation():
    """Ten cells with about one spike in the pattern each: repetitions differ by sqrt(2) times the jitter."""
    exact, moved = (
        pattern_trains(np.full(400, 1.0), 40.0, 1e-4, seed=7, starts=np.arange(40) + 0.5, length=0.05, jitter=jitter)
        for jitter in (0.0, 0.004)
    )
    patterned = np.unique(exact.cell[np.abs(exact.time % 1 - 0.525) < 0.02])
    differences = []
    for cell in patterned:
        place = exact.time[exact.cell == cell] % 1
        place = place[(place > 0.5) & (place < 0.55)]
        if len(place) == 40 and np.ptp(place) < 2e-4:  # one spike in the pattern
            around = moved.time[moved.cell == cell] % 1 - place[0]
            differences += list(around[np.abs(around) < 0.02])
    assert len(differences) > 300
    error = 0.004 / np.sqrt(2 * len(differences))
    assert np.std(differences) == pytest.approx(
        0.004, abs=4 * error + 0.0004
    )  # and some background within 5 deviations


def test_trains_depend_on_the_seed_alone_and_a_finer_grid_only_moves_them():
    make = lambda step, seed: burst_trains(np.full(20, 15.0), 3.0, step, seed, on=0.5, off=0.5)
    again, fine, other = make(1e-3, 8), make(1e-5, 8), make(1e-3, 9)
    coarse = make(1e-3, 8)
    assert np.array_equal(coarse.time, again.time) and np.array_equal(coarse.cell, again.cell)
    assert len(fine.time) == len(coarse.time) and np.abs(fine.time - coarse.time).max() < 1.5e-3
    assert not np.array_equal(coarse.time, other.time)


@pytest.mark.parametrize(
    "make",
    [
        regular_trains,
        poisson_trains,
        lambda rates, *grid: burst_trains(rates, *grid, on=0.1, off=0.1),
        lambda rates, *grid: pattern_trains(rates, *grid, starts=np.array([]), length=0.1),
    ],
    ids=["regular", "poisson", "burst", "pattern"],
)
def test_a_cell_of_rate_zero_is_silent_and_a_negative_rate_is_refused(make):
    trains = make(np.array([0.0, 30.0]), 2.0, 1e-3, 0)
    assert trains.cells == 2 and set(trains.cell) == {1}
    assert len(make(np.zeros(2), 2.0, 1e-3, 0).time) == 0
    with pytest.raises(ValueError, match="a cell cannot fire at -3 Hz; use rates of 0 Hz or more"):
        make(np.array([5.0, -3.0]), 2.0, 1e-3, 0)


def test_rates_beyond_their_bound_and_overlapping_patterns_are_refused():
    with pytest.raises(ValueError, match="the rate of cell 0 is 30 Hz at .* must stay between 0 and .* 20 Hz"):
        modulated_trains(lambda times: np.full_like(times, 30.0), np.full(2, 20.0), 1.0, 1e-3, 0)
    with pytest.raises(ValueError, match="the rate of cell 0 is -1 Hz"):
        modulated_trains(lambda times: np.full_like(times, -1.0), np.full(2, 20.0), 1.0, 1e-3, 0)
    with pytest.raises(ValueError, match="patterns of 0.1 s start 0.05 s apart; leave at least their length"):
        pattern_trains(np.full(2, 5.0), 1.0, 1e-3, 0, starts=np.array([0.1, 0.15]), length=0.1)


def test_each_copy_of_a_network_has_trains_of_its_own():
    """The third copy fires as it does alone, whatever its neighbours."""

    def fired(seeds):
        def build():
            copies = Copies({}, seeds, step=1e-3 * second, seconds=1 * second)
            source = copies.spikes(
                lambda copy: burst_trains(
                    np.full(5, 20.0), 1.0, 1e-3, copies.chance(copy, "presynaptic"), on=0.1, off=0.1
                ),
                name="presynaptic",
            )
            return Network(source, SpikeMonitor(source, name="spikes"))

        return run(build, lambda network: (np.array(network["spikes"].i), np.array(network["spikes"].t)), 1 * second)

    cells, times = fired([11, 12, 13])
    alone, alone_times = fired([13])
    assert np.array_equal(cells[cells >= 10] - 10, alone) and np.array_equal(times[cells >= 10], alone_times)
    assert not np.array_equal(times[cells < 5], times[(cells >= 5) & (cells < 10)])
