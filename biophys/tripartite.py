"""Tripartite units in one vectorised network: presynaptic cells -> release sites -> an astrocyte, which may answer
the release sites by gliotransmission.

Each unit is one astrocyte that hears `synapses` presynaptic cells through one release site each; units do
not touch. A whole experiment (rates x trials) is one Network, so its cost is that of the steps and hardly
of the units. `build_units` makes units that only listen, `closed_loop` those that answer.

Order inside a step: releases of gliotransmitter and then spikes come first, then the equations are integrated over the
step, so an event on grid point t acts exactly at t. Transmitter Y_S is a variable of the astrocyte itself and not a
`(summed)` copy held over the step; the coupling is of fourth order like the integrator: against
SciPy on the same spikes it is 1e-5 of each state at 5 ms and 2e-4 at 10 ms.

In `closed_loop` the astrocytic receptors, too, are followed by what will be left free, f_A = (1 - gamma_A)
exp(-O_N/Omega_c Y_S), from which binding cancels (see biophys/gliotransmission.py): one synapse that releases 1.5
mmolar binds them within 2 ms, and the step need not follow that. Against SciPy with the same events every state is then
right to 3e-7 at 1 ms and 7e-5 at 5 ms. A release acts on the first grid point after calcium has crossed the threshold.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from brian2 import Network, Quantity, StateMonitor, second

from biophys import gliotransmission
from biophys.astrocyte import (
    CALCIUM,
    FLOOR,
    INACTIVATION,
    INITIAL,
    INOSITOL_TRISPHOSPHATE,
    RECEPTORS,
    AstrocyteParameters,
    fastest_rate,
)
from biophys.gliotransmission import GLIOTRANSMITTER, LARGEST_EXPONENT, MODULATED, PRESYNAPTIC_RECEPTORS, RELEASING
from biophys.neuron import spikes_first
from biophys.simulation.checks import largest
from biophys.simulation.copies import Copies
from biophys.simulation.network import Recordable
from biophys.simulation.parameters import Values
from biophys.simulation.stimulus import SpikeTrains
from biophys.synapse import CLEFT, INTO_CLEFT, LAST_RELEASE, ON_SPIKE, RELEASE, RELEASE_SITE, SynapseParameters

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
    values = {"astrocyte": astrocyte._asdict(), "synapse": synapse._asdict()}
    copies = Copies(values, [0], step=step, seconds=0 * second)  # how long it will run is open
    network = _units(
        copies, lambda copy: trains, synapses, LOOP + RECEPTORS + CLEFT, RELEASE_SITE, on_spike=ON_SPIKE, start=INITIAL
    )
    network.add(StateMonitor(network["astrocyte"], RECORDED, record=True, dt=record_every, name="record"))
    return network


def largest_step(rate: Quantity, synapses: int, synapse: SynapseParameters, astrocyte: AstrocyteParameters) -> Quantity:
    """Largest step that keeps the coupling error below 1e-3 at a presynaptic rate of up to `rate`.

    It leaves two steps for a mean interval between spikes, and two for the lifetime of transmitter in the
    cleft and of a free receptor at the peak of transmitter that one spike brings.
    """
    binding = astrocyte.O_N * synapse.rho_c * synapse.Y_T * synapse.U_0 / synapses
    return min(LARGEST_STEP, FASTEST_CHANGE / rate, FASTEST_CHANGE / (synapse.Omega_c + binding))


# the receptors of biophys/astrocyte.py, followed by the share that the transmitter now in the cleft will leave free
# once it has fallen to Y_ref: 0, or where that would be too small a number, what it was at the last step
FREE_RECEPTORS = """
df_A/dt = Omega_N*(1 + zeta*C/(C + K_KC))*(exp(-O_N/Omega_c*(Y_S - Y_ref)) - f_A) : 1
gamma_A = 1 - f_A*exp(O_N/Omega_c*(Y_S - Y_ref)) : 1
Y_ref : mmolar
"""
BINDING = f"""
f_A_post *= exp(-O_N/Omega_c*rho_c*Y_T*r_S/N_incoming*int(O_N/Omega_c*rho_c*Y_T <= {LARGEST_EXPONENT}))
Y_ref_post += rho_c*Y_T*r_S/N_incoming*int(O_N/Omega_c*rho_c*Y_T > {LARGEST_EXPONENT})
"""
REFERRED = f"""
f_A = f_A*exp(O_N/Omega_c*(Y_S*int(O_N/Omega_c*Y_S > {LARGEST_EXPONENT}) - Y_ref))
Y_ref = Y_S*int(O_N/Omega_c*Y_S > {LARGEST_EXPONENT})
"""


def referred_rk4(*arguments: Any) -> str:
    """Brian2's Runge-Kutta method, at whose end the receptors are referred to the transmitters that are left."""
    return gliotransmission.referred_rk4(*arguments) + REFERRED


LOOP = CALCIUM + INOSITOL_TRISPHOSPHATE
LOOP_INITIAL = {"C": INITIAL["C"], "h": INITIAL["h"], "I": INITIAL["I"]}


def closed_loop(
    copies: Copies,
    trains: Callable[[int], SpikeTrains],
    synapses: int,
    *,
    cell: str = LOOP,
    start: Mapping[str, Any] = LOOP_INITIAL,
) -> Network:
    """Copies of units whose astrocytes release gliotransmitter onto their release sites.

    trains: of the presynaptic cells of a copy, `synapses` for each astrocyte.
    cell: equations of calcium and IP3, with the share gamma_A of receptors bound.
    start: of C, h and I.

    Its objects: "presynaptic", "release", "astrocyte"; sections astrocyte, synapse and gliotransmission.
    """
    cell += FREE_RECEPTORS + CLEFT + GLIOTRANSMITTER + PRESYNAPTIC_RECEPTORS
    site, on_spike = RELEASE_SITE + LAST_RELEASE, MODULATED + RELEASE + INTO_CLEFT + BINDING
    start = {**start, "f_A": 1.0, **gliotransmission.INITIAL}
    options = {"method": referred_rk4, **RELEASING}
    return _units(copies, trains, synapses, cell, site, on_spike=on_spike, start=start, **options)


def _units(
    copies: Copies,
    trains: Callable[[int], SpikeTrains],
    synapses: int,
    cell: str,
    site: str,
    *,
    on_spike: str,
    start: Mapping[str, Any],
    **options: Any,
) -> Network:
    """Units of astrocytes with the equations `cell` and release sites with the equations `site`.

    options: of the group of astrocytes. Parameters are those of all sections but the stimulus.
    """
    sections = [name for name in ("astrocyte", "synapse", "gliotransmission") if name in copies.values]
    presynaptic = copies.spikes(trains, name="presynaptic")
    sites = np.arange(len(presynaptic) // copies.count)
    options = {"method": "rk4"} | options | {"namespace": {"Y_floor": FLOOR}, "name": "astrocyte"}
    astrocyte = copies.neurons(len(sites) // synapses, cell, sections, **options)
    astrocyte.set_states(start)
    release = copies.synapses(
        presynaptic, astrocyte, site, sections, pairs=(sites, sites // synapses), on_pre=on_spike, method="exact",
        name="release",
    )  # fmt: skip
    release.x_S = 1
    return spikes_first(presynaptic, astrocyte, release)


def fastest(values: Values) -> float:
    """Rate (1/s) of the fastest process of `closed_loop` that a step must follow, presynaptic spikes among them."""
    cell = values["astrocyte"]
    unbinding = cell["Omega_N"] * (1 + cell["zeta"])
    return largest(values["synapse"]["Omega_c"], fastest_rate(cell), unbinding, values["stimulus"]["rate"])


RECORDS = {
    "calcium": Recordable("astrocyte", "C", "umolar", "free calcium in the astrocyte", fades=INACTIVATION),
    "inositol_trisphosphate": Recordable(
        "astrocyte", "I", "umolar", "IP3 in the astrocyte", fades="astrocyte.Omega_5P"
    ),
    "channels_not_inactivated": Recordable(
        "astrocyte", "h", "1", "share of IP3 receptor channels not inactivated", fades=INACTIVATION
    ),
    "receptors_bound": Recordable(
        "astrocyte", "gamma_A", "1", "share of astrocytic receptors bound", fades="astrocyte.Omega_N"
    ),
    "released_transmitter": Recordable(
        "astrocyte", "Y_S", "umolar", "transmitter in the cleft, mean over synapses", fades="synapse.Omega_c"
    ),
    "cumulative_release": Recordable(
        "astrocyte", "R_S", "1", "vesicle pools released since the start, mean over synapses"
    ),
    "gliotransmitter": Recordable(
        "astrocyte", "G_A", "umolar", "gliotransmitter around the synapses", fades="gliotransmission.Omega_e"
    ),
    "gliotransmitter_available": Recordable(
        "astrocyte", "x_A", "1", "share of gliotransmitter vesicles available", fades="gliotransmission.Omega_A"
    ),
    "presynaptic_receptors_bound": Recordable(
        "astrocyte", "Gamma_S", "1", "share of presynaptic receptors bound", fades="gliotransmission.Omega_G"
    ),
    "astrocyte_releases": Recordable("astrocyte", "spikes", "s", "times of release of gliotransmitter"),
    "release": Recordable("release", "r_S", "1", "share of vesicles released by the last spike", "synapse"),
    "presynaptic_spikes": Recordable("presynaptic", "spikes", "s", "times of presynaptic spikes", "synapse"),
}


def records_of(names: str) -> dict[str, Recordable]:
    """What these words name among them, in their order."""
    return {name: RECORDS[name] for name in names.split()}


def recorded(network: Network, units: Mapping[str, xr.Variable]) -> dict[str, xr.DataArray]:
    """The states of monitor "record" of `build_units`, one array a state, with dims (*units, time).

    units: coordinate of each dimension of the units, slowest first.
    """
    monitor = network["record"]
    time = xr.Variable("time", np.array(monitor.t / second), {"units": "s", "long_name": "simulated time"})
    shape = [len(values) for values in units.values()]
    arrays = {}
    for name, recordable in RECORDS.items():
        if recordable.state in monitor.record_variables:
            values = np.array(getattr(monitor, recordable.state) / recordable.unit).reshape(*shape, -1)
            arrays[name] = xr.DataArray(values, {**units, "time": time}, [*units, "time"], attrs=recordable.attributes)
    return arrays
