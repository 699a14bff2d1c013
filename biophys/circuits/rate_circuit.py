"""The attention circuit with rate neurons (Wilson and Cowan, Biophys J 12:1, 1972).

The activity of a neuron relaxes exponentially to what it receives; equations in biophys/circuits/attention_circuit.py.
Integration is exact for what is held over a step. The weights H and the store g are sums over the steps of the
learning window, which multiplies the tau/T_w of their transients by (dt/tau)/(1 - exp(-dt/tau)) and leaves alone what
has settled. Currents from the input neurons, which hold a token during its presentation, are computed once in each.
"""

from typing import Any, NamedTuple

import numpy as np
from brian2 import NeuronGroup, Quantity, Synapses, linked_var, ms, second
from numpy.typing import NDArray

from biophys.circuits.attention_circuit import LATE, SCALING, Layer, Learning, Parts, Shape, joined, link, set_strengths
from biophys.circuits.process_calcium import Calcium
from biophys.plasticity.hebbian import HEBBIAN

INPUT = "f : 1  # activity"
# currents from the input neurons, held during a presentation
TO_HIDDEN = """
s : 1
w : 1  # drive by the astrocyte
shown : 1  # 1 while a token is presented
a : 1  # activity to which all this leads
storing : 1 (shared)  # 1 while writing
"""
ACTIVATION = "a = shown*(clip(s, 0, inf) + exp(clip(s, -inf, 0)) + storing*w)"  # elu(s) + 1 + w
TO_OUTPUT = "s : 1"
KEY_AND_QUERY = """
key : 1
query : 1
s_post = f_pre*(storing_post*key + (1 - storing_post)*query) : 1 (summed)
"""
VALUE = """
value : 1
s_post = f_pre*value : 1 (summed)
"""
HIDDEN = f"""
dh/dt = (a - h)/tau : 1  # activity
dg/dt = writing*h/T_w : 1  # activity stored
dn/dt = writing/T_w : 1  # tokens stored
writing = storing*shown*{LATE} : 1 (constant over dt)
storing : 1 (shared)
a : 1 (linked)
shown : 1 (linked)
c : 1 (linked)  # calcium
"""
OUTPUT = """
dl/dt = (storing*s + P*drive - l)/tau : 1  # activity
drive : 1  # from all hidden neurons
storing : 1 (shared)
s : 1 (linked)
P : 1 (linked)  # scaling of the synapses
"""
ASTROCYTE = """
C : 1  # calcium that a query calls up
reading = 1 - storing : 1
storing : 1 (shared)
"""
DRIVE = "drive_post = h_pre*H : 1 (summed)"
CALLING = "C_post = h_pre*n_pre*c_pre/hidden : 1 (summed)"


class RateNeurons(NamedTuple):
    """Times; all but the neurons' time constant are our choice."""

    T: Quantity = 300 * ms  # for which a token is presented
    tau: Quantity = 10 * ms  # time constant of the neurons (biophys/neuron.py)
    window: float = 0.5  # share of T, its end, in which synapses learn
    dt: Quantity = 2.5 * ms  # time step

    def build(self, layer: Layer, shape: Shape, calcium: Calcium, learning: Learning) -> Parts:
        held: dict[str, Any] = {"clock": learning.presentations, "order": -2}
        tokens = NeuronGroup(shape.stimuli * shape.inputs, INPUT, name="input", **held)
        to_hidden = NeuronGroup(shape.circuits * shape.hidden, TO_HIDDEN, name="to_hidden", **held)
        to_hidden.run_regularly(ACTIVATION, when="groups", **held)
        to_output = NeuronGroup(shape.circuits * shape.outputs, TO_OUTPUT, name="to_output", **held)
        moving: dict[str, Any] = {"clock": learning.steps, "namespace": {"tau": self.tau, **learning.namespace}}
        moving["method"] = "exponential_euler"
        hidden = NeuronGroup(shape.circuits * shape.hidden, HIDDEN, name="hidden", **moving)
        output = NeuronGroup(shape.circuits * shape.outputs, OUTPUT, name="output", **moving)
        astrocyte = NeuronGroup(shape.circuits, ASTROCYTE + SCALING, clock=learning.steps, name="astrocyte")
        process = calcium.group(shape.circuits * shape.hidden)
        hidden.a, hidden.shown = linked_var(to_hidden, "a"), linked_var(to_hidden, "shown")
        output.s = linked_var(to_output, "s")
        link(process, hidden, output, astrocyte)
        fixed = [
            joined(tokens, to_hidden, KEY_AND_QUERY, shape.stimuli, clock=tokens.clock, name="key_and_query"),
            joined(tokens, to_output, VALUE, shape.stimuli, clock=tokens.clock, name="value"),
        ]
        set_strengths(layer, shape.stimuli, *fixed)
        plastic, calling = plastic_synapses(shape, hidden, output, astrocyte, learning)
        drive = plastic.summed_updaters["drive_post"]

        def present(activities: NDArray, drives: NDArray, shown: NDArray) -> None:
            tokens.f, to_hidden.w, to_hidden.shown = activities, drives, shown

        each_step = 2 * len(plastic) + len(calling)
        return Parts(
            objects=[tokens, to_hidden, to_output, hidden, output, astrocyte, *fixed, plastic, calling],
            storing=[to_hidden, hidden, output, astrocyte],
            only_writing=[plastic.state_updater],
            only_reading=[drive, calling],
            presentations=learning.presentations,
            process=process,
            plastic=plastic,
            present=present,
            answer=lambda: np.array(output.l),
            synapse_steps=lambda rows: rows * (2 * sum(map(len, fixed)) + each_step * learning.all),
        )


def plastic_synapses(
    shape: Shape, hidden: NeuronGroup, output: NeuronGroup, astrocyte: NeuronGroup, learning: Learning
) -> tuple[Synapses, Synapses]:
    """From every hidden neuron of a circuit: those that learn, and what its process tells the astrocyte."""
    times = {"tau_H": shape.hidden * learning.namespace["T_w"], "Omega_H": 0 / second}
    stepped: dict[str, Any] = {"clock": learning.steps, "order": -1}
    plastic = {"method": "euler", "namespace": times, "name": "plastic", **stepped}
    calling = {"namespace": {"hidden": shape.hidden}, "name": "calling", **stepped}
    return (
        joined(hidden, output, HEBBIAN + DRIVE, shape.circuits, **plastic),
        joined(hidden, astrocyte, CALLING, shape.circuits, **calling),
    )
