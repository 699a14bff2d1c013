"""NMDA segment: magnesium block, equilibria against SciPy, dynamics against SciPy, spikes and plateaus, the cable."""

import numpy as np
import pytest
from brian2 import (
    BrianObjectException,
    DimensionMismatchError,
    Network,
    NeuronGroup,
    mmolar,
    ms,
    mV,
    nS,
    ohm,
    pF,
    second,
)
from scipy.integrate import solve_ivp
from scipy.linalg import eigvalsh
from scipy.optimize import brentq, minimize_scalar

from biophys.dendrite import (
    RECEPTORS,
    SEGMENT,
    GlutamateParameters,
    SegmentParameters,
    nmda_scale,
    nmda_spikes,
    time_above,
)
from biophys.magnesium_block import BLOCKS, JAHR_STEVENS, LARKUM, POLSKY, unblocked
from biophys.network import Point, simulate
from biophys.networks import nmda_branch, nmda_segment
from biophys.quantities import read_quantity
from biophys.segment_equilibria import balancing_conductance, bistability, equilibria, plateau_time

REST, REVERSAL = -70.0, 0.0
VOLLEY = {"stimulus.onset": 5 * ms, "stimulus.active": 15.0}


def block_of(name):
    return {f"magnesium.{field}": value for field, value in BLOCKS[name]._asdict().items()}


def voltages(*points, **options):
    """(points, time) in mV and times in s of single segments."""
    run = simulate(nmda_segment.NETWORK, [Point(point) for point in points], record=["voltage"], **options)
    return run.voltage.values[:, 0], run.time.values


# The block


def test_block_of_jahr_and_stevens_has_its_published_values():
    values = {-80: 0.0244246530277, -70: 0.0444707203214, -60: 0.0796263687952, -40: 0.230155318343}
    values |= {-20: 0.508140679516, 0: 0.781181619256, 20: 0.925018033552}
    found = unblocked(np.array(list(values)) * mV, JAHR_STEVENS)
    assert np.asarray(found) == pytest.approx(list(values.values()), rel=1e-11)


def test_steeper_blocks_are_those_of_the_model_files():
    v = np.linspace(-90, 40, 27)
    assert np.asarray(unblocked(v * mV, LARKUM)) == pytest.approx(1 / (1 + 0.3 * np.exp(-0.08 * v)), rel=1e-13)
    assert np.asarray(unblocked(v * mV, POLSKY)) == pytest.approx(1 / (1 + 0.25 * np.exp(-0.08 * v)), rel=1e-13)
    doubled = LARKUM._replace(Mg=2 * mmolar)
    assert np.asarray(unblocked(v * mV, doubled)) == pytest.approx(1 / (1 + 0.6 * np.exp(-0.08 * v)), rel=1e-13)


# Equilibria


@pytest.mark.parametrize(
    ("rest", "block", "folds"),
    [
        (-70.0, LARKUM, (5.727, 7.002)),
        (-70.0, POLSKY, (5.008, 5.891)),
        (-80.0, JAHR_STEVENS, (4.325, 4.331)),
        (-80.0, JAHR_STEVENS._replace(Mg=2 * mmolar), (7.592, 8.162)),
        (-70.0, JAHR_STEVENS, None),
    ],
)
def test_bistable_ranges_are_the_known_ones(rest, block, folds):
    found = bistability(rest, REVERSAL, block)
    if folds is None:
        assert found is None
    else:
        assert (found.fall.conductance, found.rise.conductance) == pytest.approx(folds, abs=6e-4)


def test_folds_are_the_extremes_of_the_balancing_conductance():
    found = bistability(REST, REVERSAL, LARKUM)
    assert (found.rise.potential, found.fall.potential) == pytest.approx((-52.5, -28.2), abs=0.06)

    def ratio(v):
        return (v + 70) / (-v) * (1 + 0.3 * np.exp(-0.08 * v))

    options = {"method": "bounded", "options": {"xatol": 1e-9}}
    up = minimize_scalar(lambda v: -ratio(v), bounds=(-65, -40), **options)
    down = minimize_scalar(ratio, bounds=(-40, -10), **options)
    assert found.rise.conductance == pytest.approx(-up.fun, rel=1e-12)
    assert found.fall.conductance == pytest.approx(down.fun, rel=1e-12)


@pytest.mark.parametrize(("conductance", "count"), [(3.0, 1), (5.7, 1), (5.75, 3), (6.4, 3), (6.98, 3), (7.05, 1)])
def test_equilibria_are_those_of_an_independent_search(conductance, count):
    def current(v):
        return (-70 - v) + conductance / (1 + 0.3 * np.exp(-0.08 * v)) * (0 - v)

    grid = np.linspace(-69.9, -0.1, 7001)
    signs = np.flatnonzero(np.diff(np.sign(current(grid))))
    expected = [brentq(current, grid[i], grid[i + 1], xtol=1e-12) for i in signs]
    found = equilibria(conductance, REST, REVERSAL, LARKUM)
    assert len(found) == count
    assert found == pytest.approx(expected, abs=1e-9)
    assert balancing_conductance(found, REST, REVERSAL, LARKUM) == pytest.approx(conductance, rel=1e-10)


def test_block_of_jahr_and_stevens_has_one_equilibrium_at_rest_of_70_whatever_the_conductance():
    for conductance in np.linspace(0, 20, 81):
        assert len(equilibria(conductance, REST, REVERSAL, JAHR_STEVENS)) == 1
    v = np.linspace(-69.9, -0.1, 2000)
    assert np.all(np.diff(balancing_conductance(v, REST, REVERSAL, JAHR_STEVENS)) > 0)


def test_no_block_with_a_small_product_of_steepness_and_driving_force_has_folds():
    """gamma (E_e - E_L) below 4 cannot make a spike, whatever the magnesium."""
    for level in (0.1, 1, 10, 100, 1000):
        assert bistability(REST, REVERSAL, LARKUM._replace(gamma=3.99 / 70 / mV, Mg=level * mmolar)) is None
    assert bistability(REST, REVERSAL, LARKUM._replace(gamma=4.5 / 70 / mV, Mg=100 * mmolar)) is not None


def test_simulated_segment_jumps_at_the_folds():
    """A constant conductance, from rest and from 0 mV, 1 % inside and outside of the bistable range."""
    leak = SegmentParameters().g_L
    held = {"stimulus.synapses": 1, "stimulus.active": 1.0, "stimulus.onset": 0 * ms, "synapse.g_A": 0 * nS}
    held |= {"synapse.tau_r": 0.5 * ms, "synapse.tau_d": 1e6 * second}
    ratios = np.array([0.99 * 5.7267, 1.01 * 5.7267, 0.99 * 7.0020, 1.01 * 7.0020])
    starts = [-70 * mV, 0 * mV]
    points = [{**held, "segment.V_0": start, "synapse.g_N": r * leak} for start in starts for r in ratios]
    final = voltages(*points, seconds=1.0, step=2.5e-4, every=0.1)[0][:, -1].reshape(2, 4)
    expected = [[found[0] for found in map(settled, ratios)], [found[-1] for found in map(settled, ratios)]]
    assert final == pytest.approx(np.array(expected), abs=0.02)
    assert np.array_equal(final > -40, [[False, False, False, True], [False, True, True, True]])


def settled(ratio):
    return equilibria(ratio, REST, REVERSAL, LARKUM)


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
        (nmda_branch, {"cable.R_a": 0 * ohm * 1e-2}, "cable.R_a=0 .* is not above 0"),
    ],
)
def test_bad_input_gets_one_sentence(network, values, sentence):
    with pytest.raises(ValueError, match=sentence):
        simulate(network.NETWORK, [Point(values)])


def test_equilibria_refuse_a_leak_above_the_synapses():
    with pytest.raises(ValueError, match="the leak's 10 mV is not below the synapses' 0 mV; use a lower one"):
        bistability(10.0, 0.0, LARKUM)
