"""Calcium that enters at a constant rate and is pumped out again: dC/dt = J - C/τ."""

from typing import NamedTuple

from brian2 import Network, Quantity, second, umolar

from biophys.simulation.network import ReadyNetwork, Recordable
from biophys.simulation.parameters import section


class Cell(NamedTuple):
    J: Quantity = 0.1 * umolar / second  # calcium that enters
    tau: Quantity = 5 * second  # time in which the pump takes up all but 1/e


NETWORK = ReadyNetwork(
    "pump", {"cell": section(Cell())},
    records={"calcium": Recordable("cell", "C", "umolar", "free calcium")}, shown=("calcium",),
    build=lambda copies: Network(copies.neurons(1, "dC/dt = J - C/tau : mmolar", ["cell"], method="rk4", name="cell")),
    seconds=30.0, step=0.01, every=0.1,
)  # fmt: skip
