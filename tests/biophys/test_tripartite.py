"""Whole units against SciPy with an event at every spike, and against equivalent ways to build them."""

import numpy as np
import pytest
from brian2 import second, umolar
from scipy.integrate import solve_ivp

from biophys.astrocyte import PARAMETER_SETS, STIMBERG_EXAMPLE_2
from biophys.simulation.simulate import choose_target, run
from biophys.simulation.stimulus import SpikeTrains, spike_trains
from biophys.synapse import SynapseParameters
from biophys.tripartite import build_units, largest_step

STEP = 0.005
STATES = ("C", "h", "I", "gamma_A")


def simulate(trains, synapses, seconds, *, astrocyte=STIMBERG_EXAMPLE_2, step=STEP, target="numpy", every=0.1):
    """Recorded states (unit, time) in umolar or shares."""

    def build():
        grid = {"step": step * second, "record_every": every * second}
        return build_units(trains, synapses, synapse=SynapseParameters(), astrocyte=astrocyte, **grid)

    def read(network):
        units = {"C": umolar, "I": umolar, "Y_S": umolar}
        names = (*STATES, "Y_S", "R_S")
        return {name: np.array(getattr(network["record"], name) / units.get(name, 1)) for name in names}

    return run(build, read, seconds * second, target=target)


def scipy_unit(trains, synapses, astrocyte, seconds, every):
    """One unit in plain Python: exact release at a spike, DOP853 between; rows STATES and Y_S in umolar."""
    q = {name: float(value) for name, value in {**astrocyte._asdict(), **SynapseParameters()._asdict()}.items()}
    micro = 1e3  # Brian2 counts concentrations in mmolar

    def slope(_, y):
        C, h, ip3, g, Y = y[0] / micro, y[1], y[2] / micro, y[3], y[4] / micro
        m = ip3 / (ip3 + q["d_1"]) * C / (C + q["d_5"])
        store = q["C_T"] - (1 + q["rho_A"]) * C
        pump = q["O_P"] * C**2 / (C**2 + q["K_P"] ** 2)
        inhibition = q["d_2"] * (ip3 + q["d_1"]) / (ip3 + q["d_3"])
        made = q["O_beta"] * g + q["O_delta"] / (1 + ip3 / q["kappa_delta"]) * C**2 / (C**2 + q["K_delta"] ** 2)
        broken = q["O_3K"] * C**4 / (C**4 + q["K_D"] ** 4) * ip3 / (ip3 + q["K_3K"]) + q["Omega_5P"] * ip3
        unbound = q["Omega_N"] * (1 + q["zeta"] * C / (C + q["K_KC"])) * g
        return [
            micro * ((q["Omega_C"] * (m * h) ** 3 + q["Omega_L"]) * store - pump),
            q["O_2"] * (inhibition - (inhibition + C) * h),
            micro * (made - broken),
            q["O_N"] * Y * (1 - g) - unbound,
            -micro * q["Omega_c"] * Y,
        ]

    y, now = np.array([0.06, 0.79, 0.1, 0.0, 0.0]), 0.0
    u, x, last = np.zeros(synapses), np.ones(synapses), np.zeros(synapses)
    grid, rows = np.arange(0, seconds - every / 2, every), []
    order = np.argsort(trains.time, kind="stable")
    for cell, time in [*zip(trains.cell[order], trains.time[order], strict=True), (None, seconds)]:
        inside = grid[(grid >= now - 1e-9) & (grid < time - 1e-9 if time > now else grid < now - 1)]
        if time > now:
            at = np.unique([*inside, time])
            found = solve_ivp(slope, (now, time), y, method="DOP853", t_eval=at, rtol=1e-9, atol=1e-12)
            rows += list(found.y.T[: len(inside)])
            y, now = found.y[:, -1].copy(), time
        if cell is None:
            break
        gap = time - last[cell]
        u[cell] *= np.exp(-q["Omega_f"] * gap)
        x[cell] = 1 - (1 - x[cell]) * np.exp(-q["Omega_d"] * gap)
        u[cell] += q["U_0"] * (1 - u[cell])
        release = u[cell] * x[cell]
        x[cell] -= release
        last[cell] = time
        y[4] += micro * q["rho_c"] * q["Y_T"] * release / synapses
    return np.array(rows).T


@pytest.mark.parametrize(("name", "rate"), list(zip(PARAMETER_SETS, (0.5, 2.0, 10.0), strict=True)))
def test_driven_unit_follows_scipy_on_the_same_spikes(name, rate):
    synapses, seconds, every = 10, 8.0, 0.1
    trains = spike_trains("poisson", np.full(synapses, rate), seconds, STEP, seed=2)
    ours = simulate(trains, synapses, seconds, astrocyte=PARAMETER_SETS[name])
    exact = scipy_unit(trains, synapses, PARAMETER_SETS[name], seconds, every)
    for row, state in enumerate(STATES):
        scale = np.abs(exact[row]).max()
        assert ours[state][0] / scale == pytest.approx(exact[row] / scale, abs=2e-5), state


def test_half_the_step_changes_steady_calcium_by_less_than_a_thousandth():
    """The largest step and its half; spikes are rounded to either grid, so that error is in the test."""
    rates, synapses, seconds = np.array([0.5, 2.0, 20.0]), 20, 16.0
    means = []
    for step in (0.01, 0.005):
        trains = spike_trains("poisson", np.repeat(rates, synapses), seconds, step, seed=5)
        means.append(simulate(trains, synapses, seconds, step=step)["C"][:, 60:].mean(axis=1))
    assert means[0] == pytest.approx(means[1], rel=1e-3)


def test_units_in_one_network_do_not_feel_each_other():
    rates = np.array([1.0, 7.0])
    trains = spike_trains("poisson", np.repeat(rates, 5), 1.0, STEP, seed=0)
    together = simulate(trains, 5, 1.0)
    for unit in range(2):
        own = trains.cell // 5 == unit
        alone = simulate(SpikeTrains(5, trains.cell[own] - 5 * unit, trains.time[own]), 5, 1.0)
        for state in together:
            assert np.array_equal(together[state][unit], alone[state][0])


def test_synapses_with_the_same_spikes_act_as_one():
    times = spike_trains("regular", np.array([3.0]), 1.0, STEP, seed=0).time
    four = SpikeTrains(4, np.repeat(np.arange(4), len(times)), np.tile(times, 4))
    one = simulate(SpikeTrains(1, np.zeros(len(times), int), times), 1, 1.0)
    for state, values in simulate(four, 4, 1.0).items():
        assert values == pytest.approx(one[state], rel=1e-12, abs=1e-25)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["cython", "cpp_standalone"])
def test_compiled_targets_agree_with_numpy(target):
    trains = spike_trains("poisson", np.repeat([1.0, 7.0], 5), 4.0, STEP, seed=0)
    expected = simulate(trains, 5, 4.0)
    for _ in range(2):  # a second run in the same process starts afresh
        for state, values in simulate(trains, 5, 4.0, target=target).items():
            assert values == pytest.approx(expected[state], rel=1e-9, abs=1e-20)
    assert np.array_equal(simulate(trains, 5, 4.0)["C"], expected["C"])


def test_largest_step_shrinks_with_the_rate_and_the_transmitter_of_one_spike():
    def limit(rate, synapses):
        return float(largest_step(rate / second, synapses, SynapseParameters(), STIMBERG_EXAMPLE_2) / second)

    assert limit(1, 100) == pytest.approx(0.01)
    assert limit(200, 100) == pytest.approx(0.0025)
    assert limit(1, 1) == pytest.approx(0.5 / (40 + 0.3 * 500 * 0.6))


def test_code_targets_are_named_and_chosen_by_the_work(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/g++")
    assert choose_target("auto", 1000) == "numpy"
    assert choose_target("auto", 1_000_000) == "cpp_standalone"
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert choose_target("auto", 1_000_000) == "numpy"
    with pytest.raises(ValueError, match="'cuda' is not known; use one of numpy, cython, cpp_standalone or auto"):
        choose_target("cuda", 10)
