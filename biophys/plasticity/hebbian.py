"""Hebbian plasticity in rate form: cells that are active together are wired together.

The weight H of a synapse grows with the product of the activities of its two cells (Hebb, The Organization of
Behavior, 1949). Mia, Bal and Sengupta (IEEE TCDS 2025, Eqs. 8-9) write attention this way: for every token t the
hidden neurons are active as h_t = phi(k_t) and the output neurons as l_t = v_t, and

    H_t = H_{t-1} + (1/m) h_t l_t    becomes    dH/dt = h l / tau_H - Omega_H H.

A token presented for the time T changes H by (T/tau_H) h l, so that tau_H = m T gives Eq. 9 exactly. `writing` is 1
while tokens are stored and 0 while the network is read, the global switch of Kozachkov, Kastanenka and Krotov (PNAS
120:e2219150120, 2023). Forgetting (Omega_H) is not part of their model and off by default.
"""

from typing import NamedTuple

from brian2 import Quantity, second

from biophys.simulation.parameters import ranges


@ranges()
class HebbianParameters(NamedTuple):
    """Forgetting; our addition."""

    Omega_H: Quantity = 0 / second  # rate at which a weight is forgotten


# of the presynaptic cell: h and writing; of the postsynaptic one: l
HEBBIAN = """
dH/dt = writing_pre*h_pre*l_post/tau_H - Omega_H*H : 1 (clock-driven)
"""
