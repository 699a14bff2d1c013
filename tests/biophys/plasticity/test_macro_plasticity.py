"""The macro model of plasticity against closed forms and SciPy, and its order of convergence."""

import numpy as np
import pytest
import xarray as xr
from brian2 import second
from scipy.integrate import quad, solve_ivp

from biophys.plasticity.macro_plasticity import levels_at_cycle_ends
from biophys.ready_networks.retention import NETWORK
from biophys.simulation.network import Point, simulate

STATES = ("strength", "short_term", "long_term")
SEED = 1


def activity_products(seed, mean=1.0, spread=0.5):
    """theta(x_i) theta(x_j) of the nine synapses."""
    x = mean * (1 + spread * np.random.default_rng([seed, *b"activity"]).uniform(-1, 1, 6))
    return np.outer(np.tanh(x[:3]), np.tanh(x[3:])).ravel()


def scipy_states(times, theta, cycle, active, coupling=0.3):
    """(3, 9, times) by DOP853, started anew at every switch."""
    row, column = np.divmod(np.arange(9), 3)
    distance = np.hypot(row[:, None] - row, column[:, None] - column)
    tensor = coupling * np.exp(-distance) * (distance > 0)

    def slope(_, y, on):
        s, short, long = y.reshape(3, 9)
        psi, kappa = 0.3 * np.tanh(short), np.tanh(s)
        return np.concatenate([(-s + on * theta + psi) / 0.5, (-short + tensor @ psi + kappa) / 2, (kappa - long) / 60])

    states, y, start = np.zeros((27, len(times))), np.zeros(27), 0.0
    while start <= times[-1] + 1e-9:
        for begin, end, on in ((start, start + active, 1.0), (start + active, start + cycle, 0.0)):
            inside = (times > begin - 1e-9) & (times < end - 1e-9)
            solved = solve_ivp(slope, (begin, end), y, "DOP853", dense_output=True, rtol=1e-12, atol=1e-14, args=(on,))
            states[:, inside], y = solved.sol(times[inside]), solved.y[:, -1]
        start += cycle
    return states.reshape(3, 9, -1)


def errors(dataset, expected):
    """Worst error of each state, relative to its largest value."""
    found = np.stack([dataset[name].values[0] for name in STATES])
    return np.abs(found - expected).max(axis=(1, 2)) / np.abs(expected).max(axis=(1, 2))


def test_three_cycles_agree_with_scipy_at_the_default_step():
    dataset = simulate(NETWORK, [Point({}, SEED)], seconds=60.0, every=0.1, target="numpy")
    assert dataset.attrs["step"] == 0.02
    expected = scipy_states(dataset.time.values, activity_products(SEED), 20.0, 10.0)
    assert errors(dataset, expected).max() < 5e-8


def test_the_coupling_is_of_fourth_order():
    short = {"stimulus.cycle": 8 * second, "stimulus.active": 4 * second}
    found = []
    for step in (0.2, 0.1):
        dataset = simulate(NETWORK, [Point(short, SEED)], seconds=16.0, step=step, every=0.2, target="numpy")
        expected = scipy_states(dataset.time.values, activity_products(SEED), 8.0, 4.0)
        found.append(errors(dataset, expected))
    order = np.log2(found[0] / found[1])
    assert np.all((order > 3.7) & (order < 4.5))
    # what a sum held over the step would be worth: without coupling the states differ by much more than the errors
    uncoupled = scipy_states(dataset.time.values, activity_products(SEED), 8.0, 4.0, coupling=0.0)
    assert errors(dataset, uncoupled)[1] > 0.1


@pytest.fixture(scope="module")
def independent():
    """Strength that no process acts back on; cycles of other lengths and other decays as other copies."""
    alone = {"macro.psi_0": 0.0}
    points = [
        Point(alone, SEED),
        Point({**alone, "stimulus.cycle": 30 * second, "macro.gamma_l": 2.0}, SEED),
        Point({**alone, "macro.beta": 2.0, "macro.kappa_0": 0.5}, SEED + 1),
    ]
    return simulate(NETWORK, points, seconds=60.1, target="numpy")


def increment(theta, cycle, beta, gamma, kappa):
    """What one cycle adds to p_l, by quadrature over the closed form of s."""

    def drive(t):
        rise = theta / beta * (1 - np.exp(-beta * min(t, 10) / 0.5))
        return kappa * np.tanh(rise * np.exp(-beta * max(t - 10, 0) / 0.5)) * np.exp(-gamma * (cycle - t) / 60) / 60

    return sum(quad(drive, *span, epsabs=1e-13, epsrel=1e-12)[0] for span in ((0, 3), (3, 10), (10, 13), (13, cycle)))


def test_the_long_term_process_climbs_to_its_limit_in_a_geometric_series(independent):
    """p_l after n cycles is D (1 - q^n)/(1 - q), q = exp(-gamma_l cycle/tau_p_l), D what one cycle adds."""
    cases = ((20.0, 1.0, 1.0, 1.0, SEED), (30.0, 1.0, 2.0, 1.0, SEED), (20.0, 2.0, 1.0, 0.5, SEED + 1))
    for point, (cycle, beta, gamma, kappa, seed) in enumerate(cases):
        levels = levels_at_cycle_ends(independent.long_term[point], cycle)
        q, n = np.exp(-gamma * cycle / 60), levels.cycle.values
        gained = [increment(theta, cycle, beta, gamma, kappa) for theta in activity_products(seed)]
        expected = np.outer(gained, (1 - q**n) / (1 - q))
        assert levels.values == pytest.approx(expected, rel=1e-7)


def test_a_process_alone_decays_with_its_lifetime(independent):
    """In silence p_l decays with tau_p_l/gamma_l once strength is gone."""
    late = independent.long_term[1].sel(time=[20, 29.9], method="nearest").values
    assert late[:, 1] / late[:, 0] == pytest.approx(np.exp(-2 * 9.9 / 60), rel=1e-7)


def test_increments_shrink_and_synapses_alike_stay_alike():
    dataset = simulate(NETWORK, [Point({"stimulus.spread": 0.0})], step=0.05, target="numpy").isel(point=0)
    levels = levels_at_cycle_ends(dataset.long_term, 20.0)
    assert list(levels.cycle.values) == list(range(7))
    gains = levels.diff("cycle")
    assert np.all(gains > 0) and np.all(gains.diff("cycle") < 0)
    corner, edge, centre = [0, 2, 6, 8], [1, 3, 5, 7], [4]
    for group in (corner, edge):
        assert np.ptp(dataset.short_term.values[group], axis=0).max() < 1e-12
    # more neighbours, more short-term process
    means = [float(dataset.short_term.isel(synapse=group).mean()) for group in (corner, edge, centre)]
    assert means == sorted(means) and means[0] < 0.97 * means[2]


def test_levels_are_read_at_the_ends_of_cycles():
    time = np.arange(0, 6.6, 0.5)
    array = xr.DataArray(time[None] ** 2, {"time": time}, ["synapse", "time"])
    levels = levels_at_cycle_ends(array, 1.5)
    assert levels.dims == ("synapse", "cycle")
    assert list(levels.cycle.values) == [0, 1, 2, 3, 4]
    assert levels.values[0] == pytest.approx([0, 2.25, 9, 20.25, 36])
    for cycle in (0.75, 7.0):
        with pytest.raises(ValueError, match=f"no record at the ends of all cycles of {cycle:g} s; simulate longer"):
            levels_at_cycle_ends(array, cycle)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"stimulus.active": 25 * second}, "stimulus.active=25 second is no part of a cycle of 20 s; use a time above"),
        ({"stimulus.active": 0 * second}, "stimulus.active=0 second is no part of a cycle"),
        ({"stimulus.cycle": 20.01 * second}, "stimulus.cycle=20.01 second is no multiple of the step 20 ms; use"),
        ({"macro.tau_s": 0.02 * second}, "step 0.02 s is too large .* use --step 0.01 or less"),
    ],
)
def test_bad_input_gets_one_sentence(values, sentence):
    with pytest.raises(ValueError, match=sentence):
        simulate(NETWORK, [Point(values)])
