"""Does a dendritic segment with real membrane and receptors recognise sparse patterns as the theory says?

The theory of Ahmad and Hawkins (2016, arXiv 1601.00720) has a segment fire from a threshold of active synapses on. Here
patterns of active cells are drawn, the synapses of the simulated NMDA segment (biophys/ready_networks/nmda_segment.py)
that they touch fire within a window, and it is counted how often the segment spikes: for random patterns, for the
stored pattern of which cells were swapped for others, and for random patterns on a segment that stores a union. Two
kinds of segment are compared, with synapses all alike and with conductances that vary between synapses.

The detection curve, the chance of a spike against the number of active synapses, is fitted by a cumulative normal
distribution. Its middle, rounded up, is the effective threshold. Its width makes the threshold a random number, and a
spike then has the probability of the theory averaged over that number.

What was found: equal synapses within 5 ms make an exact threshold of 12, and the segment's false and missed matches are
those of the theory at 12, in all 19 cases within their intervals. Conductances that vary by 30 % leave the threshold
where it is and give it a standard deviation of 1.0 synapse, as the sum of 12 of them has; the theory averaged over it
holds. False matches become more frequent by a factor that grows as they get rarer, for their chance rises steeply
towards low thresholds: 1.6 among 500 cells, 5 among 1000, 130 among 3500. The window of coincidence is wide, for NMDA
receptors stay open: the threshold is 12 within 5 ms, 14 within 40 ms, 17 within 80 ms and 23 within 160 ms, so that the
24 synapses of a pattern need not fire within the 1 to 5 ms that the theory assumes.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from brian2 import ms
from numpy.typing import NDArray

from astromorph.settings.checks import check_seed
from biophys.dendrite import nmda_spikes
from biophys.patterns.sampling import wilson_interval
from biophys.patterns.soft_threshold import averaged, fitted_threshold
from biophys.patterns.theory import (
    false_match_probability,
    missed_match_probability,
    union_false_match_probability,
)
from biophys.patterns.trials import noisy_hits, random_hits
from biophys.ready_networks.nmda_segment import NETWORK
from biophys.simulation import network
from biophys.simulation.progress import progress
from studies.dendrites.segment_detection_figure import draw
from studies.study import Meaning, check_lists, labelled

__all__ = ["draw", "simulate"]

BATCH = 4000  # trials in one vectorised simulation
STEP = 1e-4  # s; the segment errs by 1e-5 of its potential
ONSET, LISTENING = 5.0, 60.0  # ms before the window, and after it
WINDOWS = (0.0, 5.0, 10.0, 20.0, 40.0, 80.0, 120.0, 160.0)
MECHANISMS = ("segment", "synapse", "magnesium")  # whose parameters are stored

MEANINGS: dict[str, Meaning] = {
    "detection_probability": "probability that the segment spikes",
    "plateau_voltage": ("mV", "largest potential of the segment, mean over trials"),
    "threshold_mean": "synapses at which the segment spikes in half of the trials",
    "threshold_deviation": "standard deviation of the threshold, in synapses",
    "effective_threshold": "least number of synapses at which the segment spikes in half of the trials",
    "coincidence_window": ("ms", "widest window in which this many synapses make a spike in half of the trials"),
    "measured": "share of random patterns that match, or of noisy patterns that are missed",
    "measured_low": "lower end of its 95 % Wilson interval",
    "measured_high": "upper end of its 95 % Wilson interval",
    "theory": "the same in theory at the effective threshold, exact",
    "theory_soft": "the same in theory, averaged over the threshold's distribution",
    "counted_synapses": "synapses that were active, mean over trials",
    "spread": "variation of the synapses' conductances",
    "window": ("ms", "window in which the synapses fire"),
    "active_synapses": "synapses that are active",
    "kind": "what the segment is shown",
    "population": "cells the segment could contact",
    "lost": "cells of the pattern that are swapped",
    "patterns": "patterns stored; 0 where one is",
}


def simulate(
    trials: int = 4000,
    *,
    active: int = 128,
    synapses: int = 24,
    populations: Sequence[int] = (300, 350, 400, 450, 500, 600),
    lost: Sequence[int] = (26, 38, 45, 51, 58, 64, 70, 77),
    union_population: int = 1000,
    patterns: Sequence[int] = (2, 3, 4, 5, 6),
    spreads: Sequence[float] = (0.0, 0.3),
    window: float = 5.0,
    windows: Sequence[float] = WINDOWS,
    seed: int = 0,
) -> xr.Dataset:
    """Detection curves of the simulated segment, and its false and missed matches beside the theory.

    Args:
        trials: for each case; a quarter of them for each point of the detection curve at `window`, a sixteenth at
            the other windows.
        active: cells that fire in a pattern.
        synapses: that a segment has on its pattern.
        populations: cells that the segment could contact, for random patterns.
        lost: cells of its own pattern that fall silent while as many others fire.
        union_population: cells that the segment could contact, for unions.
        patterns: stored on one segment, each with as many synapses.
        spreads: coefficients of variation of the conductances of the synapses.
        window: within which the synapses of a pattern fire, in ms; one of `windows`.
        windows: of the detection curves, in ms.
        seed: of patterns, spike times and conductances.

    Returns a dataset with dims spread, window (ms), active_synapses, and case, whose coordinates kind (random, noisy or
    union), population, lost and patterns say what was shown. ValueError in one sentence for bad input.
    """
    _check(trials, active, synapses, populations, lost, spreads, window, windows, seed)
    cases = [Case("random", cells) for cells in populations]
    cases += [Case("noisy", populations[-1], lost=cells) for cells in lost]
    cases += [Case("union", union_population, patterns=count) for count in patterns]
    chance = np.random.default_rng([seed, *b"patterns"])
    curve_trials = {each: max(trials // (4 if each == window else 16), 10) for each in windows}
    total = len(spreads) * (sum(curve_trials.values()) * (synapses + 1) + len(cases) * trials)
    with progress(total=total, unit="trial") as bar:
        curves = _curves(synapses, spreads, curve_trials, seed, bar.update)
        hits = [case.hits(chance, trials, active, synapses) for case in cases]
        matches = _matches(hits, spreads, window, seed, bar.update)
    compared = _compared(cases, hits, matches, curves.sel(window=window), active)
    dataset = xr.merge([curves, compared], combine_attrs="override")
    dataset["coincidence_window"] = ("spread", "active_synapses"), _coincidence_window(dataset)
    attributes = {
        "study": "segment-detection",
        "title": "Sparse patterns on a simulated NMDA segment beside the exact theory",
        "source": "theory: Ahmad and Hawkins (2016), arXiv 1601.00720, Eqs. 4 and 6; unions exact",
        "trials": trials,
        "active": active,
        "synapses": synapses,
        "union_population": union_population,
        "window": window,
        "seed": seed,
        **{name: value for name, value in matches.attrs.items() if name.split(".")[0] in MECHANISMS},
    }
    return labelled(dataset, MEANINGS, attributes)


# What is shown to the segment


class Case(NamedTuple):
    """Random patterns, a noisy pattern of its own, or random patterns on a union of several."""

    kind: str
    population: int
    lost: int = 0
    patterns: int = 0

    def hits(self, chance: np.random.Generator, trials: int, active: int, synapses: int) -> NDArray[np.int64]:
        """Active synapses in each trial."""
        if self.kind == "noisy":
            return noisy_hits(chance, trials, self.population, active, synapses, self.lost)
        return random_hits(chance, trials, self.population, active, synapses, self.patterns or 1)

    def probability(self, active: int, synapses: int, threshold: NDArray[np.int64]) -> NDArray[np.float64]:
        """Of a match, or of a miss of the segment's own pattern, in theory."""
        if self.kind == "noisy":
            return missed_match_probability(active, synapses, threshold, self.lost)
        if self.kind == "union":
            return union_false_match_probability(self.population, active, synapses, threshold, self.patterns)
        return false_match_probability(self.population, active, synapses, threshold)


# What the segment answers


def _answers(
    hits: NDArray[np.int64], spread: float, window: float, first_seed: int, progress: Callable[[int], Any]
) -> xr.Dataset:
    """One segment a trial, with as many active synapses: whether it spikes, and its largest potential (trial)."""
    parts = []
    for start in range(0, len(hits), BATCH):
        batch = hits[start : start + BATCH]
        shared = {
            "stimulus.synapses": max(int(batch.max()), 1),
            "stimulus.onset": ONSET * ms,
            "stimulus.window": window * ms,
            "stimulus.spread": spread,
        }
        points = [
            network.Point(shared | {"stimulus.active": float(count)}, first_seed + start + number)
            for number, count in enumerate(batch)
        ]
        run = network.simulate(
            NETWORK,
            points,
            seconds=1e-3 * (ONSET + window + LISTENING),
            step=STEP,
            every=1e-3,
            record=["voltage"],
            target="numpy",
        )
        voltage = run.voltage.values[:, 0]
        spikes = nmda_spikes(voltage, run.time.values)
        parts.append(xr.Dataset({"spike": ("trial", spikes), "peak": ("trial", voltage.max(axis=-1))}))
        progress(len(batch))
    return xr.concat(parts, "trial").assign_attrs(run.attrs)


def _first_seed(seed: int, experiment: int) -> int:
    """Of trials that share no seed with those of another experiment, up to a million each."""
    return (seed * 1000 + experiment) * 10**6


def _curves(
    synapses: int,
    spreads: Sequence[float],
    trials: Mapping[float, int],
    seed: int,
    progress: Callable[[int], Any],
) -> xr.Dataset:
    """Chance of a spike and mean peak for 0 to `synapses` active ones, and the fitted threshold; `trials` by window."""
    counts, windows = np.arange(synapses + 1), list(trials)
    shape = len(spreads), len(windows)
    detected, peaks = (np.empty((*shape, len(counts))) for _ in range(2))
    middle, deviation = np.empty(shape), np.empty(shape)
    for number, (i, j) in enumerate(product(*map(range, shape))):
        repeats, seeds = trials[windows[j]], _first_seed(seed, number)
        answers = _answers(np.repeat(counts, repeats), spreads[i], windows[j], seeds, progress)
        spikes, peak = (answers[name].values.reshape(len(counts), repeats) for name in ("spike", "peak"))
        detected[i, j], peaks[i, j] = spikes.mean(axis=1), peak.mean(axis=1)
        middle[i, j], deviation[i, j] = fitted_threshold(counts, spikes.sum(axis=1), repeats)
    dims = ("spread", "window", "active_synapses")
    return xr.Dataset(
        {
            "detection_probability": (dims, detected),
            "plateau_voltage": (dims, peaks),
            "threshold_mean": (dims[:2], middle),
            "threshold_deviation": (dims[:2], deviation),
            "effective_threshold": (dims[:2], np.ceil(middle - 1e-6)),
        },
        {"spread": list(spreads), "window": windows, "active_synapses": counts},
    )


def _coincidence_window(dataset: xr.Dataset) -> NDArray:
    """Where the threshold, as a function of the window, passes each count: (spread, active_synapses), in ms."""
    windows, counts = dataset.window.values, dataset.active_synapses.values
    widest = np.full((dataset.sizes["spread"], len(counts)), np.nan)
    for row, thresholds in zip(widest, dataset.threshold_mean.values, strict=True):
        # never: the segment would need more synapses than it has
        rising = np.maximum.accumulate(np.where(np.isnan(thresholds), np.inf, thresholds))
        for number, count in enumerate(counts):
            if count >= rising[0]:
                inside = int(np.flatnonzero(rising <= count)[-1])
                row[number] = windows[inside]
                if inside + 1 < len(windows) and np.isfinite(rising[inside + 1]):
                    share = (count - rising[inside]) / (rising[inside + 1] - rising[inside])
                    row[number] += share * (windows[inside + 1] - windows[inside])
    return widest


def _matches(
    hits: Sequence[NDArray[np.int64]],
    spreads: Sequence[float],
    window: float,
    seed: int,
    progress: Callable[[int], Any],
) -> xr.Dataset:
    """Whether each trial of each case made a spike, with the same patterns for every spread: (spread, case, trial)."""
    together = np.concatenate(hits)
    answers = [
        _answers(together, spread, window, _first_seed(seed, 500 + number), progress)
        for number, spread in enumerate(spreads)
    ]
    spikes = np.stack([each.spike.values.reshape(len(hits), -1) for each in answers])
    return xr.Dataset({"spike": (("spread", "case", "trial"), spikes)}, attrs=answers[0].attrs)


# What the theory says


def _compared(
    cases: Sequence[Case], hits: Sequence[NDArray[np.int64]], matches: xr.Dataset, curves: xr.Dataset, active: int
) -> xr.Dataset:
    """Shares of matches (random patterns) or misses (noisy ones) with intervals, and both theories: (spread, case)."""
    missed = np.array([case.kind == "noisy" for case in cases])
    wanted = matches.spike.values != missed[:, None]
    counted, trials = wanted.sum(axis=-1), wanted.shape[-1]
    low, high = wilson_interval(counted, trials)
    most = int(curves.active_synapses[-1])
    sharp, soft = np.empty(counted.shape), np.empty(counted.shape)
    for s, c in np.ndindex(*counted.shape):
        middle, deviation = (float(curves[f"threshold_{name}"][s]) for name in ("mean", "deviation"))
        tails = np.asarray(cases[c].probability(active, most, np.arange(most + 1)), float)
        sharp[s, c] = tails[min(int(np.ceil(middle)), most)] if np.isfinite(middle) else np.nan
        soft[s, c] = averaged(tails, float(missed[c]), middle, deviation)
    dims = ("spread", "case")
    labels = {name: ("case", list(column)) for name, column in zip(Case._fields, zip(*cases, strict=True), strict=True)}
    return xr.Dataset(
        {
            "measured": (dims, counted / trials),
            "measured_low": (dims, low),
            "measured_high": (dims, high),
            "theory": (dims, sharp),
            "theory_soft": (dims, soft),
            "counted_synapses": ("case", [each.mean() for each in hits]),
        },
        labels,
    )


def _check(
    trials: int,
    active: int,
    synapses: int,
    populations: Sequence[int],
    lost: Sequence[int],
    spreads: Sequence[float],
    window: float,
    windows: Sequence[float],
    seed: int,
) -> None:
    check_lists(lost=lost, windows=windows)
    check_seed(seed)
    if trials < 10:
        raise ValueError(f"{trials} trials are too few to count; use at least 10")
    if not populations or not 0 < synapses <= active or active > min(populations):
        raise ValueError(
            f"{synapses} synapses on {active} of {min(populations, default=0)} cells are no pattern; use fewer "
            "synapses than active cells, and fewer of these than cells"
        )
    for v in lost:
        if not 0 <= v <= min(active, populations[-1] - active):
            raise ValueError(
                f"{v} cells cannot be swapped with {active} active of {populations[-1]}; swap at most "
                f"{min(active, populations[-1] - active)}"
            )
    if min(spreads, default=-1) < 0:
        raise ValueError(f"spreads {list(spreads)} are no variations of a conductance; use numbers of 0 or more")
    if window not in windows or min(windows) < 0:
        raise ValueError(f"window {window:g} ms is not among the windows {list(windows)}; add it, all of 0 ms or more")
