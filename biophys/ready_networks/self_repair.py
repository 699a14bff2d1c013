"""Self-repair: a neuron that has lost most of its synapses recovers with the help of its neighbour.

Two neurons, N1 and N2, hear Poisson inputs through synapses that release with a probability PR. One astrocyte wraps
both. At the time of the fault a share of the synapses falls to a low PR. The neuron then fires less and suppresses
itself less (DSE), while the astrocyte, which the other neuron keeps awake, goes on potentiating (e-SP): the surviving
synapses take over. Wade et al., Front Comput Neurosci 6:76 (2012); mechanisms and the standing of their constants in
biophys/endocannabinoid.py, the neuron's and the synapses' are of the same kind.

One release moves the voltage by R_m I_S t_S / tau_m = 133 mV, far above the threshold: every release fires the neuron
unless it is refractory.

Chance: a synapse decides about each input spike with its own Park-Miller generator (Commun ACM 31:1192, 1988),
started from the copy's seed. Floating-point numbers carry it exactly, so that every code target draws the same numbers
and a copy depends on nothing but its seed.

Order inside a step: spikes and what they release first, then the equations over the step. 2-AG, glutamate and e-SP are
linear and live where they are used, so that nothing is held over a step; the relay of a release to the neuron's spike
takes one step. Brian2 ends refractoriness with the equations, thus after the thresholds of the step: one dt is taken
off the refractory times.
"""

from typing import NamedTuple

import numpy as np
from brian2 import Gohm, Hz, Network, Quantity, ms, mV, pA, second, umolar

from biophys.astrocyte import CALCIUM, DE_PITTA_AMPLITUDE, INACTIVATION
from biophys.endocannabinoid import (
    FEEDBACK,
    FLOOR,
    INOSITOL_TRISPHOSPHATE,
    RELEASE_PROBABILITY,
    TWO_AG,
    EndocannabinoidParameters,
)
from biophys.neuron import spikes_first
from biophys.simulation.checks import largest
from biophys.simulation.copies import Copies
from biophys.simulation.network import ReadyNetwork, Recordable
from biophys.simulation.parameters import Values, ranges, section
from biophys.simulation.stimulus import SpikeTrains, poisson_trains

NEURONS = 2
PARK_MILLER = 2**31 - 1  # draws are whole numbers from 1 to one less
REST = {"C": 0.071 * umolar, "h": 0.78}  # calcium and channels near rest

LEAKY_NEURON = """
dv/dt = -v/tau_m : volt  # above rest
"""

SYNAPSE = """
PR_rest = PR_0 + damaged*int(t >= t_fault)*(PR_fault - PR_0) : 1
PR : 1  # at the last input spike
damaged : 1 (constant)
draw : 1  # of the Park-Miller generator
"""

ON_INPUT = f"""
{RELEASE_PROBABILITY}
draw = (16807*draw) % {PARK_MILLER}
v_post += int(draw < PR*{PARK_MILLER})*int(not_refractory_post)*R_m*I_S*t_S/tau_m
"""

ON_CALCIUM = "Glu_post += Delta_Glu*(1 - int(t >= t_fault)*(1 - glutamate_left))"


@ranges()
class Stimulus(NamedTuple):
    """The input."""

    rate: Quantity = 10 * Hz  # Poisson rate of each input


@ranges(shares="PR_0")
class Synapses(NamedTuple):
    """Synapses of each neuron."""

    per_neuron: int = 10  # synapses of a neuron
    PR_0: float = 0.5  # release probability at rest


@ranges(above_zero="tau_m V_th t_ref t_S", signed="I_S")
class Neuron(NamedTuple):
    """Leaky integrate-and-fire neuron; values of public reproductions of Wade et al. (2012), unconfirmed."""

    R_m: Quantity = 1.2 * Gohm  # membrane resistance
    tau_m: Quantity = 60 * ms  # membrane time constant
    V_th: Quantity = 9 * mV  # threshold above rest
    t_ref: Quantity = 2 * ms  # refractory time
    I_S: Quantity = 6650 * pA  # current of one release
    t_S: Quantity = 1 * ms  # its duration (the authors' step); only the charge I_S t_S matters


@ranges(shares="share_1 share_2 PR_fault glutamate_left")
class Fault(NamedTuple):
    """What fails, and when."""

    t_fault: Quantity = 200 * second  # time of the fault
    share_1: float = 0.0  # share of the synapses of N1 that fail
    share_2: float = 0.8  # share of the synapses of N2 that fail
    PR_fault: float = 0.1  # their release probability at rest afterwards (0: complete fault)
    glutamate_left: float = 1.0  # share of the astrocyte's glutamate release that survives the fault


def build(copies: Copies) -> Network:
    count = copies.values["synapse"]["per_neuron"]
    inputs = copies.spikes(lambda copy: input_trains(copies, copy), name="inputs")
    neurons = copies.neurons(
        NEURONS, LEAKY_NEURON + TWO_AG + FEEDBACK, ["neuron", "endocannabinoid"], name="neurons", method="exact",
        threshold="v > V_th", reset="v = 0*mV\nAG += Delta_AG", refractory="t_ref - dt", namespace={"Glu_floor": FLOOR},
    )  # fmt: skip
    astrocyte = copies.neurons(
        1, CALCIUM + INOSITOL_TRISPHOSPHATE + TWO_AG, ["astrocyte", "endocannabinoid"], name="astrocyte", method="rk4",
        threshold="C > C_Theta", refractory="T_Glu - dt",
    )  # fmt: skip
    astrocyte.C, astrocyte.h, astrocyte.I = REST["C"], REST["h"], copies.each("endocannabinoid", "I_star")
    both = np.arange(NEURONS)
    synapses = copies.synapses(
        inputs, neurons, SYNAPSE, ["synapse", "fault", "neuron", "endocannabinoid"], name="synapses", on_pre=ON_INPUT,
        pairs=(np.arange(NEURONS * count), np.repeat(both, count)),
    )  # fmt: skip
    synapses.PR = np.repeat(copies.each("synapse", "PR_0"), NEURONS * count)
    synapses.damaged = np.concatenate([damaged(copies, copy) for copy in range(copies.count)])
    synapses.draw = np.concatenate(
        [copies.chance(copy, "release").integers(1, PARK_MILLER, NEURONS * count) for copy in range(copies.count)]
    )
    heard = copies.synapses(
        neurons, astrocyte, "", ["endocannabinoid"], name="heard", on_pre="AG_post += Delta_AG", pairs=(both, 0)
    )
    glutamate = copies.synapses(
        astrocyte, neurons, "", ["fault", "endocannabinoid"], name="glutamate", on_pre=ON_CALCIUM, pairs=(0, both)
    )
    return spikes_first(inputs, neurons, astrocyte, synapses, heard, glutamate)


def input_trains(copies: Copies, copy: int) -> SpikeTrains:
    """One Poisson train a synapse, those of N1 first."""
    rates = np.full(NEURONS * copies.values["synapse"]["per_neuron"], copies.of(copy, "stimulus").rate)
    return poisson_trains(rates, copies.seconds, copies.step, copies.chance(copy, "inputs"))


def damaged(copies: Copies, copy: int) -> np.ndarray:
    """1 for the synapses that fail, the first of each neuron, and 0 for the others."""
    count, fault = copies.values["synapse"]["per_neuron"], copies.of(copy, "fault")
    failing = (round(share * count) for share in (fault.share_1, fault.share_2))
    return np.concatenate([np.arange(count) < number for number in failing]).astype(float)


def fastest(values: Values) -> float:
    """Exchange of calcium with the reticulum, and the refractory time, which a step must not exceed."""
    calcium = values["astrocyte"]["Omega_C"] * (1 + values["astrocyte"]["rho_A"])
    return largest(calcium, 0.5 / values["neuron"]["t_ref"])


NETWORK = ReadyNetwork(
    name="self-repair",
    sections={
        "stimulus": section(Stimulus()),
        "synapse": section(Synapses()),
        "neuron": section(Neuron()),
        "endocannabinoid": section(EndocannabinoidParameters()),
        "astrocyte": section(DE_PITTA_AMPLITUDE._replace(O_P=0.8 * umolar / second), used_in=CALCIUM),
        "fault": section(Fault()),
    },
    records={
        "spikes": Recordable("neurons", "spikes", "s", "times of spikes of N1 and N2", "neuron"),
        "voltage": Recordable("neurons", "v", "mV", "voltage above rest", "neuron", "neuron.tau_m"),
        "two_ag": Recordable(
            "neurons", "AG", "umolar", "2-AG that the neuron released", "neuron", "endocannabinoid.tau_AG"
        ),
        "suppression": Recordable(
            "neurons", "DSE", "%", "change of release by the neuron's 2-AG (DSE)", "neuron", "endocannabinoid.tau_AG"
        ),
        "potentiation": Recordable(
            "neurons", "eSP", "%", "change of release by the astrocyte (e-SP)", "neuron", "endocannabinoid.tau_eSP"
        ),
        "glutamate": Recordable(
            "neurons", "Glu", "umolar", "glutamate from the astrocyte", "neuron", "endocannabinoid.tau_Glu"
        ),
        "release_probability": Recordable("synapses", "PR", "1", "release probability at the last input", "synapse"),
        "calcium": Recordable("astrocyte", "C", "umolar", "free calcium in the astrocyte", fades=INACTIVATION),
        "inositol_trisphosphate": Recordable(
            "astrocyte", "I", "umolar", "IP3 in the astrocyte", fades="endocannabinoid.tau_IP3"
        ),
        "glutamate_releases": Recordable("astrocyte", "spikes", "s", "times at which the astrocyte releases glutamate"),
    },
    shown=("spikes", "release_probability", "suppression", "potentiation", "calcium"),
    build=build,
    seconds=400.0,
    step=0.001,
    every=0.5,
    fastest=fastest,
)
