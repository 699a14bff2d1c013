"""How does the threshold that a segment needs grow with what is asked of it?

The smallest threshold at which random patterns set a segment off no more often than a given error (Eq. 4 of Ahmad and
Hawkins 2016, arXiv 1601.00720), exact over populations n, shares f = a/n of active cells, synapses s and errors; for
many segments, of which none may answer, and for one segment with a union of M patterns. Chernoff's bound of the Poisson
tail of mean mu = M s f ties them together (biophys/patterns/scaling.py):

    log(1/error) = theta log(theta/mu) - theta + mu.

So the threshold is almost linear in log(1/error), log(10) / log(theta/mu) synapses a factor of ten; N segments count
as an error N times smaller; a union multiplies the mean; the population has no effect at a fixed share. Equal factors
on mu and log(1/error) multiply the threshold, so that its local exponents (1 - r) / log(1/r) in mu, r = mu/theta, and
one minus that in log(1/error) add up to one.

What was found: both hold. Over the grid of Figure 6 and errors of 1e-6 to 1e-15 the threshold grows with the powers
0.72 of log(1/error), 0.27 of the share and 0.32 of the synapses (0.69, 0.31 and 0.31 in theory), 0.5 to 0.9 synapses a
factor of ten. The Poisson law with the middle factors lies within 0.1 synapses of the exact threshold; it breaks, by up
to 0.5 synapses, in small populations and where the threshold comes near to all synapses.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from biophys.patterns.scaling import sufficient_threshold, threshold_exponent, threshold_law
from biophys.patterns.theory import log10_false_match_probability, smallest_threshold, union_false_match_probability
from studies.figure import curves, draw_panels
from studies.numerals import counted
from studies.patterns.power_law import exponents_text, fit_power_law
from studies.study import labelled

ERRORS = tuple(float(f"1e-{power}") for power in range(18, 1, -1))
MEASURED_WINDOW = (8, 20)  # synapses to an NMDA spike, Major, Larkum and Schiller (2013), cited by Ahmad and Hawkins
FITTED = {"population": (10_000, np.inf), "share": (0, 0.03), "synapses": (20, 50), "false_match": (1e-15, 1e-6)}
MEANINGS = {
    "population": "cells the segment could contact",
    "share": "share of the cells that is active",
    "synapses": "synapses of the segment",
    "false_match": "probability of a false match that is tolerated",
    "count": "segments, or patterns of a union",
    "threshold": "smallest threshold",
    "threshold_exact": "threshold at which false matches have the probability tolerated, exact, a real number",
    "threshold_law": "the same by the Poisson law with the middle factors",
    "threshold_sufficient": "threshold that is enough for certain (Chernoff's bound)",
    "per_decade": "synapses a factor of ten in the error, fitted",
    "per_decade_lowest": "the fewest of them between neighbouring errors",
    "per_decade_highest": "the most of them between neighbouring errors",
    "threshold_of_segments": "threshold at which one of many segments matches with the probability tolerated",
    "threshold_of_segments_law": "the same by the Poisson law with the middle factors",
    "threshold_of_union": "threshold of one segment that stores many patterns",
    "threshold_of_union_law": "the same by the Poisson law with the middle factors",
    "exponent_expected": "mean of the local exponents that follow from Chernoff's bound",
}


def simulate(
    populations: Sequence[int] = (1000, 3000, 10_000, 30_000, 100_000, 300_000),
    *,
    shares: Sequence[float] = (0.0025, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05),
    synapses: Sequence[int] = (20, 25, 30, 35, 40, 50, 60, 80, 100),
    false_match: Sequence[float] = ERRORS,
    counts: Sequence[int] = (1, 2, 5, 10, 20, 50, 100, 1000, 10_000, 100_000, 1_000_000),
    shown_population: int = 100_000,
    shown_share: float = 0.01,
    shown_synapses: int = 40,
    shown_false_match: float = 1e-9,
    most_patterns: int = 100,
) -> xr.Dataset:
    """Thresholds over a grid of segments, of many segments and of unions, and the law; exact, so there is no seed.

    Args:
        populations: cells that a segment could contact.
        shares: shares of them that fire in a pattern.
        synapses: synapses of a segment, or of a pattern in a union.
        false_match: probabilities of a false match that are tolerated.
        counts: numbers of segments, and of patterns in a union.
        shown_population: cells for the numbers of segments and patterns, and in the figure; one of the grid.
        shown_share: the same for the share of active cells.
        shown_synapses: the same for the synapses.
        shown_false_match: the same for the error.
        most_patterns: largest union; larger counts are left out.
    """
    shown = {
        "population": shown_population,
        "share": shown_share,
        "synapses": shown_synapses,
        "false_match": shown_false_match,
    }
    values = (populations, shares, synapses, false_match)
    grid = {name: np.unique(each) for name, each in zip(shown, values, strict=True)}
    _check(grid, shown)
    if min(counts, default=0) < 1:
        raise ValueError(f"counts {list(counts)} hold none or less; use numbers of at least 1")
    dataset = _over_grid(grid)
    _count(dataset, np.unique(counts), shown, most_patterns)
    _slopes(dataset, shown_population)
    dataset = _fitted(dataset)
    attributes = {
        **dataset.attrs,
        "study": "threshold-scaling",
        "title": "Threshold of the NMDA spike that a given error asks for, exact",
        "caption": _caption(dataset),
        "source": "Ahmad and Hawkins (2016), arXiv 1601.00720, Eqs. 4, 8 and 14 (exact mixture), and Figure 6",
        "seed": "none: no chance involved",
        **{f"shown_{name}": value for name, value in shown.items()},
    }
    return labelled(dataset, MEANINGS, attributes)


def _check(grid: Mapping[str, np.ndarray], shown: Mapping[str, float]) -> None:
    for name, value in shown.items():
        if value not in grid[name]:
            raise ValueError(f"shown_{name} {value:g} is none of {grid[name].tolist()}; choose one of them")
    share, error = grid["share"], grid["false_match"]
    if grid["synapses"].min() < 1:
        raise ValueError(f"synapses {grid['synapses'].tolist()} hold none or less; use numbers of at least 1")
    if not np.all((share > 0) & (share < 1)):
        raise ValueError(f"shares {share.tolist()} leave the range between 0 and 1; use shares of the cells")
    if not np.all((error > 0) & (error < 1)):
        raise ValueError(
            f"false_match {error.tolist()} leave the range between 0 and 1; use probabilities such as 1e-9"
        )
    if len(error) < 2:
        raise ValueError(f"false_match {error.tolist()} shows no exponent; give at least two values")
    if np.rint(share.min() * grid["population"].min()) < 1:
        raise ValueError(f"a share of {share.min():g} of {grid['population'].min()} cells is none; use a larger one")


def _over_grid(grid: Mapping[str, np.ndarray]) -> xr.Dataset:
    """Thresholds of all segments of the grid, exact and by the laws."""
    n, f, s = np.meshgrid(*(grid[name] for name in ("population", "share", "synapses")), indexing="ij")
    a = np.rint(f * n).astype(int)
    error = grid["false_match"]
    exact = np.array([_thresholds(*segment, error) for segment in zip(n.flat, a.flat, s.flat, strict=True)])
    exact = exact.reshape(*n.shape, len(error))
    n, a, s = (x[..., None] for x in (n, a, s))
    known = np.isfinite(exact)
    whole = smallest_threshold(n, a, s, np.where(known, error, 0.999_999))
    arrays = {
        "threshold": np.where(known, whole, np.nan),
        "threshold_exact": exact,
        "threshold_law": threshold_law(n, a, s, error),
        "threshold_sufficient": sufficient_threshold(s * a / n, error),
    }
    return xr.Dataset({name: (tuple(grid), array) for name, array in arrays.items()}, grid)


def _thresholds(n: int, a: int, s: int, error: np.ndarray) -> np.ndarray:
    """The real threshold at each error: the logarithm of Eq. 4 is interpolated between whole thresholds.

    NaN where not even all synapses together are enough.
    """
    theta = np.arange(s + 1)
    return _crossing(theta, log10_false_match_probability(n, a, s, theta), error)


def _crossing(theta: np.ndarray, log10: np.ndarray, error: np.ndarray) -> np.ndarray:
    possible = np.isfinite(log10)
    return np.interp(-np.log10(error), -log10[possible], theta[possible], right=np.nan)


def _count(dataset: xr.Dataset, counts: np.ndarray, shown: Mapping[str, float], most_patterns: int) -> None:
    """Add the thresholds of many segments and of unions, for the segment shown."""
    n, s, error = int(shown["population"]), int(shown["synapses"]), shown["false_match"]
    a, theta = round(shown["share"] * n), np.arange(s + 1)
    each = -np.expm1(np.log1p(-error) / counts)  # of one segment, so that one of them errs with `error`
    stored = counts[counts <= most_patterns]
    match = np.log10(union_false_match_probability(n, a, s, theta, stored[:, None]))
    union = [float(_crossing(theta, log10, np.array([error]))[0]) for log10 in match]
    missing = (len(counts) - len(stored)) * [np.nan]
    dataset["count"] = counts
    dataset["threshold_of_segments"] = ("count", _thresholds(n, a, s, each))
    dataset["threshold_of_segments_law"] = ("count", threshold_law(n, a, s, each))
    dataset["threshold_of_union"] = ("count", union + missing)
    dataset["threshold_of_union_law"] = ("count", threshold_law(n, a, s, error, counts))


def _slopes(dataset: xr.Dataset, population: int) -> None:
    """Add synapses a factor of ten in the error, from 1e-6 down, and their range between neighbouring errors."""
    small = dataset.threshold_exact.sel(population=population).where(dataset.false_match <= FITTED["false_match"][1])
    decades = -np.log10(dataset.false_match)
    slope = small.diff("false_match") / decades.diff("false_match")
    mean, middle = small.mean("false_match"), decades.where(small.notnull())
    away = middle - middle.mean("false_match")
    fitted = (away * (small - mean)).sum("false_match") / (away**2).sum("false_match")
    dataset["per_decade"] = fitted.transpose("share", "synapses")
    dataset["per_decade_lowest"] = slope.min("false_match").transpose("share", "synapses")
    dataset["per_decade_highest"] = slope.max("false_match").transpose("share", "synapses")


def _fitted(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset with the exponents of the threshold over the part of the grid in FITTED, and those expected there."""
    part = dataset.threshold_exact.sel({name: slice(*limits) for name, limits in FITTED.items()})
    size = -np.log(part.false_match)
    parameters = {"log_error": ("false_match", size), "share": ("share", part.share)}
    fit = fit_power_law(part, parameters | {"synapses": ("synapses", part.synapses)})
    in_mean = float(xr.apply_ufunc(threshold_exponent, part.share * part.synapses, part).mean())
    off = np.abs(part - dataset.threshold_law)
    dataset = dataset.merge(fit).assign(exponent_expected=("parameter", [1 - in_mean, in_mean, in_mean]))
    dataset.attrs |= {**fit.attrs, "law_error_largest": float(off.max())}
    return dataset


def _caption(dataset: xr.Dataset) -> str:
    """The fitted laws, their residuals, and where they break."""
    fit, expected = dataset.attrs, [float(value) for value in dataset.exponent_expected]
    words = {"log_error": "log(1/error)", "share": "share", "synapses": "synapses"}
    part = dataset.sel({name: slice(*limits) for name, limits in FITTED.items()})
    fewest, most = (f"{int(end(part.synapses))}" for end in (np.min, np.max))
    least, largest = (_written(float(end(part.false_match))) for end in (np.min, np.max))
    return (
        f"Threshold = {fit['factor']:.2f} x a power law with exponents (and slopes between neighbours of the grid) "
        f"{exponents_text(dataset, words)}; theory {expected[0]:.2f}, {expected[1]:.2f}, {expected[2]:.2f}. Fitted to "
        f"{fit['points_fitted']:,} exact thresholds: from {int(part.population.min()):,} cells, shares up to "
        f"{100 * float(part.share.max()):.3g} %, {fewest} to {most} synapses, errors of {least} to {largest}; residual "
        f"{100 * fit['residual_rms']:.0f} %, at most {100 * fit['residual_largest']:.0f} %. "
        "The Poisson law with the middle factors (lines in A and C) has no fitted number and is at most "
        f"{fit['law_error_largest']:.2f} synapses off there."
    )


def _written(error: float) -> str:
    """1e-9 rather than 1e-09."""
    return f"{error:g}".replace("e-0", "e-")


def draw(dataset: xr.Dataset) -> plt.Figure:
    """Thresholds against error, against share and synapses, against segments and patterns; where the law breaks."""
    layout = [[_draw_error, _draw_plane], [_draw_count, _draw_break]]
    title = "What threshold does a segment need? (exact theory)"
    return draw_panels(dataset, layout, (7.2, 6.8), title=title, caption=dataset.attrs["caption"])


def _draw_error(axes: plt.Axes, dataset: xr.Dataset) -> None:
    options = dataset.attrs
    plane = dataset.sel(population=options["shown_population"], synapses=options["shown_synapses"])
    few = np.unique(np.linspace(0, plane.sizes["share"] - 1, 4).round().astype(int))
    for share, curve, color in curves(plane.isel(share=few), "share", ordered=True):
        axes.plot(curve.false_match, curve.threshold_law, color=color, lw=1)
        label = f"{100 * share:.2g} %: {float(curve.per_decade):.2f}"
        axes.plot(curve.false_match, curve.threshold_exact, "o", ms=3, color=color, label=label)
    axes.set(
        title=f"A   {counted(options['shown_synapses'], 'synapse')}, {counted(options['shown_population'], 'cell')}",
        xscale="log",
    )
    axes.set(xlabel="P(false match) tolerated", ylabel="threshold (synapses for a spike)")
    axes.invert_xaxis()
    axes.legend(title="active: synapses per decade of error", loc="upper left", labelspacing=0.25)


def _draw_plane(axes: plt.Axes, dataset: xr.Dataset) -> None:
    options = dataset.attrs
    plane = dataset.threshold_exact.sel(population=options["shown_population"]).transpose("synapses", "share", ...)
    plane = plane.sel(false_match=options["shown_false_match"], method="nearest")
    place = 100 * plane.share, plane.synapses, plane
    axes.contourf(*place, np.arange(4, float(plane.max()) + 4, 4), cmap="viridis", alpha=0.75)
    levels = np.setdiff1d(np.arange(4, float(plane.max()) + 1, 2), MEASURED_WINDOW)
    for at, width in ((levels, 0.5), (MEASURED_WINDOW, 2)):
        axes.clabel(axes.contour(*place, at, colors="k", linewidths=width), fmt="%d", fontsize=7)
    error = _written(options["shown_false_match"])
    axes.set(title=f"B   Threshold at {error} (measured: {MEASURED_WINDOW[0]} to {MEASURED_WINDOW[1]})")
    axes.set(xlabel="active cells (% of the population)", ylabel="synapses of the segment")


def _draw_count(axes: plt.Axes, dataset: xr.Dataset) -> None:
    kinds = {"threshold_of_segments": "segments of a cell", "threshold_of_union": "patterns of a union"}
    for name, text in kinds.items():
        exact = dataset[name]
        (dots,) = axes.plot(exact["count"], exact, "o", label=text)
        law = dataset[f"{name}_law"].where(exact.notnull())
        axes.plot(law["count"], law, color=dots.get_color(), lw=1)
    options = dataset.attrs
    axes.axhline(options["shown_synapses"], color="0.5", lw=0.8, ls=":", label="all synapses of a pattern")
    title = (
        f"C   {counted(options['shown_synapses'], 'synapse')}, {100 * options['shown_share']:g} % of the cells active"
    )
    axes.set(title=title, xscale="log", ylim=(0, 1.1 * options["shown_synapses"]))
    axes.set(xlabel="number of segments or patterns", ylabel="threshold (synapses for a spike)")
    axes.legend(loc="center right")


def _draw_break(axes: plt.Axes, dataset: xr.Dataset) -> None:
    axes.axhspan(-0.2, 0.2, color="0.5", alpha=0.15, lw=0)
    for population, each, color in curves(dataset, "population", ordered=True):
        share = (each.threshold_exact / each.synapses).values.ravel()
        error = (each.threshold_law - each.threshold_exact).values.ravel()
        axes.plot(share, error, "o", ms=2, mew=0, alpha=0.5, color=color)
        axes.plot([], [], "o", ms=4, color=color, label=f"{population:,}")
    axes.set(title="D   Where the law breaks", xlabel="threshold / synapses", ylabel="law - exact (synapses)")
    axes.set(ylim=(-1.05, 0.65))
    axes.legend(title="cells", loc="lower center", ncols=3, columnspacing=0.8, handletextpad=0.1)
