"""Calcium of an astrocytic process as the ChI model has it (De Pitta et al., J Biol Phys 35:383, 2009), not as a fit.

While the neurons of the attention circuit rest, every process integrates calcium, channels and IP3
(biophys/astrocyte.py). IP3 is made as the receptors of a measured astrocyte made it: at the rate O_beta gamma_A(x),
with the mean share gamma_A of receptors bound at the synaptic rate that counts as the activity x, interpolated between
the measured rates in log x (monotone cubic). As in the measurement, the answer is the mean of calcium over the time
after settling, in units of the calcium C_1 at activity 1; so it also stands for cells that oscillate. Nothing is
answered outside the measured rates.

The receptors' fluctuations about their mean are left out: IP3 lives for ten seconds and averages them. With the
default astrocyte the measured mean calcium comes out to 1e-3 from activity 0.27 on, and 2.5 % too high at the lowest
rate, where IP3 follows single clusters of spikes.
"""

from typing import Any, NamedTuple

import numpy as np
from brian2 import Clock, NeuronGroup, Quantity, second
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from biophys.astrocyte import CALCIUM, INITIAL, AstrocyteParameters, inositol_trisphosphate
from biophys.circuits.process_calcium import MEAN_ACTIVITY

ANSWER = """
J_beta : mmolar/second (constant)  # production of IP3
dage/dt = 1 : second  # time since the rest began
dc/dt = int(age >= settling)*int(age < settling + averaged)*C/(C_1*averaged) : 1  # mean calcium
"""


class AstrocyteCalcium(NamedTuple):
    """activity: (rates,), rising; receptors: (rates,), mean share bound."""

    cell: AstrocyteParameters
    activity: NDArray
    receptors: NDArray
    C_1: Quantity  # mean calcium at activity 1
    settling: Quantity = 30 * second  # not averaged
    averaged: Quantity = 90 * second
    step: Quantity = 0.01 * second

    def group(self, cells: int) -> NeuronGroup:
        equations = MEAN_ACTIVITY + CALCIUM + inositol_trisphosphate("J_beta") + ANSWER
        times = {"settling": self.settling, "averaged": self.averaged, "C_1": self.C_1}
        options: dict[str, Any] = {"method": "rk4", "namespace": {**self.cell._asdict(), **times}, "name": "process"}
        process = NeuronGroup(cells, equations, clock=Clock(self.step, name="calcium_steps"), **options)
        for state in ("C", "h", "I"):
            setattr(process, state, INITIAL[state])
        return process

    def begin(self, process: NeuronGroup) -> None:
        x = np.array(process.x)
        low, high = float(self.activity[0]), float(self.activity[-1])
        if not (low <= x.min() and x.max() <= high):
            raise ValueError(
                f"a mean activity of {x.min():.3g} to {x.max():.3g} lies outside the measured {low:.3g} to {high:.3g}; "
                "measure more rates, or use the fitted response"
            )
        bound = PchipInterpolator(np.log(self.activity), self.receptors)(np.log(x))
        process.J_beta = self.cell.O_beta * bound

    def rest(self, lifetimes: float) -> Quantity:
        return self.settling + self.averaged
