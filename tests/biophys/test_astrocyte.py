"""Calcium, h and IP3 of the astrocyte against reference solutions."""

import json
from pathlib import Path

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, StateMonitor, second, umolar

from biophys.astrocyte import (
    CALCIUM,
    DE_PITTA_AMPLITUDE,
    DE_PITTA_FREQUENCY,
    INOSITOL_TRISPHOSPHATE,
    PARAMETER_SETS,
    parameter_set,
    settling_time,
)
from biophys.simulation.simulate import run

REFERENCE = json.loads((Path(__file__).parents[1] / "reference_data/calcium_model.json").read_text())
COLUMNS = ("C_uM", "h", "I_uM")
CLAMPED_IP3 = CALCIUM + "I : mmolar (constant)"
CONSTANT_PRODUCTION = CALCIUM + INOSITOL_TRISPHOSPHATE + "gamma_A : 1 (constant)"


def solve(equations, parameters, start, seconds, step=0.01, record_every=None):
    """States against time of a group of cells; `start` maps states to values in umolar or shares."""
    units = {"C": umolar, "h": 1, "I": umolar, "gamma_A": 1}

    def build():
        namespace = parameters._asdict()
        group = NeuronGroup(
            len(start["C"]), equations, method="rk4", dt=step * second, namespace=namespace, name="cells"
        )
        for state, value in start.items():
            setattr(group, state, value * units[state])
        states = sorted(group.equations.diff_eq_names)
        monitor = StateMonitor(group, states, record=True, dt=(record_every or step) * second, name="record")
        return Network(group, monitor)

    def read(network):
        record = network["record"]
        states = {name: np.array(getattr(record, name) / units[name]) for name in record.record_variables}
        return np.array(record.t / second), states

    return run(build, read, seconds * second)


def test_trajectories_follow_the_reference_for_a_minute():
    levels = np.array([0.2, 0.5])
    start = {"C": np.full(2, 0.1), "h": np.full(2, 0.8), "I": levels}
    time, states = solve(CLAMPED_IP3, DE_PITTA_AMPLITUDE, start, 60.05, record_every=1.0)
    for number, level in enumerate(levels):
        expected = REFERENCE["trajectories"][f"DePitta2008_AM|I={level:g}"]["C_h_at_t"]
        for at, (calcium, share) in expected.items():
            index = np.flatnonzero(np.isclose(time, float(at)))[0]
            assert states["C"][number, index] == pytest.approx(calcium, rel=1e-6)
            assert states["h"][number, index] == pytest.approx(share, rel=1e-6)


def test_error_falls_with_the_fourth_power_of_the_step():
    start = {"C": np.array([0.1]), "h": np.array([0.8]), "I": np.array([0.5])}
    exact = REFERENCE["trajectories"]["DePitta2008_AM|I=0.5"]["C_h_at_t"]["30"][0]
    errors = []
    for step in (0.1, 0.05, 0.025):
        time, states = solve(CLAMPED_IP3, DE_PITTA_AMPLITUDE, start, 30 + step, step=step)
        errors.append(abs(states["C"][0, np.argmin(abs(time - 30))] - exact))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert orders == pytest.approx([4, 4], abs=0.1)


@pytest.mark.parametrize("name", ["DePitta2008_AM", "DePitta2008_FM"])
def test_rest_states_of_calcium_stay_put(name):
    parameters = {"DePitta2008_AM": DE_PITTA_AMPLITUDE, "DePitta2008_FM": DE_PITTA_FREQUENCY}[name]
    rest = REFERENCE["li_rinzel_equilibria"][name]
    start = {key: np.array([point[column] for point in rest]) for key, column in zip("ChI", COLUMNS, strict=True)}
    _, states = solve(CLAMPED_IP3, parameters, start, 0.1)
    for state in ("C", "h"):
        assert states[state][:, -1] == pytest.approx(start[state], rel=1e-9)


def test_constant_ip3_production_gives_the_reference_rest_states_and_cycles():
    """0.2 umolar/s is the receptors' largest production, so the bound share is J_beta / 0.2."""
    points = REFERENCE["chi_constant_production"]["DePitta2009_AM"]
    steady = [point for point in points if not point["oscillates"] and point["J_beta"] <= 0.2]
    cycles = [point for point in points if point["oscillates"] and point["J_beta"] >= 0.02]
    shares = np.array([point["J_beta"] / 0.2 for point in steady])
    start = {name: np.array([point[name] for point in steady]) for name in "ChI"}
    _, states = solve(CONSTANT_PRODUCTION, DE_PITTA_AMPLITUDE, {**start, "gamma_A": shares}, 1.0)
    for name in "ChI":
        assert states[name][:, -1] == pytest.approx(start[name], rel=1e-9)

    shares = np.array([point["J_beta"] / 0.2 for point in cycles])
    start = {name: np.full(len(cycles), value) for name, value in (("C", 0.1), ("h", 0.8), ("I", 0.2))}
    time, states = solve(CONSTANT_PRODUCTION, DE_PITTA_AMPLITUDE, {**start, "gamma_A": shares}, 110, step=0.02)
    late = time > 75
    for number, point in enumerate(cycles):
        calcium = states["C"][number, late]
        assert calcium.max() == pytest.approx(point["C_max"], rel=1e-4)
        assert calcium.min() == pytest.approx(point["C_min"], rel=1e-4)
        assert np.diff(upward_crossings(time[late], calcium, 0.25)) == pytest.approx(point["period_s"], rel=1e-4)


def upward_crossings(time, values, level):
    before = np.flatnonzero((values[:-1] < level) & (values[1:] >= level))
    share = (level - values[before]) / (values[before + 1] - values[before])
    return time[before] + share * (time[before + 1] - time[before])


# rest states without drive: an independent root search, given to four digits
REST = {
    "stimberg-example-2": (0.05443, 0.06090),
    "de-pitta-amplitude": (0.06980, 0.14841),
    "de-pitta-frequency": (0.02930, 0.07526),
}


@pytest.mark.parametrize("name", PARAMETER_SETS)
def test_undriven_cell_stays_at_rest(name):
    calcium, level = REST[name]
    p = {key: float(value) * 1e3 for key, value in parameter_set(name)._asdict().items()}  # mmolar -> umolar
    affinity = p["d_2"] * (level + p["d_1"]) / (level + p["d_3"])
    start = {"C": calcium, "h": affinity / (affinity + calcium), "I": level, "gamma_A": 0.0}
    cell = {state: np.array([value]) for state, value in start.items()}
    _, states = solve(CONSTANT_PRODUCTION, parameter_set(name), cell, 5.0)
    assert states["C"][0] == pytest.approx(calcium, rel=5e-4)
    assert states["I"][0] == pytest.approx(level, rel=5e-4)


def test_settling_time_is_three_ip3_lifetimes():
    assert float(settling_time(DE_PITTA_AMPLITUDE) / second) == pytest.approx(75)


def test_unknown_parameter_set_lists_the_known_ones():
    with pytest.raises(ValueError, match="'de-pitta' is not known; use one of stimberg-example-2, de-pitta-ampl"):
        parameter_set("de-pitta")
