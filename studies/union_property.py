"""How many patterns can one dendritic segment store as a union before it answers to anything?

A segment with synapses for M patterns holds their union. It grows a little more slowly than M patterns'
worth of synapses, and the more cells it samples the more often a random pattern reaches its threshold by
chance. Both are drawn against M as in Figures 7A and 7B of Ahmad and Hawkins (2016, arXiv 1601.00720). Their
Eq. 14 puts the expected union size, rounded, into the chance of a match; the exact law lets the size vary,
and the last panel shows how far the two are apart: up to 7 % with the published numbers. Most of it is the
rounding; Eq. 14 interpolated to the unrounded size stays within 0.7 % of the exact values.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from biophys.patterns import union_false_match_probability, union_size, union_size_distribution

MEANINGS = {
    "patterns": "patterns stored on the segment",
    "sampled_synapses": "synapses per pattern, for the union size",
    "population": "cells the segment could contact",
    "union_size": "expected synapses of the union (Eq. 13)",
    "union_size_sd": "standard deviation of the synapses of the union",
    "false_match_exact": "probability of a false match, exact",
    "false_match_mean_field": "probability of a false match, mean field (Eq. 14)",
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
    provenance: Mapping[str, str] = {},
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
        provenance: text stored in the dataset.
    """
    if most_patterns < 1:
        raise ValueError(f"most_patterns {most_patterns} stores nothing; use at least 1")
    stored = np.arange(1, most_patterns + 1)
    sampled = np.array(sampled_synapses)[:, None]
    segment = (np.array(populations)[:, None], active, synapses, threshold, stored)
    exact = union_false_match_probability(*segment, method="exact")
    mean_field = union_false_match_probability(*segment, method="mean_field")
    ratio = np.divide(exact, mean_field, out=np.full(exact.shape, np.nan), where=mean_field > 0)
    spread = [[_spread(sampled_population, s, m) for m in range(1, most_patterns + 1)] for s in sampled_synapses]
    dataset = xr.Dataset(
        {
            "union_size": (("sampled_synapses", "patterns"), union_size(sampled_population, sampled, stored)),
            "union_size_sd": (("sampled_synapses", "patterns"), spread),
            "false_match_exact": (("population", "patterns"), exact),
            "false_match_mean_field": (("population", "patterns"), mean_field),
            "exact_over_mean_field": (("population", "patterns"), ratio),
        },
        {"patterns": stored, "sampled_synapses": list(sampled_synapses), "population": list(populations)},
        {
            "study": "union-property",
            "title": "Union property of a dendritic segment, exact",
            "source": "Ahmad and Hawkins (2016), arXiv 1601.00720, Eqs. 4, 13, 14 and Figures 7A, 7B",
            "seed": "none: no chance involved",
            "sampled_population": sampled_population,
            "active": active,
            "synapses": synapses,
            "threshold": threshold,
            **{f"provenance_{key}": value for key, value in provenance.items()},
        },
    )
    for name, meaning in MEANINGS.items():
        dataset[name].attrs.update(units="1", long_name=meaning)
    return dataset


def _spread(population: int, synapses: int, patterns: int) -> float:
    probability = union_size_distribution(population, synapses, patterns)
    size = np.arange(len(probability))
    mean = probability @ size
    return float(np.sqrt(probability @ (size - mean) ** 2))


def draw(dataset: xr.Dataset) -> Figure:
    """Union size, chance of a false match, and what the mean field misses, against the number of patterns."""
    with plt.style.context(Path(__file__).with_name("figures.mplstyle")):
        figure, panels = plt.subplot_mosaic(
            [["size", "match"], ["size", "ratio"]],
            figsize=(8.4, 4.6),
            height_ratios=[2, 1],
        )
        _draw_size(panels["size"], dataset)
        _draw_match(panels["match"], dataset)
        _draw_ratio(panels["ratio"], dataset)
        panels["match"].sharex(panels["ratio"])
        panels["match"].tick_params(labelbottom=False)
        figure.suptitle("One segment that stores the union of several sparse patterns (exact theory)")
    return figure


def _draw_size(axes: Axes, dataset: xr.Dataset) -> None:
    for synapses in dataset.sampled_synapses:
        curve = dataset.sel(sampled_synapses=synapses)
        axes.plot(curve.patterns, curve.union_size, label=f"{int(synapses)}")
        low, high = (curve.union_size + sign * 2 * curve.union_size_sd for sign in (-1, 1))
        axes.fill_between(curve.patterns, low, high, alpha=0.2, lw=0)
    axes.set(title=f"A   Union on a segment of {dataset.attrs['sampled_population']:,} cells, mean ± 2 sd")
    axes.set(xlabel="patterns stored", ylabel="synapses of the union", ylim=(0, None))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(title="synapses per pattern")


def _draw_match(axes: Axes, dataset: xr.Dataset) -> None:
    for population in dataset.population:
        curve = dataset.sel(population=population)
        (line,) = axes.plot(curve.patterns, curve.false_match_exact, label=f"{int(population):,} cells")
        color = line.get_color()
        axes.plot(curve.patterns, curve.false_match_mean_field, "o", mfc="none", ms=3.5, color=color)
    asked = dataset.attrs
    axes.set(
        title=f"B   Random patterns of {asked['active']} active cells; {asked['synapses']} synapses\n"
        f"     per pattern, {asked['threshold']} needed for a spike",
        ylabel="P(false match)",
        yscale="log",
    )
    handles = axes.get_legend_handles_labels()[0]
    handles.append(Line2D([], [], color="0.3", label="exact"))
    handles.append(Line2D([], [], color="0.3", marker="o", ls="", mfc="none", ms=3.5, label="mean field, Eq. 14"))
    axes.legend(handles=handles, loc="lower right")


def _draw_ratio(axes: Axes, dataset: xr.Dataset) -> None:
    axes.axhline(1, color="0.6", lw=0.8)
    for population in dataset.population:
        curve = dataset.sel(population=population)
        axes.plot(curve.patterns, curve.exact_over_mean_field, "o-", ms=3)
    axes.set(
        title="C   Mean-field error (zigzag: rounded size)",
        xlabel="patterns stored",
        ylabel="exact / Eq. 14",
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
