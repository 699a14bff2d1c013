"""Neurons against closed forms and against SciPy with an event at every spike."""

import numpy as np
import pytest
from brian2 import Network, SpikeMonitor, StateMonitor, ms, mV, nS, pA, second
from scipy.integrate import solve_ivp

from biophys.neuron import (
    CONDUCTANCE_BASED,
    CURRENT_BASED,
    LOGISTIC,
    RATE,
    RECTIFIED,
    SCHEDULE,
    SPIKING,
    ConductanceParameters,
    CurrentParameters,
    NeuronParameters,
    RateParameters,
)
from biophys.simulation.copies import Copies
from biophys.simulation.simulate import run
from biophys.simulation.stimulus import SpikeTrains

MEMBRANE = float(NeuronParameters().C_m / NeuronParameters().g_l / ms)  # time constant, 19.82 ms
KINDS = {
    "current": (CURRENT_BASED, CurrentParameters(), "exact"),
    "conductance": (CONDUCTANCE_BASED, ConductanceParameters(), "rk4"),
}


def simulate(
    kind,
    milliseconds,
    *,
    step=0.1,
    copies=1,
    method=None,
    start=None,
    spikes=None,
    on_spike="",
    spiking=True,
    **changed,
):
    """Times (ms), potential (copies, times) in mV and spike times (ms) of one neuron a copy.

    start: initial states; changed: parameters, arrays where they differ between copies;
    spikes: times (ms) of a presynaptic cell, and on_spike what each of them does.
    """
    equations, synaptic, best = KINDS[kind]
    values = {**NeuronParameters(I_ex=0 * pA)._asdict(), **synaptic._asdict(), **changed}

    def build():
        many = Copies({"neuron": values}, [0] * copies, step=step * ms, seconds=milliseconds * ms)
        options = SPIKING if spiking else {"refractory": False}
        cell = many.neurons(1, equations, ["neuron"], method=method or best, name="neuron", **options)
        cell.v = -60 * mV
        for state, value in (start or {}).items():
            setattr(cell, state, value)
        network = Network(cell, StateMonitor(cell, "v", record=True, name="states"), SpikeMonitor(cell, name="spikes"))
        if spikes is not None:
            times = np.asarray(spikes, float) / 1e3
            source = many.spikes(lambda copy: SpikeTrains(1, np.zeros(len(times), int), times), name="source")
            network.add(source, many.synapses(source, cell, "", [], pairs=(0, 0), on_pre=on_spike, name="synapse"))
        network.schedule = SCHEDULE
        return network

    def read(network):
        trains = network["spikes"].spike_trains()
        times = [np.array(trains[cell] / ms) for cell in range(copies)]
        return np.array(network["states"].t / ms), np.array(network["states"].v / mV), times

    return run(build, read, milliseconds * ms)


@pytest.mark.parametrize("kind", KINDS)
def test_the_interval_between_spikes_is_the_closed_form_on_the_grid(kind):
    """tau_r + tau_m log(I/(I - I_threshold)), the charging time rounded up to whole steps."""
    currents, refractory = np.array([99.0, 100.0, 120.0, 150.0, 400.0, 400.0]), np.array([5.0, 5.0, 5.0, 5.0, 5.0, 0.0])
    _, _, spikes = simulate(kind, 300.0, copies=6, I_ex=currents * pA, tau_r=refractory * ms)
    assert len(spikes[0]) == 0  # threshold is 99.9 pA
    charging = MEMBRANE * np.log(currents[1:] / (currents[1:] - 99.9))
    expected = refractory[1:] + np.ceil(charging / 0.1) * 0.1
    for times, interval, first in zip(spikes[1:], expected, expected - refractory[1:], strict=True):
        assert len(times) >= 2
        assert times[0] == pytest.approx(first, abs=1e-6)
        assert np.diff(times) == pytest.approx(interval, abs=1e-6)


@pytest.mark.parametrize(("kind", "error"), [("current", 1e-12), ("conductance", 1e-11)])
def test_a_current_step_charges_the_membrane_exponentially(kind, error):
    times, potential, _ = simulate(kind, 100.0, I_ex=50 * pA)
    expected = -60 + 50 / 9.99 * -np.expm1(-times / MEMBRANE)
    assert potential[0] == pytest.approx(expected, rel=error)


def test_a_current_based_potential_is_the_difference_of_two_exponentials():
    """Excitatory and inhibitory potentials, added up, with spikes at 1 and 7 ms."""
    action = "I_e_post += 40*pA\nI_i_post -= 10*pA"
    times, potential, _ = simulate("current", 80.0, spikes=[1.0, 7.0], on_spike=action)

    def single(after, charge, decay):
        rise = np.exp(-after / MEMBRANE) - np.exp(-after / decay)
        return np.where(after > 0, charge / 198 * MEMBRANE * decay / (MEMBRANE - decay) * rise, 0)

    expected = sum(single(times - at, 40, 5) - single(times - at, 10, 10) for at in (1.0, 7.0))
    assert expected.max() > 0.7  # mV
    assert potential[0] + 60 == pytest.approx(expected, abs=1e-11)


def test_constant_conductances_pull_the_membrane_to_the_weighted_mean():
    """Also faster: with the time constant C_m/(g_l + g_e + g_i); and then it fires at the closed form's intervals."""
    excitation, inhibition = np.array([1.0, 2.0, 9.0]), np.array([4.0, 2.0, 2.0])
    start = {"g_e": excitation * nS, "g_i": inhibition * nS}
    times, potential, spikes = simulate(
        "conductance", 150.0, copies=3, start=start, tau_e=1e9 * second, tau_i=1e9 * second, I_ex=20 * pA
    )
    total = 9.99 + excitation + inhibition
    steady, lifetime = (9.99 * -60 + inhibition * -80 + 20) / total, 198 / total
    expected = steady + (-60 - steady) * np.exp(-times[:, None] / lifetime)
    assert np.all(steady[:2] < -50) and steady[2] > -50
    assert potential[:2] == pytest.approx(expected.T[:2], rel=1e-9)
    charging = lifetime[2] * np.log((steady[2] + 60) / (steady[2] + 50))
    assert np.diff(spikes[2]) == pytest.approx(5 + np.ceil(charging / 0.1) * 0.1, abs=1e-6)


SPIKES = np.array([1.6, 4.8, 5.6, 16.0, 28.8])  # ms, on every grid used below
ACTION = "g_e_post += 2*nS\ng_i_post += 3*nS"


def scipy_potential(milliseconds, every):
    """Conductance-based membrane below threshold, DOP853 between the spikes of SPIKES."""

    def slope(_, y):
        v, g_e, g_i = y
        return [(9.99 * (-60 - v) - g_e * v + g_i * (-80 - v) + 30) / 198, -g_e / 5, -g_i / 10]

    state, values = np.array([-60.0, 0.0, 0.0]), []
    for begin, end in zip([0.0, *SPIKES], [*SPIKES, milliseconds], strict=True):
        grid = np.arange(np.ceil(begin / every - 1e-6), np.ceil(end / every - 1e-6)) * every
        found = solve_ivp(slope, (begin, end), state, method="DOP853", t_eval=[*grid, end], rtol=1e-13, atol=1e-14)
        values.append(found.y[0, :-1])
        state = found.y[:, -1] + [0, 2, 3]
    return np.concatenate(values)


def test_the_conductance_based_membrane_follows_scipy_to_fourth_order():
    errors = {}
    for step in (0.4, 0.2, 0.1):
        _, potential, spikes = simulate(
            "conductance", 40.0, step=step, spikes=SPIKES, on_spike=ACTION, I_ex=30 * pA, V_th=0 * mV
        )
        expected = scipy_potential(40.0, step)
        assert len(spikes[0]) == 0 and np.ptp(expected) > 2  # mV
        errors[step] = np.abs(potential[0] - expected).max() / np.ptp(expected)
    assert errors[0.1] < 4e-9
    assert np.log2(errors[0.4] / errors[0.2]) == pytest.approx(4, abs=0.2)
    assert np.log2(errors[0.2] / errors[0.1]) == pytest.approx(4, abs=0.2)


def test_a_silent_synapse_halts_at_its_floor_and_never_becomes_subnormal():
    values = {**NeuronParameters(I_ex=0 * pA)._asdict(), **CurrentParameters()._asdict()}

    def build():
        many = Copies({"neuron": values}, [0], step=100 * ms, seconds=10 * second)
        cell = many.neurons(1, CURRENT_BASED, ["neuron"], method="exact", name="neuron", **SPIKING)
        cell.v, cell.I_e, cell.I_i = -60 * mV, 40 * pA, -40 * pA
        return Network(cell)

    cell = run(build, lambda network: network["neuron"], 10 * second)
    assert float(cell.I_e[0] / pA) == pytest.approx(1e-27, rel=1e-6)
    assert float(cell.I_i[0] / pA) == pytest.approx(-1e-27, rel=1e-6)


def rates(equations, method, milliseconds, **values):
    """Rate (copies, times) of one rate neuron a copy, every ms."""
    parameters = {**RateParameters()._asdict(), **values}

    def build():
        many = Copies({"rate": parameters}, [0] * 3, step=1 * ms, seconds=milliseconds * ms)
        cell = many.neurons(1, RATE + equations, ["rate"], method=method, name="rate")
        return Network(cell, StateMonitor(cell, "x", record=True, name="states"))

    return run(build, lambda network: np.array(network["states"].x), milliseconds * ms)


@pytest.mark.parametrize(
    ("transfer", "function"),
    [(LOGISTIC, lambda s: 1 / (1 + np.exp(-2 * (s - 0.3)))), (RECTIFIED, lambda s: 2 * np.maximum(s - 0.3, 0))],
    ids=["logistic", "rectified"],
)
def test_a_rate_neuron_relaxes_to_the_transfer_function_of_its_input(transfer, function):
    inputs = np.array([-0.5, 0.4, 2.0])
    values = rates(transfer, "exact", 40, gain=2.0, theta=0.3, s=inputs)
    expected = function(inputs)[:, None] * -np.expm1(-np.arange(40) / 10)
    assert values == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_a_rate_neuron_follows_a_moving_input_as_scipy_does():
    values = rates(LOGISTIC + "s = 3*sin(2*pi*t/(40*ms)) : 1", "rk4", 100, gain=2.0)
    found = solve_ivp(
        lambda t, x: (1 / (1 + np.exp(-6 * np.sin(2 * np.pi * t / 40))) - x) / 10,
        (0, 100), [0.0], method="DOP853", t_eval=np.arange(100), rtol=1e-12, atol=1e-14,
    )  # fmt: skip
    assert values[0] == pytest.approx(found.y[0], abs=1e-5)  # at 1 ms, a tenth of the time constant
