"""Independent tripartite units in one vectorised network: presynaptic cells -> release sites -> one
astrocyte.

Each unit is one astrocyte that hears `synapses` presynaptic cells through one release site each; units do
not touch. A whole experiment (rates x trials) is one Network, so its cost is that of the steps and hardly
of the units.

Order inside a step: spikes and release come first, then the equations are integrated over the step, so a
spike on grid point t acts exactly at t. Transmitter Y_S is a variable of the astrocyte itself and not a
`(summed)` copy held over the step; the coupling is of fourth order like the integrator: against
SciPy on the same spikes it is 1e-5 of each state at 5 ms and 2e-4 at 10 ms.
"""

import numpy as np
from brian2 import (
    Clock,
    Network,
    NeuronGroup,
    Quantity,
    SpikeGeneratorGroup,
    StateMonitor,
    Synapses,
    second,
)

from biophys.astrocyte import (
    CALCIUM,
    FLOOR,
    INITIAL,
    INOSITOL_TRISPHOSPHATE,
    RECEPTORS,
    AstrocyteParameters,
)
from biophys.stimulus import SpikeTrains
from biophys.synapse import CLEFT, ON_SPIKE, RELEASE_SITE, SynapseParameters

SCHEDULE = ["start", "thresholds", "synapses", "groups", "resets", "end"]
RECORD_EVERY = 0.1 * second  # calcium changes over seconds
LARGEST_STEP = 0.01 * second  # rk4 errs by 4e-9 of calcium at this step
FASTEST_CHANGE = 0.5  # rate of a linear process times step; rk4 errs by 3e-4 of one decay
RECORDED = ["C", "h", "I", "gamma_A", "Y_S", "R_S"]


def build_units(
    trains: SpikeTrains,
    synapses: int,
    *,
    synapse: SynapseParameters,
    astrocyte: AstrocyteParameters,
    step: Quantity,
    record_every: Quantity = RECORD_EVERY,
) -> Network:
    """Network of trains.cells // synapses units; cells 0 .. synapses-1 belong to unit 0, and so on.

    Its objects: "presynaptic", "release", "astrocyte", "record" (RECORDED, at the start of a step).
    """
    steps = Clock(step, name="steps")
    presynaptic = SpikeGeneratorGroup(trains.cells, trains.cell, trains.time * second, clock=steps, name="presynaptic")
    cell = NeuronGroup(
        trains.cells // synapses,
        CALCIUM + INOSITOL_TRISPHOSPHATE + RECEPTORS + CLEFT,
        method="rk4",
        clock=steps,
        namespace={**astrocyte._asdict(), "Omega_c": synapse.Omega_c, "Y_floor": FLOOR},
        name="astrocyte",
    )
    for state, value in INITIAL.items():
        setattr(cell, state, value)
    release = Synapses(
        presynaptic,
        cell,
        RELEASE_SITE,
        on_pre=ON_SPIKE,
        method="exact",
        clock=steps,
        namespace=synapse._asdict(),
        name="release",
    )
    sources = np.arange(trains.cells)
    release.connect(i=sources, j=sources // synapses)
    release.x_S = 1
    record = StateMonitor(cell, RECORDED, record=True, dt=record_every, name="record")
    network = Network(presynaptic, cell, release, record)
    network.schedule = SCHEDULE
    return network


def largest_step(rate: Quantity, synapses: int, synapse: SynapseParameters, astrocyte: AstrocyteParameters) -> Quantity:
    """Largest step that keeps the coupling error below 1e-3 at a presynaptic rate of up to `rate`.

    It leaves two steps for a mean interval between spikes, and two for the lifetime of transmitter in the
    cleft and of a free receptor at the peak of transmitter that one spike brings.
    """
    binding = astrocyte.O_N * synapse.rho_c * synapse.Y_T * synapse.U_0 / synapses
    return min(LARGEST_STEP, FASTEST_CHANGE / rate, FASTEST_CHANGE / (synapse.Omega_c + binding))
