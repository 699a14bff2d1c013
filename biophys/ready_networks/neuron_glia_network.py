"""Neurons and astrocytes: Stimberg, Goodman, Brette & De Pitta (2018), "Modeling neuron-glia interactions with the
Brian 2 simulator", example 6.

Neurons, astrocytes and synapses share a square. An excitatory synapse belongs to the astrocyte nearest to its
postsynaptic cell: that astrocyte hears the mean transmitter of its synapses and, when its calcium crosses a threshold,
lowers the release of all of them for minutes (De Pitta et al., PLoS Comput Biol 7:e1002293, 2011). Gap junctions join
neighbours on the square lattice of astrocytes. A pulse of current makes the neurons fire faster for two seconds; with
the default parameters astrocytes are silent before it and release in its second half.

Two defects of the published script are not repeated. There an index computed by truncation left 41 % of the excitatory
synapses without an astrocyte and tied 20 % to a single one; here every synapse has the astrocyte of its place. There
calcium at rest, 0.508 umolar with O_delta = 1.2 umolar/second, lay above the threshold of release, 0.5 umolar, so that
a cell that had once crossed it could never do so again; here O_delta = 0.4 umolar/second puts it at 0.396 umolar in
silence and 0.476 umolar at the transmitter of the network before the pulse (Y_start), where the astrocytes start. A
threshold at or below that level is refused.

Time steps. Astrocytes take one step of their own in `astrocyte_steps` steps of the neurons. A spike's transmitter is
shared between the two astrocyte steps around it in the ratio of its distances, which keeps amount and mean time, and
reaches the receptors one astrocyte step (1 ms) after release: to second order in the step, the astrocytes follow the
spikes with that delay. The other way, synapses take the receptors that gliotransmitter binds at the very time of a
spike, in closed form. An astrocyte releases at its first step above the threshold. Only the slow flux of IP3 between
neighbours is held over a step.
"""

from copy import copy as duplicate
from typing import Any, NamedTuple

import numpy as np
from brian2 import Clock, Network, NeuronGroup, Quantity, Synapses, linked_var, pA, second, umolar
from numpy.typing import NDArray
from scipy.spatial import KDTree

from biophys import gliotransmission
from biophys.astrocyte import (
    CALCIUM,
    FLOOR,
    RECEPTORS,
    STIMBERG_EXAMPLE_6,
    AstrocyteParameters,
    fastest_rate,
    inositol_trisphosphate,
)
from biophys.calcium.equilibria import equilibria
from biophys.calcium.models import chi, plain
from biophys.coupling.gap_junctions import COUPLING, FLUX, GAP_JUNCTIONS, GapJunctionParameters, Pairs, grid
from biophys.gliotransmission import (
    GLIOTRANSMITTER,
    PRESYNAPTIC_RECEPTORS,
    RELEASING,
    GliotransmissionParameters,
    referred_rk4,
)
from biophys.neuron import CONDUCTANCE_BASED, ConductanceParameters, NeuronParameters, spikes_first
from biophys.ready_networks import spiking_network
from biophys.ready_networks.spiking_network import NEURON_RECORDS, OPENED, Weights, contacts, neurons, synapses
from biophys.simulation.checks import largest
from biophys.simulation.copies import Copies, of_copy
from biophys.simulation.network import ReadyNetwork
from biophys.simulation.parameters import Values, ranges, section
from biophys.simulation.quantities import written
from biophys.synapse import AT_REST, CLEFT, RELEASE, RELEASE_SITE, SynapseParameters
from biophys.tripartite import records_of


@ranges(signed="p_e p_i")  # as in the spiking network
class Size(NamedTuple):
    """Cells, and how many of them are connected."""

    excitatory: int = 3200  # excitatory neurons
    inhibitory: int = 800  # inhibitory neurons
    astrocytes: int = 3200  # astrocytes
    astrocyte_steps: int = 10  # steps of the neurons in one of the astrocytes
    p_e: float = 0.05  # chance that an excitatory neuron has a synapse on any one neuron
    p_i: float = 0.2  # chance that an inhibitory neuron has one


@ranges(signed="I_0 pulse pulse_start pulse_end")
class Stimulus(NamedTuple):
    """Current into every neuron."""

    I_0: Quantity = 100 * pA  # current outside the pulse
    pulse: float = 1.2  # current in the pulse over that outside
    pulse_start: Quantity = 2 * second  # start of the pulse
    pulse_end: Quantity = 4 * second  # end of the pulse
    Y_start: Quantity = 11 * umolar  # transmitter at which astrocytes rest at the start: of neurons firing at 0.3 Hz


PULSE = """
I_ex = I_0*(1 + (pulse - 1)*int(t + dt/2 > pulse_start)*int(t + dt/2 < pulse_end)) : amp (constant over dt)
"""

ASTROCYTE = CALCIUM + RECEPTORS + CLEFT + COUPLING + GLIOTRANSMITTER + PRESYNAPTIC_RECEPTORS
ASTROCYTE += inositol_trisphosphate("O_beta*gamma_A", FLUX)
ASTROCYTE += """
sites : 1 (constant)  # synapses that belong to this astrocyte
Y_soon : mmolar  # transmitter that arrives at the next step
Y_later : mmolar  # and at the one after it
"""

ARRIVAL = """
Y_S += Y_soon
Y_soon = Y_later
Y_later = 0*mmolar
"""

LINKED = {"f_S": "1", "G_0": "mmolar", "G_ref": "mmolar", "t_A": "second"}
LINKED |= {"sites": "1", "Y_soon": "mmolar", "Y_later": "mmolar"}
MODULATED_SITE = RELEASE_SITE + "\nastrocyte : integer (constant)  # to which the synapse belongs\n"
MODULATED_SITE += "\n".join(f"{state} : {unit} (linked)" for state, unit in LINKED.items())

# as in biophys/gliotransmission.py, at the time t of the spike
MODULATED = """
Gamma_S = 1 - f_S*exp(O_G/Omega_e*(G_0*exp(-Omega_e*(t - t_A)) - G_ref))
U_S = (1 - Gamma_S)*U_0 + alpha*Gamma_S
"""

TO_ASTROCYTE = """
late = (t_in_timesteps % astrocyte_steps)/astrocyte_steps
Y_soon += (1 - late)*rho_c*Y_T*r_S/sites
Y_later += late*rho_c*Y_T*r_S/sites
"""


def build(copies: Copies) -> Network:
    size = copies.values["network"]
    neuron = neurons(copies, CONDUCTANCE_BASED + PULSE, ["neuron", "stimulus"])
    on_spike = AT_REST + RELEASE + OPENED["inhibitory"]
    inhibitory = synapses(copies, neuron, ["synapse"], "inhibitory", contacts(copies, "inhibitory"), on_spike)
    pairs = contacts(copies, "excitatory")
    nearest = nearest_astrocytes(size["excitatory"], size["inhibitory"], size["astrocytes"])
    astrocyte, junctions = astrocytes(copies, pairs, nearest)
    on_spike = MODULATED + RELEASE + OPENED["excitatory"] + TO_ASTROCYTE
    sections, steps = ["synapse", "gliotransmission"], {"astrocyte_steps": size["astrocyte_steps"]}
    excitatory = synapses(copies, neuron, sections, "excitatory", pairs, on_spike, MODULATED_SITE, namespace=steps)
    excitatory.astrocyte = np.concatenate([nearest[j] + c * size["astrocytes"] for c, (_, j) in enumerate(pairs)])
    for state in LINKED:
        setattr(excitatory, state, linked_var(astrocyte, state, index="astrocyte"))
    return spikes_first(neuron, inhibitory, excitatory, astrocyte, *junctions)


def astrocytes(copies: Copies, pairs: list[Pairs], nearest: NDArray) -> tuple[NeuronGroup, list[Synapses]]:
    """Group "astrocyte" at rest, and its gap junctions if it has more than one cell, on a clock of their own."""
    cells, steps = (copies.values["network"][name] for name in ("astrocytes", "astrocyte_steps"))
    slow = duplicate(copies)
    slow.clock = Clock(steps * copies.clock.dt, name="astrocyte_steps")
    options = {"namespace": {"Y_floor": FLOOR}, "method": referred_rk4, **RELEASING}
    sections = ["astrocyte", "synapse", "gliotransmission"]
    group = slow.neurons(cells, ASTROCYTE, sections, name="astrocyte", **options)
    group.run_regularly(ARRIVAL, when="before_synapses", name="arrival")
    resting = [rest(of_copy(copies.values, copy)) for copy in range(copies.count)]
    for state in resting[0]:
        setattr(group, state, np.repeat(Quantity([start[state] for start in resting]), cells))
    group.set_states(gliotransmission.INITIAL)
    group.sites = np.concatenate([np.bincount(nearest[j], minlength=cells) for _, j in pairs])
    if cells == 1:
        return group, []
    junctions = slow.synapses(
        group, group, GAP_JUNCTIONS, ["gap_junction"], pairs=neighbours(cells), name="gap_junctions"
    )
    return group, [junctions]


def rest(values: Values) -> dict[str, Any]:
    """States C, h, I and gamma_A of an astrocyte at its lowest equilibrium with transmitter Y_start."""
    cell = AstrocyteParameters(**values["astrocyte"])
    model, p = chi(cell), plain(cell)
    binding = p.O_N * float(values["stimulus"]["Y_start"] / umolar)

    def bound(calcium: Any) -> Any:
        return binding / (binding + p.Omega_N * (1 + p.zeta * calcium / (calcium + p.K_KC)))

    def balance(calcium: Any) -> tuple[list[Any], Any]:
        states, production = model.balance(calcium)
        return states, production - p.O_beta * bound(calcium)

    heard = model._replace(rates=lambda y, drive: model.rates(y, drive + p.O_beta * bound(y[0])), balance=balance)
    found = equilibria(heard, 0.0)
    if not found:
        raise ValueError("astrocytes have no state of rest with these parameters; use values nearer the defaults")
    C, h, ip3 = (float(state) for state in found[0].states)
    return {"C": C * umolar, "h": h, "I": ip3 * umolar, "gamma_A": float(bound(C))}


def lattice(cells: int) -> tuple[int, int]:
    """Rows and columns of the squarest lattice with room for the cells, which fill it row by row."""
    columns = int(np.ceil(np.sqrt(cells)))
    return -(-cells // columns), columns


def places(cells: int) -> NDArray[np.float64]:
    """Places (cells, 2) on a lattice that fills the unit square."""
    rows, columns = lattice(cells)
    row, column = np.divmod(np.arange(cells), columns)
    return np.stack([(column + 0.5) / columns, (row + 0.5) / rows], axis=1)


def nearest_astrocytes(excitatory: int, inhibitory: int, astrocytes: int) -> NDArray[np.int64]:
    """Number of the astrocyte nearest to each neuron; each kind of cell fills the square with a lattice of its own."""
    return KDTree(places(astrocytes)).query(np.concatenate([places(excitatory), places(inhibitory)]))[1]


def neighbours(cells: int) -> Pairs:
    """Both directions between every two cells that are next to each other in a row or column of the lattice."""
    i, j = grid(*lattice(cells))
    there = (i < cells) & (j < cells)  # the last row may not be full
    return i[there], j[there]


def check(values: Values) -> None:
    """ValueError if astrocytes start above their threshold of release, and as for the spiking network."""
    spiking_network.check(values)
    if np.any(values["stimulus"]["pulse_end"] < values["stimulus"]["pulse_start"]):
        raise ValueError("stimulus.pulse_end lies before stimulus.pulse_start; use that time or a later one")
    count = max(np.size(value) for fields in values.values() for value in fields.values())
    for point in (of_copy(values, copy) for copy in range(count)):
        calcium, threshold = rest(point)["C"], point["gliotransmission"]["C_Theta"]
        if calcium >= threshold:
            raise ValueError(
                f"gliotransmission.C_Theta={written(threshold)} lies below calcium at rest, {calcium / umolar:.3g} "
                "umolar, where an astrocyte would release once and never again; raise it, or lower astrocyte.O_delta"
            )


def fastest(values: Values) -> float:
    """Rate (1/s) of the fastest process, those of the astrocytes in steps of the neurons."""
    slow = largest(fastest_rate(values["astrocyte"]), values["synapse"]["Omega_c"])
    return max(spiking_network.fastest(values), slow * values["network"]["astrocyte_steps"])


NETWORK = ReadyNetwork(
    name="neuron-glia-network",
    sections={
        "network": section(Size()),
        "stimulus": section(Stimulus()),
        "neuron": section(NeuronParameters(), "C_m", "g_l", "E_l", "V_th", "V_r", "tau_r")
        | section(ConductanceParameters()),
        "synapse": section(SynapseParameters(rho_c=0.005)) | section(Weights()),
        "astrocyte": section(STIMBERG_EXAMPLE_6._replace(O_delta=0.4 * umolar / second)),
        "gliotransmission": section(GliotransmissionParameters()),
        "gap_junction": section(GapJunctionParameters()),
    },
    records=NEURON_RECORDS
    | records_of("astrocyte_releases calcium inositol_trisphosphate receptors_bound")
    | records_of("released_transmitter gliotransmitter presynaptic_receptors_bound"),
    shown=("spikes", "astrocyte_releases", "calcium"),
    build=build,
    seconds=8.0,
    step=1e-4,
    every=0.01,
    fastest=fastest,
    check=check,
)
