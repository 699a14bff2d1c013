"""The attention circuit in rate form: Hebbian weights and an astrocyte that scales them (Mia, Bal and Sengupta, IEEE
TCDS 2025, Eqs. 8-9 and 13-17).

Writing: keys k_t make the hidden neurons active, h = phi(k_t), and values v_t the output neurons, l = v_t, one token
after the other. The weights become H = (1/m) sum_t h_t l_t and the astrocyte's store g = sum_t h_t. Then the cells
rest, and then queries make the hidden neurons active, h = phi(q_t), and the output neurons receive
L = P sum_i h_i H_ij with P = 1/C. With alpha = 1 this is linear attention exactly (Katharopoulos et al., 2020), whose
phi(x) = elu(x) + 1 is used. Keys, values and queries are normal random numbers from the seed.
"""

from typing import NamedTuple

import numpy as np
from brian2 import Network, Quantity, TimedArray, linked_var, second
from numpy.typing import NDArray

from biophys.circuits.time_grid import whole_steps
from biophys.plasticity.hebbian import HEBBIAN, HebbianParameters
from biophys.plasticity.presynaptic_plasticity import PROCESS, SCALING, PresynapticParameters
from biophys.simulation.copies import Copies
from biophys.simulation.network import ReadyNetwork, Recordable
from biophys.simulation.parameters import ranges, section


@ranges()
class Circuit(NamedTuple):
    """A small circuit; the sizes are our choice."""

    hidden: int = 8  # hidden neurons, m
    outputs: int = 4  # output neurons, d


@ranges(above_zero="T")
class Stimulus(NamedTuple):
    """What is written and read; our choice."""

    tokens: int = 16  # written
    rest: int = 20  # silent times of a token between writing and reading
    queries: int = 8  # read
    T: Quantity = 0.25 * second  # for which each is presented


# the rows of keys and values are presented one after the other; what is held over a step changes on its edges only
CLOCK = """
row = timestep(t, dt)//row_steps : integer (constant over dt)
row_steps : integer (constant)
"""
HIDDEN = """
h = keys(row*second, i) : 1 (constant over dt)       # activity
writing = int(row < tokens) : 1 (constant over dt)
tau_g = T : second
"""
OUTPUT = """
l = values(row*second, i) : 1 (constant over dt)  # activity
drive : 1                 # from all hidden neurons
P : 1 (linked)            # scaling of the synapses
L = P*drive : 1           # what is read
"""
ASTROCYTE = """
reading = int(row >= tokens + rest) : 1 (constant over dt)
"""
SYNAPSE = """
tau_H = hidden*T : second
drive_post = h_pre*H : 1 (summed)
"""


def build(copies: Copies) -> Network:
    shape, durations = copies.values["circuit"], copies.each("stimulus", "T") / second
    m, d = shape["hidden"], shape["outputs"]
    row_steps = whole_steps(durations, copies.step, "stimulus.T")
    keys, values = presented(copies)
    hidden = copies.neurons(
        m, CLOCK + HIDDEN + PROCESS, ["presynaptic", "stimulus"], namespace={"keys": keys}, method="rk4", name="hidden"
    )
    astrocyte = copies.neurons(1, CLOCK + ASTROCYTE + SCALING, ["stimulus"], name="astrocyte")
    output = copies.neurons(d, CLOCK + OUTPUT, ["stimulus"], namespace={"values": values}, name="output")
    for group in (hidden, astrocyte, output):
        group.row_steps = np.repeat(row_steps, len(group) // copies.count)
    output.P = linked_var(astrocyte, "P", index=np.repeat(np.arange(copies.count), d))
    process = copies.synapses(
        hidden, astrocyte, "C_post = h_pre*c_pre/hidden : 1 (summed)", ["circuit"],
        pairs=(np.arange(m), 0), name="process",
    )  # fmt: skip
    synapse = copies.synapses(
        hidden, output, SYNAPSE + HEBBIAN, ["hebbian", "circuit", "stimulus"],
        pairs=(np.repeat(np.arange(m), d), np.tile(np.arange(d), m)), method="rk4", name="synapse",
    )  # fmt: skip
    for updater in (process.summed_updaters["C_post"], synapse.summed_updaters["drive_post"]):
        updater.when, updater.order = "start", -1  # read-outs of what is recorded in the same step; no state needs them
    return Network(hidden, astrocyte, output, process, synapse)


def presented(copies: Copies) -> tuple[TimedArray, TimedArray]:
    """Activities of all hidden and of all output neurons: a row a token, silence, a row a query, and silence again."""
    circuit, stimulus = copies.values["circuit"], copies.values["stimulus"]

    def drawn(stream: str, rows: str, cells: str) -> NDArray:
        size = stimulus[rows], circuit[cells]
        return np.hstack([copies.chance(copy, stream).standard_normal(size) for copy in range(copies.count)])

    keys = positive_activity(drawn("keys", "tokens", "hidden"))
    queries = positive_activity(drawn("queries", "queries", "hidden"))
    values = drawn("values", "tokens", "outputs")
    rest, end = np.zeros((stimulus["rest"], keys.shape[1])), np.zeros((1, keys.shape[1]))
    silent = np.zeros((stimulus["rest"] + stimulus["queries"] + 1, values.shape[1]))
    return (
        TimedArray(np.vstack([keys, rest, queries, end]), dt=1 * second, name="keys"),
        TimedArray(np.vstack([values, silent]), dt=1 * second, name="values"),
    )


def positive_activity(x: NDArray) -> NDArray:
    """phi(x) = elu(x) + 1, any shape."""
    return np.where(x > 0, x + 1, np.exp(np.minimum(x, 0)))


NETWORK = ReadyNetwork(
    name="hebbian",
    sections={
        "hebbian": section(HebbianParameters()),
        "presynaptic": section(PresynapticParameters()),
        "circuit": section(Circuit()),
        "stimulus": section(Stimulus()),
    },
    records={
        "weight": Recordable("synapse", "H", "1", "Hebbian weight, hidden neuron by output neuron"),
        "hidden_activity": Recordable("hidden", "h", "1", "activity of the hidden neurons"),
        "output_activity": Recordable("output", "l", "1", "activity of the output neurons"),
        "stored_activity": Recordable("hidden", "g", "1", "activity stored by the astrocyte's processes"),
        "messenger": Recordable(
            "hidden", "z", "1", "messenger in the astrocyte's processes", fades="presynaptic.tau_z"
        ),
        "calcium": Recordable("hidden", "c", "1", "calcium in the astrocyte's processes"),
        "called_calcium": Recordable("astrocyte", "C", "1", "calcium called up by the activity"),
        "scaling": Recordable("astrocyte", "P", "1", "scaling of all synapses while reading"),
        "recalled": Recordable("output", "L", "1", "what the output neurons receive while reading"),
    },
    shown=("weight", "calcium", "scaling", "recalled"),
    build=build,
    seconds=11.5,
    step=0.01,
    every=0.05,
    fastest=lambda values: 1 / values["presynaptic"]["tau_z"],
)
