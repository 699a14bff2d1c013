"""Why does an NMDA spike take about 8 to 20 synapses?

A low threshold lets random patterns set the segment off, a high one misses its own pattern as soon as some
of its cells fall silent. Over a grid of plausible populations, sparsities and synapse numbers the median
chance of a false match drops below one in a billion at some threshold (Figure 6 of Ahmad and Hawkins 2016,
arXiv 1601.00720; their shading starts at 9, where the median is 2.0e-9: exact values give 10). Missed matches
at stated losses (Eq. 6, the segment of their Figure 4B) bound it from above. Between the two lies what is
measured: 8 to 20 synapses (Major, Larkum and Schiller 2013). The last panel shows how false matches fall with
the population, the theory of their Figure 4A.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from biophys.patterns import false_match_over_grid, false_match_probability, missed_match_probability

PUBLISHED_WINDOW = (9, 20)  # optimal thresholds, Ahmad and Hawkins (2016), section 4.3
MEASURED_WINDOW = (8, 20)  # synapses to an NMDA spike, Major, Larkum and Schiller (2013), cited there

MEANINGS = {
    "threshold": "synapses needed for an NMDA spike",
    "lost_fraction": "share of the active cells that fell silent",
    "scaled_population": "cells the segment could contact",
    "scaled_active": "active cells of a pattern",
    "false_match_median": "median probability of a false match over the grid (Eq. 4)",
    "false_match_mean": "mean probability of a false match over the grid (Eq. 4)",
    "false_match_highest": "highest probability of a false match over the grid (Eq. 4)",
    "missed_match": "probability that the stored pattern is missed (Eq. 6)",
    "false_match_scaled": "probability of a false match (Eq. 4)",
}


def simulate(
    thresholds: Sequence[int] = tuple(range(3, 25)),
    *,
    populations: Sequence[int] = tuple(range(10_000, 200_000, 20_000)),
    sparsities: Sequence[float] = (0.005, 0.01, 0.015, 0.02, 0.025, 0.03),
    synapses: Sequence[int] = (20, 25, 30, 35, 40, 45, 50),
    tolerated: float = 1e-9,
    stored_active: int = 128,
    stored_synapses: int = 30,
    lost_fractions: Sequence[float] = (0.1, 0.2, 0.3, 0.4, 0.5),
    scaled_populations: Sequence[int] = tuple(range(300, 3501, 200)),
    scaled_active: Sequence[int] = (64, 128, 256),
    scaled_synapses: int = 24,
    scaled_threshold: int = 12,
    provenance: Mapping[str, str] = {},
) -> xr.Dataset:
    """False and missed matches against the threshold, false matches against the population; needs no seed.

    Args:
        thresholds: active synapses that give an NMDA spike.
        populations: cells that a segment could contact, first axis of the grid.
        sparsities: share of them that fires in a pattern, second axis of the grid.
        synapses: synapses of a segment, third axis of the grid.
        tolerated: probability of a false match below which a threshold counts as safe.
        stored_active: active cells of the stored pattern, for missed matches.
        stored_synapses: its synapses on the segment, for missed matches.
        lost_fractions: shares of its active cells that fall silent.
        scaled_populations: populations of the last panel.
        scaled_active: active cells of the last panel.
        scaled_synapses: synapses of a segment in the last panel.
        scaled_threshold: threshold in the last panel.
        provenance: text stored in the dataset.
    """
    if not all(0 <= fraction <= 1 for fraction in lost_fractions):
        raise ValueError(f"lost_fractions {list(lost_fractions)} leave the range 0 to 1; use shares of the cells")
    lost = np.rint(np.asarray(lost_fractions) * stored_active)[:, None]
    grid = false_match_over_grid(populations, sparsities, synapses, thresholds)
    missed = missed_match_probability(stored_active, stored_synapses, np.array(thresholds), lost)
    cells = np.array(scaled_populations)
    scaled = false_match_probability(cells, np.array(scaled_active)[:, None], scaled_synapses, scaled_threshold)
    dataset = xr.Dataset(
        {
            "false_match_median": ("threshold", grid.median),
            "false_match_mean": ("threshold", grid.mean),
            "false_match_highest": ("threshold", grid.highest),
            "missed_match": (("lost_fraction", "threshold"), missed),
            "false_match_scaled": (("scaled_active", "scaled_population"), scaled),
        },
        {
            "threshold": list(thresholds),
            "lost_fraction": list(lost_fractions),
            "scaled_population": cells,
            "scaled_active": list(scaled_active),
        },
        {
            "study": "nmda-threshold",
            "title": "Threshold of the NMDA spike: false against missed matches, exact",
            "source": "Ahmad and Hawkins (2016), arXiv 1601.00720, Eqs. 4 and 6, Figures 4A, 4B and 6",
            "seed": "none: no chance involved",
            "populations": list(populations),
            "sparsities": list(sparsities),
            "synapses": list(synapses),
            "tolerated": tolerated,
            "stored_active": stored_active,
            "stored_synapses": stored_synapses,
            "scaled_synapses": scaled_synapses,
            "scaled_threshold": scaled_threshold,
            **{f"provenance_{key}": value for key, value in provenance.items()},
        },
    )
    for name, meaning in MEANINGS.items():
        dataset[name].attrs.update(units="1", long_name=meaning)
    return dataset


def draw(dataset: xr.Dataset) -> Figure:
    """False and missed matches against the threshold, with the windows; false matches by population."""
    with plt.style.context(Path(__file__).with_name("figures.mplstyle")):
        figure, panels = plt.subplot_mosaic(
            [["false", "scaled"], ["windows", "scaled"], ["missed", "scaled"]],
            figsize=(9.0, 5.6),
            width_ratios=[3, 2],
            height_ratios=[6, 1.6, 6],
        )
        _draw_false(panels["false"], dataset)
        _draw_windows(panels["windows"], dataset)
        _draw_missed(panels["missed"], dataset)
        _draw_scaled(panels["scaled"], dataset)
        for name in ("false", "windows"):
            panels[name].sharex(panels["missed"])
            panels[name].tick_params(labelbottom=False)
        figure.suptitle("How many synapses should an NMDA spike take? (exact theory)")
    return figure


def _draw_false(axes: Axes, dataset: xr.Dataset) -> None:
    cells = np.atleast_1d(dataset.attrs["populations"])
    axes.plot(dataset.threshold, dataset.false_match_median, "o-", color="k", label="median of the grid")
    axes.plot(dataset.threshold, dataset.false_match_highest, "--", color="0.5", label="worst of the grid")
    axes.axhline(dataset.attrs["tolerated"], color="tab:red", lw=0.8, label=f"tolerated: {_tolerated(dataset)}")
    _shade_safe(axes, dataset)
    axes.set(yscale="log", ylabel="P(false match)")
    axes.set(title=f"A   Random patterns, {cells.min():,} to {cells.max():,} cells")
    axes.legend(loc="lower left")


def _draw_windows(axes: Axes, dataset: xr.Dataset) -> None:
    safe = _safe_thresholds(dataset)
    rows = [("measured", *MEASURED_WINDOW), ("published", *PUBLISHED_WINDOW)]
    if safe.size:
        rows.append((f"median below {_tolerated(dataset)}", int(safe.min()), int(dataset.threshold.max())))
    for row, (text, first, last) in enumerate(rows):
        axes.hlines(row, first - 0.5, last + 0.5, color="k", lw=3)
        end = f"{text}: from {first}" if row == 2 else f"{text}: {first} to {last}"
        axes.text(first - 0.8, row, end, ha="right", va="center", fontsize=8)
    _shade_safe(axes, dataset)
    axes.set(ylim=(-0.7, len(rows) - 0.3), yticks=[])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(bottom=False)


def _draw_missed(axes: Axes, dataset: xr.Dataset) -> None:
    colors = plt.colormaps["viridis"](np.linspace(0.0, 0.85, dataset.sizes["lost_fraction"]))
    for fraction, color in zip(dataset.lost_fraction, colors, strict=True):
        curve = dataset.missed_match.sel(lost_fraction=fraction)
        label = f"{float(fraction):.0%}"
        axes.plot(curve.threshold, curve.where(curve > 0), "o-", ms=3, color=color, label=label)
    _shade_safe(axes, dataset)
    stored = f"{dataset.attrs['stored_synapses']} synapses on its {dataset.attrs['stored_active']} active cells"
    axes.set(title=f"B   The stored pattern, {stored}", ylim=(1e-8, 3), yscale="log")
    axes.set(xlabel="threshold (synapses needed for an NMDA spike)", ylabel="P(missed match)")
    axes.legend(title="cells lost", loc="upper left", labelspacing=0.25)


def _draw_scaled(axes: Axes, dataset: xr.Dataset) -> None:
    for active in dataset.scaled_active:
        curve = dataset.false_match_scaled.sel(scaled_active=active)
        axes.plot(curve.scaled_population, curve, "o-", ms=3, label=f"{int(active)}")
    asked = dataset.attrs
    segment = f"{asked['scaled_synapses']} synapses, threshold {asked['scaled_threshold']}"
    axes.set(title=f"C   Random patterns on segments\n     of {segment}", yscale="log")
    axes.set(xlabel="population (cells the segment could contact)", ylabel="P(false match)")
    axes.legend(title="active cells", loc="lower left")


def _safe_thresholds(dataset: xr.Dataset) -> xr.DataArray:
    return dataset.threshold[dataset.false_match_median <= dataset.attrs["tolerated"]]


def _shade_safe(axes: Axes, dataset: xr.Dataset) -> None:
    safe = _safe_thresholds(dataset)
    if safe.size:
        axes.axvspan(int(safe.min()) - 0.5, int(dataset.threshold.max()) + 0.5, color="0.5", alpha=0.15, lw=0)


def _tolerated(dataset: xr.Dataset) -> str:
    return f"{dataset.attrs['tolerated']:g}".replace("e-0", "e-")
