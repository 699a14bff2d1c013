"""The attention circuit with spiking neurons: every activity is the rate of a population that fires by chance.

A population of activity a fires, as a whole, R a spikes a second (a Poisson process); a signed activity is that of two
populations, one for each sign, of which one fires at a time. Spikes add to currents that decay with the time constant
tau of slow (NMDA) synapses, so that a current is the mean of what was sent over about tau:

    hidden neurons   a = phi(s) + w from the current s; in the learning window, each of their spikes changes H by
                     v/(m R T_w), with v the potential of the output neuron (voltage-based plasticity: Clopath et al.,
                     Nat Neurosci 13:344, 2010), and the store g of the process by 1/(R T_w),
    output neurons   the potential l is the current v from the input neurons while writing, and P times that from the
                     hidden neurons while reading, with C from the same spikes; the answer y is what they fire in the
                     window, over R T_w.

In a step of dt, a population fires a Poisson number of spikes; a spike counts (exp(dt/tau) - 1)/(R dt), which keeps
mean currents exact for every dt. Two errors remain besides that of settling (`settling_error`):

    chance   the count behind an answer has the variance |l|/(R T_w), whatever came before (`counting_error`); spikes of
             input and hidden neurons add to it, in the same proportion to 1/(R T_w). The relative error thus falls as
             1/sqrt(R T).
    bias     a fluctuating current enters what is not linear: phi, the product of Hebb (h and v hear the same spikes),
             and 1/C. This shifts the mean by order 1/(R tau), however long one waits. Where all synapses inhibit, phi
             is an exponential, and the shift is known: Campbell's theorem gives the mean activity
             exp(sum_i R dt |f_i| sum_k (exp(-|W_i| u q^k) - 1)), with u what a spike counts, q = exp(-dt/tau), k > 0
"""

from typing import Any, NamedTuple

import numpy as np
from brian2 import Hz, NeuronGroup, Quantity, ms
from numpy.typing import NDArray

from biophys.circuits.attention_circuit import LATE, SCALING, Layer, Learning, Parts, Shape, joined, link, set_strengths
from biophys.circuits.process_calcium import Calcium

INPUT = """
f : 1  # activity
k : integer  # spikes in this step, negative those of the second population
sent : 1  # steps with spikes so far
written : 1  # of these, while writing
storing : 1 (shared)  # 1 while writing
"""
HIDDEN = f"""
ds/dt = -s/tau : 1  # current
a = shown*(clip(s, 0, inf) + exp(clip(s, -inf, 0)) + storing*w) : 1  # elu(s) + 1 + w, activity
dn/dt = writing/T_w : 1  # tokens stored
writing = storing*shown*{LATE} : 1
g : 1  # activity stored
k : integer  # spikes in this step
sent : 1  # steps with spikes so far
written : 1  # of these, while writing
w : 1  # drive by the astrocyte
shown : 1  # 1 while a token is presented
storing : 1 (shared)  # 1 while writing
c : 1 (linked)  # calcium
"""
OUTPUT = f"""
dv/dt = -v/tau : 1  # current from the input neurons
ddrive/dt = -drive/tau : 1  # current from the hidden neurons
l = storing*v + P*drive : 1  # potential
late = {LATE} : 1
k : integer  # spikes in this step, negative those of the second population
fired : 1  # spikes in this presentation so far, those of the second population subtracted
y : 1  # activity, as fired in the window of this presentation
storing : 1 (shared)
P : 1 (linked)  # scaling of the synapses
"""
ASTROCYTE = """
dC/dt = -C/tau : 1  # calcium that a query calls up
reading = 1 - storing : 1
storing : 1 (shared)
"""
FIRING = {
    "input": "k = int(sign(f))*poisson(R*dt*abs(f))",
    "hidden": "k = poisson(R*dt*a)",
    "output": """
    k = int(sign(l))*poisson(R*dt*abs(l))
    fired += k
    y += late*k/(R*T_w)
    """,
}
TO_HIDDEN = "s_post += k_pre*(storing_post*key + (1 - storing_post)*query)*spike"
TO_OUTPUT = "v_post += k_pre*value*spike"
TO_LEARN = {"learn": "H += k_pre*writing_pre*v_post/(hidden*R*T_w)", "drive": "drive_post += k_pre*H*spike"}
CALL = "C_post += k_pre*n_pre*c_pre*spike/hidden"


class SpikingNeurons(NamedTuple):
    """Rates and times; our choice."""

    T: Quantity = 1000 * ms  # for which a token is presented
    tau: Quantity = 100 * ms  # time constant of currents (slow NMDA synapses)
    window: float = 0.5  # share of T, its end, in which synapses learn and answers are counted
    dt: Quantity = 25 * ms  # time step; means are exact, and chance is the same, for shorter ones
    R: Quantity = 100 * Hz  # spikes a second of a population at activity 1

    def build(self, layer: Layer, shape: Shape, calcium: Calcium, learning: Learning) -> Parts:
        """ValueError if nothing would fire."""
        if not self.R / Hz > 0:
            raise ValueError(f"rate {self.R / Hz:g} Hz carries no activity; use one above 0")
        spike = float(np.expm1(self.dt / self.tau) / (self.R * self.dt))
        namespace = {"R": self.R, "tau": self.tau, "spike": spike, "hidden": shape.hidden, **learning.namespace}
        options: dict[str, Any] = {"clock": learning.steps, "namespace": namespace}
        fires: dict[str, Any] = {"threshold": "k != 0", "reset": "sent += 1\nwritten += storing", **options}
        tokens = NeuronGroup(shape.stimuli * shape.inputs, INPUT, name="input", **fires)
        fires["reset"] += "\ng += k*writing/(R*T_w)"
        exact: dict[str, Any] = {"method": "exponential_euler"}
        hidden = NeuronGroup(shape.circuits * shape.hidden, HIDDEN, name="hidden", **fires, **exact)
        output = NeuronGroup(shape.circuits * shape.outputs, OUTPUT, name="output", **options, **exact)
        astrocyte = NeuronGroup(shape.circuits, ASTROCYTE + SCALING, name="astrocyte", **options, **exact)
        for group in (tokens, hidden, output):
            group.run_regularly(FIRING[group.name], when="thresholds", order=-1, clock=learning.steps)
        process = calcium.group(shape.circuits * shape.hidden)
        link(process, hidden, output, astrocyte)
        key_and_query = joined(
            tokens, hidden, "key : 1\nquery : 1", shape.stimuli, on_pre=TO_HIDDEN, name="key_and_query", **options
        )
        value = joined(tokens, output, "value : 1", shape.stimuli, on_pre=TO_OUTPUT, name="value", **options)
        set_strengths(layer, shape.stimuli, key_and_query, value)
        plastic = joined(hidden, output, "H : 1", shape.circuits, on_pre=TO_LEARN, name="plastic", **options)
        plastic.learn.order = -1  # before the spikes of this step change the potential
        calling = joined(hidden, astrocyte, "", shape.circuits, on_pre=CALL, name="calling", **options)

        def present(activities: NDArray, drives: NDArray, shown: NDArray) -> None:
            tokens.f, hidden.w, hidden.shown = activities, drives, shown
            output.fired, output.y = 0, 0

        def synapse_steps(rows: int) -> int:
            fixed = shape.heads * (shape.hidden * sum(tokens.sent) + shape.outputs * sum(tokens.written))
            return int(fixed + (shape.outputs + 1) * sum(hidden.sent) - sum(hidden.written))

        return Parts(
            objects=[tokens, hidden, output, astrocyte, key_and_query, value, plastic, calling],
            storing=[tokens, hidden, output, astrocyte],
            only_writing=[value, plastic.learn],
            only_reading=[calling, plastic.drive],
            presentations=learning.presentations,
            process=process,
            plastic=plastic,
            present=present,
            answer=lambda: np.array(output.y),
            synapse_steps=synapse_steps,
        )


def settling_error(neurons: SpikingNeurons) -> float:
    """What is left of the presentation before, as a share of the steps between the two: writing, and reading, whose
    answers are means of 1 - (1 + t/tau) exp(-t/tau) over the window.
    """
    held, waited = float(neurons.T / neurons.tau), float(neurons.T / neurons.tau) * (1 - neurons.window)
    left = (2 + waited) * np.exp(-waited) - (2 + held) * np.exp(-held)
    return float((np.exp(-waited) + left) / (held - waited))


def counting_error(activity: NDArray, spikes: float) -> NDArray:
    """Standard deviation of an answer that is `activity` in the mean, by its own count: sqrt(|l|/(R T_w)), with spikes
    R T_w at activity 1. What spikes of input and hidden neurons add is left out.
    """
    return np.sqrt(np.abs(activity) / spikes)
