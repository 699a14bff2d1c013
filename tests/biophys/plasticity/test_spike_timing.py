"""Pair-based plasticity against the closed form of the window, of pair trains, and a sum over all pairs of spikes."""

import numpy as np
import pytest
from brian2 import Hz, Network, SpikeGeneratorGroup, Synapses, ms, second

from biophys.plasticity.spike_timing import (
    ON_POST,
    ON_PRE,
    SPIKE_TIMING,
    SpikeTimingParameters,
    pair_change,
    pair_train_change,
    weights_before_marks,
)
from biophys.ready_networks.spike_timing import NETWORK
from biophys.simulation.network import Point, simulate
from biophys.simulation.simulate import run

DEFAULT = SpikeTimingParameters()
ASYMMETRIC = {
    "plasticity.A_plus": 0.007,
    "plasticity.A_minus": 0.003,
    "plasticity.tau_plus": 16.8 * ms,
    "plasticity.tau_minus": 33.7 * ms,
}
SEVEN = {"stimulus.synapses": 7, "stimulus.spacing": 6 * ms}  # lags -18 .. 18 ms, 0 among them


def changes(*values, seconds, step=0.002, **options):
    dataset = simulate(
        NETWORK, [Point(value) for value in values], seconds=seconds, step=step, every=step, target="numpy", **options
    )
    return (dataset.weight.isel(time=-1) - dataset.weight.isel(time=0)).values


def test_a_single_pair_gives_the_window():
    pair = {**SEVEN, "stimulus.pairs": 1}
    found = changes(pair, {**pair, **ASYMMETRIC}, seconds=0.03)
    d = np.arange(3, 0, -1) * 6e-3
    # written out, apart from biophys.plasticity.spike_timing
    symmetric = [*-0.00525 * np.exp(-d / 0.02), 0, *0.005 * np.exp(-d[::-1] / 0.02)]
    skewed = [*-0.003 * np.exp(-d / 0.0337), 0, *0.007 * np.exp(-d[::-1] / 0.0168)]
    assert found == pytest.approx(np.array([symmetric, skewed]), rel=1e-9, abs=1e-15)
    lag = np.arange(-3, 4) * 6e-3
    assert pair_change(lag, DEFAULT) == pytest.approx(symmetric, rel=1e-12)


def test_trains_of_pairs_give_the_sum_of_a_geometric_series():
    """sum_k (n - k) q^k over k = 0 .. n-1 is (n - (n + 1) q + q^(n+1)) / (1 - q)^2."""
    pairs, rates = 20, np.array([10.0, 20.0, 25.0])
    values = [{**SEVEN, "stimulus.pairs": pairs, "stimulus.rate": rate * Hz} for rate in rates]
    found = changes(*values, seconds=1.95)
    q = np.exp(-1 / rates / 0.02)
    shifted = (pairs - (pairs + 1) * q + q ** (pairs + 1)) / (1 - q) ** 2
    d = np.arange(1, 4)[:, None] * 6e-3
    near, far = np.exp(-d / 0.02), np.exp(d / 0.02)  # partners k periods later and earlier
    causal = 0.005 * near * shifted - 0.00525 * far * (shifted - pairs)
    reverse = -0.00525 * near * shifted + 0.005 * far * (shifted - pairs)
    together = (0.005 - 0.00525) * (shifted - pairs)
    expected = np.vstack([reverse[::-1], together, causal]).T
    assert found == pytest.approx(expected, rel=1e-9)
    lag = np.arange(-3, 4) * 6e-3
    assert pair_train_change(lag, pairs, 1 / rates[:, None], DEFAULT) == pytest.approx(expected, rel=1e-12)


def test_any_two_trains_give_the_sum_over_all_pairs_of_spikes():
    chance = np.random.default_rng(3)
    times = [np.sort(chance.choice(2000, 60, replace=False)) * 1e-3 for _ in range(2)]

    def build():
        pre, post = (
            SpikeGeneratorGroup(1, np.zeros(60, int), time * second, dt=1 * ms, name=name)
            for time, name in zip(times, ("pre", "post"), strict=True)
        )
        small = DEFAULT._replace(A_plus=0.001, A_minus=0.0008, tau_minus=35 * ms)
        synapse = Synapses(
            pre,
            post,
            SPIKE_TIMING,
            on_pre=ON_PRE,
            on_post=ON_POST,
            namespace=small._asdict(),
            dt=1 * ms,
            name="synapse",
        )
        synapse.connect()
        weights_before_marks(synapse)
        synapse.w = 0.5
        return Network(pre, post, synapse)

    found = run(build, lambda network: network["synapse"].w[0], 2.001 * second) - 0.5
    expected = 0.0
    for before in times[0]:
        for after in times[1]:
            if round(1e3 * after) != round(1e3 * before):
                lag = after - before
                expected += 0.001 * np.exp(-lag / 0.02) if lag > 0 else -0.0008 * np.exp(lag / 0.035)
    assert len(set(times[0]) & set(times[1])) > 0  # spikes at the same time are among them
    assert found == pytest.approx(expected, rel=1e-9)


def test_a_swept_lag_is_a_synapse_of_the_list():
    alone = {"stimulus.synapses": 1, "stimulus.pairs": 3}
    swept = changes(*({**alone, "stimulus.lag": lag * 6 * ms} for lag in range(-3, 4)), seconds=0.45)
    assert swept[:, 0] == pytest.approx(changes({**SEVEN, "stimulus.pairs": 3}, seconds=0.45)[0], rel=1e-12)


def test_soft_bounds_let_the_room_left_shrink_by_the_same_share():
    """Pairs far apart, mu = 1: 1 - w or w shrinks by (1 - change) with each of them."""
    asked = {**SEVEN, "stimulus.rate": 2 * Hz, "plasticity.mu": 1.0, "plasticity.A_plus": 0.2}
    found = 0.5 + changes(asked, {**asked, "stimulus.w_0": 0.9}, seconds=2.1, step=0.003)
    share = np.abs(pair_change(np.arange(-3, 4) * 6e-3, DEFAULT._replace(A_plus=0.2)))
    expected = np.array([[start * (1 - share[:3]) ** 5 for start in (0.5, 0.9)]])[0]
    assert found[0, :3] == pytest.approx(expected[0], rel=1e-9)
    assert found[1, :3] + 0.4 == pytest.approx(expected[1], rel=1e-9)
    assert found[0, 4:] == pytest.approx(1 - 0.5 * (1 - share[4:]) ** 5, rel=1e-9)


def test_hard_bounds_hold():
    asked = {**SEVEN, "plasticity.A_plus": 0.4, "plasticity.A_minus": 0.4}
    found = 0.5 + changes(asked, seconds=0.9)[0]
    assert np.array_equal(found, [0, 0, 0, 0.5, 1, 1, 1])


def test_recorded_traces_are_sums_of_exponentials():
    dataset = simulate(
        NETWORK,
        [Point({**SEVEN, "stimulus.pairs": 3, "stimulus.rate": 20 * Hz})],
        seconds=0.2,
        step=0.002,
        every=0.002,
        record=["presynaptic_trace", "postsynaptic_trace", "presynaptic_spikes", "postsynaptic_spikes"],
    ).isel(point=0)
    for side, lifetime in (("presynaptic", 0.02), ("postsynaptic", 0.02)):
        since = dataset.time - dataset[f"{side}_spikes"]
        # records are taken at the start of a step, before its spikes
        expected = np.exp(-since.where(since > 1e-9, np.inf) / lifetime).sum("event")
        found = dataset[f"{side}_trace"]
        assert np.abs(found - expected.transpose(*found.dims)).max() < 1e-12


@pytest.mark.parametrize(
    ("values", "options", "sentence"),
    [
        ({"stimulus.lag": 1 * ms}, {}, "is no multiple of the step 2 ms; use .* or another step"),
        ({"stimulus.pairs": 9}, {}, "1 s end before the last pair at 1.618 s; simulate longer or fewer pairs"),
        ({"stimulus.rate": 0 * Hz}, {}, "stimulus.rate=0 1/second is not above 0; use more"),
        ({"stimulus.rate": 400 * Hz}, {}, "step 0.002 s is too large"),
        ({"stimulus.w_0": 1.5}, {}, "stimulus.w_0=1.5 is no share; use one from 0 to 1"),
        ({"stimulus.synapses": 0}, {}, "stimulus.synapses=0 builds no network; use at least 1"),
    ],
)
def test_bad_input_gets_one_sentence(values, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        simulate(NETWORK, [Point({**SEVEN, **values})], step=0.002, every=0.002, **options)
