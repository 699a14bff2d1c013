"""How often does a random pattern set off a segment that does not know it?

Exactly as often as a cells drawn from n hit at least theta of s synapses (Eq. 4 of Ahmad and Hawkins 2016, arXiv
1601.00720). Redrawn from exact values: their Figure 4A (against the population, with their simulation of 1e8
comparisons a point), Figure 5A (the same up to 19,900 cells, and patterns that stay dense) and Figure 5B (against the
synapses, with a threshold of half of them). At a fixed number of active cells, false matches fall with the theta-th
power of the population; at a fixed share of active cells a larger population gains nothing.

What was found: 28 of the 29 published frequencies lie within 2.2 standard errors. The other one, for 256 of 300 cells,
was summed in single precision, which stops counting 500 by 500 at 0.99736848 of 1e8. Figure 5A is printed with three
of its four curves 200 cells too far right, and its dashed curve is that of a = n/4, not n/2.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from biophys.patterns.theory import false_match_probability
from studies.figure import curves, draw_panels
from studies.numerals import counted
from studies.patterns.published import beside, deviations_text, deviations_title, figure_name, is_published
from studies.study import check_lists, labelled

# Figure 4A: simulated frequencies for 24 synapses and threshold 12, populations 300, 500, ..
# (numenta/htmresearch, projects/sdr_paper/plot_numerical_results.py)
PUBLISHED_SEGMENT = (24, 12)
PUBLISHED_POPULATIONS = tuple(range(300, 3501, 200))
PUBLISHED = {
    64: (1.09318e-3, 5.74e-6, 1.1e-7),
    128: (0.292048, 7.37836e-3, 3.2014e-4, 2.585e-5, 2.95e-6, 5.9e-7, 1.3e-7, 1e-8, 1e-8),
    256: (0.997368, 0.629267, 0.121048, 1.93688e-2, 3.50879e-3, 7.4956e-4, 1.8659e-4, 5.332e-5, 1.65e-5)
    + (5.58e-6, 2.23e-6, 9.3e-7, 3.2e-7, 2.7e-7, 7e-8, 4e-8, 2e-8),
}
COMPARISONS = 10**8  # behind each of them
DRAWN_TOO_FAR_RIGHT = 200  # cells, in Figure 5A, all but the curve for 64 active cells
CAPTION = (
    "Figures 4A (A, C), 5A (B) and 5B (D) of Ahmad and Hawkins (2016), lines exact (Eq. 4). Corrected: (4A) "
    "the frequency 0.997368 for 256 of 300 cells comes from a sum kept in single precision; exact is 0.999998, and the "
    "other 28 lie within 2.2 standard errors. (5A) The curves for 128 and 256 active cells are printed 200 cells too "
    "far right (dotted here), and so is the dashed one, which is labelled a = n/2 but shows a = n/4."
)
ABOUT = {
    "study": "false-match",
    "title": "False matches of a segment with random patterns, exact",
    "source": "Ahmad and Hawkins (2016), arXiv 1601.00720, Eq. 4 and Figures 4A, 5A, 5B",
    "seed": "none: no chance involved",
}
OTHER_SETTINGS = (
    "After Ahmad and Hawkins (2016), with other settings; lines exact (Eq. 4). A, B: against the population. D: "
    "against the synapses, half of which are the threshold."
)
MEANINGS = {
    "active": "active cells of a pattern",
    "population": "cells the segment could contact",
    "dense_share": "share of the cells that is active",
    "case": "number of the case",
    "case_synapses": "synapses of the segment; the threshold is half of them",
    "false_match": "probability of a false match (Eq. 4)",
    "false_match_dense": "probability of a false match at a fixed share of active cells (Eq. 4)",
    "false_match_by_synapses": "probability of a false match with a threshold of half the synapses (Eq. 4)",
    "published": "frequency of false matches in the published simulation",
    "published_deviation": "published frequency less the exact probability, in standard errors",
    "case_active": "active cells of the case",
    "case_population": "cells the segment could contact, in the case",
}


def simulate(
    populations: Sequence[int] = tuple(range(300, 20_000, 200)),
    *,
    active: Sequence[int] = (64, 128, 256),
    synapses: int = 24,
    threshold: int = 12,
    dense_shares: Sequence[float] = (0.25, 0.5),
    case_populations: Sequence[int] = (2000, 4000, 16_000, 16_000),
    case_active: Sequence[int] = (32, 32, 512, 4000),
    case_synapses: Sequence[int] = tuple(range(2, 31, 2)),
) -> xr.Dataset:
    """False matches against population and synapses, beside the published simulation; exact, so there is no seed.

    Args:
        populations: cells that the segment could contact.
        active: cells that fire in a pattern.
        synapses: synapses of the segment.
        threshold: active synapses that give an NMDA spike.
        dense_shares: shares of the cells that fire in a dense pattern.
        case_populations: populations of the last panel, one a case.
        case_active: active cells of the last panel, one a case.
        case_synapses: even numbers of synapses of the last panel; half of them are needed for a spike.
    """
    known = is_published(simulate, locals())
    check_lists(populations=populations, active=active, dense_shares=dense_shares, case_synapses=case_synapses)
    n, a, shares, s = map(np.array, (populations, active, dense_shares, case_synapses))
    _check(n, a, shares, s, len(case_populations), len(case_active))
    exact = false_match_probability(n, a[:, None], synapses, threshold)
    dense = false_match_probability(n, np.rint(shares[:, None] * n), synapses, threshold)
    cases = np.array(case_populations)[:, None], np.array(case_active)[:, None]
    frequencies = PUBLISHED if (synapses, threshold) == PUBLISHED_SEGMENT else {}
    published = beside(frequencies, PUBLISHED_POPULATIONS, a, n)
    error = np.sqrt(exact * (1 - exact) / COMPARISONS)
    dataset = xr.Dataset(
        {
            "false_match": (("active", "population"), exact),
            "published": (("active", "population"), published),
            "published_deviation": (("active", "population"), (published - exact) / error),
            "false_match_dense": (("dense_share", "population"), dense),
            "false_match_by_synapses": (("case", "case_synapses"), false_match_probability(*cases, s, s // 2)),
        },
        {
            "active": a,
            "population": n,
            "dense_share": shares,
            "case": np.arange(len(case_active)),
            "case_active": ("case", list(case_active)),
            "case_population": ("case", list(case_populations)),
            "case_synapses": s,
        },
    )
    options = {"synapses": synapses, "threshold": threshold, "comparisons": COMPARISONS}
    caption = CAPTION if known else f"{OTHER_SETTINGS} {deviations_text(dataset)}"
    return labelled(dataset, MEANINGS, ABOUT | {"caption": caption} | options)


def _check(n: np.ndarray, a: np.ndarray, shares: np.ndarray, s: np.ndarray, populations: int, active: int) -> None:
    if a.max() > n.min():
        raise ValueError(f"{a.max()} active cells do not fit into a population of {n.min()}; use fewer")
    if not np.all((shares >= 0) & (shares <= 1)):
        raise ValueError(f"dense_shares {shares.tolist()} leave the range 0 to 1; use shares of the cells")
    if np.any(s % 2):
        raise ValueError(f"case_synapses {s.tolist()} hold an odd number, which has no half; use even ones")
    if populations != active:
        raise ValueError(f"{populations} case_populations and {active} case_active make no pairs; give as many of each")


def draw(dataset: xr.Dataset) -> plt.Figure:
    """False matches against the population, published frequencies, and against the number of synapses."""
    layout = [[_draw_simulated, _draw_wide], [_draw_deviation, _draw_synapses]]
    title = "How often does a random pattern set off a segment? (exact theory)"
    caption = dataset.attrs["caption"]
    return draw_panels(dataset, layout, (7.2, 6.4), height_ratios=[3, 2.4], title=title, caption=caption)


def _near(dataset: xr.Dataset) -> xr.Dataset:
    """The populations of the published simulation, or all where there are none of these."""
    near = dataset.sel(population=dataset.population <= PUBLISHED_POPULATIONS[-1])
    return near if near.sizes["population"] > 1 else dataset


def _draw_simulated(axes: plt.Axes, dataset: xr.Dataset) -> None:
    near = _near(dataset)
    for active, curve, color in curves(near, "active"):
        axes.plot(curve.population, curve.false_match, color=color, label=f"{active}")
        axes.plot(curve.population, curve.published, "o", mfc="none", color=color)
    if near.published.notnull().any():
        text = f"simulated, {dataset.attrs['comparisons']:.0e}".replace("e+0", "e")
        axes.plot([], [], "o", color="0.3", mfc="none", label=text)
        axes.set_ylim(2e-9, 3)
    segment = f"{counted(dataset.attrs['synapses'], 'synapse')}, threshold {dataset.attrs['threshold']}"
    axes.set(title=f"A   {figure_name(dataset, '4A', CAPTION)}{segment}", yscale="log", ylabel="P(false match)")
    axes.set(xlabel="population (cells the segment could contact)")
    axes.legend(title="active cells", loc="upper right", bbox_to_anchor=(1.0, 0.93))


def _draw_deviation(axes: plt.Axes, dataset: xr.Dataset) -> None:
    near = _near(dataset)
    axes.axhspan(-1.96, 1.96, color="0.5", alpha=0.15, lw=0)
    axes.axhline(0, color="0.6", lw=0.8)
    for active, deviation, color in curves(near.published_deviation, "active"):
        axes.plot(deviation.population, deviation.where(abs(deviation) < 5), "o", color=color)
        for outlier in deviation[abs(deviation) >= 5]:
            at = float(outlier.population)
            axes.plot(at, -4.1, "v", color=color)
            text = f"{active} of {at:.0f} cells: {float(outlier):,.0f}"
            axes.annotate(text, (at, -4.1), (8, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set(title=f"C   {deviations_title(dataset)}", ylim=(-4.7, 4.7))
    axes.set(xlabel="population (cells the segment could contact)", ylabel="deviation (standard errors)")


def _draw_wide(axes: plt.Axes, dataset: xr.Dataset) -> None:
    printed = dataset.attrs["caption"] == CAPTION
    for active, curve, color in curves(dataset.false_match, "active"):
        axes.plot(curve.population, curve, color=color, label=counted(active, "cell"))
        if printed and active in (128, 256):
            axes.plot(curve.population + DRAWN_TOO_FAR_RIGHT, curve, ":", color=color, lw=1)
    for share, dashes in zip(dataset.dense_share, ("--", "-.", ":"), strict=False):
        curve = dataset.false_match_dense.sel(dense_share=share)
        axes.plot(curve.population, curve, dashes, color="k", lw=1.2, label=f"{float(share):.0%} of the cells")
    if printed:
        axes.plot([], [], ":", color="0.3", lw=1, label="as printed")
    axes.set(
        title=f"B   {figure_name(dataset, '5A', CAPTION)}the same, further",
        xscale="log",
        yscale="log",
        ylabel="P(false match)",
    )
    axes.set(xlabel="population (cells the segment could contact)")
    axes.legend(title="active", loc="lower left")


def _draw_synapses(axes: plt.Axes, dataset: xr.Dataset) -> None:
    for number in dataset.case:
        curve = dataset.false_match_by_synapses.sel(case=number)
        label = f"{int(curve.case_active):,} of {int(curve.case_population):,}"
        dense = curve.case_active / curve.case_population >= 0.2
        axes.plot(curve.case_synapses, curve, "--" if dense else "-", label=label)
    axes.set(
        title=f"D   {figure_name(dataset, '5B', CAPTION)}threshold of half the synapses",
        yscale="log",
        ylabel="P(false match)",
    )
    axes.set(xlabel="synapses of the segment")
    axes.legend(title="active cells", loc="lower left")
