"""A process of an astrocyte as a chain of compartments, along which a messenger diffuses while it is degraded.

In a thin process with the same cross-section throughout, the concentration obeys dI/dt = D d2I/dx2 - k I, with sealed
ends. A steady source at one end then gives a profile that falls by e over the length constant sqrt(D/k) of the cable
equation (Rall, Ann N Y Acad Sci 96:1071, 1962), whatever the strength of the source and the width of the process. The
chain of compartments has a slightly longer one, known exactly.

The messenger is IP3, or calcium that buffers bind and release. In extracts of oocytes D is 283 and 13 um**2/second,
and both live for about 1 s (Allbritton, Meyer & Stryer, Science 258:1812, 1992). Both numbers depend on the cell: in
neuroblastoma cells IP3 lives for 9 s (Wang, Alousi & Thompson, J Gen Physiol 105:149, 1995), and binding slows its
diffusion to 10 um**2/second or less (Dickinson, Ellefsen, Dawson, Pearson & Parker, Sci Signal 9:ra108, 2016). The
length constant of IP3 thus lies anywhere between 3 and 50 um.

Use it with `exchange_synapses(copies, cells, DIFFUSION, ["process"], pairs=chain(n), ...)`, for MESSENGER alone or for
any other IP3, such as `CALCIUM + inositol_trisphosphate("J_source", "J_coupling") + COUPLING` (a ChI process).
"""

from typing import Any, NamedTuple

import numpy as np
from brian2 import Quantity, second, um
from numpy.typing import NDArray

from biophys.coupling.gap_junctions import COUPLING, FLUX, Pairs, grid
from biophys.simulation.parameters import ranges


@ranges(above_zero="D_I k_I dx")
class ProcessParameters(NamedTuple):
    """IP3 that diffuses as in extracts and lives for 9 s (see above)."""

    D_I: Quantity = 283 * um**2 / second  # diffusion coefficient of the messenger
    k_I: Quantity = 0.11 / second  # rate of its degradation
    dx: Quantity = 5 * um  # length of a compartment


BUFFERED_CALCIUM = ProcessParameters(D_I=13 * um**2 / second, k_I=1 / second, dx=1 * um)

MESSENGER = f"""
dI/dt = J_source - k_I*I + {FLUX} : mmolar
J_source : mmolar/second
{COUPLING}"""

DIFFUSION = f"{FLUX}_post = D_I/dx**2*(I_pre - I_post) : mmolar/second (summed)"


def chain(compartments: int) -> Pairs:
    """Every compartment joined to the next; nothing flows through the ends."""
    return grid(1, compartments)


def length_constant(process: Any) -> Any:
    """sqrt(D/k): over this distance a steady concentration falls by e. Fields as of ProcessParameters."""
    return (process.D_I / process.k_I) ** 0.5


def compartment_length_constant(process: Any) -> Any:
    """The same of the chain of compartments: longer by (dx/length constant)**2/24, that is 1 % at half of it."""
    return process.dx / (2 * np.arcsinh(float(process.dx / (2 * length_constant(process)))))


def steady_profile(process: Any, source: Quantity, compartments: int) -> Quantity:
    """Concentration in each compartment at last, if `source` (in mmolar/second) enters the first.

    It falls as cosh(distance from the far end/length constant), and as much is degraded as enters.
    """
    shape = np.cosh(far_ends(compartments) * float(process.dx / compartment_length_constant(process)))
    return source / process.k_I * shape / shape.sum()


def far_ends(compartments: int) -> NDArray[np.float64]:
    """Distance of each compartment's middle from the far end, in compartments."""
    return np.arange(compartments, dtype=float)[::-1] + 0.5
