"""2-AG: how a neuron that fires turns release at its synapses down itself, and up by way of the astrocyte.

With every spike a neuron releases the endocannabinoid 2-arachidonoylglycerol (2-AG). Directly, it suppresses release
at the neuron's own synapses (depolarization-induced suppression of excitation, DSE). Indirectly, it raises IP3 and
calcium in the astrocyte around; the astrocyte's glutamate raises release at *all* synapses it wraps (e-SP: Navarrete
and Araque, Neuron 68:113, 2010). Where synapses fail, DSE falls and e-SP, which other neurons feed, stays: the
surviving synapses release more. Model: Wade et al., Front Comput Neurosci 6:76 (2012), equations 1, 2, 13-15 and 18.

Constants: the paper's tables could not be read for this file. The values are those of public reproductions of it, and
none is confirmed. They disagree about K_AG: -4000/umolar and -1000/umolar are both in use, and this file takes the
geometric mean. With the larger one and a single calcium pool for both neurons, DSE holds the rates so low that the
astrocyte never wakes (IP3 stays at 0.33 umolar); with the smaller one a damaged neuron keeps it awake without help.

What a spike releases: the published equations multiply a delta function (1/s) by a rate (umolar/s), which leaves the
amount open; the authors' step of 1 ms fixes it. Here the amounts themselves, rate times 1 ms, are the parameters, so
that results do not depend on the step. The calcium threshold acts as in the reproductions: glutamate leaves the
astrocyte when calcium crosses it, and again every 0.3 s for as long as calcium stays above.
"""

from typing import NamedTuple

from brian2 import Quantity, mmolar, ms, nmolar, second, umolar

from biophys.simulation.parameters import ranges


@ranges(above_zero="tau_AG tau_IP3 T_Glu tau_Glu tau_eSP", signed="K_AG")
class EndocannabinoidParameters(NamedTuple):
    """Values of public reproductions of Wade et al. (2012), unconfirmed; K_AG is a choice (see above)."""

    Delta_AG: Quantity = 0.8 * nmolar  # 2-AG released by a spike (r_AG = 0.8 umolar/second for 1 ms)
    tau_AG: Quantity = 10 * second  # lifetime of 2-AG
    K_AG: Quantity = -2000 / umolar  # DSE, in percent of release, for each umolar of 2-AG (in use: -4000 and -1000)
    I_star: Quantity = 0.16 * umolar  # IP3 at rest
    tau_IP3: Quantity = 7 * second  # lifetime of IP3
    r_IP3: Quantity = 0.5 / second  # IP3 made per second for each umolar of 2-AG
    C_Theta: Quantity = 0.3 * umolar  # calcium above which the astrocyte releases glutamate
    T_Glu: Quantity = 300 * ms  # time between releases while calcium is above
    Delta_Glu: Quantity = 10 * nmolar  # glutamate of one release (r_Glu = 10 umolar/second for 1 ms)
    tau_Glu: Quantity = 100 * ms  # lifetime of the astrocyte's glutamate
    m_eSP: Quantity = 55_000 / umolar  # e-SP, in percent of release, for each umolar of glutamate
    tau_eSP: Quantity = 40 * second  # lifetime of e-SP


# 2-AG around a cell: of its own spikes for a neuron, of all neurons it wraps for an astrocyte
TWO_AG = """
dAG/dt = -AG/tau_AG : mmolar
"""

# IP3 of the astrocyte
INOSITOL_TRISPHOSPHATE = """
dI/dt = (I_star - I)/tau_IP3 + r_IP3*AG : mmolar
"""

# at the synapses of a neuron, in percent; the floor keeps glutamate from decaying into slow subnormal numbers
FEEDBACK = """
DSE = K_AG*AG : 1
dGlu/dt = -(Glu - Glu_floor)/tau_Glu : mmolar
deSP/dt = (m_eSP*Glu - eSP)/tau_eSP : 1
"""

# of a synapse, from its probability at rest; a statement for the time of an input spike
RELEASE_PROBABILITY = """
PR = clip(PR_rest*(1 + (DSE_post + eSP_post)/100), 0, 1)
"""

FLOOR = 1e-27 * mmolar
