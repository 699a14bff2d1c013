"""NMDA segment in motion: dynamics against SciPy, spikes and plateaus, the cable."""

import numpy as np
import pytest
from brian2 import (
    BrianObjectException,
    DimensionMismatchError,
    Network,
    NeuronGroup,
    ms,
    mV,
    nS,
    pF,
)
from scipy.integrate import solve_ivp
from scipy.linalg import eigvalsh

from biophys.dendrite import (
    RECEPTORS,
    SEGMENT,
    GlutamateParameters,
    SegmentParameters,
    nmda_scale,
    nmda_spikes,
    time_above,
)
from biophys.magnesium_block import BLOCKS, JAHR_STEVENS, LARKUM, unblocked
from biophys.ready_networks import nmda_branch, nmda_segment
from biophys.segment_equilibria import bistability, plateau_time
from biophys.simulation.network import Point, simulate
from biophys.simulation.quantities import read_quantity

REST, REVERSAL = -70.0, 0.0
VOLLEY = {"stimulus.onset": 5 * ms, "stimulus.active": 15.0}


def block_of(name):
    return {f"magnesium.{field}": value for field, value in BLOCKS[name]._asdict().items()}


def voltages(*points, **options):
    """(points, time) in mV and times in s of single segments."""
    run = simulate(nmda_segment.NETWORK, [Point(point) for point in points], record=["voltage"], **options)
    return run.voltage.values[:, 0], run.time.values


# Dynamics of one segment


def scipy_segment(times, at, count, block, synapse, segment=None):
    """The segment as plain numbers in mV, ms, nS, pF, on the same volley; potential at `times` in ms."""
    segment = segment or SegmentParameters()
    leak, capacitance = float(segment.g_L / nS), float(segment.C_m / pF)
    n, gamma = float(block.Mg / block.K_Mg), float(block.gamma * mV)
    rise, decay, fast = (float(getattr(synapse, name) / ms) for name in ("tau_r", "tau_d", "tau_A"))
    peak = rise * decay / (decay - rise) * np.log(decay / rise)  # time of the peak
    scale = 1 / (np.exp(-peak / decay) - np.exp(-peak / rise))

    def slope(t, y):
        v, g_d, g_r, g_a = y
        current = leak * (-70 - v) + ((g_d - g_r) / (1 + n * np.exp(-gamma * v)) + g_a) * (0 - v)
        return [current / capacitance, -g_d / decay, -g_r / rise, -g_a / fast]

    jump = count * np.array([0, *(2 * [scale * float(synapse.g_N / nS)]), float(synapse.g_A / nS)])
    y = np.array([-70.0, 0, 0, 0])
    before, after = times[times <= at], times[times > at]
    solved = solve_ivp(slope, (at, times[-1]), y + jump, "DOP853", after, rtol=1e-12, atol=1e-12)
    return np.concatenate([np.full(len(before), -70.0), solved.y[0]])


@pytest.mark.parametrize(
    ("block", "receptors", "count"),
    [("larkum", "larkum", 11), ("larkum", "larkum", 15), ("jahr-stevens", "eyal-human", 10)],
)
def test_segment_follows_scipy(block, receptors, count):
    synapse = RECEPTORS[receptors]
    asked = {**VOLLEY, **block_of(block), "stimulus.active": float(count)}
    asked |= {f"synapse.{name}": value for name, value in synapse._asdict().items()}
    found, times = voltages(asked, seconds=0.1)
    expected = scipy_segment(1e3 * times, 5.0, count, BLOCKS[block], synapse)
    assert np.abs(found[0] / expected - 1).max() < 1e-6  # 1e-7 measured
    assert np.ptp(expected) > 10


def test_error_falls_with_the_fourth_power_of_the_step():
    worst = []
    for step in (5e-5, 2.5e-5):
        found, times = voltages({**VOLLEY, "stimulus.active": 14.0}, seconds=0.04, step=step, every=1e-3)
        worst.append(np.abs(found[0] - scipy_segment(1e3 * times, 5.0, 14, LARKUM, GlutamateParameters())).max())
    assert worst[0] / worst[1] == pytest.approx(16, rel=0.25)


def test_conductances_of_one_synapse_peak_where_they_should():
    run = simulate(
        nmda_segment.NETWORK,
        [Point({"stimulus.active": 1.0, "stimulus.onset": 0 * ms, "synapse.g_A": 0.7 * nS})],
        seconds=0.05,
        every=1e-4,
        record=["nmda_conductance", "ampa_conductance", "unblocked", "voltage"],
    ).isel(point=0, segment=0)
    t = run.time.values
    peak = 3 * 70 / 67 * np.log(70 / 3)
    assert float(run.nmda_conductance.max()) == pytest.approx(1.0, rel=1e-5)
    assert 1e3 * t[int(run.nmda_conductance.values.argmax())] == pytest.approx(peak, abs=0.06)
    # Brian2 records at the start of a step, before its spikes
    assert run.ampa_conductance.values[1:] == pytest.approx(0.7 * np.exp(-t[1:] / 1e-3), rel=1e-6, abs=1e-12)
    assert run.unblocked.values == pytest.approx(np.asarray(unblocked(run.voltage.values * mV, LARKUM)), rel=1e-12)


def test_units_are_checked():
    names = SegmentParameters()._asdict() | GlutamateParameters()._asdict() | LARKUM._asdict()
    Network(NeuronGroup(1, SEGMENT, method="rk4", namespace=names, name="right")).run(1 * ms, namespace={})
    wrong = SEGMENT.replace("(E_e - V)", "(E_e - V)/E_e")
    with pytest.raises(BrianObjectException) as caught:
        Network(NeuronGroup(1, wrong, method="rk4", namespace=names, name="wrong")).run(1 * ms, namespace={})
    assert isinstance(caught.value.__cause__, DimensionMismatchError)


def test_parameters_are_read_as_typed():
    sections = nmda_segment.NETWORK.sections
    parameters = {name: given.value for fields in sections.values() for name, given in fields.items()}
    assert read_quantity("0.062/mV", parameters["gamma"], "gamma") == JAHR_STEVENS.gamma
    assert read_quantity("3.57*mmolar", parameters["K_Mg"], "K_Mg") == JAHR_STEVENS.K_Mg
    assert read_quantity("2*nS", parameters["g_L"], "g_L") == 2 * nS
    cable = {name: given.value for name, given in nmda_branch.NETWORK.sections["cable"].items()}
    assert read_quantity("15000*ohm*cm**2", cable["R_m"], "R_m") == 1.5 * cable["R_m"]
    assert read_quantity("300*ohm*cm", cable["R_a"], "R_a") == 2 * cable["R_a"]


# Spikes


@pytest.fixture(scope="module")
def volleys():
    """0 to 30 synapses at once under both blocks: voltages (block, synapses, time) and times."""
    names = ("larkum", "jahr-stevens")
    points = [{**VOLLEY, **block_of(name), "stimulus.active": float(k)} for name in names for k in range(31)]
    found, times = voltages(*points, seconds=0.16, step=1e-4, every=5e-4)
    return found.reshape(2, 31, -1), times


def test_steep_block_answers_all_or_none_and_that_of_jahr_and_stevens_does_not(volleys):
    voltage, times = volleys
    steep, graded = voltage.max(axis=-1)
    step = np.diff(steep)
    first = int(np.argmax(step)) + 1
    assert first == 12 and step[11] > 20 and np.delete(step, 11).max() < 7
    assert np.array_equal(nmda_spikes(voltage[0], times), np.arange(31) >= first)
    assert np.diff(graded).max() < step.max() / 1.9 and np.all(np.diff(graded) > 0)


def test_peak_grows_three_times_as_steeply_under_the_steep_block():
    """Largest growth of the peak potential, in mV per synapse, with conductances that vary smoothly."""
    counts = np.arange(5.0, 14.0, 0.02)
    one = {**VOLLEY, "stimulus.synapses": 1, "stimulus.active": 1.0}
    points = [
        {**one, **block_of(name), "synapse.g_N": k * nS, "synapse.g_A": k / 2 * nS}
        for name in ("larkum", "jahr-stevens")
        for k in counts
    ]
    found, times = voltages(*points, seconds=0.08, step=1e-4, every=5e-4)
    peaks = found[:, times > 0.012].max(axis=-1).reshape(2, -1)  # of NMDA receptors, after those of AMPA
    steep, graded = np.diff(peaks).max(axis=1) / 0.02
    assert steep > 3 * graded and graded < 15


def test_plateaus_last_as_long_as_measured_and_as_the_fold_says(volleys):
    """50 to 200 ms (Major et al., 2013), a little less at threshold; the segment lingers at the fold for 20 ms."""
    voltage, times = volleys
    lasted = 1e3 * time_above(voltage[0, 12:], -40.0, times)
    assert 40 < lasted[0] < 50 < lasted[1] < lasted[-1] < 200 and np.all(np.diff(lasted) > 0)
    folds = bistability(REST, REVERSAL, LARKUM)
    scale = 1 / ((3 / 70) ** (3 / 67) - (3 / 70) ** (70 / 67))
    assert nmda_scale(GlutamateParameters()) == pytest.approx(scale, rel=1e-12)
    theory = plateau_time(np.arange(12, 31) / 1.6 * scale, 70.0, folds)
    lag = lasted - theory
    assert np.all(lag > 0) and lag[3:] == pytest.approx(19.0, abs=1.0)
    # each doubling of the conductance lasts tau_d ln 2 longer
    assert lasted[-1] - lasted[3] == pytest.approx(70 * np.log(30 / 15), rel=0.06)


def test_synapses_that_come_one_by_one_are_a_weaker_trigger():
    wide = {**VOLLEY, "stimulus.active": 12.0, "stimulus.window": 60 * ms}
    run = simulate(
        nmda_segment.NETWORK,
        [Point({**VOLLEY, "stimulus.active": 12.0}), *(Point(wide, seed) for seed in range(4))],
        seconds=0.12,
        step=1e-4,
        every=1e-3,
        record=["voltage", "presynaptic_spikes", "nmda_spikes"],
    )
    assert np.array_equal(nmda_spikes(run.voltage.values[:, 0], run.time.values), [True] + 4 * [False])
    assert np.isfinite(run.nmda_spikes.values[0]).sum() == 1
    fired = run.presynaptic_spikes.values[1:, :12, 0]
    assert fired.min() >= 0.005 and fired.max() <= 0.065 and np.ptp(fired) > 0.04
    assert len(np.unique(fired.round(4))) > 40  # seeds differ


def test_a_copy_depends_on_its_own_seed_only():
    asked = {**VOLLEY, "stimulus.window": 10 * ms, "stimulus.spread": 0.4}
    options = {"seconds": 0.03, "step": 1e-4, "every": 1e-3, "record": ["voltage"]}
    together = simulate(nmda_segment.NETWORK, [Point(asked, 3), Point(asked, 8)], **options)
    alone = simulate(nmda_segment.NETWORK, [Point(asked, 8)], **options)
    assert np.array_equal(together.voltage[1], alone.voltage[0])
    assert not np.array_equal(together.voltage[0], together.voltage[1])


def test_time_above_is_exact_for_straight_lines():
    times = np.array([0.0, 1.0, 2.0, 3.0])
    assert time_above(np.array([[0.0, 2.0, 2.0, 0.0], [0.0, 0.0, 0.0, 0.0]]), 0.5, times) == pytest.approx([2.5, 0])
    assert time_above(np.array([3.0, 3.0, 1.0, 1.0]), 2.0, times) == pytest.approx(1.5)


# The cable

SMALL = {"shape.branches": 2, "shape.compartments": 3, "stimulus.site": 3.0, "stimulus.onset": 1 * ms}


def capacitances_and_couplings(branches, compartments):
    """Plain pF, nS and junctions, from the geometry alone."""
    d, dx = 0.8e-4, 25e-4  # cm
    capacitance = np.full(1 + branches * compartments, np.pi * d * dx * 1e6)  # 1 uF/cm2 in pF
    leak = np.full(len(capacitance), np.pi * d * dx / 1e4 * 1e9)  # nS
    capacitance[0], leak[0] = 200.0, 15.0
    axial = np.pi * d**2 / 4 / (150 * dx) * 1e9  # nS between the middles of two compartments
    matrix = np.zeros((len(capacitance),) * 2)
    for i, j in nmda_branch.junctions(branches, compartments):
        matrix[i, j] = matrix[j, i] = 2 * axial if i == 0 else axial
    return capacitance, leak, matrix


def test_branches_follow_scipy():
    run = simulate(
        nmda_branch.NETWORK,
        [Point({**SMALL, "stimulus.active": 16.0})],
        seconds=0.012,
        record=["voltage"],
        every=5e-4,
    )
    capacitance, leak, matrix = capacitances_and_couplings(2, 3)
    cells, site = len(capacitance), 3

    def slope(t, y):
        v, (g_d, g_r, g_a) = y[:cells], y[cells:]
        current = leak * (-70 - v) + matrix @ v - matrix.sum(axis=1) * v
        current[site] += ((g_d - g_r) / (1 + 0.3 * np.exp(-0.08 * v[site])) + g_a) * (0 - v[site])
        return [*current / capacitance, -g_d / 70, -g_r / 3, -g_a / 1]

    scale = 1 / ((3 / 70) ** (3 / 67) - (3 / 70) ** (70 / 67))
    start = [*np.full(cells, -70.0), 16 * scale, 16 * scale, 8.0]
    times = 1e3 * run.time.values
    late = times[times > 1]
    solved = solve_ivp(slope, (1, times[-1]), start, "Radau", late, rtol=1e-10, atol=1e-10)
    found = run.voltage.values[0]
    assert np.abs(found[:, times > 1] / solved.y[:cells] - 1).max() < 1e-6
    assert np.all(np.abs(found[:, times <= 1] + 70) < 1e-9)
    assert found[3].max() > -40 > found[6].max()  # the other branch only hears of it


def test_default_step_is_stable_and_a_larger_one_is_refused():
    """The fastest mode of the cable with all synapses open, against the limit of rk4, 2.785."""
    network = nmda_branch.NETWORK
    capacitance, leak, matrix = capacitances_and_couplings(1, 8)
    total = leak + matrix.sum(axis=1)
    total[6] += 15 * 1.5
    scale = 1 / np.sqrt(capacitance)
    rates = eigvalsh(scale[:, None] * (np.diag(total) - matrix) * scale) * 1e3  # 1/s
    assert rates.max() * network.step < 2.0
    values = {name: {k: p.value for k, p in fields.items()} for name, fields in network.sections.items()}
    largest = 0.5 / float(nmda_branch.fastest(values))
    assert rates.max() * largest < 2.7
    with pytest.raises(ValueError, match="is too large for these parameters"):
        simulate(network, [Point({})], step=1.2 * largest, every=1.2 * largest)


def test_junctions_are_a_soma_with_branches():
    found = nmda_branch.junctions(2, 3).tolist()
    assert found == [[0, 1], [1, 2], [2, 3], [0, 4], [4, 5], [5, 6]]


@pytest.mark.slow
def test_clustered_synapses_sum_sigmoidally_and_scattered_ones_linearly():
    """Polsky et al. (2004); sizes at the soma as in Schiller et al. (2000) and Major et al. (2008)."""
    counts = np.array([1, 8, 16, 20, 30, 40])
    points = [
        Point({"shape.branches": 10, "stimulus.active": float(k), "stimulus.places": places})
        for places in (1.0, 10.0)
        for k in counts
    ]
    run = simulate(nmda_branch.NETWORK, points, seconds=0.08, record=["voltage"])
    clustered, scattered = (run.voltage.values[:, 0] + 70).max(axis=-1).reshape(2, len(counts))
    linear = counts * scattered[0]
    assert scattered == pytest.approx(linear, rel=0.09)
    assert clustered[1] < linear[1] and clustered[3] > 2 * linear[3]  # first below, then far above
    assert clustered[5] / clustered[3] < 1.3  # and saturated: twice the synapses, hardly more
    assert 3 < clustered[3] < 23


# Input that cannot be


@pytest.mark.parametrize(
    ("network", "values", "sentence"),
    [
        (nmda_segment, {"stimulus.active": 41.0}, "stimulus.active=41 is no count of the 40 synapses; use a whole"),
        (nmda_segment, {"stimulus.active": 7.5}, "stimulus.active=7.5 is no count"),
        (nmda_segment, {"stimulus.window": -1 * ms}, "stimulus.window=-1 ms is negative; use 0 or more"),
        (nmda_segment, {"stimulus.onset": 400 * ms}, "0.2 s end before the last spike at up to 0.4 s; simulate longer"),
        (nmda_segment, {"segment.g_L": 0 * nS}, "segment.g_L=0 nS is not above 0; use more"),
        (nmda_segment, {"synapse.g_N": -1 * nS}, "synapse.g_N=-1 nS is negative; use 0 or more"),
        (nmda_segment, {"synapse.tau_r": 80 * ms}, "synapse.tau_r=80 ms is no rise before a decay of 70 ms"),
        (nmda_segment, {"segment.C_m": 0.1 * pF}, "step 5e-05 s is too large for these parameters"),
        (nmda_branch, {"stimulus.places": 2.0}, "stimulus.places=2 is not possible; use a whole number 1 to 1"),
        (nmda_branch, {"stimulus.site": 9.0}, "stimulus.site=9 is not possible; use a whole number 1 to 8"),
        (nmda_branch, {"cable.R_a": "0*ohm*cm"}, "cable.R_a=0 .* is not above 0"),
    ],
)
def test_bad_input_gets_one_sentence(network, values, sentence):
    with pytest.raises(ValueError, match=sentence):
        simulate(network.NETWORK, [Point(values)])
