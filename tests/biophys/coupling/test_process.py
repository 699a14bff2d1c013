"""A process as a chain of compartments: closed forms of the steady state, the transient, and SciPy with calcium."""

import numpy as np
import pytest
from brian2 import Network, StateMonitor, second, um, umolar
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from biophys.astrocyte import CALCIUM, STIMBERG_EXAMPLE_4, inositol_trisphosphate
from biophys.coupling.exchange import exchange_synapses, exchanging_neurons
from biophys.coupling.gap_junctions import COUPLING, FLUX
from biophys.coupling.process import (
    BUFFERED_CALCIUM,
    DIFFUSION,
    ProcessParameters,
    chain,
    compartment_length_constant,
    length_constant,
    steady_profile,
)
from biophys.ready_networks.astrocyte_process import NETWORK
from biophys.simulation.copies import Copies
from biophys.simulation.network import Point, simulate
from biophys.simulation.simulate import run

COMPARTMENTS = 10
FAST = {"process.k_I": 1 / second, "shape.compartments": COMPARTMENTS}


def exchange_matrix(compartments, diffusion=283.0, degradation=1.0, spacing=5.0):
    """dI/dt = matrix @ I + source, in 1/s, with sealed ends."""
    laplacian = np.diag(np.full(compartments - 1, 1.0), 1) + np.diag(np.full(compartments - 1, 1.0), -1)
    laplacian -= np.diag(laplacian.sum(axis=1))
    return diffusion / spacing**2 * laplacian - degradation * np.eye(compartments)


@pytest.fixture(scope="module")
def filling():
    """From empty towards the steady state, at two rates of degradation."""
    points = [Point(FAST), Point({**FAST, "process.k_I": 2 / second, "stimulus.J_in": 3 * umolar / second})]
    return simulate(NETWORK, points, seconds=17, record=["inositol_trisphosphate"]).inositol_trisphosphate


@pytest.mark.parametrize("process", [ProcessParameters(), BUFFERED_CALCIUM, ProcessParameters(dx=40 * um)])
@pytest.mark.parametrize("compartments", [1, 2, 30])
def test_steady_profile_is_where_nothing_changes(process, compartments):
    plain = (float(process.D_I / um**2 * second), float(process.k_I * second), float(process.dx / um))
    source = np.zeros(compartments)
    source[0] = 0.7
    expected = np.linalg.solve(-exchange_matrix(compartments, *plain), source)
    assert steady_profile(process, 0.7 * umolar / second, compartments) / umolar == pytest.approx(expected, rel=1e-11)


def test_length_constant_of_compartments_tends_to_that_of_the_cable():
    assert float(length_constant(ProcessParameters()) / um) == pytest.approx(np.sqrt(283 / 0.11))
    for share, excess in ((0.1, 0.1**2 / 24), (0.49, 0.01)):
        process = ProcessParameters(dx=share * length_constant(ProcessParameters()))
        ratio = float(compartment_length_constant(process) / length_constant(process))
        assert ratio - 1 == pytest.approx(excess, rel=0.02)


def test_simulated_profile_has_the_length_constant(filling):
    """Of a profile c cosh(n q), (I[n-1] + I[n+1])/I[n] is 2 cosh(q) wherever n is."""
    for profile, rate in zip(filling.isel(time=-1).values, (1.0, 2.0), strict=True):
        process = ProcessParameters(k_I=rate / second)
        measured = 5 * um / np.arccosh((profile[:-2] + profile[2:]) / (2 * profile[1:-1]))
        assert measured / um == pytest.approx(float(compartment_length_constant(process) / um), rel=1e-6)
        assert measured / um == pytest.approx(np.sqrt(283 / rate), rel=0.01)


def test_simulated_steady_state_is_the_closed_form(filling):
    for profile, rate, source in zip(filling.isel(time=-1).values, (1.0, 2.0), (1.0, 3.0), strict=True):
        process = ProcessParameters(k_I=rate / second)
        expected = steady_profile(process, source * umolar / second, COMPARTMENTS) / umolar
        assert profile == pytest.approx(expected, rel=1e-6)
        assert rate * profile.sum() == pytest.approx(source, rel=1e-6)  # as much is degraded as enters


def test_filling_follows_the_matrix_exponential(filling):
    for state, rate, source in zip(filling.values, (1.0, 2.0), (1.0, 3.0), strict=True):
        matrix = exchange_matrix(COMPARTMENTS, degradation=rate)
        steady = np.linalg.solve(-matrix, source * np.eye(COMPARTMENTS)[0])
        for time in (0.5, 1.0, 3.0, 8.0):
            expected = steady - expm(matrix * time) @ steady
            measured = state[:, int(np.argmin(np.abs(filling.time.values - time)))]
            assert measured == pytest.approx(expected, rel=1e-6)


def slopes(t, y, turnover):
    """Calcium and IP3 of a chain of 5 um, fed 1 umolar/s at one end, written once more."""
    C, h, I = y.reshape(3, -1)  # noqa: E741
    m = I / (I + 0.13) * C / (C + 0.08)
    Q = 1.05 * (I + 0.13) / (I + 0.9434)
    dC = (6 * (m * h) ** 3 + 0.1) * (2 - 1.18 * C) - 0.9 * C**2 / (C**2 + 0.05**2)
    if turnover:
        dI = 0.6 / (1 + I / 1.5) * C**2 / (C**2 + 0.01) - 4.5 * C**4 / (C**4 + 0.7**4) * I / (I + 1) - 0.05 * I
        dI = dI + exchange_matrix(I.size, degradation=0.0) @ I
    else:
        dI = exchange_matrix(I.size, degradation=0.11) @ I
    dI[0] += 1
    return np.concatenate([dC, 0.2 * (Q - (Q + C) * h), dI])


def solved(state, times, turnover):
    rules = {"method": "DOP853", "rtol": 1e-11, "atol": 1e-13}
    return solve_ivp(slopes, times[[0, -1]], state, t_eval=times, args=(turnover,), **rules).y


def test_calcium_along_the_process_follows_scipy_at_the_default_step():
    point = Point({"shape.compartments": 4})
    dataset = simulate(NETWORK, [point], seconds=15.5, every=0.5, record=list(NETWORK.records))
    states = ("calcium", "channels_not_inactivated", "inositol_trisphosphate")
    simulated = np.concatenate([dataset[name].values[0] for name in states])
    expected = solved(simulated[:, 0], dataset.time.values, turnover=False)
    assert simulated[:, 1:] == pytest.approx(expected[:, 1:], rel=1e-6)
    assert dataset.calcium.max() > 0.5


def test_process_of_chi_compartments_follows_scipy():
    """Enzymes and diffusion together: the same chain with the IP3 of the ChI model."""

    def build():
        values = {"cell": STIMBERG_EXAMPLE_4._asdict(), "process": ProcessParameters()._asdict()}
        copies = Copies(values, [0], step=0.005 * second, seconds=10.5 * second)
        equations = CALCIUM + inositol_trisphosphate("J_source", FLUX) + COUPLING + "J_source : mmolar/second"
        cells = exchanging_neurons(copies, 3, equations, ["cell"], fluxes=[FLUX], name="cells")
        cells.C, cells.h, cells.J_source[0] = 0.05 * umolar, 0.9, 1 * umolar / second
        links = exchange_synapses(copies, cells, DIFFUSION, ["process"], pairs=chain(3), name="links")
        record = StateMonitor(cells, ["C", "h", "I"], record=True, dt=0.5 * second, name="record")
        return Network(cells, links, record)

    def read(network):
        record = network["record"]
        return np.array(record.t / second), np.concatenate([record.C / umolar, record.h, record.I / umolar])

    times, simulated = run(build, read, 10.5 * second)
    expected = solved(simulated[:, 0], times, turnover=True)
    assert simulated[:, 1:] == pytest.approx(expected[:, 1:], rel=1e-6)
    assert simulated[:3].max() > 0.5


def test_values_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="process.k_I=0 1/second is not above 0; use more"):
        simulate(NETWORK, [Point({"process.k_I": 0 / second})], seconds=1)
    with pytest.raises(ValueError, match="step 0.005 s is too large"):
        simulate(NETWORK, [Point({"process.dx": 2 * um})], seconds=1)
