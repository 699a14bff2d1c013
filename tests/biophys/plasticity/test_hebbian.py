"""The attention circuit in rate form against matrix sums, closed forms and SciPy."""

import numpy as np
import pytest
from brian2 import second
from scipy.integrate import solve_ivp

from biophys.ready_networks.hebbian import NETWORK, positive_activity
from biophys.simulation.network import Point, simulate

HIDDEN, OUTPUTS, TOKENS, REST, QUERIES, T = 8, 4, 16, 20, 8, 0.25


@pytest.fixture(scope="module")
def dataset():
    """One copy a setting: as published, forgetting, linear in the sum, in the project's form on the mean."""
    fast = {"presynaptic.tau_z": 0.1 * second}
    points = [
        Point({**fast}, seed=1),
        Point({**fast, "hebbian.Omega_H": 0.3 / second, "presynaptic.Omega_g": 0.2 / second}, seed=1),
        Point({**fast, "presynaptic.alpha": 1.0}, seed=2),
        Point(
            {
                **fast,
                "presynaptic.g_1": float(TOKENS),
                "presynaptic.rho_0": 0.4,
                "presynaptic.rho_1": 1.5,
                "presynaptic.alpha": 2.0,
                "presynaptic.inverse_K": 0.8,
            },
            seed=3,
        ),
    ]
    return simulate(NETWORK, points, seconds=11.5, step=0.01, every=0.05, record=list(NETWORK.records), target="numpy")


def drawn(seed):
    """Keys (tokens, m) and queries as activities, values (tokens, d)."""
    sizes = {"keys": (TOKENS, HIDDEN), "queries": (QUERIES, HIDDEN), "values": (TOKENS, OUTPUTS)}
    keys, queries, values = (
        np.random.default_rng([seed, *name.encode()]).standard_normal(size) for name, size in sizes.items()
    )
    return positive_activity(keys), positive_activity(queries), values


def during(array, first, count):
    """Values in the middle of `count` presentations from number `first` on, (cells, count)."""
    return array.sel(time=(first + np.arange(count) + 0.5) * T, method="nearest").values


def at_ends(array):
    """Values when each token has just been presented, (cells, tokens)."""
    return array.sel(time=np.arange(1, TOKENS + 1) * T, method="nearest").values


def test_activities_are_the_drawn_tokens_then_silence_then_queries(dataset):
    keys, queries, values = drawn(1)
    assert np.array_equal(during(dataset.hidden_activity[0], 0, TOKENS), keys.T)
    assert np.array_equal(during(dataset.output_activity[0], 0, TOKENS), values.T)
    assert not during(dataset.hidden_activity[0], TOKENS, REST).any()
    assert np.array_equal(during(dataset.hidden_activity[0], TOKENS + REST, QUERIES), queries.T)
    assert not dataset.output_activity.sel(time=slice(TOKENS * T + 1e-6, None)).any()


def test_positive_activity_is_elu_plus_one():
    assert positive_activity(np.array([-800.0, -1.0, 0.0, 2.0])) == pytest.approx([0, np.exp(-1), 1, 3])


def test_weights_are_the_sum_of_outer_products_after_every_token(dataset):
    keys, _, values = drawn(1)
    expected = np.cumsum(keys[:, :, None] * values[:, None, :], axis=0) / HIDDEN  # Eq. 9
    found = at_ends(dataset.weight[0]).T.reshape(TOKENS, HIDDEN, OUTPUTS)
    assert np.abs(found - expected).max() < 1e-12 * np.abs(expected).max()
    assert np.array_equal(dataset.weight[0, :, -1], dataset.weight[0].sel(time=TOKENS * T, method="nearest"))


def test_the_store_is_the_sum_of_activities(dataset):
    expected = np.cumsum(drawn(1)[0], axis=0).T  # Eq. 13
    assert np.abs(at_ends(dataset.stored_activity[0]) - expected).max() < 1e-12 * expected.max()


def test_forgetting_discounts_older_tokens(dataset):
    """A token presented for T leaves (1 - e)/(Omega T) of its product, then e = exp(-Omega T) of all that was there."""
    keys, _, values = drawn(1)
    for found, increments, rate in (
        (at_ends(dataset.weight[1]), (keys[:, :, None] * values[:, None, :]).reshape(TOKENS, -1) / HIDDEN, 0.3),
        (at_ends(dataset.stored_activity[1]), keys, 0.2),
    ):
        kept, expected = np.exp(-rate * T), np.zeros_like(increments[0])
        for token in range(TOKENS):
            expected = kept * expected + increments[token] * (1 - kept) / (rate * T)
            assert np.abs(found[:, token] - expected).max() < 1e-9 * np.abs(expected).max()


def test_store_messenger_and_calcium_agree_with_scipy(dataset):
    keys = drawn(3)[0]
    times = dataset.time.values
    expected, state = np.zeros((2 * HIDDEN, len(times))), np.zeros(2 * HIDDEN)
    for row in range(TOKENS + REST + QUERIES + 2):
        h = keys[row] if row < TOKENS else 0.0
        slope = lambda _, y, h=h: np.concatenate([h / T + 0 * y[:HIDDEN], (y[:HIDDEN] - y[HIDDEN:]) / 0.1])  # noqa: E731
        inside = (times > row * T - 1e-9) & (times < (row + 1) * T - 1e-9)
        solved = solve_ivp(slope, (row * T, (row + 1) * T), state, "DOP853", dense_output=True, rtol=1e-12, atol=1e-14)
        expected[:, inside] = solved.sol(times[inside])
        state = solved.y[:, -1]
    messenger = expected[HIDDEN:]
    assert np.abs(dataset.stored_activity[3] - expected[:HIDDEN]).max() < 1e-11
    assert np.abs(dataset.messenger[3] - messenger).max() < 1e-6 * messenger.max()
    x = messenger / TOKENS
    calcium = TOKENS * (0.4 + 1.5 * x**2 / (1 + (0.8 * x) ** 2))
    assert np.abs(dataset.calcium[3] - calcium).max() < 1e-6 * calcium.max()


def attention(seed, response):
    """Read-out for each query, (d, queries), and the astrocyte's scaling; Eqs. 15-18 with 1/m in both sums."""
    keys, queries, values = drawn(seed)
    called = queries @ response(keys.sum(axis=0)) / HIDDEN
    return (queries @ (keys.T @ values / HIDDEN) / called[:, None]).T, 1 / called


def test_reading_is_attention_with_the_astrocyte_as_normaliser(dataset):
    def hill(g):
        return TOKENS * (0.4 + 1.5 / 0.64 * (g / TOKENS) ** 2 / (1 / 0.64 + (g / TOKENS) ** 2))

    for point, seed, response in ((0, 1, lambda g: g**0.25), (2, 2, lambda g: g), (3, 3, hill)):
        expected, scaling = attention(seed, response)
        found = during(dataset.recalled[point], TOKENS + REST, QUERIES)
        assert np.abs(found - expected).max() < 1e-9 * np.abs(expected).max()
        assert during(dataset.scaling[point], TOKENS + REST, QUERIES)[0] == pytest.approx(scaling, rel=1e-9)


def test_linear_response_weighs_values_by_their_keys_and_the_weights_sum_to_one(dataset):
    keys, queries, values = drawn(2)
    weights = queries @ keys.T
    expected = (weights / weights.sum(axis=1, keepdims=True)) @ values
    assert during(dataset.recalled[2], TOKENS + REST, QUERIES).T == pytest.approx(expected, rel=1e-9)


def test_synapses_are_scaled_only_while_reading(dataset):
    before = dataset.scaling.sel(time=slice(0, (TOKENS + REST) * T - 1e-6))
    after = dataset.scaling.sel(time=slice((TOKENS + REST + QUERIES) * T - 1e-6, None))
    assert not before.any() and not after.any()


def test_calcium_settles_on_the_law_of_the_input_rate():
    """A leaky store under a constant rate h: g = h/(T Omega), c = rho(g)."""
    laws = ((0.25, 0.0), (0.7, 2.0), (2.0, 0.3))
    leaky = {
        "presynaptic.Omega_g": 0.5 / second,
        "presynaptic.rho_0": 0.1,
        "presynaptic.rho_1": 2.0,
        "stimulus.tokens": 1,
        "stimulus.T": 70 * second,
    }
    points = [Point({**leaky, "presynaptic.alpha": alpha, "presynaptic.inverse_K": inverse}) for alpha, inverse in laws]
    names = ["hidden_activity", "calcium", "messenger"]
    last = simulate(NETWORK, points, seconds=70, step=0.05, every=0.05, record=names, target="numpy").isel(time=-1)
    g = last.hidden_activity.values / (70 * 0.5)
    assert last.messenger.values == pytest.approx(g, rel=1e-9)
    for found, store, (alpha, inverse) in zip(last.calcium.values, g, laws, strict=True):
        assert found == pytest.approx(0.1 + 2 * store**alpha / (1 + (inverse * store) ** alpha), rel=1e-9)


def test_bad_input_gets_one_sentence():
    with pytest.raises(
        ValueError, match="stimulus.T=0.255 second is no multiple of the step 10 ms; use 0.26 second or"
    ):
        simulate(NETWORK, [Point({"stimulus.T": 0.255 * second})])
    with pytest.raises(ValueError, match="step 0.1 s is too large for these parameters"):
        simulate(NETWORK, [Point({"presynaptic.tau_z": 0.01 * second})], step=0.1, every=0.1)
