"""How many of its cells may a stored pattern lose before its segment misses it?

Of the a cells of the pattern v fall silent, whatever fires in their place. The segment misses it when more than
s - theta of its s synapses are among them (Eq. 6 of Ahmad and Hawkins 2016, arXiv 1601.00720; the caption of their
Figure 4B calls it Eq. 5). Redrawn from exact values: Figure 4B with its simulation. The size of the population does not
matter, and up to s - theta lost cells are never missed.

Beyond the paper, two other kinds of noise: every synapse fails by itself with the same probability, or lost cells may
be drawn again. Failure spreads the number of lost synapses more and misses more at the same mean loss.

What was found: the published frequencies lie within 2.7 standard errors, if 1e8 patterns stand behind those up to 45
lost cells and 1e7 behind the others (the text says 1e7; their last digits say more). The published theory was summed
term by term with numbers of 15 digits and is 0.9 % low where the probability is smallest.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from biophys.patterns.theory import missed_match_probability
from studies.figure import curves, draw_panels
from studies.numerals import counted
from studies.patterns.published import beside, deviations_text, deviations_title, figure_name, is_published
from studies.study import check_lists, check_size, labelled

# Figure 4B: frequencies of missed matches simulated for 128 active cells and 30 synapses, by threshold
# (numenta/htmresearch, projects/sdr_paper/plot_noise_results.py)
PUBLISHED_SEGMENT = (128, 30)
PUBLISHED_LOST = (6, 13, 19, 26, 32, 38, 45, 51, 58, 64, 70, 77, 83, 90, 96, 102)
PUBLISHED = {
    8: (0, 0, 0, 0, 0, 0, 1.7e-7, 3.6e-6, 8.02e-5, 7.358e-4, 4.6704e-3, 2.68579e-2, 8.94488e-2)
    + (0.263911, 0.50879, 0.770817),
    12: (0, 0, 0, 0, 1.7e-7, 1.11e-5, 3.1558e-4, 2.7716e-3, 1.98583e-2, 7.16827e-2, 0.190397)
    + (0.426699, 0.664547, 0.880767, 0.970354, 0.99638),
    16: (0, 0, 1e-8, 2.02e-5, 5.9479e-4, 6.2736e-3, 4.34683e-2, 0.13914, 0.351389, 0.582524)
    + (0.787882, 0.933878, 0.983776, 0.998305, 0.999893, 0.999999),
}
COMPARISONS = ((45, 10**8), (102, 10**7))  # up to so many lost cells, so many patterns behind each frequency
LIKELY = (1e-12, 5)
SHARE = "share of the active cells that is lost"
NOISES = {
    "missed_match": ("cells lost", "-"),
    "missed_match_failure": ("synapses fail", "--"),
    "missed_match_readd": ("some cells fire again", ":"),
}
CAPTION = (
    "Figure 4B of Ahmad and Hawkins (2016) (A, C), lines exact (Eq. 6, which their caption calls Eq. 5). "
    "Corrected: the published theory was summed term by term with 15 digits and is 0.9 % low at threshold 8 and 26 "
    "lost cells (3.1134e-16; exact is 3.1419e-16). The frequencies fit 1e8 patterns each up to 45 lost cells and 1e7 "
    "beyond; the text says 1e7 for all."
)
OTHER_SETTINGS = (
    "After Ahmad and Hawkins (2016), with other settings; lines exact (Eq. 6). A, B: against the cells that are lost. "
    "D: the loss up to which misses stay within a limit."
)
ABOUT = {
    "study": "missed-match",
    "title": "Missed matches of a segment with its own pattern, exact",
    "source": "Ahmad and Hawkins (2016), arXiv 1601.00720, Eq. 6 and Figure 4B",
    "seed": "none: no chance involved",
}
MEANINGS = {
    "threshold": "synapses needed for an NMDA spike",
    "lost": "active cells of the pattern that fell silent",
    "limit": "probability of a missed match that is tolerated",
    "missed_match": "probability that the stored pattern is missed (Eq. 6)",
    "published": "frequency of missed matches in the published simulation",
    "published_deviation": "published frequency less the exact probability, in standard errors",
    "every_threshold": "synapses needed for an NMDA spike, all of them",
    "missed_match_failure": "probability of a miss if each synapse fails with the probability lost / active cells",
    "missed_match_readd": "probability of a miss if lost cells may fire again as noise",
    "most_lost": "most cells that may be lost within the limit",
}


def simulate(
    thresholds: Sequence[int] = (8, 12, 16),
    *,
    population: int = 6000,
    active: int = 128,
    synapses: int = 30,
    limits: Sequence[float] = (1e-2, 1e-4, 1e-9),
) -> xr.Dataset:
    """Missed matches for every number of lost cells, beside the published simulation; exact, so there is no seed.

    Args:
        thresholds: active synapses that give an NMDA spike.
        population: cells of which noise draws others, where the kind of noise depends on it.
        active: cells of the stored pattern.
        synapses: synapses of the segment on these cells.
        limits: probabilities of a missed match up to which a loss counts as tolerated.
    """
    known = is_published(simulate, locals())
    check_lists(thresholds=thresholds, limits=limits)
    if not all(0 < limit < 1 for limit in limits):
        raise ValueError(f"limits {list(limits)} leave the range between 0 and 1; use probabilities such as 1e-4")
    check_size(active=active, synapses=synapses)
    lost, every = np.arange(active + 1), np.arange(1, synapses + 1)
    theta = np.array(thresholds)[:, None]
    exact = missed_match_probability(active, synapses, theta, lost)
    frequencies = PUBLISHED if (active, synapses) == PUBLISHED_SEGMENT else {}
    published = beside(frequencies, PUBLISHED_LOST, thresholds, lost)
    error = np.sqrt(exact * (1 - exact) / comparisons(lost))
    seen = published > 0  # a frequency of zero says little about the probability
    deviation = np.divide(published - exact, error, out=np.full(exact.shape, np.nan), where=seen & (error > 0))
    missed = missed_match_probability(active, synapses, every[:, None], lost)
    failure = missed_match_probability(active, synapses, theta, lost / active, law="failure")
    readd = missed_match_probability(active, synapses, theta, lost, law="readd", population=population)
    dataset = xr.Dataset(
        {
            "missed_match": (("threshold", "lost"), exact),
            "missed_match_failure": (("threshold", "lost"), failure),
            "missed_match_readd": (("threshold", "lost"), readd),
            "published": (("threshold", "lost"), published),
            "published_deviation": (("threshold", "lost"), deviation),
            "most_lost": (("limit", "every_threshold"), [(missed <= limit).sum(axis=1) - 1 for limit in limits]),
        },
        {"threshold": list(thresholds), "lost": lost, "limit": list(limits), "every_threshold": every},
    )
    options = {"population": population, "active": active, "synapses": synapses}
    caption = CAPTION if known else f"{OTHER_SETTINGS} {deviations_text(dataset)}"
    return labelled(dataset, MEANINGS, ABOUT | {"caption": caption} | options)


def comparisons(lost: np.ndarray) -> np.ndarray:
    """Patterns behind a published frequency."""
    (few, many), (_, fewer) = COMPARISONS
    return np.where(lost <= few, many, fewer)


def draw(dataset: xr.Dataset) -> plt.Figure:
    """Missed matches against the share of lost cells, published frequencies, and the loss that is tolerated."""
    layout = [[_draw_missed, _draw_laws], [_draw_deviation, _draw_tolerated]]
    title = "How many of its cells may a stored pattern lose? (exact theory)"
    return draw_panels(dataset, layout, (7.2, 6.2), height_ratios=[5, 4], title=title, caption=dataset.attrs["caption"])


def _draw_missed(axes: plt.Axes, dataset: xr.Dataset) -> None:
    share = dataset.lost / dataset.attrs["active"]
    for threshold, curve, color in curves(dataset, "threshold"):
        axes.plot(share, curve.missed_match.where(curve.missed_match > 0), color=color, label=f"{threshold}")
        axes.plot(share, curve.published.where(curve.published > 0), "o", mfc="none", color=color)
    if dataset.published.notnull().any():
        axes.plot([], [], "o", color="0.3", mfc="none", label="simulated")
    segment = f"{counted(dataset.attrs['synapses'], 'synapse')} on {counted(dataset.attrs['active'], 'active cell')}"
    axes.set(title=f"A   {figure_name(dataset, '4B', CAPTION)}{segment}", yscale="log", ylim=LIKELY, xlim=(0, 1))
    axes.set(xlabel=SHARE, ylabel="P(missed match)")
    axes.legend(title="threshold", loc="lower right")


def _draw_deviation(axes: plt.Axes, dataset: xr.Dataset) -> None:
    share = dataset.lost / dataset.attrs["active"]
    axes.axhspan(-1.96, 1.96, color="0.5", alpha=0.15, lw=0)
    axes.axhline(0, color="0.6", lw=0.8)
    for _, deviation, color in curves(dataset.published_deviation, "threshold"):
        axes.plot(share, deviation, "o", color=color)
    axes.set(title=f"C   {deviations_title(dataset)}", ylim=(-3.5, 3.5), xlim=(0, 1))
    axes.set(xlabel=SHARE, ylabel="deviation\n(standard errors)")


def _draw_laws(axes: plt.Axes, dataset: xr.Dataset) -> None:
    share = dataset.lost / dataset.attrs["active"]
    for _, curve, color in curves(dataset, "threshold"):
        for name, (_, dashes) in NOISES.items():
            axes.plot(share, curve[name].where(curve[name] > 0), dashes, color=color, lw=1)
    for text, dashes in NOISES.values():
        axes.plot([], [], dashes, color="0.3", lw=1, label=text)
    axes.set(title="B   Kinds of noise", yscale="log", ylim=LIKELY, xlim=(0, 1))
    axes.set(xlabel=SHARE, ylabel="P(missed match)")
    axes.legend(loc="lower right")


def _draw_tolerated(axes: plt.Axes, dataset: xr.Dataset) -> None:
    for limit in dataset.limit:
        most = dataset.most_lost.sel(limit=limit) / dataset.attrs["active"]
        axes.step(most.every_threshold, most, where="mid", label=f"{float(limit):.0e}".replace("e-0", "e-"))
    never = (dataset.attrs["synapses"] - dataset.every_threshold) / dataset.attrs["active"]
    axes.step(never.every_threshold, never, where="mid", color="0.5", ls="--", label="0: never missed")
    axes.set(title="D   The loss that is tolerated", ylim=(0, 1), xlim=(0, None))
    axes.set(xlabel="threshold (synapses needed for a spike)", ylabel="share of the active cells lost")
    axes.legend(title="P(missed match) at most", loc="upper right")
