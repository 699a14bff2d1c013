"""The slow inward current (SIC) that an astrocyte evokes in the neurons around it.

Glutamate from an astrocyte whose calcium is raised reaches NMDA receptors outside the synapses and opens an inward
current of hundreds of milliseconds in several neurons at once (Parpura and Haydon, PNAS 97:8629, 2000; Fellin et al.,
Neuron 43:729, 2004). Nadkarni and Jung (Phys Rev Lett 91:268101, 2003) fitted the measured current by the logarithm
of the calcium concentration above a threshold, in nanomolar. Wade et al. (PLoS ONE 6:e29445, 2011) and NEST's
`astrocyte_lr_1994` (SIC_th, SIC_scale in pA) use the same form; below one nanomolar above the threshold there is none.

The equation belongs to a group that has calcium C; inward is positive. The fit gives a current density, so that the
current of a whole cell needs the area of its membrane.
"""

from typing import NamedTuple

from brian2 import Quantity, cmetre, nmolar, uamp, um


class SlowInwardCurrentParameters(NamedTuple):
    """Values of Nadkarni and Jung (2003)."""

    s_SIC: Quantity = 2.11 * uamp / cmetre**2  # current density for every e-fold of calcium above the threshold
    C_SIC: Quantity = 196.69 * nmolar  # calcium threshold
    A_m: Quantity = (
        19800 * um**2
    )  # membrane of the neuron (own choice: 198 pF, as in Stimberg et al. 2018, at 1 uF/cm^2)


SLOW_INWARD_CURRENT = """
I_SIC = s_SIC*A_m*log(clip((C - C_SIC)/nmolar, 1, 1e12)) : amp
"""
