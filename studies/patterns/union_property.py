"""How many patterns can one dendritic segment store as a union before it answers to anything?

A segment with synapses for M patterns holds their union. It grows a little more slowly than M patterns'
worth of synapses, and the more cells it samples the more often a random pattern reaches its threshold by
chance. Both are drawn against M as in Figures 7A and 7B of Ahmad and Hawkins (2016, arXiv 1601.00720). Their
Eq. 14 puts the expected union size, rounded, into the chance of a match; the exact law lets the size vary,
and the last panel shows how far the two are apart: up to 7 % with the published numbers. Most of it is the
rounding; Eq. 14 interpolated to the unrounded size stays within 0.7 % of the exact values.
"""

from collections.abc import Sequence
from itertools import islice

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from biophys.patterns.overlap import log_covered
from biophys.patterns.theory import union_false_match_probability, union_size
from studies.figure import curves, draw_panels
from studies.numerals import counted, span
from studies.patterns.published import beside, figure_name, is_published
from studies.study import check_lists, check_size, labelled

MOST_PATTERNS = 10_000  # to look for

# Figure 7A: union size of 19 patterns among 1000 cells, by synapses of a pattern; Figure 7B: false matches of 1, 2, ..
# patterns of 25 synapses, by population (numenta/htmresearch, projects/sdr_paper/sdr_paper_unions.py)
PUBLISHED_POPULATION = 1000
PUBLISHED_SIZES = {20: (318.77,), 25: (381.86,), 30: (439.39,)}
PUBLISHED_SEGMENT = (200, 25, 15)  # active cells, synapses of a pattern, threshold
PUBLISHED = {
    1000: (1.00140315e-5, 0.0473894530, 0.501650232, 0.899154755, 0.991079537, 0.999523525, 0.999981553)
    + (0.999999513, 0.999999991)
    + 10 * (1.0,),
    10_000: (5.30352419e-20, 2.35602185e-14, 1.53934244e-11, 1.10302867e-9, 2.27921916e-8, 2.69253218e-7)
    + (1.98072352e-6, 9.75307801e-6, 3.98373264e-5, 1.27080441e-4, 3.62630253e-4, 8.74610763e-4, 1.90208641e-3)
    + (3.78812896e-3, 7.16447200e-3, 0.0123542384, 0.0201165770, 0.0311403472, 0.0453789479),
    20_000: (1.75826329e-24, 9.73603540e-19, 7.92130753e-16, 7.08428692e-14, 2.03825915e-12, 2.93568737e-11)
    + (2.44471332e-10, 1.59493239e-9, 8.04780895e-9, 3.32242568e-8, 1.11328056e-7, 3.44426535e-7, 9.53448551e-7)
    + (2.31864105e-6, 5.40383165e-6, 1.13919681e-5, 2.33141517e-5, 4.40336400e-5, 8.14089056e-5),
}
CAPTION = (
    "Figures 7A (A) and 7B (B) of Ahmad and Hawkins (2016), exact. Corrected: only their code says that 7A "
    "is for 1000 cells. In 7B they put the mean size of the union, rounded, into Eq. 4 (Eq. 14); as the size varies, "
    "the exact average lies 5 % below to 7 % above (C). Their values for 20,000 cells and 3 to 5 patterns were summed "
    "term by term and lost digits; that for 3 is 0.1 % low."
)
ABOUT = {
    "study": "union-property",
    "title": "Union property of a dendritic segment, exact",
    "source": "Ahmad and Hawkins (2016), arXiv 1601.00720, Eqs. 4, 13, 14 and Figures 7A, 7B",
    "seed": "none: no chance involved",
}
MEANINGS = {
    "patterns": "patterns stored on the segment",
    "sampled_synapses": "synapses per pattern, for the union size",
    "population": "cells the segment could contact",
    "union_size": "expected synapses of the union (Eq. 13)",
    "published_size": "expected synapses of the union as published",
    "union_size_sd": "standard deviation of the synapses of the union",
    "false_match_exact": "probability of a false match, exact",
    "false_match_mean_field": "probability of a false match, mean field (Eq. 14)",
    "published": "probability of a false match as published (Eq. 14)",
    "exact_over_mean_field": "exact probability of a false match over that of Eq. 14",
}


def simulate(
    most_patterns: int = 19,
    *,
    sampled_population: int = 1000,
    sampled_synapses: Sequence[int] = (20, 25, 30),
    populations: Sequence[int] = (1000, 10_000, 20_000),
    active: int = 200,
    synapses: int = 25,
    threshold: int = 15,
) -> xr.Dataset:
    """Union size and false matches for 1 to `most_patterns` stored patterns; exact, so there is no seed.

    Args:
        most_patterns: largest number of patterns that one segment stores.
        sampled_population: cells that the segment could contact, for the union size.
        sampled_synapses: synapses per pattern, for the union size.
        populations: cells that the segment could contact, for the false matches.
        active: cells that fire in a pattern.
        synapses: synapses per pattern, for the false matches.
        threshold: active synapses that give an NMDA spike.
    """
    published = is_published(simulate, locals())
    check_lists(sampled_synapses=sampled_synapses, populations=populations)
    if most_patterns < 1:
        raise ValueError(f"most_patterns {most_patterns} stores nothing; use at least 1")
    check_size(MOST_PATTERNS, most_patterns=most_patterns)
    stored = np.arange(1, most_patterns + 1)
    sampled = np.array(sampled_synapses)[:, None]
    segment = (np.array(populations)[:, None], active, synapses, threshold, stored)
    exact = union_false_match_probability(*segment, method="exact")
    mean_field = union_false_match_probability(*segment, method="mean_field")
    ratio = np.divide(exact, mean_field, out=np.full(exact.shape, np.nan), where=mean_field > 0)
    spread = [_spreads(sampled_population, s, most_patterns) for s in sampled_synapses]
    known = PUBLISHED if (active, synapses, threshold) == PUBLISHED_SEGMENT else {}
    known_sizes = PUBLISHED_SIZES if sampled_population == PUBLISHED_POPULATION else {}
    dataset = xr.Dataset(
        {
            "union_size": (("sampled_synapses", "patterns"), union_size(sampled_population, sampled, stored)),
            "published_size": (("sampled_synapses", "patterns"), beside(known_sizes, [19], sampled_synapses, stored)),
            "union_size_sd": (("sampled_synapses", "patterns"), spread),
            "false_match_exact": (("population", "patterns"), exact),
            "false_match_mean_field": (("population", "patterns"), mean_field),
            "published": (("population", "patterns"), beside(known, range(1, 20), populations, stored)),
            "exact_over_mean_field": (("population", "patterns"), ratio),
        },
        {"patterns": stored, "sampled_synapses": list(sampled_synapses), "population": list(populations)},
    )
    options = {"active": active, "synapses": synapses, "threshold": threshold}
    about = ABOUT | {"caption": CAPTION if published else _caption(dataset)}
    return labelled(dataset, MEANINGS, about | {"sampled_population": sampled_population} | options)


def _caption(dataset: xr.Dataset) -> str:
    """What other settings than the published ones show."""
    ratio = dataset.exact_over_mean_field
    times = span(float(ratio.min()), float(ratio.max()))
    ends = f"{times} times" if times != "1" else ""
    if not ratio.notnull().any():
        ends = "not comparable to"
    return (
        "After Ahmad and Hawkins (2016), with other settings. A: expected synapses of the union (Eq. 13). B: chance of "
        f"a false match, exact; as the size of the union varies, it is {f'{ends} that'.strip()} of Eq. 14, which puts "
        "the mean size, rounded, into Eq. 4 (C)."
    )


def _spreads(population: int, synapses: int, patterns: int) -> list[float]:
    """Standard deviation of the size of the union of 1, 2, .. patterns."""
    spreads = []
    for log_probability in islice(log_covered(population, population, synapses, patterns), 1, None):
        probability = np.exp(log_probability)
        size = np.arange(len(probability))
        mean = probability @ size
        spreads.append(float(np.sqrt(probability @ (size - mean) ** 2)))
    return spreads


def draw(dataset: xr.Dataset) -> plt.Figure:
    """Union size, chance of a false match, and what the mean field misses, against the number of patterns."""
    layout = [[_draw_size, _draw_match], [_draw_size, _draw_ratio]]
    title = "One segment that stores the union of several sparse patterns (exact theory)"
    options = {"title": title, "caption": dataset.attrs["caption"], "height_ratios": [2, 1]}
    return draw_panels(dataset, layout, (7.2, 5.4), above={_draw_match: _draw_ratio}, **options)


def _draw_size(axes: plt.Axes, dataset: xr.Dataset) -> None:
    for synapses, curve, color in curves(dataset, "sampled_synapses"):
        axes.plot(curve.patterns, curve.union_size, color=color, label=f"{synapses}")
        axes.plot(curve.patterns, curve.published_size, "o", mfc="none", color=color)
        low, high = (curve.union_size + sign * 2 * curve.union_size_sd for sign in (-1, 1))
        axes.fill_between(curve.patterns, low, high, facecolor=color, alpha=0.2, lw=0)
    cells = counted(dataset.attrs["sampled_population"], "cell")
    axes.set(title=f"A   {figure_name(dataset, '7A', CAPTION)}{cells}, mean ± 2 sd")
    axes.set(xlabel="patterns stored", ylabel="synapses of the union", ylim=(0, None))
    axes.xaxis.set_major_locator(plt.MaxNLocator(integer=True))
    axes.legend(title="synapses per pattern")


def _draw_match(axes: plt.Axes, dataset: xr.Dataset) -> None:
    for population, curve, color in curves(dataset, "population"):
        axes.plot(curve.patterns, curve.false_match_exact, color=color, label=counted(population, "cell"))
        axes.plot(curve.patterns, curve.published, "o", mfc="none", ms=3.5, color=color)
    axes.plot([], [], color="0.3", label="exact")
    if dataset.published.notnull().any():
        axes.plot([], [], "o", color="0.3", mfc="none", ms=3.5, label="published (Eq. 14)")
    options = dataset.attrs
    segment = f"{counted(options['active'], 'active cell')}, {counted(options['synapses'], 'synapse')}\n     a pattern"
    axes.set(title=f"B   {figure_name(dataset, '7B', CAPTION)}{segment}, {options['threshold']} needed for a spike")
    axes.set(ylabel="P(false match)", yscale="log")
    axes.legend(loc="lower right")


def _draw_ratio(axes: plt.Axes, dataset: xr.Dataset) -> None:
    axes.axhline(1, color="0.6", lw=0.8)
    for _, curve, color in curves(dataset, "population"):
        axes.plot(curve.patterns, curve.exact_over_mean_field, color=color)
        ratio = curve.false_match_exact / curve.published
        axes.plot(curve.patterns, ratio, "o", mfc="none", ms=3.5, color=color)
    axes.set(title="C   Error of Eq. 14 (zigzag: rounded size)", xlabel="patterns stored", ylabel="exact / Eq. 14")
    axes.xaxis.set_major_locator(plt.MaxNLocator(integer=True))
