"""Nine tripartite synapses under cycles of activity: how an astrocyte's long-term process remembers them.

Three presynaptic and three postsynaptic neurons, the size RMAAT simulated (Mia et al., arXiv 2601.00426, first
version), are clamped to an activity of their own for the first part of every cycle and silent for the rest; the
activities are drawn evenly from x (1 - spread) .. x (1 + spread) with the seed. The processes of one astrocyte are
coupled in every stage of the Runge-Kutta step, so the sum over them is as accurate as the rest.
"""

from typing import NamedTuple

import numpy as np
from brian2 import Network, Quantity, second

from biophys.circuits.time_grid import whole_steps
from biophys.coupling.exchange import exchange_synapses, exchanging_neurons
from biophys.plasticity.macro_plasticity import COUPLING, MACRO, MacroParameters
from biophys.simulation.checks import largest
from biophys.simulation.copies import Copies
from biophys.simulation.network import ReadyNetwork, Recordable
from biophys.simulation.parameters import Values, ranges, section

CYCLES = 6  # as many as RMAAT's first version simulated


@ranges(above_zero="cycle", signed="active x")  # check tells what part active may be
class Stimulus(NamedTuple):
    """Cycles of activity; durations and activities are our choice."""

    presynaptic: int = 3  # neurons
    postsynaptic: int = 3  # neurons
    cycle: Quantity = 20 * second  # from one onset of activity to the next
    active: Quantity = 10 * second  # part of a cycle with activity
    x: float = 1.0  # mean activity
    spread: float = 0.5  # of the activities around it, as a share


# activity is held over a step and changes on its edges
SYNAPSE = """
on = int(timestep(t, dt) % cycle_steps < active_steps) : 1 (constant over dt)
x_i : 1 (constant)
x_j : 1 (constant)
row : 1 (constant)
column : 1 (constant)
cycle_steps : integer (constant)
active_steps : integer (constant)
"""


def build(copies: Copies) -> Network:
    pre, post = (copies.values["stimulus"][name] for name in ("presynaptic", "postsynaptic"))
    count = pre * post
    synapse = exchanging_neurons(copies, count, MACRO + SYNAPSE, ["macro"], fluxes=["S"], name="synapse")
    rows, columns = np.repeat(np.arange(pre), post), np.tile(np.arange(post), pre)
    activity = activities(copies, pre + post)
    synapse.x_i, synapse.x_j = activity[:, rows].ravel(), activity[:, pre + columns].ravel()
    synapse.row, synapse.column = np.tile(rows, copies.count), np.tile(columns, copies.count)
    for name in ("cycle", "active"):
        steps = whole_steps(copies.each("stimulus", name) / second, copies.step, f"stimulus.{name}")
        setattr(synapse, f"{name}_steps", np.repeat(steps, count))
    pairs = np.nonzero(~np.eye(count, dtype=bool))
    coupling = exchange_synapses(copies, synapse, COUPLING, ["macro"], pairs=pairs, name="coupling")
    return Network(synapse, coupling)


def activities(copies: Copies, neurons: int) -> np.ndarray:
    """Of every neuron while it is active: (copies, neurons), presynaptic ones first."""
    even = np.stack([copies.chance(copy, "activity").uniform(-1, 1, neurons) for copy in range(copies.count)])
    mean, spread = (np.asarray(copies.each("stimulus", name), float)[:, None] for name in ("x", "spread"))
    return mean * (1 + spread * even)


def fastest(values: Values) -> float:
    macro = values["macro"]
    decays = (("beta", "tau_s"), ("gamma_s", "tau_p_s"), ("gamma_l", "tau_p_l"))
    return largest(*(macro[rate] / macro[time] for rate, time in decays))


def check(values: Values) -> None:
    cycle, active = np.broadcast_arrays(
        *(np.asarray(values["stimulus"][name] / second) for name in ("cycle", "active"))
    )
    wrong = ~((active > 0) & (active <= cycle))
    if wrong.any():
        raise ValueError(
            f"stimulus.active={active[wrong].flat[0]:g} second is no part of a cycle of {cycle[wrong].flat[0]:g} s; "
            "use a time above 0 and up to the cycle"
        )


NETWORK = ReadyNetwork(
    name="retention",
    sections={"macro": section(MacroParameters()), "stimulus": section(Stimulus())},
    records={
        "strength": Recordable("synapse", "s", "1", "strength of the synapse", fades="macro.tau_s/macro.beta"),
        "short_term": Recordable(
            "synapse", "p_s", "1", "short-term process of the astrocyte", fades="macro.tau_p_s/macro.gamma_s"
        ),
        "long_term": Recordable(
            "synapse", "p_l", "1", "long-term process of the astrocyte", fades="macro.tau_p_l/macro.gamma_l"
        ),
        "coactivity": Recordable("synapse", "theta", "1", "product of the neurons' activities"),
        "coupling": Recordable("synapse", "S", "1", "sum over the other processes"),
    },
    shown=("strength", "short_term", "long_term"),
    build=build,
    seconds=CYCLES * 20.0 + 0.1,  # the last record is at the end of the last cycle
    step=0.02,
    every=0.1,
    fastest=fastest,
    check=check,
)
