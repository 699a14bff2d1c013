"""Do gap junctions make astrocytes oscillate together?

Two questions of one model, the non-linear gap junctions of Goldberg et al. (2010) between ChI astrocytes.

How does a calcium wave travel? On a ring of 50 cells of which one is fed IP3 (Stimberg et al. 2018, example 5), the
wave passes a cell every 15.53 s once it is ten cells away. Its arrivals agree with SciPy on the same equations; the
published script, whose fluxes are held over steps of 50 ms, comes 0.02 to 0.08 s late.

Do cells that oscillate by themselves fall into step? Astrocytes of the frequency-modulated set of De Pitta et al.
(2009) make IP3 at rates that differ by 5 %, on a grid whose edges are not joined. All start alike, and without
junctions they drift apart. What junctions do depends on the threshold I_Theta far more than on their strength F. With
a low threshold, 0.1 umolar, junctions hold all cells in phase: the order parameter rises from 0.2 without them to 0.98
at F = 0.04 umolar/second. With the published threshold, 0.3 umolar, nothing flows until two neighbours are far apart in
phase, and what flows then keeps them so: the cells agree on a period, but neighbours oscillate in antiphase, on a
chequerboard, and the grid as a whole is less synchronous (0.02) than without junctions. Started in disorder (start=1)
antiphase also traps cells with the low threshold: in phase and in antiphase are then both stable.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from brian2 import second, umolar
from numpy.typing import NDArray

from astromorph.settings.checks import check_seed
from biophys.astrocyte import DE_PITTA_FREQUENCY
from biophys.coupling.gap_junctions import grid
from biophys.ready_networks.astrocyte_network import NETWORK
from biophys.simulation import network
from studies.figure import paper_style
from studies.study import MOST_CELLS, Meaning, check_size, labelled

STRENGTHS = (0.0, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16)
THRESHOLDS = (0.1, 0.2, 0.3)
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # "C0" is looked up after the style is left
BLUE, ORANGE = COLORS[:2]
WAVE = 0.5  # umolar; where the arrival of a wave is read off, as in the reference
CYCLE = 0.3  # umolar; calcium crosses it upwards once a cycle
# SciPy (DOP853, tolerance 1e-9) on example 5: when the fed cell and its neighbours on one side first cross 0.5 umolar
REFERENCE_ARRIVALS = (7.427, 25.098, 40.158, 55.797, 71.442, 86.973)
OSCILLATING: dict[str, Any] = {  # a grid with edges, of cells that oscillate by themselves
    **{f"astrocyte.{name}": getattr(DE_PITTA_FREQUENCY, name) for name in NETWORK.sections["astrocyte"]},
    "topology.periodic": 0.0,
    "stimulus.cell": 0.0,
    "stimulus.F_ex": 0 * umolar / second,
}
ABOUT = {
    "study": "gap-junction-synchrony",
    "title": "Calcium waves and synchrony of astrocytes joined by gap junctions",
}
DIMS = ("threshold", "strength", "trial")
MEANINGS: dict[str, Meaning] = {
    "threshold": ("umolar", "difference of IP3 from which on it flows, I_Theta"),
    "strength": ("umolar/second", "largest IP3 flux through a junction, F"),
    "trial": "repetition with other cells",
    "order_parameter": "Kuramoto order parameter of all cells: 1 in phase, 0 spread out",
    "neighbour_coherence": "mean cosine of the phase difference of joined cells: -1 in antiphase",
    "period": ("s", "mean period of calcium oscillations"),
    "period_spread": "standard deviation of the period between cells over its mean",
    "arrival": ("s", f"first crossing of {WAVE:g} umolar calcium"),
    "reference_arrival": ("s", "the same by SciPy"),
}


def simulate(
    strengths: Sequence[float] = STRENGTHS,
    thresholds: Sequence[float] = THRESHOLDS,
    *,
    seconds: float = 600.0,
    step: float = 0.02,
    rows: int = 4,
    columns: int = 4,
    trials: int = 3,
    production: float = 0.05,
    spread: float = 0.05,
    start: float = 0.0,
    front_seconds: float = 100.0,
    front_step: float = 0.005,
    seed: int = 0,
    target: str = "numpy",
) -> xr.Dataset:
    """Synchrony of a grid of oscillating astrocytes against their junctions, and the wave front on a ring.

    Args:
        strengths: largest IP3 flux through a junction, F, in umolar/second.
        thresholds: difference of IP3 from which on it flows, I_Theta, in umolar.
        seconds: simulated time of the grid; synchrony is measured over the second half.
        step: time step of the grid in s.
        rows: of the grid.
        columns: of the grid.
        trials: grids of other cells.
        production: mean IP3 production of a cell in umolar/second.
        spread: its relative standard deviation between cells.
        start: IP3 of each cell at the start is drawn evenly from 0 to this, in umolar.
        front_seconds: simulated time of the ring.
        front_step: time step of the ring in s.
        seed: of the cells' differences; trial n has seed + n.
        target: Brian2 code target: numpy, cython, cpp_standalone or auto.

    Returns a dataset with dims threshold, strength, trial and distance, time (of the ring). ValueError in one sentence
    for bad input.
    """
    check_seed(seed)
    _check(len(strengths), len(thresholds), trials, rows * columns)
    check_size(
        MOST_CELLS, strengths=len(strengths), thresholds=len(thresholds), rows=rows, columns=columns, trials=trials
    )
    axes = sorted(set(thresholds)), sorted(set(strengths)), range(trials)
    size = {"topology.rows": rows, "topology.columns": columns}
    made = {"stimulus.J_beta": production * umolar / second, "stimulus.spread": spread}
    shared = OSCILLATING | size | made | {"stimulus.I_start": start * umolar}
    junction = lambda theta, F: {"gap_junction.I_Theta": theta * umolar, "gap_junction.F": F * umolar / second}
    points = [network.Point(shared | junction(theta, F), seed + trial) for theta, F, trial in product(*axes)]
    cells = network.simulate(NETWORK, points, seconds=seconds, step=step, every=10 * step, target=target)
    ring = network.simulate(
        NETWORK, [network.Point({})], seconds=front_seconds, step=front_step, every=4 * front_step, target=target
    )
    measured = _synchrony(cells.calcium, grid(rows, columns), tuple(map(len, axes)))
    options = {"production": production, "spread": spread, "start": start, "seed": seed, "front_step": front_step}
    coordinates = {name: list(values) for name, values in zip(DIMS, axes, strict=True)}
    dataset = xr.Dataset(measured | _front(ring.calcium.isel(point=0)), coordinates)
    return labelled(dataset, MEANINGS, ABOUT | cells.attrs | size | options)


def _check(strengths: int, thresholds: int, trials: int, cells: int) -> None:
    if min(strengths, thresholds, trials) < 1 or cells < 2:
        raise ValueError(
            f"{strengths} strengths, {thresholds} thresholds and {trials} trials of {cells} cells leave nothing to "
            "compare; use at least 1 of each and 2 cells"
        )


def _synchrony(calcium: xr.DataArray, pairs: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    """Order parameter, coherence of neighbours, and periods, each with dims (threshold, strength, trial)."""
    time = calcium.time.values
    rows = []
    for trace in calcium.transpose("point", "astrocyte", "time").values:
        crossings = [_crossings(time, cell, CYCLE) for cell in trace]
        phase = np.array([_phase(time, times) for times in crossings])[:, time >= time[-1] / 2]
        phase = phase[:, np.isfinite(phase).all(axis=0)]
        if not phase.size:  # a cell that does not oscillate
            rows.append([np.nan] * 4)
            continue
        order = np.abs(np.exp(1j * phase).mean(axis=0)).mean()
        neighbours = np.cos(phase[pairs[0]] - phase[pairs[1]]).mean()
        periods = np.array([np.diff(times[times >= time[-1] / 2 - 1]).mean() for times in crossings])
        rows.append([order, neighbours, periods.mean(), periods.std() / periods.mean()])
    names = ("order_parameter", "neighbour_coherence", "period", "period_spread")
    return {name: (DIMS, values) for name, values in zip(names, np.array(rows).T.reshape(4, *shape), strict=True)}


def _crossings(time: NDArray, values: NDArray, level: float) -> NDArray:
    """Times at which `values` cross `level` upwards, between records by a straight line."""
    before = np.flatnonzero((values[:-1] < level) & (values[1:] >= level))
    share = (level - values[before]) / (values[before + 1] - values[before])
    return time[before] + share * (time[before + 1] - time[before])


def _phase(time: NDArray, crossings: NDArray) -> NDArray:
    """Phase that grows evenly by 2 pi from each crossing to the next; NaN before the first and after the last."""
    if len(crossings) < 3:
        return np.full(len(time), np.nan)
    return np.interp(time, crossings, 2 * np.pi * np.arange(len(crossings)), left=np.nan, right=np.nan)


def _front(calcium: xr.DataArray) -> dict[str, Any]:
    """Calcium of the fed cell and those on one side of it, and when the wave arrives at each."""
    fed = int(NETWORK.sections["stimulus"]["cell"].value)
    side = calcium.isel(astrocyte=slice(fed, None)).rename(astrocyte="distance").drop_vars("distance", errors="ignore")
    first = [[*_crossings(side.time.values, cell, WAVE), np.nan][0] for cell in side.values]
    reference = np.full(len(first), np.nan)
    reference[: len(REFERENCE_ARRIVALS)] = REFERENCE_ARRIVALS
    return {
        "front_calcium": side.astype("float32", keep_attrs=True),
        "arrival": ("distance", first),
        "reference_arrival": ("distance", reference),
    }


def draw(dataset: xr.Dataset) -> plt.Figure:
    """The wave on the ring; order parameter, coherence of neighbours and spread of periods against strength."""
    with paper_style():
        figure, panels = plt.subplot_mosaic([["front", "order"], ["neighbours", "periods"]], figsize=(7.2, 5.6))
        _draw_front(panels["front"], dataset)
        _draw_against_strength(panels["order"], dataset.order_parameter, "order parameter", (0, 1.03))
        label = "cosine of phase difference"
        _draw_against_strength(panels["neighbours"], dataset.neighbour_coherence, label, (-1.05, 1.05))
        _draw_against_strength(panels["periods"], 100 * dataset.period_spread, "spread of periods (%)", (0, None))
        panels["neighbours"].axhline(0, color="0.7", lw=0.8, zorder=0)
        panels["order"].legend(title="threshold $I_\\Theta$", loc="center right")
        titles = ("a  calcium wave on a ring", "b  oscillating grid: all cells", "c  neighbours", "d  periods")
        for title, panel in zip(titles, panels.values(), strict=True):
            panel.set_title(title, loc="left")
    return figure


def _draw_front(axes: plt.Axes, dataset: xr.Dataset) -> None:
    shown = dataset.front_calcium.isel(distance=slice(0, len(REFERENCE_ARRIVALS)))
    for distance, trace in enumerate(shown.values):
        axes.plot(shown.time, distance + 0.8 * trace, color=BLUE if distance else ORANGE, lw=1)
    arrivals = dataset.reference_arrival.values[: len(REFERENCE_ARRIVALS)]
    reached = arrivals <= float(shown.time[-1])
    level = np.arange(len(REFERENCE_ARRIVALS)) + 0.8 * WAVE
    axes.plot(arrivals[reached], level[reached], "k|", ms=9, mew=1.2, label="arrival by SciPy")
    axes.set(xlabel="time (s)", ylabel="cells away from the fed cell", xlim=(0, float(shown.time[-1])))
    axes.legend(loc="upper left")


def _draw_against_strength(
    axes: plt.Axes, values: xr.DataArray, label: str, limits: tuple[float, float | None]
) -> None:
    """Mean over trials for each threshold, with every trial as a dot; the axis is linear up to the first strength."""
    strengths = values.strength.values
    for number, threshold in enumerate(values.threshold.values):
        chosen = values.sel(threshold=threshold)
        color = COLORS[number % len(COLORS)]
        axes.plot(strengths, chosen.mean("trial"), "-", color=color, label=f"{threshold:g} µM")
        axes.plot(strengths, chosen.values, "o", color=color, ms=3, alpha=0.6)
    smallest = min((strength for strength in strengths if strength > 0), default=1.0)
    axes.set_xscale("symlog", linthresh=smallest, linscale=0.5)
    axes.set(xlabel="junction strength $F$ (µM/s)", ylabel=label, ylim=limits, xlim=(-0.2 * smallest, None))
    powers = 10.0 ** np.arange(-6, 3)
    axes.xaxis.set_major_locator(plt.FixedLocator([0, *powers[powers >= smallest]]))
    axes.xaxis.set_minor_locator(plt.NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
