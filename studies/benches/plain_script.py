"""One point of a parameter study as done with Brian2 by hand: a script that builds, compiles and runs one network.

usage: python -m studies.benches.plain_script O_BETA TARGET SECONDS STEP SYNAPSES

It is the tripartite synapse of biophys/ready_networks/tripartite.py with astrocytic receptors written plainly, and
stands here for `astromorph bench sweep` to time: a fresh process a point.
"""

import sys

import numpy as np
from brian2 import Hz as hertz
from brian2 import Network, NeuronGroup, PoissonGroup, StateMonitor, Synapses, defaultclock, prefs, second, umolar

from biophys.astrocyte import CALCIUM, FLOOR, INITIAL, INOSITOL_TRISPHOSPHATE, RECEPTORS, AstrocyteParameters
from biophys.gliotransmission import (
    GLIOTRANSMITTER,
    MODULATED,
    PRESYNAPTIC_RECEPTORS,
    RELEASING,
    GliotransmissionParameters,
)
from biophys.synapse import CLEFT, INTO_CLEFT, RELEASE, RELEASE_SITE, SynapseParameters


def simulate(production: float, target: str, seconds: float, step: float, synapses: int) -> float:
    """Mean calcium (umolar) at a maximal IP3 production O_beta in umolar/second."""
    prefs.codegen.target = target
    defaultclock.dt = step * second
    cell = AstrocyteParameters(O_beta=production * umolar / second)
    parameters = {"Y_floor": FLOOR, **cell._asdict()}
    parameters |= SynapseParameters()._asdict() | GliotransmissionParameters()._asdict()
    presynaptic = PoissonGroup(synapses, 1 * hertz, name="presynaptic")
    astrocyte = NeuronGroup(
        1,
        CALCIUM + INOSITOL_TRISPHOSPHATE + RECEPTORS + CLEFT + GLIOTRANSMITTER + PRESYNAPTIC_RECEPTORS,
        namespace=parameters,
        method="rk4",
        name="astrocyte",
        **RELEASING,
    )
    astrocyte.set_states({**INITIAL, "x_A": 1.0, "f_S": 1.0})
    release = Synapses(
        presynaptic,
        astrocyte,
        RELEASE_SITE,
        on_pre=MODULATED + RELEASE + INTO_CLEFT,
        method="exact",
        namespace=parameters,
        name="release",
    )
    release.connect()
    release.x_S = 1
    calcium = StateMonitor(astrocyte, "C", record=True, dt=0.1 * second, name="calcium")
    Network(presynaptic, astrocyte, release, calcium).run(seconds * second, namespace={})
    return float(np.mean(calcium.C / umolar))


if __name__ == "__main__":
    production, target, seconds, step, synapses = sys.argv[1:]
    print(simulate(float(production), target, float(seconds), float(step), int(synapses)))
