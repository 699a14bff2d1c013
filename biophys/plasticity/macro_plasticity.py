"""Plasticity with two astrocytic time scales: the macro model of synapses and the astrocyte processes at them.

Synapse ij has a strength s, a short-term process p_s that couples to the processes of all other synapses of the
astrocyte, and a long-term process p_l that integrates (RMAAT, Mia et al., arXiv 2601.00426, after Kozachkov, Slotine
and Krotov, PNAS 2025, doi 10.1073/pnas.2417788122):

    tau_s   ds_ij/dt   = -beta s_ij + theta(x_i) theta(x_j) + psi(p_s_ij)
    tau_p_s dp_s_ij/dt = -gamma_s p_s_ij + sum_kl T_ijkl psi(p_s_kl) + kappa(s_ij)
    tau_p_l dp_l_ij/dt = -gamma_l p_l_ij + kappa(s_ij)

with T_ijkl falling with the distance between the synapses ij and kl. In every cycle of activity s and p_s rise and
fall, while p_l climbs by ever smaller amounts towards a limit; RMAAT reads from these increments how much of its
memory a transformer keeps from one segment of text to the next.

No time constant, gain or nonlinearity of the model has been published beyond "seconds" for the short-term and "tens of
seconds or more" for the long-term process. Ours: theta(x) = tanh(x), psi(p) = psi_0 tanh(p), kappa(s) = kappa_0
tanh(s), T = T_0 exp(-distance/lambda_T) with synapse ij at the point (i, j), none of a process with itself, and gains
small enough that activity dies out between cycles (the sum of T is at most 3.5 T_0 for nine synapses).
"""

from typing import NamedTuple

import numpy as np
import xarray as xr
from brian2 import Quantity, second

from biophys.simulation.parameters import ranges


@ranges(above_zero="tau_s tau_p_s lambda_T tau_p_l", signed="psi_0 T_0 kappa_0")
class MacroParameters(NamedTuple):
    """All values are our choice; the papers print none."""

    tau_s: Quantity = 0.5 * second  # time constant of synaptic strength
    beta: float = 1.0  # decay of strength
    psi_0: float = 0.3  # largest effect of a short-term process
    tau_p_s: Quantity = 2 * second  # time constant of the short-term process ("seconds")
    gamma_s: float = 1.0  # decay of the short-term process
    T_0: float = 0.3  # coupling of processes at no distance
    lambda_T: float = 1.0  # length over which it falls, in distances of neighbouring synapses
    kappa_0: float = 1.0  # largest effect of strength on the processes
    tau_p_l: Quantity = 60 * second  # time constant of the long-term process ("tens of seconds or more")
    gamma_l: float = 1.0  # decay of the long-term process


# x_i and x_j are the activities of the two neurons, on is 1 while they are active; S is the sum over other synapses
MACRO = """
ds/dt = (-beta*s + theta + psi_0*tanh(p_s))/tau_s : 1
dp_s/dt = (-gamma_s*p_s + S + kappa_0*tanh(s))/tau_p_s : 1
dp_l/dt = (-gamma_l*p_l + kappa_0*tanh(s))/tau_p_l : 1
theta = tanh(on*x_i)*tanh(on*x_j) : 1
S : 1
"""

# between two processes; row and column are the places i and j of their synapses
COUPLING = """
T = T_0*exp(-sqrt((row_pre - row_post)**2 + (column_pre - column_post)**2)/lambda_T) : 1
S_post = T*psi_0*tanh(p_s_pre) : 1 (summed)
"""


def levels_at_cycle_ends(long_term: xr.DataArray, cycle: float) -> xr.DataArray:
    """The long-term process at the start and at the end of every cycle of `cycle` s.

    long_term: with a dimension time (s), which turns into cycle (0, 1, ...); the ends must be among the records.
    Increments are levels.diff("cycle"). ValueError in one sentence if no end was recorded.
    """
    time = long_term.time.values
    ends = np.arange(int(time[-1] / cycle + 1e-9) + 1)
    places = np.abs(time - ends[:, None] * cycle).argmin(axis=1)
    if len(ends) < 2 or np.abs(time[places] - ends * cycle).max() > 1e-6 * cycle:
        raise ValueError(f"no record at the ends of all cycles of {cycle:g} s; simulate longer or record more often")
    levels = long_term.isel(time=places).drop_vars("time").rename(time="cycle")
    return levels.assign_coords(cycle=("cycle", ends, {"units": "1", "long_name": "cycles passed"}))
