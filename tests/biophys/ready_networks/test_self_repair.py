"""Self-repair and its mechanisms: closed forms, SciPy on the recorded spikes, mean rates, published constants."""

import numpy as np
import pytest
from brian2 import (
    Hz,
    Network,
    NeuronGroup,
    SpikeGeneratorGroup,
    StateMonitor,
    Synapses,
    cmetre,
    ms,
    nmolar,
    pA,
    second,
    uamp,
    umolar,
)
from scipy.integrate import solve_ivp

from biophys.astrocyte import CALCIUM, DE_PITTA_AMPLITUDE
from biophys.endocannabinoid import RELEASE_PROBABILITY, EndocannabinoidParameters
from biophys.ready_networks.self_repair import NETWORK, ON_INPUT, REST
from biophys.simulation.network import Point, simulate
from biophys.simulation.simulate import run
from biophys.slow_inward_current import SLOW_INWARD_CURRENT, SlowInwardCurrentParameters

STEP, SECONDS, FAULT = 0.002, 16.0, 10.0
SEEDS = 8
SETTLED = 4.0  # s
FAST = {  # the same mean rates, reached sooner
    "endocannabinoid.tau_AG": 2 * second,
    "endocannabinoid.Delta_AG": 4 * nmolar,
    "endocannabinoid.tau_eSP": 1 * second,
    "endocannabinoid.C_Theta": 0 * umolar,  # the astrocyte releases from the start
    "fault.t_fault": 0 * second,
}
CASES = {  # changed parameters, and the sum of PR of N2 at rest
    "partial": ({"fault.PR_fault": 0.1}, 2 * 0.5 + 8 * 0.1),
    "complete": ({"fault.PR_fault": 0.0}, 2 * 0.5),
    "no glutamate": ({"fault.PR_fault": 0.0, "endocannabinoid.Delta_Glu": 0 * umolar}, 2 * 0.5),
}
DRIVEN = {  # IP3 rises fast enough for calcium to cross its threshold within seconds
    "endocannabinoid.r_IP3": 4 / second,
    "fault.t_fault": FAULT * second,
    "fault.PR_fault": 0.0,
    "fault.glutamate_left": 0.25,
}


@pytest.fixture(scope="module")
def found():
    """All points of this file in one simulation: first the driven ones, then SEEDS of each case."""
    points = [Point(DRIVEN, seed) for seed in (1, 2)]
    points += [Point(FAST | values, seed) for values, _ in CASES.values() for seed in range(SEEDS)]
    record = [name for name in NETWORK.records if name != "voltage"]
    return simulate(NETWORK, points, seconds=SECONDS, step=STEP, every=0.1, record=record, target="numpy")


def times(array, *place):
    row = array.values[place]
    return row[np.isfinite(row)]


def worst(ours, exact):
    """Largest deviation, relative to the largest value."""
    return np.abs(np.asarray(ours) - exact).max() / np.abs(exact).max()


def decayed(grid, events, lifetime, amounts=1.0):
    """Sum of `amounts` released at `events`, each decaying from then on; a record on an event comes before it."""
    age = grid[:, None] - events
    alive = age > 1e-9
    return np.where(alive, amounts * np.exp(-np.where(alive, age, 0) / lifetime), 0).sum(axis=1)


def test_each_spike_releases_its_amount_of_2ag_and_suppresses_release(found):
    grid = found.time.values
    for point in (0, 1):
        for neuron in (0, 1):
            exact = 0.8e-3 * decayed(grid, times(found.spikes, point, neuron), 10.0)
            assert worst(found.two_ag[point, neuron], exact) < 1e-10
            assert worst(found.suppression[point, neuron], -2000 * exact) < 1e-10


def test_glutamate_and_its_potentiation_follow_from_the_releases(found):
    grid = found.time.values
    for point in (0, 1):
        releases = times(found.glutamate_releases, point, 0)
        assert len(releases) > 10
        amounts = 10e-3 * np.where(releases < FAULT, 1, 0.25)
        glutamate = decayed(grid, releases, 0.1, amounts)
        slow, fast = decayed(grid, releases, 40.0, amounts), glutamate
        potentiation = 55_000 * 0.1 / (40 - 0.1) * (slow - fast)  # two lifetimes in a row
        for neuron in (0, 1):
            assert worst(found.glutamate[point, neuron], glutamate) < 1e-10
            assert worst(found.potentiation[point, neuron], potentiation) < 1e-10


def test_ip3_and_calcium_follow_scipy_on_the_recorded_spikes(found):
    cell = DE_PITTA_AMPLITUDE._replace(O_P=0.8 * umolar / second)
    q = {name: float(value) for name, value in cell._asdict().items()}
    q |= {name: 1e3 * q[name] for name in ("C_T", "d_1", "d_2", "d_3", "d_5", "O_P", "K_P")}  # to umolar
    q["O_2"] /= 1e3

    def slope(_, y):
        C, h, ip3, two_ag = y
        m = ip3 / (ip3 + q["d_1"]) * C / (C + q["d_5"])
        inhibition = q["d_2"] * (ip3 + q["d_1"]) / (ip3 + q["d_3"])
        into_cytosol = (q["Omega_C"] * (m * h) ** 3 + q["Omega_L"]) * (q["C_T"] - (1 + q["rho_A"]) * C)
        return [
            into_cytosol - q["O_P"] * C**2 / (C**2 + q["K_P"] ** 2),
            q["O_2"] * (inhibition - (inhibition + C) * h),
            (0.16 - ip3) / 7 + 4 * two_ag,
            -two_ag / 10,
        ]

    grid, end = found.time.values, 12.0
    for point in (0, 1):
        y, now, rows = np.array([float(REST["C"] / umolar), REST["h"], 0.16, 0.0]), 0.0, []
        spikes = np.sort(np.concatenate([times(found.spikes, point, neuron) for neuron in (0, 1)]))
        for time in [*spikes[spikes < end], end]:
            inside = np.minimum(grid[(grid >= now + 1e-9 * (now > 0)) & (grid < time + 1e-9)], time)
            if time > now:
                exact = solve_ivp(
                    slope, (now, time), y, "DOP853", t_eval=np.unique([*inside, time]), rtol=1e-9, atol=1e-12
                )
                rows += list(exact.y.T[: len(inside)])
                y, now = exact.y[:, -1].copy(), time
            y[3] += 0.8e-3
        rows = np.array(rows)
        assert len(rows) > 100
        assert worst(found.calcium[point, 0, : len(rows)], rows[:, 0]) < 1e-6
        assert worst(found.inositol_trisphosphate[point, 0, : len(rows)], rows[:, 2]) < 1e-6


def test_glutamate_leaves_while_calcium_is_above_its_threshold_and_every_300_ms(found):
    grid = found.time.values
    for point in (0, 1):
        calcium, releases = found.calcium.values[point, 0], times(found.glutamate_releases, point, 0)
        assert np.interp(releases, grid, calcium).min() > 0.3 - 2e-3  # between records
        assert np.diff(releases).min() == pytest.approx(0.3, abs=1e-9)
        first = grid[np.argmax(calcium > 0.3)]
        assert first - 0.1 <= releases[0] <= first
    steady = times(found.glutamate_releases, 2, 0)  # above its threshold throughout
    assert steady == pytest.approx(0.3 * np.arange(len(steady)), abs=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_mean_rates_obey_the_balance_of_input_suppression_and_potentiation(found, case):
    """rate = S (1 + eSP/100) / (1 + S k) with S the sum of PR at rest times the input rate."""
    changed, resting = CASES[case]
    p = EndocannabinoidParameters()._replace(
        **{path.split(".")[1]: v for path, v in changed.items() if "Delta" in path}
    )
    potentiation = float(p.m_eSP * p.Delta_Glu * p.tau_Glu / p.T_Glu)
    suppression = float(-p.K_AG * p.Delta_AG * p.tau_AG / second) / 100
    assert suppression == pytest.approx(0.16)
    start = 2 + SEEDS * list(CASES).index(case)
    spikes = found.spikes[start : start + SEEDS]
    rates = (spikes > SETTLED).sum("event").mean("point") / (SECONDS - SETTLED)
    for neuron, total in enumerate((10 * 0.5, resting)):
        drive = 10 * total
        expected = drive * (1 + potentiation / 100) / (1 + drive * suppression)
        assert float(rates[neuron]) == pytest.approx(expected, rel=0.06), (neuron, expected)


@pytest.mark.slow
def test_amounts_do_not_depend_on_the_step():
    """The published form, a rate in umolar/s added in one step, would halve 2-AG and glutamate with the step."""
    changed = {"endocannabinoid.C_Theta": 0 * umolar, "endocannabinoid.K_AG": 0 / umolar, "synapse.per_neuron": 1}
    grid = np.arange(0, 0.9, 0.1)
    for step in (0.002, 0.0005):
        record = ("spikes", "two_ag", "glutamate")
        ours = simulate(
            NETWORK, [Point(changed, 3)], seconds=0.9, step=step, every=0.1, record=record, target="numpy"
        ).isel(point=0)
        assert len(times(ours.spikes, 0)) >= 3
        assert ours.two_ag[0].values == pytest.approx(0.8e-3 * decayed(grid, times(ours.spikes, 0), 10.0), rel=1e-10)
        expected = 10e-3 * decayed(grid, np.array([0, 0.3, 0.6]), 0.1)
        assert ours.glutamate[0].values == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_release_probability_adds_both_feedbacks_and_stays_a_probability():
    resting, change = (axis.ravel() for axis in np.meshgrid([0.0, 0.1, 0.5, 0.9], [-150.0, -84.0, 0.0, 100.0]))

    def build():
        source = SpikeGeneratorGroup(1, [0], [0] * ms, dt=1 * ms)
        target = NeuronGroup(len(resting), "DSE : 1\neSP : 1", dt=1 * ms, name="target")
        target.DSE, target.eSP = -90, change + 90
        synapses = Synapses(source, target, "PR_rest : 1\nPR : 1", on_pre=RELEASE_PROBABILITY, dt=1 * ms, name="syn")
        synapses.connect()
        synapses.PR_rest = resting
        return Network(source, target, synapses)

    released = run(build, lambda network: np.array(network["syn"].PR), 2 * ms)
    assert released == pytest.approx(np.clip(resting * (1 + change / 100), 0, 1), rel=1e-12)


def test_draws_are_those_of_park_and_miller():
    """Their check: the generator that starts at 1 stands at 1043618065 after 10,000 draws."""
    statement = next(line for line in ON_INPUT.splitlines() if line.startswith("draw"))
    state = {"draw": np.array([1.0])}
    exec(statement, state)
    assert state["draw"] == 16807
    for _ in range(9999):
        exec(statement, state)
    assert state["draw"] == 1043618065


@pytest.mark.slow
def test_a_copy_is_what_it_would_be_alone_and_faults_strike_the_share_they_should():
    values = {
        "fault.t_fault": 0.5 * second, "fault.share_1": 0.2, "fault.PR_fault": 0.25, "stimulus.rate": 60 * Hz,
        "endocannabinoid.K_AG": 0 / umolar,
    }  # fmt: skip
    options = {"seconds": 1.0, "step": 0.002, "every": 0.1, "target": "numpy"}
    options["record"] = ("spikes", "release_probability", "voltage")
    other = {"synapse.PR_0": 1.0, "endocannabinoid.Delta_Glu": 1 * umolar, "neuron.I_S": 100 * pA}
    together = simulate(NETWORK, [Point(other, 4), Point(values, 5)], **options).isel(point=1)
    alone = simulate(NETWORK, [Point(values, 5)], **options).isel(point=0)
    for neuron in (0, 1):
        assert np.array_equal(times(together.spikes, neuron), times(alone.spikes, neuron))
    assert np.array_equal(together.release_probability, alone.release_probability)
    assert together.voltage.values == pytest.approx(alone.voltage.values, rel=1e-12)
    before, after = alone.release_probability.sel(time=[0.4, 0.9], method="nearest").values.T
    assert before == pytest.approx(0.5)
    assert np.sum(after[:10] == 0.25) == 2 and np.sum(after[10:] == 0.25) == 8
    assert np.sum(after == 0.5) == 10


def test_bad_values_are_refused_in_one_sentence():
    for path, value, words in (
        ("fault.PR_fault", 1.5, "fault.PR_fault=1.5 is no share; use one from 0 to 1"),
        ("neuron.t_ref", 0 * ms, "neuron.t_ref=0 ms is not above 0; use more"),
        ("synapse.per_neuron", 0, "synapse.per_neuron=0 builds no network"),
    ):
        with pytest.raises(ValueError, match=words):
            simulate(NETWORK, [Point({path: value})], seconds=1, target="numpy")
    with pytest.raises(ValueError, match="step 0.01 s is too large"):
        simulate(NETWORK, [Point({})], seconds=1, step=0.01, every=0.1, target="numpy")


def slow_current(calcium):
    """I_SIC in amp at given concentrations in umolar."""

    def build():
        cell = NeuronGroup(
            len(calcium),
            "C : mmolar" + SLOW_INWARD_CURRENT,
            namespace=SlowInwardCurrentParameters()._asdict(),
            name="cell",
        )
        cell.C = calcium * umolar
        record = StateMonitor(cell, "I_SIC", record=True, dt=1 * ms, name="record")
        return Network(cell, record)

    return run(build, lambda network: np.array(network["record"].I_SIC)[:, 0], 1 * ms)


def test_slow_inward_current_is_the_logarithm_of_calcium_above_its_threshold():
    parameters = SlowInwardCurrentParameters()
    scale = float(2.11 * uamp / cmetre**2 * parameters.A_m)
    assert scale == pytest.approx(417.78e-12, rel=1e-6)  # A
    above = np.array([-196.69, -50, 0, 0.5, 1, np.e, 10, 100, 247.9])  # nmolar over the threshold
    # NEST's astrocyte_lr_1994: SIC_scale ln(y) for y = (Ca - 196.69 nM)/nM > 1, and none below
    expected = scale * np.log(np.maximum(above, 1))
    assert slow_current(0.19669 + above / 1e3) == pytest.approx(expected, rel=1e-9, abs=1e-20)


def test_slow_inward_current_of_an_oscillating_astrocyte_peaks_with_its_calcium():
    """At IP3 of 0.5 umolar calcium peaks at 0.4446 umolar (reference/calcium_model.json, A2)."""

    def build():
        cell = NeuronGroup(
            1, CALCIUM + "I : mmolar (constant)" + SLOW_INWARD_CURRENT, method="rk4", dt=10 * ms, name="cell",
            namespace={**DE_PITTA_AMPLITUDE._asdict(), **SlowInwardCurrentParameters()._asdict()},
        )  # fmt: skip
        cell.C, cell.h, cell.I = 0.2 * umolar, 0.6, 0.5 * umolar
        return Network(cell, StateMonitor(cell, ["C", "I_SIC"], record=True, name="record"))

    calcium, current = run(
        build, lambda net: (np.array(net["record"].C / umolar)[0], np.array(net["record"].I_SIC)[0]), 30 * second
    )
    calcium, current = calcium[2000:], current[2000:]  # settled, more than one period of 11.5 s
    scale = 417.78e-12
    assert current.max() == pytest.approx(scale * np.log(444.6 - 196.69), rel=1e-4)
    assert np.array_equal(current > 0, calcium > 0.19769)
    assert 0.2 < np.mean(current > 0) < 0.8


@pytest.mark.slow
def test_compiled_target_gives_the_same_spikes():
    options = {"seconds": 10.0, "step": 0.002, "every": 0.1, "record": ("spikes", "calcium", "release_probability")}
    points = [Point(DRIVEN, 1), Point({"fault.t_fault": 5 * second}, 2)]
    ours, compiled = (simulate(NETWORK, points, target=target, **options) for target in ("numpy", "cpp_standalone"))
    assert np.array_equal(ours.spikes, compiled.spikes, equal_nan=True)
    for name in ("calcium", "release_probability"):
        assert compiled[name].values == pytest.approx(ours[name].values, rel=1e-9)
