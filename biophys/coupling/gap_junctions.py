"""Gap junctions between astrocytes: IP3 passes from cell to cell (Goldberg, De Pitta, Volman, Berry & Ben-Jacob,
PLoS Comput Biol 6:e1000909, 2010).

The flux is non-linear: next to nothing while the difference of IP3 is below a threshold I_Theta, then up to F. A cell
therefore passes on a rise of IP3 only when it is large, as the regenerative rise of a calcium wave is. Where the
difference changes sign the flux jumps, by F (1 - tanh(I_Theta/omega_I)): 1e-5 of F for the default values, but half of
F at I_Theta = 0.03 umolar, where it acts as dry friction and no method follows it with high order. Equations and
values as in Stimberg, Goodman, Brette & De Pitta (2018), example 5; each junction is two synapses, one in each
direction. Which cells are joined is a pair of arrays, for a ring, a grid or any graph, as `Copies.synapses` takes it.
Use them as `exchange_synapses(copies, cells, GAP_JUNCTIONS, ["gap_junction"], pairs=ring(50), ...)` with
`inositol_trisphosphate("J_coupling") + COUPLING` among the equations of the cells.
"""

from typing import NamedTuple

import numpy as np
from brian2 import Quantity, second, umolar
from numpy.typing import ArrayLike, NDArray

from biophys.simulation.parameters import ranges

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]  # source and target cell of each direction of each junction


@ranges(above_zero="omega_I")
class GapJunctionParameters(NamedTuple):
    """Values of Stimberg et al. (2018)."""

    F: Quantity = 0.09 * umolar / second  # largest flux of IP3 through a junction
    I_Theta: Quantity = 0.3 * umolar  # difference of IP3 from which on it flows
    omega_I: Quantity = 0.05 * umolar  # width of that threshold


FLUX = "J_coupling"  # of what neighbours send, gap junctions or diffusion (see biophys/coupling/process.py)
COUPLING = f"\n{FLUX} : mmolar/second\n"

GAP_JUNCTIONS = f"""
delta_I = I_post - I_pre : mmolar
{FLUX}_post = -F/2*(1 + tanh((abs(delta_I) - I_Theta)/omega_I))*sign(delta_I) : mmolar/second (summed)
"""


def ring(cells: int) -> Pairs:
    """Every cell joined to the next, the last to the first."""
    return grid(1, cells, periodic=True)


def grid(rows: int, columns: int, *, periodic: bool = False) -> Pairs:
    """Every cell joined to those beside, above and below it; cell number row·columns + column.

    periodic: the last row and column are joined to the first, which makes a torus.
    """
    cells = np.arange(rows * columns).reshape(rows, columns)
    beside = [(cells, np.roll(cells, -1, axis)) for axis in (0, 1)]
    if not periodic:
        beside = [(cells[:-1], cells[1:]), (cells[:, :-1], cells[:, 1:])]
    ends = np.concatenate([np.stack([first.ravel(), second.ravel()], axis=1) for first, second in beside])
    return graph(rows * columns, ends[ends[:, 0] != ends[:, 1]])


def graph(cells: int, junctions: ArrayLike) -> Pairs:
    """Any graph, from its junctions as an array (junctions, 2) of cell numbers.

    A junction named twice, in either direction, is one junction. ValueError in one sentence for a cell that does not
    exist or is joined to itself.
    """
    ends = np.asarray(junctions, np.int64).reshape(-1, 2)
    for first, other in ends[(ends < 0).any(1) | (ends >= cells).any(1)][:1]:
        raise ValueError(f"junction {first}-{other} ends outside the network; use cells from 0 to {cells - 1}")
    for cell, _ in ends[ends[:, 0] == ends[:, 1]][:1]:
        raise ValueError(f"junction {cell}-{cell} joins a cell to itself; join different cells")
    ends = np.unique(np.sort(ends, axis=1), axis=0)
    return np.concatenate([ends[:, 0], ends[:, 1]]), np.concatenate([ends[:, 1], ends[:, 0]])


def adjacent(matrix: ArrayLike) -> Pairs:
    """The graph of a symmetric matrix (cells, cells) that is not 0 where two cells are joined. ValueError as above."""
    joined = np.asarray(matrix) != 0
    if joined.ndim != 2 or joined.shape[0] != joined.shape[1] or (joined != joined.T).any():
        raise ValueError(
            f"an adjacency matrix of shape {joined.shape} joins cells in one direction only; junctions go both ways, "
            "so use a symmetric matrix"
        )
    return graph(len(joined), np.argwhere(joined))
