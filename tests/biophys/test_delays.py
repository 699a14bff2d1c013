"""Delays that adapt: arrivals against those of Brian2, the rule against recursion, mean and spread in closed form."""

import numpy as np
import pytest
from brian2 import Hz, Network, NeuronGroup, SpikeGeneratorGroup, StateMonitor, Synapses, defaultclock, ms, second
from scipy.integrate import quad

from biophys.delays import (
    DELAYED,
    ON_POST,
    ON_PRE,
    START,
    DelayParameters,
    learn_on_arrival,
    mean_shift,
    settled_spread,
    shift,
)
from biophys.ready_networks.delay_learning import NETWORK
from biophys.simulation.network import Point, simulate
from biophys.simulation.simulate import run

RULE = DelayParameters()
STEP = 1e-3
TAUGHT = {"stimulus.teacher": 1.0, "neuron.theta_0": 0.6, "neuron.theta_step": 0.0}
QUICK = {  # learns in 5 s: strong steps, little noise
    "rule.eta": 0.3,
    "stimulus.period": 90 * ms,
    "stimulus.jitter": 0.5 * ms,
    "stimulus.rate": 1 * Hz,
    "stimulus.spread": 6 * ms,
    "stimulus.learn_from": 0 * second,
    "stimulus.learn_until": 5 * second,
}


def delays_after(delays, spikes, targets, seconds, rule=RULE, *, record=False):
    """Delays (s) of synapses with inputs of their own, whose target fires in the steps `targets`; numpy target.

    delays: (inputs,) in s; spikes: (input, step) pairs. Returns delays, or potential (steps,) without decay if record.
    """
    cell, at = np.array(spikes).T
    fires = " or ".join(f"t_in_timesteps == {step}" for step in targets) or "v > inf"
    names = {**rule._asdict(), "weight": 1.0}

    def build():
        defaultclock.dt = STEP * second
        axon = SpikeGeneratorGroup(len(delays), cell, at * STEP * second)
        neuron = NeuronGroup(1, "v : 1\narriving : 1", threshold=fires, reset="", name="neuron")
        neuron.run_regularly("v += arriving", when="synapses")
        synapse = Synapses(
            axon, neuron, DELAYED + "plastic : 1", on_pre=ON_PRE, on_post=ON_POST, namespace=names, name="synapse"
        )
        synapse.connect()
        learn_on_arrival(synapse)
        for state, value in START.items():
            setattr(synapse, state, value)
        synapse.plastic, synapse.d = 1, delays * second
        return Network(axon, neuron, synapse, StateMonitor(neuron, "v", record=True, name="course"))

    def read(network):
        return np.array(network["course"].v[0] if record else network["synapse"].d / second)

    return run(build, read, seconds * second)


def test_spikes_arrive_when_those_of_brian2s_own_delays_do():
    """Also three at a time, in any order of arrival that fixed delays allow."""
    chance = np.random.default_rng(1)
    delays = chance.uniform(1, 12, 20) * STEP
    spikes = [(i, t) for i in range(20) for t in np.sort(chance.choice(np.arange(0, 170, 5), 25, replace=False))]
    found = delays_after(delays, spikes, [], 0.2, RULE._replace(eta=0.0), record=True)
    cell, at = np.array(spikes).T

    def build():
        axon = SpikeGeneratorGroup(20, cell, at * STEP * second)
        neuron = NeuronGroup(1, "v : 1")
        ordinary = Synapses(axon, neuron, on_pre="v_post += 1")
        ordinary.connect()
        ordinary.delay = delays * second
        return Network(axon, neuron, ordinary, StateMonitor(neuron, "v", record=True, name="course"))

    expected = run(build, lambda network: np.array(network["course"].v[0]), 0.2 * second)
    assert found[-1] == len(spikes)
    assert np.array_equal(found, expected)


def test_delays_of_regular_volleys_follow_the_recursion():
    """A target that fires 30 steps after each spike of the input, every 100 steps; pairs with neighbours count, too."""
    delays = np.array([2.0, 11.3, 25.6, 28.8, 29.5, 31.0, 37.4, 55.0]) * STEP
    volleys = 100 * np.arange(12)
    spikes = [(i, t) for t in volleys for i in range(len(delays))]
    found = delays_after(delays, spikes, volleys + 30, 1.2)
    for start, end in zip(delays, found, strict=True):
        d, arrival, target = start, -np.inf, -np.inf
        for now in volleys:
            due = now + np.floor(d / STEP + 0.5)
            for event in sorted([(now + 30, 0), (due, 1)]):
                arrival, target = (event[0], target) if event[1] else (arrival, event[0])
                x = (target - arrival - 1) * STEP if np.isfinite(target - arrival) else 0.0
                d += 0.1 * x * np.exp(-abs(x) / 0.01)
        assert end == pytest.approx(d, abs=1e-12)
        assert abs(end - 0.029) <= max(abs(start - 0.029), STEP / 2)


def test_a_pair_changes_the_delay_once_and_by_the_closed_form():
    """One spike, one of the target, at every distance, before, in and after the step of the arrival."""
    delays = np.arange(1, 60) * STEP
    found = delays_after(delays, [(i, 0) for i in range(59)], [25], 0.1)
    assert found == pytest.approx(np.clip(delays + shift(0.025 - delays - 0.001, RULE), STEP, 0.06), abs=1e-12)
    assert shift(0.01, RULE) == pytest.approx(0.1 * 0.01 / np.e)


def test_delays_stay_between_one_step_and_the_longest():
    fast = RULE._replace(eta=1.0, tau_w=1000 * ms, d_max=20 * ms)
    spikes = [(0, 0), (1, 60)]
    assert delays_after(np.array([0.005, 0.005]), spikes, [40], 0.1, fast) == pytest.approx([0.02, STEP])


@pytest.mark.parametrize("error", [-0.03, -0.004, 0.0, 0.001, 0.012])
@pytest.mark.parametrize("jitter", [0.001, 0.005])
def test_mean_shift_is_the_integral_over_the_jitter(error, jitter):
    def product(x):
        return float(shift(x, RULE)) * np.exp(-0.5 * ((x - error) / jitter) ** 2) / (jitter * np.sqrt(2 * np.pi))

    low, high = error - 10 * jitter, error + 10 * jitter
    expected = quad(product, low, high, points=[0.0] if low < 0 < high else None, epsabs=1e-15)[0]
    assert mean_shift(error, jitter, RULE) == pytest.approx(expected, rel=1e-7, abs=1e-12)


def test_jittered_volleys_drift_by_the_mean_in_closed_form():
    """3000 inputs, jitter 3 ms, one spike of the target; the grid adds a jitter of its own, 1/12 of a step squared."""
    chance, count = np.random.default_rng(2), 3000
    for error in (-0.006, 0.004):
        at = np.rint((0.05 + 0.003 * chance.standard_normal(count)) / STEP).astype(int)
        delays = np.full(count, 0.03)
        target = round((0.08 + 0.001 + error) / STEP)
        change = delays_after(delays, np.stack([np.arange(count), at], 1), [target], 0.15) - delays
        expected = mean_shift(error, np.sqrt(0.003**2 + STEP**2 / 12), RULE)
        assert abs(change.mean() - expected) < 4 * change.std() / np.sqrt(count)
        assert abs(change.mean()) > 20 * change.std() / np.sqrt(count)


def recovered(points, seconds, **options):
    """Errors (point, input) at the end, ms."""
    every = options.pop("every", seconds / 4)
    dataset = simulate(NETWORK, points, seconds=seconds, record=["delay", "planted"], every=every, **options)
    return (dataset.delay - dataset.planted).isel(time=-1).values


def test_planted_delays_come_back_within_one_step():
    """By the neuron's own spikes up to a constant, by those of a teacher as they are: 95 % of 80 and of 80 delays."""
    points = [Point(QUICK | mode, seed) for mode in ({}, TAUGHT) for seed in (0, 1)]
    error = recovered(points, 5.0, target="numpy")
    own = error[:2] - np.median(error[:2], axis=1, keepdims=True)
    assert (np.abs(own) <= 1).mean() >= 0.95
    assert (np.abs(error[2:]) <= 1).mean() >= 0.95


def test_without_learning_delays_stay_where_they_start():
    fixed = {**QUICK, "rule.eta": 0.0, "stimulus.spread": 0 * ms}
    dataset = simulate(NETWORK, [Point(fixed)], seconds=0.2, record=["delay", "planted"], target="numpy")
    assert np.all(dataset.delay == pytest.approx(30))  # base + length/2
    assert dataset.planted.min() >= 20 and dataset.planted.max() <= 40


@pytest.mark.slow
def test_defaults_recover_planted_delays_with_the_spread_of_the_theory():
    """10 patterns: at least 95 % of 400 delays within one step each way; the spread, taught, is that of the theory."""
    points = [Point(mode, seed) for mode in ({}, TAUGHT) for seed in range(10)]
    error = recovered(points, 38.0, every=0.5)
    centred = error - np.median(error, axis=1, keepdims=True)
    assert (np.abs(centred) <= 1).mean(axis=1).min() >= 0.95
    assert (np.abs(error[10:]) <= 1).mean() >= 0.95
    assert centred[10:].std() == pytest.approx(1e3 * settled_spread(0.001, 2.0, RULE), rel=0.15)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"rule.eta": 1.5}, "rule.eta=1.5 is no share; use one from 0 to 1"),
        ({"rule.d_max": 20 * ms}, "delays of up to 40 ms are planted or drawn; use rule.d_max of at least that"),
        ({"stimulus.spread": 35 * ms, "stimulus.base": 10 * ms}, "use at most stimulus.base"),
        ({"stimulus.jitter": -1 * ms}, "stimulus.jitter=-1 ms is negative; use 0 or more"),
        ({"stimulus.period": 0 * ms}, "stimulus.period=0 .* is not above 0; use more"),
    ],
)
def test_bad_input_gets_one_sentence(values, sentence):
    with pytest.raises(ValueError, match=sentence):
        simulate(NETWORK, [Point(values)], seconds=1.0)
