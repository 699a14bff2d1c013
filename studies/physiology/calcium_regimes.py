"""When does the calcium of an astrocyte oscillate, and does more drive make it swing higher or faster?

The bifurcation diagram of a calcium model against what drives it: IP3 (li-rinzel), the production of IP3 (chi) or
glutamate (g-chi). Equilibria are exact, with the Hopf points at which oscillations are born and the folds at which
equilibria meet; the oscillations are stable limit cycles, each converged to 1e-9.

What was found, for the two sets of De Pitta et al. (2008, arXiv 0806.2373; 2009), which differ in calcium only by the
affinity of the pump. Amplitude modulation: between 0.3545 and 0.6382 umolar of IP3 the amplitude grows from nothing
(supercritical Hopf point) to 0.4 umolar while the period stays within 10.6 and 13.0 s. Frequency modulation: from 0.509
umolar on, calcium jumps at once to spikes of 1.0 umolar, which come every 50 s at first and every 17 s in the end. Both
Hopf points are subcritical there: from 0.857 to 1.115 umolar steady calcium and spikes coexist, and which of them is
seen depends on the past. With IP3 of its own making (chi) the ranges of coexistence grow, from 0.069 to 0.088 umolar/s
of production for amplitude modulation and from 0.132 to beyond 0.2 for frequency modulation.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from biophys.astrocyte import PUBLISHED_SETS, parameter_set
from biophys.calcium.equilibria import branch, folds, hopf_points
from biophys.calcium.limit_cycles import stable_cycles
from biophys.calcium.models import MODELS, Model
from biophys.simulation.recording import described
from studies.figure import paper_style
from studies.study import check_size, labelled

RANGES = {"li-rinzel": (0.0, 1.2), "chi": (0.0, 0.2), "g-chi": (0.005, 20.0)}
IN_EQUAL_RATIOS = ("g-chi",)  # the others are evenly spaced
MOST_DRIVES = 10_000
START = (0.2, 0.6, 0.5)  # calcium and IP3 in umolar, share of channels not inactivated in between
BLUE, ORANGE = "#0072B2", "#D55E00"

# name of a variable: unit and meaning, "drive" standing for that of the model
MEANINGS = {
    "equilibrium_drive": ("drive", "drive at an equilibrium"),
    "equilibrium_calcium": ("umolar", "free calcium at an equilibrium"),
    "equilibrium_growth": ("1/s", "largest real part of an eigenvalue of an equilibrium; it is stable below 0"),
    "cycle_drive": ("drive", "drive at which a stable cycle was looked for"),
    "cycle_lowest_calcium": ("umolar", "least free calcium of the stable cycle"),
    "cycle_highest_calcium": ("umolar", "largest free calcium of the stable cycle"),
    "cycle_period": ("s", "period of the stable cycle"),
    "hopf_drive": ("drive", "drive at a Hopf point"),
    "hopf_calcium": ("umolar", "free calcium at a Hopf point"),
    "hopf_period": ("s", "period of the oscillations born at a Hopf point"),
    "hopf_first_lyapunov": ("1/s", "first Lyapunov coefficient; below 0 the Hopf point is supercritical"),
    "fold_drive": ("drive", "drive at a fold"),
    "fold_calcium": ("umolar", "free calcium at a fold"),
}


def simulate(
    sets: Sequence[str] = ("de-pitta-amplitude", "de-pitta-frequency"),
    *,
    model: str = "li-rinzel",
    lowest_drive: float | None = None,
    highest_drive: float | None = None,
    drives: int = 15,
) -> xr.Dataset:
    """The bifurcation diagrams of one or two parameter sets; exact, so there is no seed.

    Args:
        sets: parameter sets, one or two of biophys.astrocyte.PUBLISHED_SETS.
        model: calcium model: li-rinzel, chi or g-chi.
        lowest_drive: start of the range; if not given 0, for g-chi 0.005.
        highest_drive: end of the range, IP3 in umolar (if not given 1.2), its production in umolar/s (0.2) or glutamate
            in umolar (20).
        drives: drives at which a cycle is looked for, evenly spaced, for g-chi in equal ratios; as many are put between
            the Hopf points, and a few more where cycles end.

    Returns a dataset with dims set, and place, cycle, hopf and fold, filled up with NaN. ValueError in one sentence
    for bad input.
    """
    if model not in MODELS:
        raise ValueError(f"calcium model {model!r} is not known; use one of {', '.join(MODELS)}")
    if not 1 <= len(sets) <= 2:
        raise ValueError(f"{len(sets)} parameter sets do not fit side by side; use 1 or 2")
    if drives < 2:
        raise ValueError(f"drives {drives} span no range; use at least 2")
    check_size(MOST_DRIVES, drives=drives)
    ends = zip((lowest_drive, highest_drive), RANGES[model], strict=True)
    low, high = (usual if drive is None else drive for drive, usual in ends)
    if not (low > 0 if model in IN_EQUAL_RATIOS else low >= 0) or not low < high < np.inf:
        least = "above 0" if model in IN_EQUAL_RATIOS else "at 0 or above"
        raise ValueError(f"drives from {low:g} to {high:g} are no range; use a range that rises and starts {least}")
    cells = {name: parameter_set(name, PUBLISHED_SETS) for name in sets}
    diagrams = [_diagram(MODELS[model](cell), low, high, drives) for cell in cells.values()]
    made = MODELS[model](next(iter(cells.values())))
    arrays = {name: _stacked(name, rows) for name, rows in zip(MEANINGS, zip(*diagrams, strict=True), strict=True)}
    attributes: dict[str, Any] = {
        "study": "calcium-regimes",
        "title": "Oscillation regimes of astrocytic calcium",
        "model": model,
        "drive": made.drive_meaning,
        "drive_units": made.drive_units,
        "lowest_drive": low,
        "highest_drive": high,
        "drives": drives,
        "seed": "none: no chance involved",
    }
    for name, cell in cells.items():
        attributes |= described(name, cell._asdict())
    units = {"drive": made.drive_units}
    meanings = {name: (units.get(unit, unit), meaning) for name, (unit, meaning) in MEANINGS.items()}
    return labelled(xr.Dataset(arrays, {"set": list(cells)}), {"set": "parameter set", **meanings}, attributes)


def _diagram(model: Model, low: float, high: float, drives: int) -> list[np.ndarray]:
    """The variables of one parameter set, each (number,), in the order of MEANINGS."""
    rest, points, turns = branch(model, low, high), hopf_points(model, low, high), folds(model, low, high)
    spaced = np.geomspace if model.name in IN_EQUAL_RATIOS else np.linspace
    looked = spaced(low, high, drives)
    if points:
        looked = np.union1d(looked, spaced(points[0].drive, points[-1].drive, drives + 2)[1:-1])
    cycles = stable_cycles(model, looked, START[: len(model.states)])
    cycle = [(each.lowest[0], each.highest[0], each.period) if each else 3 * (np.nan,) for each in cycles.values()]
    hopf = [(point.drive, point.states[0], point.period, point.first_lyapunov) for point in points]
    fold = [(point.drive, point.states[0]) for point in turns]
    columns = [np.reshape(rows, (-1, count)).T for rows, count in ((cycle, 3), (hopf, 4), (fold, 2))]
    return [rest.drive, rest.states[0], rest.growth, np.array(list(cycles)), *chain(*columns)]


def _stacked(name: str, rows: Sequence[np.ndarray]) -> xr.DataArray:
    """Rows of different lengths as one array with NaN behind the shorter ones."""
    values = np.full((len(rows), max(map(len, rows))), np.nan)
    for number, row in enumerate(rows):
        values[number, : len(row)] = row
    kind = name.split("_")[0]
    return xr.DataArray(values, dims=("set", "place" if kind == "equilibrium" else kind))


def draw(dataset: xr.Dataset) -> plt.Figure:
    """Calcium of equilibria and cycles above, periods of the cycles below, a column a parameter set."""
    count, options = dataset.sizes["set"], dataset.attrs
    with paper_style():
        size = (3.6 * count + 0.4 * (count == 1), 5.0)
        shared: dict[str, Any] = {"sharex": True, "sharey": "row", "squeeze": False}
        figure, axes = plt.subplots(2, count, figsize=size, height_ratios=(3, 2), **shared)
        for number in range(count):
            one = dataset.isel(set=number)
            _draw_calcium(axes[0, number], one)
            _draw_period(axes[1, number], one)
            axes[0, number].set_title(f"{'AB'[number]}   {spoken_set(str(one.set.values))}")
            axes[1, number].set_xlabel(f"{options['drive']} ({options['drive_units'].replace('umolar', 'µM')})")
        axes[0, 0].set(ylabel="calcium (µM)", xlim=(options["lowest_drive"], options["highest_drive"]), ylim=(0, None))
        if options["model"] in IN_EQUAL_RATIOS:
            axes[0, 0].set_xscale("log")
        axes[1, 0].set(ylabel="period (s)")
        if dataset.cycle_period.notnull().any() or dataset.hopf_period.notnull().any():
            axes[1, 0].set_yscale("log")
            axes[1, 0].yaxis.set_major_locator(plt.LogLocator(subs=(1, 2, 3, 5)))
            axes[1, 0].yaxis.set_major_formatter("{x:g}")
            axes[1, 0].yaxis.set_minor_formatter(plt.NullFormatter())
        else:
            axes[1, 0].text(0.5, 0.5, "no oscillation", ha="center", va="center", transform=axes[1, 0].transAxes)
        handles, labels = axes[0, -1].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4 if count > 1 else 2)
    return figure


def spoken_set(name: str) -> str:
    """A parameter set as a title: "De Pittà, amplitude"."""
    author, _, kind = name.rpartition("-")
    return f"De Pittà, {kind}" if author == "de-pitta" else name.replace("-", " ").capitalize()


def _draw_calcium(axes: plt.Axes, one: xr.Dataset) -> None:
    low, high = one.cycle_lowest_calcium, one.cycle_highest_calcium
    axes.fill_between(one.cycle_drive, low, high, color=BLUE, alpha=0.15, lw=0)
    axes.plot(one.cycle_drive, low, color=BLUE, label="stable cycle, extremes")
    axes.plot(one.cycle_drive, high, color=BLUE)
    stable = one.equilibrium_growth < 0
    rest = one.equilibrium_calcium
    axes.plot(one.equilibrium_drive, rest.where(stable), color="k", label="stable equilibrium")
    axes.plot(one.equilibrium_drive, rest.where(~stable), "--", lw=1, color="k", label="unstable equilibrium")
    for kind, filling, chosen in _kinds(one):
        points, label = one.where(chosen), f"Hopf point, {kind}"
        axes.plot(points.hopf_drive, points.hopf_calcium, "o", ms=5, color=ORANGE, mfc=filling, label=label)
    axes.plot(one.fold_drive, one.fold_calcium, "D", ms=3.5, color="0.4", label="fold")


def _draw_period(axes: plt.Axes, one: xr.Dataset) -> None:
    axes.plot(one.cycle_drive, one.cycle_period, ".-", ms=3, color=BLUE)
    for _, filling, chosen in _kinds(one):
        points = one.where(chosen)
        axes.plot(points.hopf_drive, points.hopf_period, "o", ms=5, color=ORANGE, mfc=filling)


def _kinds(one: xr.Dataset) -> tuple[tuple[str, str, xr.DataArray], ...]:
    """Kinds of Hopf point: name, fill colour and which they are."""
    below = one.hopf_first_lyapunov < 0
    return ("supercritical", ORANGE, below), ("subcritical", "white", ~below)
