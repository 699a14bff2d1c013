"""Gliotransmission against closed forms, SciPy with an event at every spike and release, and the published examples."""

import json
from pathlib import Path

import numpy as np
import pytest
from brian2 import Hz, NeuronGroup, StateMonitor, second, umolar
from scipy.integrate import solve_ivp

from biophys import gliotransmission
from biophys.gliotransmission import (
    GLIOTRANSMITTER,
    PRESYNAPTIC_RECEPTORS,
    RELEASE_DECREASING,
    RELEASE_INCREASING,
    RELEASING,
)
from biophys.neuron import spikes_first
from biophys.ready_networks import gliotransmission as published
from biophys.ready_networks import tripartite
from biophys.simulation.copies import Copies
from biophys.simulation.network import Point, merged, monitors, read, simulate
from biophys.simulation.simulate import run
from biophys.simulation.stimulus import SpikeTrains, poisson_trains
from biophys.tripartite import RECORDS, closed_loop

REFERENCE = json.loads((Path(__file__).parents[1] / "reference_data/gliotransmission.json").read_text())
EXAMPLE_3_SPIKES = 16.5 + np.array([0, 50, 100, 150, 200, *range(300, 400, 10), 400]) / 1000
STATES = ("calcium", "channels_not_inactivated", "inositol_trisphosphate", "receptors_bound", "released_transmitter")
STATES += ("gliotransmitter_available", "gliotransmitter", "presynaptic_receptors_bound")
CELL = GLIOTRANSMITTER + PRESYNAPTIC_RECEPTORS


def releasing_cell(calcium, seconds, step, parameters=RELEASE_DECREASING):
    """x_A, G_A (umolar) and Gamma_S of one cell whose calcium is given, at times t."""

    def build():
        options = {"method": "rk4", "dt": step * second, "namespace": parameters._asdict(), "name": "cell"}
        cell = NeuronGroup(1, CELL + f"C = {calcium} : mmolar", **options, **RELEASING)
        for state, value in gliotransmission.INITIAL.items():
            setattr(cell, state, value)
        record = StateMonitor(cell, ["x_A", "G_A", "Gamma_S"], record=True, dt=step * second, name="record")
        return spikes_first(cell, record)

    def result(network):
        record = network["record"]
        values = record.t / second, record.x_A[0], record.G_A[0] / umolar, record.Gamma_S[0]
        return [np.array(value) for value in values]

    return run(build, result, seconds * second)


@pytest.mark.parametrize(("step", "seconds", "times"), [(0.005, 14.42, 8), (0.01, 30.01, 9)])
def test_one_release_binds_the_receptors_as_in_the_reference(step, seconds, times):
    """At the networks' step and at twice that; 1e-6 is required."""
    expected = {float(at): share for at, share in REFERENCE["presynaptic_receptor"]["Gamma_at_t"].items()}
    time, _, transmitter, bound = releasing_cell("1*umolar", seconds, step)
    on_grid = {at: np.argmin(np.abs(time - at)) for at in expected if np.abs(time - at).min() < 1e-9}
    assert len(on_grid) == times
    for at, index in on_grid.items():
        assert bound[index] == pytest.approx(expected[at], abs=1e-8)
    assert transmitter[1:] == pytest.approx(78 * np.exp(-60 * time[1:]), rel=1e-9, abs=1e-300)


def test_without_unbinding_the_bound_share_is_the_integral_of_the_transmitter():
    time, _, _, bound = releasing_cell("1*umolar", 0.5, 0.01, RELEASE_DECREASING._replace(Omega_G=0 / second))
    assert bound[1:] == pytest.approx(1 - np.exp(-1.5 * 78 / 60 * (1 - np.exp(-60 * time[1:]))), abs=1e-13)
    assert bound[-1] == pytest.approx(REFERENCE["presynaptic_receptor"]["limit_without_decay"], abs=1e-12)


def test_a_cell_releases_once_each_time_calcium_rises_through_the_threshold():
    """Calcium crosses 0.5 umolar upward every 2 s from 0.005 s on; vesicles follow the map from release to release."""
    time, available, transmitter, _ = releasing_cell("(0.5 + 0.3*sin(pi*(t/second - 0.005)))*umolar", 9.0, 0.01)
    released = np.flatnonzero(np.diff(transmitter) > 1)
    assert time[released] == pytest.approx(0.01 + 2 * np.arange(5), abs=1e-9)
    full, amounts, left = 1.0, [], []
    for _ in released:
        amounts.append(130 * 0.6 * full)
        left.append(0.4 * full)
        full = 1 - (1 - 0.4 * full) * np.exp(-0.6 * 2)
    after = np.exp(-60 * 0.01)  # a step later
    assert transmitter[released + 1] / after == pytest.approx(amounts, rel=1e-9)
    assert available[released + 1] == pytest.approx(1 - (1 - np.array(left)) * np.exp(-0.6 * 0.01), rel=1e-8)


def loop(network, points, trains, synapses, seconds, step, every, names=(*STATES, "astrocyte_releases", "release")):
    """Recorded arrays of a closed loop of `network` on given spikes, the same for every point."""
    wanted = {name: RECORDS[name] for name in names}
    own = {"cell": published.CELL, "start": published.START} if network is published.NETWORK else {}

    def build():
        values, seeds = merged(network.sections, points), [0] * len(points)
        copies = Copies(values, seeds, step=step * second, seconds=seconds * second)
        built = closed_loop(copies, lambda _: trains, synapses, **own)
        built.add(*monitors(built, wanted, every * second))
        return built

    return run(build, lambda built: read(built, wanted, len(points)), seconds * second)


def scipy_loop(network, point, trains, seconds, at, step):
    """One unit in plain Python: states (STATES) at times `at` in umolar or shares, times of crossing, releases.

    DOP853 between events, exact release at a spike; a crossing of the threshold is found as a root and acts on the next
    point of the grid. Written anew from the published equations; concentrations in mmolar.
    """
    sections = merged(network.sections, [point])
    q = {name: float(value) for fields in sections.values() for name, value in fields.items()}
    driven = "I_bias" in q

    def slope(_, y):
        C, h, ip3, bound, Y, full, G, taken = y
        m = ip3 / (ip3 + q["d_1"]) * C / (C + q["d_5"])
        pump = q["O_P"] * C**2 / (C**2 + q["K_P"] ** 2)
        inhibition = q["d_2"] * (ip3 + q["d_1"]) / (ip3 + q["d_3"])
        made = q["O_beta"] * bound + q["O_delta"] / (1 + ip3 / q["kappa_delta"]) * C**2 / (C**2 + q["K_delta"] ** 2)
        if driven:
            difference = ip3 - q["I_bias"]
            flow = 1 + np.tanh((abs(difference) - q["I_Theta"]) / q["omega_I"])
            made -= q["F_ex"] / 2 * flow * np.sign(difference)
        broken = q["O_3K"] * C**4 / (C**4 + q["K_D"] ** 4) * ip3 / (ip3 + q["K_3K"]) + q["Omega_5P"] * ip3
        return [
            (q["Omega_C"] * (m * h) ** 3 + q["Omega_L"]) * (q["C_T"] - (1 + q["rho_A"]) * C) - pump,
            q["O_2"] * (inhibition - (inhibition + C) * h),
            made - broken,
            q["O_N"] * Y * (1 - bound) - q["Omega_N"] * (1 + q["zeta"] * C / (C + q["K_KC"])) * bound,
            -q["Omega_c"] * Y,
            q["Omega_A"] * (1 - full),
            -q["Omega_e"] * G,
            q["O_G"] * G * (1 - taken) - q["Omega_G"] * taken,
        ]

    def crossing(_, y):
        return y[0] - q["C_Theta"]

    crossing.terminal, crossing.direction = True, 1
    start = (0, 0.9, 0) if driven else (0.06e-3, 0.79, 0.1e-3)
    y, now = np.array([*start, 0, 0, 1, 0, 0.0]), 0.0
    u, x, last = np.zeros(trains.cells), np.ones(trains.cells), np.zeros(trains.cells)
    rows, crossings, releases = [], [], []

    def advance(until, events):
        nonlocal y, now
        if until <= now:
            return False
        options = {"method": "DOP853", "rtol": 1e-10, "atol": 1e-15, "dense_output": True, "max_step": 0.2}
        found = solve_ivp(slope, (now, until), y, events=events, **options)
        end = found.t[-1]
        inside = at[(at > now + 1e-9) & (at <= end + 1e-9)]
        if len(inside):
            rows.extend(found.sol(np.minimum(inside, end)).T)
        y, now = found.y[:, -1].copy(), end
        return found.status == 1

    order = np.argsort(trains.time, kind="stable")
    for cell, time in [*zip(trains.cell[order], trains.time[order], strict=True), (None, seconds)]:
        while now < time - 1e-12:
            if advance(time, crossing):
                crossings.append(now)
                advance(min(np.ceil(now / step - 1e-9) * step, time), None)
                y[6] += q["rho_e"] * q["G_T"] * q["U_A"] * y[5]
                y[5] *= 1 - q["U_A"]
        if cell is None:
            break
        gap = time - last[cell]
        u[cell] *= np.exp(-q["Omega_f"] * gap)
        x[cell] = 1 - (1 - x[cell]) * np.exp(-q["Omega_d"] * gap)
        u[cell] += ((1 - y[7]) * q["U_0"] + q["alpha"] * y[7]) * (1 - u[cell])
        releases.append(u[cell] * x[cell])
        x[cell] *= 1 - u[cell]
        last[cell] = time
        y[4] += q["rho_c"] * q["Y_T"] * releases[-1] / trains.cells
    scale = np.array([1e3, 1, 1e3, 1, 1e3, 1, 1e3, 1])
    return np.array(rows).T * scale[:, None], np.array(crossings), np.array(releases)


def worst_errors(network, points, trains, seconds, step):
    """Largest difference of each state from SciPy, 50 ms apart, over its largest value; (point, state)."""
    every = 0.05
    at = np.arange(every, seconds - every / 2, every)
    ours = loop(network, points, trains, trains.cells, seconds, step, every)
    errors = []
    for number, point in enumerate(points):
        exact, crossings, _ = scipy_loop(network, point, trains, seconds, at, step)
        found = np.array([ours[name].values[number, 0, 1:] for name in STATES])
        released = ours["astrocyte_releases"].values[number, 0, : len(crossings)]
        assert len(crossings) > 0
        assert np.all((released >= crossings - 1e-9) & (released < crossings + step + 1e-9))
        errors.append(np.abs(found - exact).max(axis=1) / np.abs(exact).max(axis=1))
    return np.array(errors)


def spikes(cells, rate, seconds, seed):
    """On a grid of 10 ms, between the records."""
    trains = poisson_trains(np.full(cells, rate), seconds, 0.01, seed)
    kept = np.abs(trains.time / 0.05 - np.round(trains.time / 0.05)) > 1e-6
    return SpikeTrains(cells, trains.cell[kept], trains.time[kept])


def test_closed_loop_of_one_synapse_follows_scipy_at_the_default_step():
    points = [Point({"gliotransmission.alpha": alpha}) for alpha in (0.0, 1.0)]
    errors = worst_errors(published.NETWORK, points, spikes(1, 8.0, 2.0, 4), 2.0, published.NETWORK.step)
    assert errors.max() < 1e-6


def test_closed_loop_of_several_synapses_follows_scipy_at_the_default_step():
    errors = worst_errors(tripartite.NETWORK, [Point({})], spikes(5, 4.0, 2.0, 1), 2.0, tripartite.NETWORK.step)
    assert errors.max() < 1e-6


def test_error_falls_with_the_fourth_power_of_the_step():
    point = Point({"gliotransmission.C_Theta": 10 * umolar})  # a release would move with the grid
    trains = SpikeTrains(1, np.zeros(5, int), np.array([0.0, 0.08, 0.24, 0.40, 0.64]))
    at = np.array([0.8, 1.0])
    exact = scipy_loop(published.NETWORK, point, trains, 1.2, at, 0.002)[0][:, -1]
    errors = []
    for step in (0.004, 0.002):
        ours = loop(published.NETWORK, [point], trains, 1, 1.2, step, 0.2, STATES[:4])
        errors.append([abs(ours[name].values[0, 0, 5] - exact[row]) for row, name in enumerate(STATES[:4])])
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert orders[0] == pytest.approx([4] * 4, abs=0.2)


@pytest.mark.slow
@pytest.mark.parametrize("network", [published.NETWORK, tripartite.NETWORK], ids=lambda network: network.name)
def test_closed_loop_follows_scipy_for_a_minute(network):
    cells = 1 if network is published.NETWORK else 5
    assert worst_errors(network, [Point({})], spikes(cells, 2.0, 60.0, 3), 60.0, network.step).max() < 1e-6


@pytest.mark.slow
def test_example_3_weak_and_stronger_gliotransmission():
    """One spike train through three synapses: without gliotransmission, and with I_bias of 0.8 and 1.25 umolar."""
    expected, seconds, step = REFERENCE["example_3"], 17.0, 0.005
    cut = {"gliotransmission.O_G": 0 / umolar / second}
    points = [
        Point({"astrocyte.O_N": 0 / umolar / second, "astrocyte.I_bias": bias * umolar, **more})
        for bias, more in ((0.8, cut), (0.8, {}), (1.25, {}))
    ]
    trains = SpikeTrains(1, np.zeros(16, int), EXAMPLE_3_SPIKES)
    wanted = {
        name: RECORDS[name]
        for name in ("calcium", "gliotransmitter", "released_transmitter", "release", "astrocyte_releases")
    }

    def build():
        values = merged(published.NETWORK.sections, points)
        copies = Copies(values, [0, 0, 0], step=step * second, seconds=seconds * second)
        start = {**published.START, "I": 0.4 * umolar}
        built = closed_loop(copies, lambda _: trains, 1, cell=published.CELL, start=start)
        built.add(*monitors(built, wanted, step * second))
        return built

    states = run(build, lambda built: read(built, wanted, 3), seconds * second)
    time, calcium = states["calcium"].time.values, states["calcium"].values[:, 0]
    after = np.searchsorted(time, EXAMPLE_3_SPIKES - 1e-6) + 1  # the record that shows a spike
    releases = states["release"].values[:, 0, after]
    exact = {"none": [0.6, 0.36714, 0.15396], "0.8": [0.14352, 0.21558, 0.22237], "1.25": [0.04669, 0.08102, 0.10252]}
    decay = np.exp(-40 * step)
    for row, case in enumerate(("none", "0.8", "1.25")):
        crossings = expected["crossings"]["0.8" if case == "none" else case]
        assert upward_crossings(time, calcium[row], 0.5) == pytest.approx(crossings, abs=2e-4)  # required: 1e-3
        late = states["astrocyte_releases"].values[row, 0, : len(crossings)] - crossings
        assert np.all((late >= -2e-5) & (late < step + 2e-5))
        jump = states["gliotransmitter"].values[row, 0].max() * np.exp(60 * step)
        assert jump == pytest.approx(expected["G_A_jump"], rel=1e-3)
        # our solution by SciPy with events; the published one, which holds G_A over a step of 1 ms, is up to 6 % lower
        assert releases[row, :3] == pytest.approx(exact[case], rel=1e-3)
        assert releases[row, :5] == pytest.approx(expected["first_releases_published"][case], rel=0.06)
        peak = states["released_transmitter"].values[row, 0].max() / decay
        assert peak == pytest.approx(expected["peak_Y_S"][case], rel=0.03)
    assert releases[1, 0] == pytest.approx(expected["first_release_at_true_coupling"]["0.8"], abs=1e-4)


def upward_crossings(time, values, level):
    before = np.flatnonzero((values[:-1] < level) & (values[1:] >= level))
    share = (level - values[before]) / (values[before + 1] - values[before])
    return time[before] + share * (time[before + 1] - time[before])


def stage_means(astrocytes, step):
    """Mean transmitter (umolar) in the four stages of example 4, and standard errors; (loop, stage)."""
    points = [Point({"stimulus.astrocytes": astrocytes, **values}) for values in published.LOOPS.values()]
    states = simulate(published.NETWORK, points, seconds=20.05, step=step, every=0.05, record=["cumulative_release"])
    at_ends = states.cumulative_release.sel(time=[0, 5, 10, 15, 20], method="nearest").values
    transmitter = 62.5 / 5 * np.diff(at_ends)  # umolar s of a pool, rho_c Y_T / Omega_c, over the stage
    return transmitter.mean(axis=1), transmitter.std(axis=1, ddof=1) / np.sqrt(astrocytes)


def check_example_4(astrocytes, step):
    """Four standard errors of both, and 5 %: with G_A held over 1 ms the published receptors leave 5 % less free."""
    mean, error = stage_means(astrocytes, step)
    just_after = 0.04 / -np.expm1(-0.04)  # the published mean is of samples just after the spikes of a 1 ms step
    published_mean = np.array([REFERENCE["example_4_synrel"][case] for case in published.LOOPS]) / just_after
    both = error * np.sqrt(1 + astrocytes / 500)
    systematic = np.array([[0.005], [0.05], [0.05]]) * published_mean
    assert np.all(np.abs(mean - published_mean) < 4 * both + systematic)
    return mean, error


@pytest.mark.slow
def test_example_4_transmitter_at_growing_rates():
    mean, error = check_example_4(60, 0.01)
    assert np.all(error[:, 3] < 0.05 * mean[:, 3])
    assert mean[0, 2] > mean[2, 2] > mean[1, 2]  # at 1.1 Hz the closed loop lies between the others
    assert mean[0, 3] > 1.3 * mean[1, 3]


@pytest.mark.slow
def test_example_4_as_large_as_published():
    check_example_4(500, 0.001)


def test_gliotransmission_takes_release_to_either_side():
    drive = {"stimulus.rate": 2 * Hz, "stimulus.synapses": 5}
    kinds = [{"gliotransmission.alpha": kind.alpha} for kind in (RELEASE_DECREASING, RELEASE_INCREASING)]
    points = [Point({**drive, **kind}) for kind in (*kinds, {"gliotransmission.O_G": 0 / umolar / second})]
    states = simulate(tripartite.NETWORK, points, seconds=6, step=0.01, record=["cumulative_release"])
    decreased, increased, without = states.cumulative_release.values[:, 0, -1]
    assert decreased < 0.6 * without and increased > 1.05 * without


@pytest.mark.slow
def test_any_parameter_may_differ_from_copy_to_copy():
    """In the second point every quantity is another; it is what it is alone, to rounding."""
    changed = {
        f"{section}.{name}": parameter.value * 1.02
        for section, fields in published.NETWORK.sections.items()
        for name, parameter in fields.items()
        if not isinstance(parameter.value, int)
    }
    shape = {"stimulus.stages": 1}
    changed |= {"stimulus.rate": 5 * Hz, "gliotransmission.alpha": 0.1, "astrocyte.I_bias": 0.1 * umolar}
    points, every = (
        [Point({"stimulus.rate": 6 * Hz} | shape, 0), Point(changed | shape, 7)],
        [*published.NETWORK.records],
    )
    asked = {"seconds": 2, "step": 0.01, "every": 0.1, "record": every, "target": "numpy"}
    together = simulate(published.NETWORK, points, **asked)
    assert np.isfinite(together.astrocyte_releases.values).any(axis=(1, 2)).all()
    alone = simulate(published.NETWORK, points[1:], **asked)
    for name in every:
        values = together[name].values[1][..., : alone[name].shape[-1]]
        assert values == pytest.approx(alone[name].values[0], rel=1e-9, abs=1e-15, nan_ok=True), name


def test_no_spikes_leave_the_tripartite_cell_at_rest():
    states = simulate(tripartite.NETWORK, [Point({"stimulus.rate": 0 * Hz})], seconds=2, record=["release", "calcium"])
    assert np.all(states.release == 0) and np.all(np.abs(states.calcium - 0.057) < 0.004)


def test_release_and_rate_may_be_the_axes_of_a_sweep():
    axes = [(U_0, rate, seed) for U_0 in (0.1, 0.9) for rate in (1, 10) for seed in (0, 1)]
    points = [Point({"synapse.U_0": U_0, "stimulus.rate": rate * Hz}, seed) for U_0, rate, seed in axes]
    asked = {"seconds": 2, "step": 0.01, "record": ["cumulative_release", "presynaptic_spikes"]}
    states = simulate(tripartite.NETWORK, points, **asked)
    released = states.cumulative_release.values[:, 0, -1].reshape(2, 2, 2)
    fired = np.isfinite(states.presynaptic_spikes.values).sum(axis=(1, 2)).reshape(2, 2, 2)
    assert np.array_equal(fired[0], fired[1])  # the rate and the seed make the spikes
    assert np.all(fired[:, :, 0] != fired[:, :, 1])
    assert np.all(released[1] > 1.3 * released[0]) and np.all(released[:, 1] > 1.3 * released[:, 0])


@pytest.mark.parametrize(
    ("network", "values", "sentence"),
    [
        (tripartite.NETWORK, {"stimulus.rate": 300 * Hz}, "step 0.0025 s is too large .* use --step 0.0017 or less"),
        (published.NETWORK, {"stimulus.stages": 6}, "step 0.001 s is too large .* use --step 0.00045 or less"),
        (published.NETWORK, {"stimulus.rate": -1 * Hz}, "stimulus.rate=.* is negative; use 0 or more"),
        (published.NETWORK, {"stimulus.stage": 0 * second}, "stimulus.stage=0 .*s is not above 0; use more"),
        (published.NETWORK, {"stimulus.growth": -2.0}, "stimulus.growth=-2 is negative; use 0 or more"),
        (tripartite.NETWORK, {"synapse.U_0": 1.5}, "synapse.U_0=1.5 is no share; use one from 0 to 1"),
        (tripartite.NETWORK, {"gliotransmission.alpha": -0.1}, "gliotransmission.alpha=-0.1 is no share"),
    ],
)
def test_bad_input_gets_one_sentence(network, values, sentence):
    with pytest.raises(ValueError, match=sentence):
        simulate(network, [Point(values)], seconds=0.1, record=["calcium"])
