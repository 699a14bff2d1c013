"""The attention circuit against the closed forms of its steady state and of its transients."""

import numpy as np
import pytest
from brian2 import Hz, ms, second, umolar
from scipy.integrate import solve_ivp

from biophys.astrocyte import STIMBERG_EXAMPLE_2
from biophys.calcium.models import chi
from biophys.circuits.attention_circuit import Layer, Stimulus, attend, settling_error, settling_time
from biophys.circuits.process_astrocyte import AstrocyteCalcium
from biophys.circuits.process_calcium import FittedCalcium
from biophys.circuits.rate_circuit import RateNeurons
from biophys.circuits.spiking_circuit import SpikingNeurons

INPUTS, HEADS, HIDDEN, OUTPUTS = 5, 2, 3, 4
LINEAR = FittedCalcium()
HILL = FittedCalcium(0.47, 0.66 / 0.25**1.01, 1.01, 1 / 0.25)


def hill(x):
    return 0.47 + 0.66 * x**1.01 / (0.25**1.01 + x**1.01)


def layer(seed=0):
    draw = np.random.default_rng(seed)
    return Layer(*(draw.standard_normal((INPUTS, HEADS, cells)) for cells in (HIDDEN, HIDDEN, OUTPUTS)))


def stimulus(tokens, seed=0, drive=1.0):
    draw = np.random.default_rng([seed, tokens])
    return Stimulus(draw.standard_normal((tokens, INPUTS)), drive * draw.random((tokens, HEADS, HIDDEN)))


def activities(cells, shown):
    """Settled activities of hidden neurons to keys and queries, and of output neurons to values."""
    key, query, value = (np.einsum("ti,ihj->thj", shown.tokens, strengths) for strengths in cells)
    phi = lambda s: np.where(s > 0, s + 1, np.exp(np.minimum(s, 0)))
    return phi(key) + shown.drive, phi(query), value


def attention(cells, shown, response):
    """The limit of a long presentation, (tokens, heads, outputs)."""
    key, query, value = activities(cells, shown)
    called = np.einsum("thi,hi->th", query, len(key) * response(key.mean(0)))
    return np.einsum("thi,shi,shj->thj", query, key, value) / called[..., None]


def error(attended, cells, shown, response):
    expected = [attention(cells, each, response) for each in shown]
    return max(np.abs(got - right).max() / np.abs(right).max() for got, right in zip(attended, expected, strict=True))


@pytest.mark.parametrize(("calcium", "response"), [(HILL, hill), (LINEAR, lambda x: x)], ids=["hill", "linear"])
def test_a_long_presentation_gives_attention_in_every_head_whatever_stands_beside(calcium, response):
    cells, shown = layer(), [stimulus(5), stimulus(2), stimulus(3)]
    found = attend(cells, shown, RateNeurons(T=300 * ms, dt=10 * ms), calcium)
    assert [output.shape for output in found.outputs] == [(count, HEADS, OUTPUTS) for count in (5, 2, 3)]
    assert error(found.outputs, cells, shown, response) < 3e-7  # law: 2e-8 of a step
    alone = attend(cells, shown[1:2], RateNeurons(T=300 * ms, dt=10 * ms), calcium)
    np.testing.assert_allclose(alone.outputs[0], found.outputs[1], rtol=1e-6)


def test_transients_of_writing_follow_the_closed_form():
    neurons, cells, shown = RateNeurons(T=40 * ms, dt=2 * ms), layer(), stimulus(4)
    found = attend(cells, [shown], neurons, LINEAR)
    key, _, value = activities(cells, shown)
    steps, late, ratio = 20, 10, np.exp(-0.2)
    powers = lambda k: (ratio ** (k * (steps - late)) - ratio ** (k * steps)) / (1 - ratio**k)  # over the window
    h, o, weight, stored = np.zeros_like(key[0]), np.zeros_like(value[0]), 0.0, 0.0
    for k, v in zip(key, value, strict=True):
        a, b = h - k, o - v
        settled, cross = np.einsum("hi,hj->hij", k, v), np.einsum("hi,hj->hij", a, v) + np.einsum("hi,hj->hij", k, b)
        weight = weight + settled + (powers(1) * cross + powers(2) * np.einsum("hi,hj->hij", a, b)) / late
        stored = stored + k + powers(1) * a / late
        h, o = k + a * ratio**steps, v + b * ratio**steps
    np.testing.assert_allclose(found.weight[0], weight / HIDDEN, rtol=1e-11)
    np.testing.assert_allclose(found.activity[0], stored / 4, rtol=1e-12)
    assert np.abs(weight - np.einsum("thi,thj->hij", key, value)).max() > 0.01  # there is something to follow


def test_error_decays_as_the_settling_law():
    cells, shown = layer(), [stimulus(4)]
    presentations = np.array([160, 220, 280])
    errors, laws = [], []
    for T in presentations:
        neurons = RateNeurons(T=T * ms, dt=10 * ms)
        errors.append(error(attend(cells, shown, neurons, HILL).outputs, cells, shown, hill))
        laws.append(settling_error(neurons))
    ratio = np.array(errors) / laws
    assert ratio.max() / ratio.min() < 1.1  # over nearly three decades
    slope = np.polyfit(presentations, np.log(errors * presentations), 1)[0]
    assert slope == pytest.approx(-1 / 20, rel=0.02)  # exp(-T/(2 tau))/T


def test_learning_all_the_time_leaves_an_error_of_order_tau_over_T():
    cells, shown = layer(), [stimulus(4)]
    errors = [
        error(attend(cells, shown, RateNeurons(T=T * ms, window=1.0, dt=10 * ms), HILL).outputs, cells, shown, hill)
        for T in (200, 400)
    ]
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.1)
    assert errors[1] > 1e-3


def test_what_has_settled_does_not_depend_on_the_step():
    cells, shown = layer(), [stimulus(3)]
    coarse, fine = (attend(cells, shown, RateNeurons(T=400 * ms, dt=dt * ms), HILL).outputs[0] for dt in (10, 5))
    np.testing.assert_allclose(coarse, fine, rtol=1e-8)


def test_a_long_silence_before_reading_does_no_harm():
    """Activities fall to 0 in floating point while a longer text is written beside a short one."""
    cells, shown = layer(), [stimulus(7), stimulus(1)]
    found = attend(cells, shown, RateNeurons(T=300 * ms, tau=2 * ms, dt=10 * ms), HILL)
    assert error(found.outputs, cells, shown, hill) < 1e-12


def test_calcium_settles_at_the_response_while_the_neurons_rest():
    found = attend(layer(), [stimulus(3)], RateNeurons(T=300 * ms, dt=10 * ms), HILL)
    np.testing.assert_allclose(found.calcium, hill(found.activity), rtol=1e-12)
    hasty = attend(layer(), [stimulus(3)], RateNeurons(T=50 * ms, dt=10 * ms), HILL)  # rests for 5 lifetimes
    np.testing.assert_allclose(hasty.calcium, (1 - np.exp(-5)) * hill(hasty.activity), rtol=1e-9)


def test_settling_law_and_time():
    neurons = RateNeurons(T=200 * ms)
    assert settling_error(neurons) == pytest.approx(np.exp(-10) / 10 + 21 * np.exp(-20), rel=1e-12)
    assert float(settling_time(neurons) / ms) == pytest.approx(20 * np.log(100), rel=1e-12)


def test_presentation_between_steps_is_refused():
    with pytest.raises(ValueError, match="presentation=0.301 second is no multiple of the step 2.5 ms; use 0.3 second"):
        attend(layer(), [stimulus(2)], RateNeurons(T=301 * ms), LINEAR)


ACTIVITY, RECEPTORS = np.array([0.1, 0.5, 1.0, 4.0]), np.array([0.15, 0.35, 0.5, 0.62])


def astrocyte(**changes):
    return AstrocyteCalcium(STIMBERG_EXAMPLE_2, ACTIVITY, RECEPTORS, 0.65 * umolar, **changes)


def test_astrocyte_answers_as_the_chi_model():
    """Against SciPy on the plain model, at an activity between the measured ones."""
    cells = Layer(*(0 * strengths for strengths in layer()))  # every hidden neuron has activity phi(0) = 1
    silent = stimulus(2, drive=0.0)
    short = {"settling": 4 * second, "averaged": 6 * second}  # the circuit rests for 10.2 s
    found = attend(cells, [silent], RateNeurons(T=300 * ms, dt=10 * ms), astrocyte(**short))
    np.testing.assert_allclose(found.activity, 1, rtol=3e-8)  # settling: 1.6e-8, from silence before the first token
    model = chi(STIMBERG_EXAMPLE_2)
    run = solve_ivp(
        lambda t, y: [*model.rates(y[:3], 5 * 0.5), y[0] if t >= 4 else 0.0],
        (0, 10),
        [0.06, 0.79, 0.1, 0.0],
        rtol=1e-10,
        atol=1e-12,
        max_step=0.01,
    )
    np.testing.assert_allclose(found.calcium, run.y[3, -1] / 6 / 0.65, rtol=1e-3)


def test_astrocyte_answers_nothing_outside_the_measured_activities():
    with pytest.raises(ValueError, match="lies outside the measured 0.1 to 4"):
        attend(layer(), [stimulus(2, drive=9.0)], RateNeurons(dt=10 * ms), astrocyte())


@pytest.fixture(scope="module")
def spiking():
    """Relative error (rms over tokens and cells) at rates of 100 and 1600 Hz, mean over 8 seeds."""
    cells, shown = layer(), [stimulus(3)] * 8  # eight circuits with chances of their own
    expected = attention(cells, shown[0], hill)
    errors = {}
    for rate in (100, 1600):
        neurons = SpikingNeurons(dt=10 * ms, R=rate * Hz)
        outputs = attend(cells, shown, neurons, HILL, seed=rate).outputs
        errors[rate] = [np.sqrt(np.mean((each - expected) ** 2) / np.mean(expected**2)) for each in outputs]
    return errors


def test_spiking_error_falls_as_one_over_the_root_of_the_rate(spiking):
    """A ratio of 4; the means over eight circuits are known to about 10 % each."""
    means = {rate: np.mean(errors) for rate, errors in spiking.items()}
    spread = {rate: np.std(errors) / np.sqrt(8) / means[rate] for rate, errors in spiking.items()}
    assert max(spread.values()) < 0.2
    assert means[100] / means[1600] == pytest.approx(4, rel=0.3)
    assert 0.01 < means[1600] < 0.1


def test_spikes_repeat_with_their_seed():
    shown, neurons = [stimulus(2)] * 2, SpikingNeurons(T=200 * ms, dt=10 * ms)
    (first, beside), (again, _) = (attend(layer(), shown, neurons, LINEAR, seed=1).outputs for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - beside).max() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("neurons", [RateNeurons(), SpikingNeurons(R=1600 * Hz)], ids=["rate", "spiking"])
def test_compiled_circuits_give_the_same(neurons):
    cells, shown = layer(), [stimulus(4), stimulus(2)]
    plain, compiled = (attend(cells, shown, neurons, HILL, target=target) for target in ("numpy", "cython"))
    tolerance = 1e-9 if isinstance(neurons, RateNeurons) else 0.3  # compiled code draws other chances
    for one, other in zip(plain.outputs, compiled.outputs, strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * np.abs(one).max())
