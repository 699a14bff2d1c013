"""Does counting matches of drawn patterns agree with the exact theory at every published point?

Figures 4A and 4B of Ahmad and Hawkins (2016, arXiv 1601.00720) are repeated: random patterns against segments of 24
synapses, and a stored pattern with some of its cells swapped against segments of 30. Beside them stand unions of
several patterns on one segment, where the mean field of their Eq. 14 differs most from the exact mixture over the size
of the union. Each share is given with an interval (Wilson); all of them together hold with the stated confidence.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri
from scipy.stats import binom

from astromorph.settings.checks import check_seed
from biophys.patterns.sampling import FalseMatches, MissedMatches, Question, sample, wilson_interval
from biophys.patterns.theory import union_false_match_probability
from studies.figure import draw_panels
from studies.patterns import false_match, missed_match
from studies.study import labelled

FALSE_SEGMENT = dict(zip(("synapses", "threshold"), false_match.PUBLISHED_SEGMENT, strict=True))
MISSED_SEGMENT = {"population": 6000} | dict(zip(("active", "synapses"), missed_match.PUBLISHED_SEGMENT, strict=True))
# population, active, synapses, threshold: a small population, where the size of a union matters most, one where Eq. 14
# errs in the other direction, and that of Figure 7B
UNIONS = {(100, 20, 25, 20): range(4, 11), (200, 20, 10, 6): range(2, 9), (1000, 200, 25, 15): range(2, 7)}
COLUMNS = {
    "population": "cells the segment could contact",
    "active": "active cells of a pattern",
    "synapses": "synapses on the segment for each stored pattern",
    "threshold": "synapses needed for an NMDA spike",
    "patterns": "patterns stored on the segment",
    "lost": "active cells swapped for others",
}
MEANINGS = COLUMNS | {
    "panel": "figure of the paper, or union",
    "theory": "probability of an error, exact",
    "mean_field": "probability of an error, mean field (Eq. 14)",
    "comparisons": "patterns and segments compared",
    "errors": "comparisons that ended in an error",
    "share": "share of errors",
    "low": "lower end of the interval of the share",
    "high": "upper end of the interval of the share",
    "published": "share of errors counted by Ahmad and Hawkins",
    "published_comparisons": "patterns and segments compared by Ahmad and Hawkins",
}
COLORS = ("#0072B2", "#D55E00", "#009E73")
PUBLISHED_LOOK: dict[str, Any] = {"marker": "o", "ms": 6, "mfc": "none", "mew": 0.7, "color": "0.3", "ls": ""}
SHOWN_SCORES = 4.5


def simulate(
    comparisons: int = 20_000_000,
    *,
    union_comparisons: int = 2_000_000,
    confidence: float = 0.95,
    jobs: int = -1,
    seed: int = 0,
    parts: Path | None = None,
) -> xr.Dataset:
    """Draw, compare and count at every point, and compute the theory.

    Args:
        comparisons: of a segment and a pattern for each point of Figures 4A and 4B; the paper's are 100 million.
        union_comparisons: for each union.
        confidence: that all intervals together hold; a little less where Wilson's are short, for single events.
        jobs: processes; -1 for one a core.
        seed: of all that is drawn.
        parts: folder that keeps what is counted, so that a stopped study goes on.

    Returns a dataset with one dim, point. Raises ValueError in one sentence for bad input.
    """
    check_seed(seed)
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} is no probability between 0 and 1; use one such as 0.95")
    points = _points()
    questions = [_question(point) for point in points.to_dict("records")]
    different = list(dict.fromkeys(questions))
    counts = [union_comparisons if getattr(one, "stored", 1) > 1 else comparisons for one in different]
    found = dict(zip(different, sample(different, counts, seed=seed, jobs=jobs, parts=parts), strict=True))
    pairs = list(zip(questions, points.threshold, strict=True))
    points["theory"] = [question.probability(theta) for question, theta in pairs]
    points["comparisons"] = [found[question].comparisons for question in questions]
    points["errors"] = [question.errors(found[question], theta) for question, theta in pairs]
    points["share"] = points.errors / points.comparisons
    each = 1 - (1 - confidence) / len(points)  # after Bonferroni
    points["low"], points["high"] = wilson_interval(points.errors, points.comparisons, each)
    dataset = xr.Dataset.from_dataframe(points.rename_axis("point"))
    dataset = dataset.set_coords([*COLUMNS, "panel"]).drop_vars("point")
    attributes = {
        "study": "pattern-sampling",
        "title": "Matches of drawn patterns, counted, against the exact theory",
        "source": "Ahmad and Hawkins (2016), arXiv 1601.00720, Eqs. 4, 6 and 14, Figures 4A and 4B",
        "seed": seed,
        "confidence": confidence,
        "confidence_of_each": each,
    }
    return labelled(dataset, MEANINGS, attributes)


def _points() -> pd.DataFrame:
    """What is asked, a row a point, with what was published."""
    rows: list[dict[str, Any]] = []
    for active, shares in false_match.PUBLISHED.items():
        for population, share in zip(false_match.PUBLISHED_POPULATIONS, shares, strict=False):
            row = {"panel": "4A", "population": population, "active": active, **FALSE_SEGMENT, "patterns": 1, "lost": 0}
            rows.append(row | {"published": float(share), "published_comparisons": 1.0 * false_match.COMPARISONS})
    for threshold, shares in missed_match.PUBLISHED.items():
        comparisons = missed_match.comparisons(np.array(missed_match.PUBLISHED_LOST)).astype(float)
        for lost, share, count in zip(missed_match.PUBLISHED_LOST, shares, comparisons, strict=True):
            row = {"panel": "4B", **MISSED_SEGMENT, "threshold": threshold, "patterns": 1, "lost": lost}
            rows.append(row | {"published": float(share), "published_comparisons": count})
    for segment, several in UNIONS.items():
        for patterns in several:
            row = {"panel": "union", **dict(zip(COLUMNS, (*segment, patterns, 0), strict=True))}
            mean_field = union_false_match_probability(*segment, patterns, method="mean_field")
            rows.append(row | {"mean_field": float(mean_field)})
    return pd.DataFrame(rows)


def _question(point: Mapping[str, Any]) -> Question:
    population, active, synapses = (int(point[name]) for name in ("population", "active", "synapses"))
    if point["panel"] == "4B":
        return MissedMatches(population, active, synapses, int(point["lost"]))
    return FalseMatches(population, active, synapses, int(point["patterns"]))


def draw(dataset: xr.Dataset) -> plt.Figure:
    """Both figures of the paper, how far each share lies from the theory, and unions beside their mean field."""
    inside = int(((dataset.low <= dataset.theory) & (dataset.theory <= dataset.high)).sum())
    message = f"theory within {inside} of {dataset.sizes['point']} intervals"
    title = f"Patterns drawn and counted: {message} (jointly {100 * dataset.attrs['confidence']:g} %)"
    return draw_panels(dataset, [[_draw_false, _draw_missed], [_draw_scores, _draw_unions]], (7.2, 6.0), title=title)


def _draw_false(axes: plt.Axes, dataset: xr.Dataset) -> None:
    points = dataset.where(dataset.panel == "4A", drop=True)
    for active, color in zip(false_match.PUBLISHED, COLORS, strict=True):
        curve = points.where(points.active == active, drop=True)
        axes.plot(curve.population, curve.theory, color=color, lw=1, label=f"{active}")
        _draw_counted(axes, curve.population, curve, color)
    axes.set(title="a  random patterns (Fig. 4A)", yscale="log", ylim=(2e-9, 3))
    axes.set(xlabel="population (cells)", ylabel="P(false match)")
    axes.legend(title="active cells", loc="upper right")


def _draw_missed(axes: plt.Axes, dataset: xr.Dataset) -> None:
    points = dataset.where(dataset.panel == "4B", drop=True)
    for threshold, color in zip(missed_match.PUBLISHED, COLORS, strict=True):
        curve = points.where(points.threshold == threshold, drop=True)
        share = 100 * curve.lost / curve.active
        axes.plot(share, curve.theory, color=color, lw=1, label=f"{threshold}")
        _draw_counted(axes, share, curve, color)
    axes.set(title="b  stored patterns (Fig. 4B)", yscale="log", ylim=(2e-9, 3))
    axes.set(xlabel="active cells swapped (%)", ylabel="P(missed match)")
    axes.add_artist(axes.legend(title="threshold", loc="lower right"))
    exact, counted = {"ls": "-", "color": "0.3"}, {"marker": "o", "ms": 2.5, "ls": "", "color": "0.3"}
    looks: dict[str, dict[str, Any]] = {"exact": exact, "counted": counted, "published": PUBLISHED_LOOK}
    axes.legend(handles=[plt.Line2D([], [], **look, label=name) for name, look in looks.items()], loc="upper left")


def _draw_counted(axes: plt.Axes, x: xr.DataArray, points: xr.Dataset, color: str) -> None:
    """Shares with their intervals, and the published shares; none where nothing was counted."""
    seen = points.errors.values > 0
    ends = np.abs(np.stack([points.low, points.high]) - points.share.values)
    axes.errorbar(x[seen], points.share[seen], ends[:, seen], fmt="o", ms=2.5, lw=0.8, color=color)
    known = points.published.values > 0
    axes.plot(x[known], points.published[known], **PUBLISHED_LOOK, zorder=0)


def _draw_scores(axes: plt.Axes, points: xr.Dataset) -> None:
    published = np.rint(points.published * points.published_comparisons)
    axes.axhspan(*ndtri([0.025, 0.975]), color="0.92", lw=0)
    for errors, comparisons, look in (
        (published, points.published_comparisons, PUBLISHED_LOOK),
        (points.errors, points.comparisons, {"ms": 3, "color": COLORS[0], "ls": ""}),
    ):
        known = np.isfinite(errors.values)
        score = normal_score(errors[known], comparisons[known], points.theory[known])
        shown = np.clip(score, -SHOWN_SCORES, SHOWN_SCORES)
        x = points.theory.values[known]
        for marker, chosen in (("o", shown == score), ("v", shown > score), ("^", shown < score)):
            axes.plot(x[chosen], shown[chosen], **(look | {"marker": marker}))
        for place in x[np.isneginf(score)]:
            note, level = "counter of\nsingle precision", 0.2 - SHOWN_SCORES
            axes.text(place / 2, level, note, ha="right", va="center", fontsize=8)
    axes.set(title="c  distance from the theory; grey: 95 %", xscale="log", xlim=(1e-9, 2))
    axes.set(ylim=(-1.1 * SHOWN_SCORES, 1.1 * SHOWN_SCORES))
    axes.set(xlabel="exact probability", ylabel="normal score of the count")


def normal_score(errors: ArrayLike, comparisons: ArrayLike, probability: ArrayLike) -> NDArray[np.float64]:
    """Where a count lies in its binomial law, as a standard normal number; the count itself is halved."""
    k, law = np.asarray(errors), binom(np.asarray(comparisons), np.asarray(probability))
    half = law.pmf(k) / 2
    return np.where(k < law.mean(), ndtri(law.cdf(k - 1) + half), -ndtri(law.sf(k) + half))


def _draw_unions(axes: plt.Axes, dataset: xr.Dataset) -> None:
    for (population, *others), color in zip(UNIONS, COLORS, strict=True):
        curve = dataset.where((dataset.panel == "union") & (dataset.population == population), drop=True)
        ratio, low, high = (curve[name] / curve.mean_field for name in ("share", "low", "high"))
        label = " / ".join([f"{population:,}", *map(str, others)])
        axes.plot(curve.patterns, curve.theory / curve.mean_field, color=color, lw=1, label=label)
        axes.errorbar(curve.patterns, ratio, [ratio - low, high - ratio], fmt="o", ms=3, lw=0.8, color=color)
    axes.axhline(1, color="0.5", lw=0.8, ls="--")
    axes.set(title="d  unions; dashed: mean field (Eq. 14)", xlabel="patterns stored on the segment")
    axes.set(ylabel="P(false match) / mean field", ylim=(0.8, 2.4))
    axes.legend(title="cells / active / synapses / threshold", loc="upper right")
