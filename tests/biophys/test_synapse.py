"""Short-term plasticity against iterated reference values, closed forms and Poisson statistics."""

import json
from pathlib import Path

import numpy as np
import pytest
from brian2 import second
from hypothesis import given, settings
from hypothesis import strategies as st

from biophys.astrocyte import STIMBERG_EXAMPLE_2
from biophys.simulation.simulate import run
from biophys.simulation.stimulus import SpikeTrains, spike_trains
from biophys.synapse import SynapseParameters
from biophys.tripartite import build_units

REFERENCE = json.loads((Path(__file__).parents[1] / "reference_data/calcium_model.json").read_text())
STEP = 0.01


def simulate(trains, synapses, seconds, step=STEP, record_every=STEP):
    """The record of units with default parameters."""
    return run(
        lambda: build_units(
            trains,
            synapses,
            synapse=SynapseParameters(),
            astrocyte=STIMBERG_EXAMPLE_2,
            step=step * second,
            record_every=record_every * second,
        ),
        lambda network: network["record"],
        seconds * second,
    )


def test_release_of_regular_trains_follows_the_iterated_map():
    rates = [0.5, 5.0, 50.0]
    slots = [np.round(np.arange(10) / rate / STEP).astype(int) for rate in rates]
    cells = np.repeat(np.arange(3), 10)
    record = simulate(SpikeTrains(3, cells, np.concatenate(slots) * STEP), 1, 18.1)
    released = np.diff(np.array(record.R_S))  # a spike at slot n shows in the record at n + 1
    for number, rate in enumerate(rates):
        expected = REFERENCE["tsodyks_markram_regular"][f"{rate:g}"]["first10_r_S"]
        assert released[number][slots[number]] == pytest.approx(expected, rel=1e-10)
        assert released[number].sum() == pytest.approx(sum(expected), rel=1e-10)


def test_poisson_release_has_the_exact_mean_for_each_spike():
    """Mean release for a Poisson spike at 1 and 10 Hz, within four standard errors over 30 units."""
    rates, units, synapses, seconds = [1.0, 10.0], 30, 20, 12.0
    trains = spike_trains("poisson", np.repeat(rates, units * synapses), seconds, 0.01, seed=3)
    record = simulate(trains, synapses, seconds, step=0.01, record_every=1.0)
    for_a_spike = (record.R_S[:, -1] - record.R_S[:, 4]).reshape(2, units)  # the last record is at 11 s
    late = (trains.time >= 4.0) & (trains.time < 11.0)
    spikes = np.bincount(trains.cell[late] // synapses, minlength=2 * units).reshape(2, units) / synapses
    mean = for_a_spike.sum(axis=1) / spikes.sum(axis=1)
    error = (for_a_spike / spikes).std(axis=1, ddof=1) / np.sqrt(units)
    expected = [REFERENCE["tsodyks_markram_poisson_mean"][key] for key in ("1", "10")]
    assert np.all(np.abs(mean - expected) < 4 * error + 5e-4)  # the reference is rounded to 5e-4
    assert np.all(error < 0.02 * np.array(expected))


def test_mean_transmitter_is_release_times_lifetime():
    record = simulate(spike_trains("regular", np.full(4, 5.0), 10.0, STEP, seed=0), 4, 10.0)
    p = SynapseParameters()
    lifetime = float(p.rho_c * p.Y_T / p.Omega_c / second)  # mmolar s of one whole pool
    seconds, decay = 8.0, float(p.Omega_c * second) * STEP  # forty periods
    expected = lifetime * np.diff(record.R_S[0, [199, 999]])[0] / seconds
    # each record stands for the exponential over the step before it; rk4 errs by 3.6e-4 at this largest step
    area = np.array(record.Y_S[0, 200:1000]).sum() * STEP * np.expm1(decay) / decay
    assert area / seconds == pytest.approx(expected, rel=5e-4)


def test_transmitter_halts_at_its_floor_and_never_becomes_subnormal():
    record = simulate(SpikeTrains(1, np.array([0]), np.array([0.0])), 1, 25.0, record_every=0.5)
    assert float(record.Y_S[0, -1]) == pytest.approx(1e-27, rel=1e-6)


@settings(deadline=None, max_examples=30)
@given(rate=st.floats(0.5, 60), pattern=st.sampled_from(["regular", "poisson"]), seed=st.integers(0, 2**31 - 1))
def test_trains_keep_every_spike_on_its_own_grid_point(rate, pattern, seed):
    coarse, fine = (spike_trains(pattern, np.full(3, rate), 10.0, step, seed) for step in (0.005, 1e-6))
    slots = coarse.time / 0.005
    assert np.allclose(slots, np.round(slots))
    for cell in range(3):
        times, exact = coarse.time[coarse.cell == cell], fine.time[fine.cell == cell]
        assert np.all(np.diff(times) > 0.0049)
        assert 0 <= len(exact) - len(times) <= np.sum(exact > 9.9)  # the last ones may be pushed past the end
        moved = np.abs(times - exact[: len(times)])
        assert not len(moved) or np.median(moved) <= 0.0051 + (0.01 if pattern == "poisson" else 0)


def test_poisson_counts_have_the_mean_and_variance_of_their_rate():
    trains = spike_trains("poisson", np.full(4000, 8.0), 5.0, 0.005, seed=1)
    counts = np.bincount(trains.cell, minlength=4000)
    assert counts.mean() == pytest.approx(40, abs=4 * np.sqrt(40 / 4000))
    assert counts.var(ddof=1) == pytest.approx(40, abs=4 * 40 * np.sqrt(2 / 4000))


def test_unknown_pattern_lists_the_known_ones():
    with pytest.raises(ValueError, match="'bursting' is not known; use one of poisson, regular"):
        spike_trains("bursting", np.ones(1), 1.0, 0.01, 0)
