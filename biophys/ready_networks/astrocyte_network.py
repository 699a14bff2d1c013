"""Astrocytes joined by gap junctions on a ring, a grid or a torus (Stimberg, Goodman, Brette & De Pitta 2018, ex. 5).

One cell is fed IP3 for 20 s of every 50 s. Each of its calcium waves makes IP3 enough to set off its neighbours, one
cell after the other, 15.53 s apart. While a cell is not fed, the same exogenous flux takes IP3 out of it; without that
loss these cells would rest at high calcium. Cells with an IP3 production of their own (J_beta), each a little
different, oscillate by themselves, and the junctions decide whether they do so together.
"""

from typing import NamedTuple

import numpy as np
from brian2 import Network, Quantity, second, umolar

from biophys.astrocyte import CALCIUM, STIMBERG_EXAMPLE_4, fastest_rate, inositol_trisphosphate
from biophys.calcium.exogenous_drive import EXOGENOUS_DRIVE, ExogenousDriveParameters
from biophys.circuits.time_grid import whole_steps
from biophys.coupling.exchange import exchange_synapses, exchanging_neurons
from biophys.coupling.gap_junctions import COUPLING, FLUX, GAP_JUNCTIONS, GapJunctionParameters, grid
from biophys.simulation.checks import check_each, largest
from biophys.simulation.copies import Copies
from biophys.simulation.network import ReadyNetwork
from biophys.simulation.parameters import Values, ranges, section
from biophys.tripartite import records_of


@ranges()
class Topology(NamedTuple):
    """Cell number row·columns + column is joined to those beside, above and below it."""

    rows: int = 1  # of cells
    columns: int = 50  # of cells
    periodic: float = 1.0  # 1: last row and column joined to the first (one row: a ring), 0: not joined


@ranges()
class Stimulus(NamedTuple):
    """Which cells are fed IP3 and when, and what sets cells apart."""

    cell: float = 25.0  # number of the first fed cell, from 0
    fed: int = 1  # number of cells fed, from that one on
    t_on: Quantity = 20 * second  # feeding time in each cycle, which begins with it
    t_off: Quantity = 30 * second  # time without feeding in each cycle
    J_beta: Quantity = 0 * umolar / second  # IP3 that every cell makes by itself
    spread: float = 0.0  # relative standard deviation of J_beta between cells
    I_start: Quantity = 0 * umolar  # IP3 of each cell at the start is drawn evenly from 0 to this


FED = """
I_outside = I_bias*is_fed*int(timestep(t, dt) % cycle < timestep(t_on, dt)) : mmolar (constant over dt)
cycle = timestep(t_on + t_off, dt) : integer (constant over dt)
is_fed : 1 (constant)
makes : 1 (constant)  # J_beta of this cell, in units of the mean
"""

EQUATIONS = CALCIUM + inositol_trisphosphate("J_beta*makes", "J_ex", FLUX) + COUPLING
EQUATIONS += EXOGENOUS_DRIVE.replace("I_bias", "I_outside") + FED
EXOGENOUS = ExogenousDriveParameters(F_ex=0.09 * umolar / second)


def build(copies: Copies) -> Network:
    topology, stimulus = copies.values["topology"], copies.values["stimulus"]
    rows, columns, cells = topology["rows"], topology["columns"], topology["rows"] * topology["columns"]
    for name in ("t_on", "t_off"):
        whole_steps(copies.each("stimulus", name) / second, copies.step, f"stimulus.{name}")
    sections = ["astrocyte", "gap_junction", "stimulus"]
    astrocyte = exchanging_neurons(copies, cells, EQUATIONS, sections, fluxes=[FLUX], name="astrocyte")
    first = np.asarray(copies.each("stimulus", "cell"))[:, None]
    astrocyte.is_fed = ((first <= np.arange(cells)) & (np.arange(cells) < first + stimulus["fed"])).ravel()
    drawn = np.array([copies.chance(copy, "production").standard_normal(cells) for copy in range(copies.count)])
    astrocyte.makes = (1 + np.asarray(copies.each("stimulus", "spread"))[:, None] * drawn).clip(0).ravel()
    start = np.array([copies.chance(copy, "start").random(cells) for copy in range(copies.count)])
    astrocyte.I = (copies.each("stimulus", "I_start") * start.T).T.ravel()
    astrocyte.h = 0.9
    periodic = copies.each("topology", "periodic")
    pairs = lambda copy: grid(rows, columns, periodic=bool(periodic[copy]))
    junctions = exchange_synapses(copies, astrocyte, GAP_JUNCTIONS, ["gap_junction"], pairs=pairs, name="gap_junctions")
    return Network(astrocyte, junctions)


def fastest(values: Values) -> float:
    """Of the cells alone, or of IP3 that evens out between neighbours in antiphase, four of them at most."""
    junction = values["gap_junction"]
    return largest(fastest_rate(values["astrocyte"]), 4 * junction["F"] / junction["omega_I"])


def check(values: Values) -> None:
    topology, stimulus = values["topology"], values["stimulus"]
    cells, fed = topology["rows"] * topology["columns"], stimulus["fed"]
    check_each(values, "topology.periodic", lambda value: value in (0, 1), "is neither yes nor no; use 1 or 0")
    among = (
        f"with stimulus.fed={fed} is not among the {cells} cells; use a whole number from 0 to {cells - fed}, or "
        "fewer fed cells"
    )
    check_each(values, "stimulus.cell", lambda cell: cell in range(cells - fed + 1), among)
    cycle = np.asarray(stimulus["t_on"] + stimulus["t_off"], float)
    if min(np.min(stimulus["t_on"]), np.min(stimulus["t_off"])) < 0 or np.min(cycle) <= 0:
        raise ValueError("stimulus.t_on and stimulus.t_off make no cycle; use 0 or more, and more than 0 together")


NETWORK = ReadyNetwork(
    name="astrocyte-network",
    sections={
        "astrocyte": section(STIMBERG_EXAMPLE_4, used_in=EQUATIONS),
        "gap_junction": section(GapJunctionParameters()),
        "topology": section(Topology()),
        "stimulus": {**section(EXOGENOUS, "F_ex", "I_bias"), **section(Stimulus())},
    },
    records=records_of("calcium inositol_trisphosphate channels_not_inactivated"),
    shown=("calcium", "inositol_trisphosphate"),
    build=build,
    seconds=100.0,
    step=0.005,
    every=0.1,
    fastest=fastest,
    check=check,
)
