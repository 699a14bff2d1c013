"""Exchange inside the Runge-Kutta step: exact solutions, order of convergence, and the error of a held flux."""

import numpy as np
import pytest
from brian2 import Network, StateMonitor, second
from scipy.integrate import solve_ivp

from biophys.coupling.exchange import exchange_synapses, exchanging_neurons
from biophys.simulation.copies import Copies
from biophys.simulation.simulate import run

CELLS = """
dx/dt = (drive - x + swing*sin(3*t/second))/second + J : 1
J : hertz
drive = int(timestep(t, dt) < timestep(0.5*second, dt)) : 1 (constant over dt)
"""
LEAK = """
difference = x_pre - x_post : 1
J_post = g*difference*(1 + difference**2) : hertz (summed)
"""
PAIRS = (np.array([0, 1, 1, 2]), np.array([1, 0, 2, 1]))
START = (0.0, 1.0, -0.5)
VALUES = {"cell": {"swing": 0.7}, "leak": {"g": np.array([0.5, 1.5]) / second}}


def simulated(step: float, held: bool = False, target: str = "numpy") -> np.ndarray:
    """Two copies of a chain of three cells after 1 s, (copy, cell)."""

    def build() -> Network:
        copies = Copies(VALUES, [0, 1], step=step * second, seconds=1 * second)
        if held:
            cells = copies.neurons(3, CELLS, ["cell"], method="rk4", name="cells")
            leaks = copies.synapses(cells, cells, LEAK, ["leak"], pairs=PAIRS, name="leaks")
        else:
            cells = exchanging_neurons(copies, 3, CELLS, ["cell"], fluxes=["J"], name="cells")
            leaks = exchange_synapses(copies, cells, LEAK, ["leak"], pairs=PAIRS, name="leaks")
        cells.x = START * 2
        return Network(cells, leaks, StateMonitor(cells, "x", record=True, dt=step * second, name="record"))

    return run(build, lambda network: np.array(network["cells"].x).reshape(2, 3), 1 * second, target=target)


def exact(g: float) -> np.ndarray:
    def slope(t: float, x: np.ndarray, drive: float) -> np.ndarray:
        between = g * np.diff(x) * (1 + np.diff(x) ** 2)
        return drive - x + 0.7 * np.sin(3 * t) + np.append(between, 0) - np.append(0, between)

    first = solve_ivp(slope, (0, 0.5), START, args=(1,), method="DOP853", rtol=1e-13, atol=1e-13).y[:, -1]
    return solve_ivp(slope, (0.5, 1), first, args=(0,), method="DOP853", rtol=1e-13, atol=1e-13).y[:, -1]


@pytest.fixture(scope="module")
def reference():
    return np.array([exact(g) for g in (0.5, 1.5)])


def test_fluxes_cost_no_order_of_convergence(reference):
    """Order 4 at least, through a flux that is not linear, a switched drive and a term that changes with time."""
    error = np.array([np.abs(simulated(step) - reference).max() for step in (0.05, 0.025)])
    assert error[1] < 2e-6
    assert np.log2(error[0] / error[1]) > 3.7


def test_held_fluxes_err_in_first_order(reference):
    """What this file is for: the same equations with Brian2's own rk4 and sums."""
    error = np.array([np.abs(simulated(step, held=True) - reference).max() for step in (0.05, 0.025)])
    assert error[1] > 1e-3
    assert 0.8 < np.log2(error[0] / error[1]) < 1.3


@pytest.mark.slow
@pytest.mark.parametrize("target", ["cython", "cpp_standalone"])
def test_code_targets_agree(target):
    assert simulated(0.02, target=target) == pytest.approx(simulated(0.02), rel=1e-13)
