"""A soma with thin dendritic branches, and synapses that fire together on one branch or scattered over many.

Each branch is a sealed cable of compartments (Rall, in Reiss, Neural Theory and Modeling, 1964), passive but for its
synapses. Synapses in one compartment of 25 um make an NMDA spike there together; the same number dealt out to as many
places on different branches add up linearly at the soma (Polsky, Mel and Schiller, Nat Neurosci 7:621, 2004). Towards
the soma a spike takes more synapses and is larger at the soma (Major, Polsky, Denk, Schiller and Tank, J Neurophysiol
99:2584, 2008), for there more current flows off.

The membrane of a compartment charges its neighbours in 10 us, which sets the time step. Axial currents are summed anew
in each stage of the Runge-Kutta method (biophys/coupling/exchange.py).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from brian2 import Network, Quantity, cm, ms, mV, nS, ohm, pF, uF, um
from numpy.typing import NDArray

from biophys.coupling.exchange import exchange_synapses, exchanging_neurons
from biophys.coupling.gap_junctions import graph
from biophys.dendrite import (
    GLUTAMATE,
    ON_SPIKE,
    SYNAPSE,
    GlutamateParameters,
    check_glutamate,
    fastest_rate,
    membrane,
    volley,
)
from biophys.magnesium_block import MagnesiumParameters
from biophys.neuron import spikes_first
from biophys.simulation.checks import check_each
from biophys.simulation.copies import Copies
from biophys.simulation.network import ReadyNetwork, Recordable
from biophys.simulation.parameters import Values, ranges, section


@ranges()
class Shape(NamedTuple):
    """How many of each there are."""

    branches: int = 1  # equal branches of the soma
    compartments: int = 8  # of a branch; number 0 is the soma, 1 the first of the first branch


@ranges(above_zero="R_m c_m R_a d dx g_soma C_soma", signed="E_L E_e")
class Cable(NamedTuple):
    """Passive properties as in Branco, Clark and Hausser (2010), ModelDB 140828; size of a thin basal branch."""

    R_m: Quantity = 10000 * ohm * cm**2  # resistance of the membrane
    c_m: Quantity = 1 * uF / cm**2  # its capacitance
    R_a: Quantity = 150 * ohm * cm  # resistivity along the branch
    d: Quantity = 0.8 * um  # diameter of a branch
    dx: Quantity = 25 * um  # length of a compartment
    E_L: Quantity = -70 * mV  # reversal potential of the leak, and potential at the start
    E_e: Quantity = 0 * mV  # reversal potential of the synapses
    g_soma: Quantity = 15 * nS  # leak of the soma and the rest of the cell
    C_soma: Quantity = 200 * pF  # their capacitance


@ranges()
class Stimulus(NamedTuple):
    """Which synapses fire, all at once."""

    synapses: int = 40  # of the cell
    active: float = 15.0  # of them that fire
    places: float = 1.0  # 1: all in one compartment; more: dealt out in turn to as many branches
    site: float = 6.0  # their compartment on the branch, counted from the soma
    onset: Quantity = 10 * ms  # time of the spikes


EQUATIONS = f"""{membrane("I_axial")}{GLUTAMATE}
I_axial : amp
g_L : siemens (constant)  # leak
C_m : farad (constant)  # capacitance
r_half : ohm (constant)  # axial resistance from the middle to an end
"""

AXIAL = "I_axial_post = (V_pre - V_post)/(r_half_pre + r_half_post) : amp (summed)"


def build(copies: Copies) -> Network:
    shape, synapses = copies.values["shape"], copies.values["stimulus"]["synapses"]
    cells = 1 + shape["branches"] * shape["compartments"]
    sections = ["cable", "synapse", "magnesium"]
    cable = exchanging_neurons(copies, cells, EQUATIONS, sections, fluxes=["I_axial"], name="cable")
    cable.V = np.repeat(copies.each("cable", "E_L"), cells)
    for name, values in constants(copies, cells).items():
        setattr(cable, name, values)
    axial = exchange_synapses(
        copies, cable, AXIAL, [], pairs=graph(cells, junctions(shape["branches"], shape["compartments"])), name="axial"
    )
    presynaptic = copies.spikes(lambda copy: volley(copies, copy), name="presynaptic")
    contacts = copies.synapses(
        presynaptic, cable, SYNAPSE, ["synapse"], name="synapse", on_pre=ON_SPIKE,
        pairs=lambda copy: (np.arange(synapses), contacted(copies, copy)),
    )  # fmt: skip
    contacts.weight = 1
    return spikes_first(cable, axial, presynaptic, contacts)


def electrical(cable: Mapping[str, Any]) -> dict[str, Any]:
    """Leak, capacitance and half the axial resistance of a compartment, from parameters by name."""
    area, section_area = np.pi * cable["d"] * cable["dx"], np.pi * cable["d"] ** 2 / 4
    return {
        "g_L": area / cable["R_m"],
        "C_m": area * cable["c_m"],
        "r_half": cable["R_a"] * cable["dx"] / 2 / section_area,
    }


def constants(copies: Copies, cells: int) -> dict[str, Any]:
    """The same for every cell of every copy; the soma has properties of its own and no axial resistance."""
    cable = {name: copies.each("cable", name) for name in Cable._fields}
    soma = {"g_L": cable["g_soma"], "C_m": cable["C_soma"], "r_half": 0 * ohm}
    made = {}
    for name, values in electrical(cable).items():
        each = np.repeat(values, cells)
        each[::cells] = soma[name]
        made[name] = each
    return made


def junctions(branches: int, compartments: int) -> NDArray[np.int64]:
    """Pairs of neighbours (junctions, 2): the soma with the first of each branch, and along the branches."""
    number = 1 + np.arange(branches * compartments).reshape(branches, compartments)
    before = np.column_stack([np.zeros(branches, int), number[:, :-1]])
    return np.stack([before.ravel(), number.ravel()], axis=1)


def contacted(copies: Copies, copy: int) -> NDArray[np.int64]:
    """Compartment of each synapse: `site` of the first branch, of the second, and so on."""
    stimulus = copies.of(copy, "stimulus")
    dealt = np.arange(stimulus.synapses) % round(stimulus.places)
    return dealt * copies.values["shape"]["compartments"] + round(stimulus.site)


def fastest(values: Values) -> float:
    """Of the compartment beside the soma, with all the synapses that one place gets.

    Half of its rate: what relaxes so fast is over before it is seen and need only be stable, as rk4 is up to 2.8
    lifetimes a step.
    """
    stimulus, compartment = values["stimulus"], electrical(values["cable"])
    axial = 1.5 / compartment["r_half"]
    here = np.ceil(np.asarray(stimulus["active"]) / np.asarray(stimulus["places"]))
    return fastest_rate(compartment["g_L"] + axial, 2 * compartment["C_m"], values["synapse"], here)


def check(values: Values) -> None:
    """ValueError in one sentence for a cell that cannot be."""
    synapses, shape = values["stimulus"]["synapses"], values["shape"]
    limits = {"active": (0, synapses), "places": (1, shape["branches"]), "site": (1, shape["compartments"])}
    for name, (least, most) in limits.items():
        rule = f"is not possible; use a whole number {least} to {most}"
        check_each(values, f"stimulus.{name}", range(least, most + 1).__contains__, rule)
    check_glutamate(values)


NETWORK = ReadyNetwork(
    name="nmda-branch",
    sections={
        "stimulus": section(Stimulus()),
        "shape": section(Shape()),
        "cable": section(Cable()),
        "synapse": section(GlutamateParameters()),
        "magnesium": section(MagnesiumParameters()),
    },
    records={
        "voltage": Recordable(
            "cable", "V", "mV", "potential; compartment 0 is the soma", "compartment", "cable.C_soma/cable.g_soma"
        ),
        "nmda_conductance": Recordable(
            "cable", "G_N", "nS", "NMDA conductance, were nothing blocked", "compartment", "synapse.tau_d"
        ),
        "ampa_conductance": Recordable("cable", "G_A", "nS", "AMPA conductance", "compartment", "synapse.tau_A"),
        "unblocked": Recordable("cable", "B", "1", "share of NMDA channels that magnesium leaves free", "compartment"),
        "presynaptic_spikes": Recordable("presynaptic", "spikes", "s", "presynaptic spike times", "synapse"),
    },
    shown=("voltage", "nmda_conductance"),
    build=build,
    seconds=0.15,
    step=0.000005,
    every=0.0005,
    fastest=fastest,
    check=check,
)
