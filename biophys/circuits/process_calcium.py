"""Calcium of an astrocytic process after writing: how it answers the activity that its synapses have stored.

Each hidden neuron of the attention circuit (attention_circuit.py) has a process, which has stored the sum g of
its activity over n tokens. While the neurons rest, the calcium of the process settles at its steady answer c to the
mean activity x = g/n, with c(1) = 1; its reciprocal then scales the synapses (presynaptic_plasticity.py).
Three models of it can be passed to the circuit: calcium that relaxes to a fitted response, to a measured curve, and an
astrocyte from which such responses are measured (process_astrocyte.py).
"""

from typing import Any, NamedTuple, Protocol

import numpy as np
from brian2 import Clock, NeuronGroup, Quantity, ms
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator


class Calcium(Protocol):
    """A model of the calcium c of processes."""

    def group(self, cells: int) -> NeuronGroup:
        """Processes named "process" with c and the variables of MEAN_ACTIVITY."""
        ...

    def begin(self, process: NeuronGroup) -> None:
        """Called when the rest begins and the mean activity is known."""
        ...

    def rest(self, lifetimes: float) -> Quantity:
        """How long calcium needs until no more than exp(-lifetimes) is left of how it was at the start."""
        ...


MEAN_ACTIVITY = """
x = g/clip(n, 1, inf) : 1
g : 1 (linked)
n : 1 (linked)
"""
FITTED = """
dc/dt = (rho_0 + rho_1*x**alpha/(1 + (x*inverse_K)**alpha) - c)/tau_C : 1
"""
CURVE = """
rho : 1 (constant)
dc/dt = (rho - c)/tau_C : 1
"""


class FittedCalcium(NamedTuple):
    """Calcium that relaxes to rho(x) = rho_0 + rho_1 x^alpha/(1 + (x/K)^alpha); 1/K = 0 is a power law.

    The default, rho(x) = x, makes the circuit compute linear attention. The lifetime is our choice; all it sets is how
    long the circuit rests.
    """

    rho_0: float = 0.0  # response without activity
    rho_1: float = 1.0  # response to activity 1 beyond rho_0, without saturation
    alpha: float = 1.0  # exponent
    inverse_K: float = 0.0  # 1 over the activity of half saturation
    tau_C: Quantity = 100 * ms  # lifetime of calcium

    def group(self, cells: int) -> NeuronGroup:
        return relaxing(cells, FITTED, self._asdict())

    def begin(self, process: NeuronGroup) -> None:
        pass

    def rest(self, lifetimes: float) -> Quantity:
        return lifetimes * self.tau_C


class CurveCalcium(NamedTuple):
    """Calcium that relaxes to measured points: monotone cubic over log x, constant beyond them; lifetime as above.

    knots: (points,), activities above 0, rising; values: (points,), calcium at them.
    """

    knots: NDArray
    values: NDArray
    tau_C: Quantity = 100 * ms

    def group(self, cells: int) -> NeuronGroup:
        return relaxing(cells, CURVE, {"tau_C": self.tau_C})

    def begin(self, process: NeuronGroup) -> None:
        x = np.clip(np.array(process.x), self.knots[0], self.knots[-1])
        process.rho = PchipInterpolator(np.log(self.knots), self.values)(np.log(x))

    def rest(self, lifetimes: float) -> Quantity:
        return lifetimes * self.tau_C


def relaxing(cells: int, equations: str, namespace: dict[str, Any]) -> NeuronGroup:
    clock = Clock(namespace["tau_C"] / 10, name="calcium_steps")
    options: dict[str, Any] = {"method": "exponential_euler", "namespace": namespace, "name": "process"}
    return NeuronGroup(cells, MEAN_ACTIVITY + equations, clock=clock, **options)
