"""How many patterns does a segment hold before random ones set it off?

The union property of Ahmad and Hawkins (2016, arXiv 1601.00720, Figure 7B) turned round: not the chance of a false
match of M stored patterns, but the M at which it reaches a given error, exact over a grid of populations n, active
cells a, synapses s of a pattern, thresholds theta and errors. The overlap of a random pattern with M patterns of s
synapses is close to a Poisson count of mean M s a / n (biophys/patterns/scaling.py), so that the capacity should be

    M = lambda n / (s a),    P(Poisson(lambda) >= theta) = error:

exponents 1 in n, -1 in a and s, 1 in lambda. It is the synapses that are limited, M s, not the patterns, and at a fixed
share of active cells the population does not matter. The threshold enters through lambda alone, which is no power of
it: the local exponent is log(1/r) / (1 - r) with r = lambda / theta, large at small errors or thresholds and falling
towards 1.

What was found: the exponents come out as expected, within 1.5 % where M is at least 4 and theta at most a tenth of a.
The law breaks where the pattern or the union has few cells to reach the threshold with: the capacity is then higher,
by the factors 1 / (1 - h/a) and 1 / (1 - h/(M s)) with h = (theta - 1) / 2. With them it holds within 4 % up to
theta = a/2.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from biophys.patterns.scaling import poisson_mean, union_capacity_law
from biophys.patterns.theory import union_false_match_probability
from biophys.simulation.progress import progress
from studies.figure import curves, draw_panels
from studies.numerals import counted
from studies.patterns.power_law import exponents_text, fit_power_law
from studies.study import check_size, labelled

WORDS = {"population": "cells", "active": "active cells", "synapses": "synapses", "poisson_mean": "the Poisson mean"}
FEWEST_PATTERNS = 4  # for the fit
MOST_PATTERNS = 100_000  # to look for
LARGEST_THRESHOLD = 0.1  # of the active cells, for the fit
WINDOW = np.geomspace(0.7, 1.45, 10)  # trial numbers of patterns, as shares of what the law gives
LEVELS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
MEANINGS = {
    "population": "cells the segment could contact",
    "active": "active cells of a pattern",
    "synapses": "synapses of a pattern on the segment",
    "threshold": "synapses needed for an NMDA spike",
    "false_match": "probability of a false match that is tolerated",
    "capacity": "patterns until false matches reach the probability tolerated, exact, a real number",
    "capacity_law": "the same by the law with the middle factors",
    "poisson_mean": "mean of a Poisson count that reaches the threshold with the probability tolerated",
    "exponent_expected": "exponent of the law for few synapses among many cells",
    "fitted": "whether the point took part in the fit",
}


def simulate(
    populations: Sequence[int] = (1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000),
    *,
    active: Sequence[int] = (40, 80, 160, 320, 640, 1280),
    synapses: Sequence[int] = (15, 20, 25, 30, 40),
    thresholds: Sequence[int] = (6, 9, 12, 15, 18, 21, 24),
    false_match: Sequence[float] = (1e-3, 1e-6, 1e-9),
    most_patterns: int = 1000,
) -> xr.Dataset:
    """Capacity of a segment over a grid, and the exponents of its law; exact, so there is no seed.

    Args:
        populations: cells that the segment could contact.
        active: cells that fire in a pattern.
        synapses: synapses of a pattern on the segment.
        thresholds: active synapses that give an NMDA spike.
        false_match: probabilities of a false match that are tolerated.
        most_patterns: largest capacity to look for; a larger one is left out.
    """
    if most_patterns < FEWEST_PATTERNS:
        raise ValueError(f"most_patterns {most_patterns} leave nothing to fit; use at least {FEWEST_PATTERNS}")
    check_size(MOST_PATTERNS, most_patterns=most_patterns)
    grid = [np.unique(values) for values in (populations, active, synapses, thresholds, false_match)]
    names = ("population", "active", "synapses", "threshold", "false_match")
    for name, values in zip(names[:4], grid, strict=False):
        if len(values) < 2:
            raise ValueError(f"{name} {values.tolist()} shows no exponent; give at least two values")
    capacity = np.full([len(values) for values in grid], np.nan)
    for i, j, k in progress(list(np.ndindex(capacity.shape[:3])), desc="segments", unit="segment"):
        n, a, s = int(grid[0][i]), int(grid[1][j]), int(grid[2][k])
        if 2 * a <= n and s <= n:
            capacity[i, j, k] = _capacity(n, a, s, grid[3], grid[4], most_patterns)
    dataset = xr.Dataset({"capacity": (names, capacity)}, dict(zip(names, grid, strict=True)))
    dataset["poisson_mean"] = (names[3:], poisson_mean(grid[3][:, None], grid[4]))
    reached = dataset.threshold.where(dataset.threshold <= dataset.active)
    dataset["capacity_law"] = xr.apply_ufunc(
        union_capacity_law, dataset.population, dataset.active, dataset.synapses, reached, dataset.false_match
    ).transpose(*names)
    sparse = (dataset.capacity >= FEWEST_PATTERNS) & (dataset.threshold <= LARGEST_THRESHOLD * dataset.active)
    along = {"population": "population", "active": "active", "synapses": "synapses", "poisson_mean": "threshold"}
    parameters = {name: (dim, dataset[name]) for name, dim in along.items()}
    fit = fit_power_law(dataset.capacity.where(sparse), parameters)
    dataset = dataset.merge(fit).assign(fitted=sparse, exponent_expected=("parameter", [1.0, -1.0, -1.0, 1.0]))
    over = float(np.exp(np.log((dataset.capacity / _power_law(dataset)).where(sparse)).mean()))
    dataset = dataset.assign_attrs(fit.attrs, over_power_law=over)
    attributes = {
        **dataset.attrs,
        "study": "union-capacity",
        "title": "Capacity of a segment that stores a union of patterns, exact",
        "caption": _caption(dataset),
        "source": "Ahmad and Hawkins (2016), arXiv 1601.00720, Eqs. 4, 13, 14 and Figure 7B, with the exact mixture",
        "seed": "none: no chance involved",
        "most_patterns": most_patterns,
    }
    return labelled(dataset, MEANINGS, attributes)


def _capacity(n: int, a: int, s: int, thresholds: np.ndarray, errors: np.ndarray, most: int) -> np.ndarray:
    """Patterns of s synapses at which false matches reach each error, an array (threshold, error).

    Interpolated as a power law between whole numbers of patterns. 0 where a single pattern is too many; NaN where the
    threshold cannot be reached by one pattern, or for more than `most` patterns.
    """
    theta, error = np.meshgrid(thresholds, errors, indexing="ij")
    result = np.full(theta.shape, np.nan)
    reached = theta <= min(a, s)
    law = union_capacity_law(n, a, s, theta[reached], error[reached])
    found = np.full(law.shape, np.nan)
    wanted, guess = law < 2 * most, law.copy()
    while wanted.any():
        trial = np.maximum(np.rint(guess[wanted, None] * WINDOW + np.linspace(-2, 2, len(WINDOW))), 1)
        match = np.log(union_false_match_probability(n, a, s, theta[reached][wanted, None], trial))
        goal = np.log(error[reached][wanted])
        low, high = (match[:, 0] > goal) & (trial[:, 0] > 1), match[:, -1] < goal
        values = [np.interp(g, m, np.log(t), left=-np.inf) for g, m, t in zip(goal, match, trial, strict=True)]
        found[wanted] = np.where(low | high, np.nan, np.exp(values))
        guess[wanted] *= np.where(high, WINDOW[-1], np.where(low, WINDOW[0], 1))
        wanted[wanted] = (low | high) & (guess[wanted] < 2 * most)
    result[reached] = np.where(found <= most, found, np.nan)
    return result


def _power_law(dataset: xr.Dataset) -> xr.DataArray:
    """lambda n / (s a)."""
    return dataset.poisson_mean * dataset.population / (dataset.synapses * dataset.active)


def _caption(dataset: xr.Dataset) -> str:
    """The fitted law, its residuals, and where it breaks."""
    law = (dataset.capacity / dataset.capacity_law).where(_comparable(dataset))
    steps = np.diff(np.log(dataset.poisson_mean), axis=0) / np.diff(np.log(dataset.threshold))[:, None]
    fit = dataset.attrs
    return (
        f"Capacity = {fit['over_power_law']:.2f} x cells x Poisson mean / (synapses x active cells) on average; "
        "exponents fitted (and slopes between neighbours of the grid): "
        f"{exponents_text(dataset, WORDS, digits=3)}; theory 1, -1, -1, 1. The mean is a power {steps.max():.1f} of "
        f"the threshold that falls to {steps.min():.1f} (C). Over {fit['points_fitted']:,} capacities of at least "
        f"{FEWEST_PATTERNS} patterns, with thresholds up to a tenth of the active cells: residual "
        f"{100 * fit['residual_rms']:.1f} %, at most {100 * fit['residual_largest']:.1f} %. With the middle factors "
        f"(dashed), exact over law is {float(law.min()):.2f} to {float(law.max()):.2f} up to half the active cells. "
        "White: not one pattern, or a threshold above the synapses."
    )


def _comparable(dataset: xr.Dataset) -> xr.DataArray:
    """Where the law with the middle factors should hold."""
    return (dataset.capacity >= FEWEST_PATTERNS) & (2 * dataset.threshold <= dataset.active)


def draw(dataset: xr.Dataset) -> plt.Figure:
    """Contours of the capacity, its collapse on the Poisson mean, and where the laws break."""
    layout = [[_draw_cells, _draw_segment], [_draw_collapse, _draw_break]]
    title = "How many patterns does a segment hold? (exact theory)"
    return draw_panels(dataset, layout, (7.2, 6.8), title=title, caption=dataset.attrs["caption"])


def _middle(dataset: xr.Dataset, name: str, wish: float) -> float:
    """The value of a coordinate nearest to the one wished for, for a panel that shows one of them."""
    return dataset[name].sel({name: wish}, method="nearest").item()


def _draw_cells(axes: plt.Axes, dataset: xr.Dataset) -> None:
    shown = {"synapses": _middle(dataset, "synapses", 25), "threshold": _middle(dataset, "threshold", 15)}
    _draw_contours(axes, dataset, "population", "active", shown)
    synapses = counted(int(shown["synapses"]), "synapse")
    axes.set(title=f"A   {synapses}, threshold {shown['threshold']}, error {_smallest(dataset)}")
    axes.set(xlabel="population (cells)", ylabel="active cells of a pattern")


def _draw_segment(axes: plt.Axes, dataset: xr.Dataset) -> None:
    shown = {"population": _middle(dataset, "population", 100_000), "active": _middle(dataset, "active", 160)}
    _draw_contours(axes, dataset, "synapses", "threshold", shown)
    axes.set(title=f"B   {shown['active']} of {shown['population']:,} cells active, error {_smallest(dataset)}")
    axes.set(xlabel="synapses of a pattern", ylabel="threshold (synapses for a spike)")


def _draw_contours(axes: plt.Axes, dataset: xr.Dataset, across: str, up: str, shown: dict[str, float]) -> None:
    """Patterns at the smallest error, exact as shades and by the law as dashed lines; a power law is straight."""
    plane = dataset.sel(shown).isel(false_match=0).transpose(up, across, ...)
    known = np.log10(plane.capacity.where(plane.capacity > 0))
    law = np.log10(plane.capacity_law).where(known.notnull())
    x, y, levels = np.log10(plane[across]), np.log10(plane[up]), np.log10(LEVELS)
    axes.contourf(x, y, known, levels, cmap="viridis", alpha=0.75, extend="both")
    lines = axes.contour(x, y, known, levels, colors="k", linewidths=0.8)
    axes.contour(x, y, law, levels, colors="w", linewidths=0.8, linestyles="--")
    axes.clabel(lines, fmt=lambda level: f"{10**level:.0f}", fontsize=7)
    for setter, values in ((axes.set_xticks, plane[across].values), (axes.set_yticks, plane[up].values)):
        ticks = values[:: max(1, round(len(values) / 4))]
        setter(np.log10(ticks), [f"{value:,}" for value in ticks])


def _smallest(dataset: xr.Dataset) -> str:
    return _written(float(dataset.false_match.min()))


def _written(error: float) -> str:
    """1e-9 rather than 1e-09, and 1e-3 rather than 0.001."""
    return f"{error:.3g}" if error > 0.01 else f"{error:.0e}".replace("e-0", "e-")


def _draw_collapse(axes: plt.Axes, dataset: xr.Dataset) -> None:
    scaled = dataset.capacity * dataset.synapses * dataset.active / dataset.population
    smooth = np.geomspace(float(dataset.threshold.min()), float(dataset.threshold.max()), 60)
    for error, points, color in curves(scaled.where(dataset.fitted), "false_match"):
        theta = dataset.threshold.broadcast_like(points)
        axes.plot(theta.values.ravel(), points.values.ravel(), "o", ms=2.5, mew=0, alpha=0.35, color=color)
        axes.plot(smooth, poisson_mean(smooth, error), color=color, label=_written(error))
    axes.set(title="C   Collapse on the Poisson mean", xscale="log", yscale="log")
    axes.set(xlabel="threshold (synapses for a spike)", ylabel="patterns × synapses × active / cells")
    axes.xaxis.set_minor_formatter(plt.NullFormatter())
    axes.set_xticks(dataset.threshold.values, [str(value) for value in dataset.threshold.values])
    axes.legend(title="P(false match)", loc="lower right")


def _draw_break(axes: plt.Axes, dataset: xr.Dataset) -> None:
    held = dataset.capacity.where(dataset.capacity >= FEWEST_PATTERNS)
    share = (dataset.active / dataset.threshold).broadcast_like(held).values.ravel()
    axes.axhspan(0.96, 1.04, color="0.5", alpha=0.15, lw=0)
    laws = {"power law": (_power_law(dataset), "0.55"), "with the middle factors": (dataset.capacity_law, "k")}
    for name, (law, color) in laws.items():
        ratio = (held / law).transpose(*held.dims).values.ravel()
        axes.plot(share, ratio, "o", ms=2.5, mew=0, alpha=0.4, color=color)
        axes.plot([], [], "o", ms=4, color=color, label=name)
    axes.axvline(1 / LARGEST_THRESHOLD, color="0.5", lw=0.8, ls=":")
    axes.set(title="D   Where the laws break", xscale="log", xlabel="active cells / threshold", ylabel="exact / law")
    axes.legend(loc="upper right")
