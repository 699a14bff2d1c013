"""The spiking attention circuit against closed forms: means, chance, what fluctuations add, and the 1/sqrt law."""

import numpy as np
import pytest
from brian2 import Hz, ms
from numpy.testing import assert_allclose, assert_array_equal

from biophys.circuits.attention_circuit import Layer, Stimulus, attend
from biophys.circuits.process_calcium import FittedCalcium
from biophys.circuits.rate_circuit import RateNeurons
from biophys.circuits.spiking_circuit import SpikingNeurons, counting_error, settling_error

INPUTS, HEADS, HIDDEN, OUTPUTS = 5, 2, 3, 4
LINEAR = FittedCalcium()
HILL = FittedCalcium(0.47, 0.66 / 0.25**1.01, 1.01, 1 / 0.25)
STEADY = FittedCalcium(rho_0=1.0, rho_1=0.0)  # calcium 1, whatever the activity


def layer(seed=0, hidden=HIDDEN):
    draw = np.random.default_rng(seed)
    return Layer(*(draw.standard_normal((INPUTS, HEADS, cells)) for cells in (hidden, hidden, OUTPUTS)))


def stimulus(tokens, hidden=HIDDEN, drive=1.0):
    draw = np.random.default_rng(tokens)
    return Stimulus(draw.standard_normal((tokens, INPUTS)), drive * draw.random((tokens, HEADS, hidden)))


def without_keys(hidden=HIDDEN):
    """Hidden neurons that hear nothing: their activity is phi(0) = 1."""
    return layer(hidden=hidden)._replace(key=np.zeros((INPUTS, HEADS, hidden)), query=np.zeros((INPUTS, HEADS, hidden)))


def deviations(samples, mean):
    """How many standard errors the mean over the first axis is off."""
    return (np.mean(samples, axis=0) - mean) / (np.std(samples, axis=0, ddof=1) / np.sqrt(len(samples)))


def test_stored_activity_has_the_mean_and_the_variance_of_poisson_counts():
    neurons = SpikingNeurons(R=50 * Hz, dt=20 * ms)  # 25 spikes in a window
    found = attend(without_keys(), [stimulus(3, drive=0.0)] * 200, neurons, LINEAR, seed=1)
    samples = found.activity.reshape(-1)
    assert samples.mean() == pytest.approx(1, abs=4 / np.sqrt(len(samples) * 75))
    assert samples.var() * 75 == pytest.approx(1, abs=4 * np.sqrt(2 / len(samples)))


def test_weights_have_the_mean_of_the_closed_form_with_its_transients():
    """Signed values too. 64 circuits; 24 means a test."""
    T, q, steps = 200, np.exp(-0.2), 10
    shown, neurons = stimulus(3, drive=0.0), SpikingNeurons(T=T * ms, R=400 * Hz, dt=20 * ms)
    cells = without_keys()
    found = attend(cells, [shown] * 64, neurons, LINEAR, seed=2)
    late = q ** np.arange(steps // 2, steps)
    potential, weight = np.zeros((HEADS, OUTPUTS)), np.zeros((HEADS, OUTPUTS))
    for value in np.einsum("ti,ihj->thj", shown.tokens, cells.value):
        weight += (value + (potential - value) * late.mean()) / HIDDEN
        potential = value + (potential - value) * q**steps
    assert np.abs(deviations(found.weight, weight[:, None])).max() < 4.5
    assert np.abs(found.weight.mean(0)).min() > 0.01 and (found.weight.mean(0) < 0).any()


def test_fluctuating_inhibition_raises_the_mean_activity_as_campbell_says():
    """By 13 % here, with half a spike in a time constant; by nothing at high rates."""
    strengths = np.broadcast_to(np.array([0.3, -0.3, 0.2, -0.1, 0.1])[:, None, None], (INPUTS, HEADS, HIDDEN))
    shown = Stimulus(-np.sign(strengths[:, 0, 0])[None], np.zeros((1, HEADS, HIDDEN)))  # all of them inhibit
    rate, dt, q = 5, 0.02, np.exp(-0.2)
    kernel = np.expm1(0.2) / (rate * dt) * q ** np.arange(1, 200)
    expected = np.exp(rate * dt * np.sum(np.expm1(-np.abs(strengths[:, 0, :1]) * kernel)))
    assert expected / np.exp(-1) == pytest.approx(1.13, abs=0.02)
    neurons = SpikingNeurons(T=2000 * ms, R=rate * Hz, dt=20 * ms)
    samples = attend(layer()._replace(key=strengths), [shown] * 1000, neurons, LINEAR, seed=3).activity.mean((1, 2))
    assert abs(deviations(samples, expected)) < 4
    assert deviations(samples, np.exp(-1)) > 4  # the shift is seen


def test_the_answer_has_the_mean_of_its_potential_and_the_error_of_its_count():
    """One hidden neuron a head, so that its spikes cancel in P times the current: the potential is known exactly."""
    shown, neurons = stimulus(3, hidden=1, drive=0.0), SpikingNeurons(R=100 * Hz, dt=20 * ms)
    found = attend(without_keys(hidden=1), [shown] * 64, neurons, STEADY, seed=4)
    potential = found.weight[:, None, :, 0] / 3  # m = 1, three tokens, calcium 1
    standard = (np.array(found.outputs) - potential) / counting_error(potential, 100 * 0.5)
    assert abs(standard.mean()) < 4 / np.sqrt(standard.size)
    assert standard.var() == pytest.approx(1, abs=4 * np.sqrt(2.2 / standard.size))


def test_the_mean_over_many_circuits_is_what_the_rate_circuit_gives():
    shown, neurons = stimulus(3), SpikingNeurons(T=1500 * ms, R=1600 * Hz, dt=20 * ms)
    (expected,) = attend(layer(), [shown], RateNeurons(T=300 * ms, dt=10 * ms), HILL).outputs
    found = attend(layer(), [shown] * 64, neurons, HILL, seed=5).outputs
    off = deviations(np.array(found), expected)
    assert np.abs(off).max() < 5 and np.mean(off**2) < 2  # 24 means; in the root mean square 1
    precision = np.std(found, axis=0).max() / 8 / np.abs(expected).max()
    assert precision < 0.01  # so much would be seen


@pytest.mark.slow
def test_the_error_falls_as_one_over_the_root_of_rate_times_presentation():
    cells, shown, errors = layer(), stimulus(3), {}
    (expected,) = attend(cells, [shown], RateNeurons(T=300 * ms, dt=10 * ms), HILL).outputs
    for rate, T in ((200, 1000), (3200, 1000), (200, 2000), (800, 2000)):
        outputs = attend(cells, [shown] * 16, SpikingNeurons(T=T * ms, R=rate * Hz, dt=25 * ms), HILL, seed=6).outputs
        squares = np.square(np.array(outputs) - expected).mean((1, 2, 3)) / np.square(expected).mean()
        errors[rate * T] = errors.get(rate * T, []) + list(squares)
    spikes = np.array(list(errors))
    root = np.array([np.sqrt(np.mean(each)) for each in errors.values()])
    relative = np.array([np.std(each) / np.mean(each) / np.sqrt(len(each)) / 2 for each in errors.values()])
    assert relative.max() < 0.15  # standard errors of the root mean squares
    (slope, _), covariance = np.polyfit(np.log(spikes), np.log(root), 1, w=1 / relative, cov="unscaled")
    assert np.sqrt(covariance[0, 0]) < 0.06
    assert slope == pytest.approx(-0.5, abs=3 * np.sqrt(covariance[0, 0]))


@pytest.mark.slow
def test_without_chance_the_error_decays_as_the_settling_law_of_counted_answers():
    """Of small steps, to which phi answers in proportion; chance makes an error of about 1e-4 here."""
    cells, shown, ratio = Layer(*(strengths / 8 for strengths in layer())), stimulus(4, drive=0.1), []
    (expected,) = attend(cells, [shown], RateNeurons(T=300 * ms, dt=10 * ms), HILL).outputs
    for T in (600, 800, 1000):
        neurons = SpikingNeurons(T=T * ms, R=1e8 * Hz, dt=20 * ms)
        (found,) = attend(cells, [shown], neurons, HILL).outputs
        ratio.append(np.abs(found - expected).max() / np.abs(expected).max() / settling_error(neurons))
    assert max(ratio) / min(ratio) < 1.2


@pytest.mark.slow
def test_chance_does_not_depend_on_the_step():
    """Root mean squares over 32 circuits, each known to about 5 %."""
    cells, shown = layer(), stimulus(2)
    (expected,) = attend(cells, [shown], RateNeurons(T=300 * ms, dt=10 * ms), HILL).outputs
    root, relative = [], []
    for dt in (10, 25):
        outputs = attend(cells, [shown] * 32, SpikingNeurons(dt=dt * ms), HILL, seed=9).outputs
        squares = np.square(np.array(outputs) - expected).mean((1, 2, 3))
        root.append(np.sqrt(squares.mean()))
        relative.append(squares.std() / squares.mean() / np.sqrt(32) / 2)
    assert max(relative) < 0.1
    assert root[0] / root[1] == pytest.approx(1, abs=3 * np.hypot(*relative))


def test_the_same_seed_gives_the_same_and_another_seed_other_spikes():
    neurons = SpikingNeurons(T=200 * ms, dt=20 * ms)
    one, again, other = (attend(layer(), [stimulus(2)], neurons, HILL, seed=seed) for seed in (7, 7, 8))
    assert_array_equal(one.outputs, again.outputs)
    assert_array_equal(one.weight, again.weight)
    assert one.synapse_steps == again.synapse_steps
    assert np.abs(one.outputs[0] - other.outputs[0]).max() > 1e-3


def test_synapse_steps_are_those_of_neurons_that_fired():
    """At such a rate every population fires in every step."""
    neurons, steps = SpikingNeurons(T=200 * ms, R=1e5 * Hz, dt=20 * ms), 10
    found = attend(layer(), [stimulus(2)] * 3, neurons, HILL)
    key_and_query, value, plastic = INPUTS * HEADS * HIDDEN, INPUTS * HEADS * OUTPUTS, HEADS * HIDDEN * OUTPUTS
    writing, reading = key_and_query + value + plastic, key_and_query + plastic + HEADS * HIDDEN
    assert_allclose(found.synapse_steps, 3 * 2 * steps * (writing + reading), rtol=0.02)


@pytest.mark.parametrize("rate", [0.0, -5.0, np.nan])
def test_rates_that_carry_nothing_are_refused(rate):
    with pytest.raises(ValueError, match="Hz carries no activity; use one above 0"):
        attend(layer(), [stimulus(2)], SpikingNeurons(R=rate * Hz), LINEAR)


def test_presentation_between_steps_is_refused():
    with pytest.raises(ValueError, match="presentation=1.002 second is no multiple of the step 25 ms; use 1 second"):
        attend(layer(), [stimulus(2)], SpikingNeurons(T=1002 * ms), LINEAR)
