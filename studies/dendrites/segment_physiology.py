"""Which physiology gives a dendritic segment the threshold that the theory calls optimal?

Ahmad and Hawkins (2016, arXiv 1601.00720) find that an NMDA spike should take 9 to 20 synapses: fewer let random
patterns through, more gain little. The number that a simulated segment takes is found here by bisection, for segments
that differ in NMDA conductance per synapse, leak and magnesium. AMPA conductance goes with NMDA conductance and
capacitance with the leak, so that the membrane keeps its time constant.

What was found: at 1 mM of magnesium the threshold is 7.2 times the leak over the NMDA conductance of a synapse, near
the 7.0 at which rest ends for synapses that stay open. It lies between 9 and 20 synapses if the leak is 1.1 to 2.8
times the conductance: 1.1 to 2.8 nS, an input resistance of 360 to 900 Mohm, for synapses of 1 nS. The measured 8 to
20 synapses ask for nearly the same. Magnesium raises the threshold, fourfold from 0.25 to 2 mM, and up to 1 mM makes
the answer steeper, from 1.2 to 5 mV for one percent more drive; at 0.25 mM nothing is bistable any more.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from brian2 import mmolar, ms, mV, nS
from numpy.typing import NDArray

from biophys.dendrite import GlutamateParameters, SegmentParameters, nmda_spikes
from biophys.magnesium_block import MagnesiumParameters
from biophys.patterns.theory import best_threshold, false_match_probability, missed_match_probability
from biophys.ready_networks.nmda_segment import NETWORK
from biophys.segment_equilibria import bistability
from biophys.simulation import network
from biophys.simulation.progress import progress
from biophys.simulation.recording import described
from studies.figure import curves, draw_panels
from studies.numerals import counted
from studies.study import Meaning, labelled

MOST_DRIVE = 25.0  # NMDA conductance of all synapses over leak; more are not tried
DRIVES = np.geomspace(1, 20, 301)  # a percent apart
SECONDS, ONSET = 0.075, 5.0  # s, and ms
STEP = 5e-5  # s
THEORY, MEASURED, HUMAN = (9, 20), (8, 20), (10, 30)
GREY = "0.45"

MEANINGS: dict[str, Meaning] = {
    "threshold": "synapses that make an NMDA spike if they fire together",
    "peak": ("mV", "largest potential of the segment"),
    "threshold_drive": "least drive that makes an NMDA spike",
    "steepness": ("mV", "by how much the largest potential grows with one percent more drive, at most"),
    "fall_conductance": "NMDA conductance over leak below which no plateau can last, exact; 0: none can",
    "rise_conductance": "NMDA conductance over leak above which no rest can last, exact; 0: none is left",
    "best_threshold": "threshold with the least sum of false and missed matches, exact",
    "best_error": "that sum",
    "false_match": "probability that a random pattern makes a spike, exact",
    "missed_match": "probability that the stored pattern makes none, exact",
    "magnesium": ("mmolar", "magnesium outside the cell"),
    "leak": ("nS", "leak of the segment"),
    "conductance": ("nS", "NMDA conductance of a synapse"),
    "drive": "NMDA conductance of the active synapses over leak",
    "possible_threshold": "threshold in synapses",
}


def simulate(
    conductances: Sequence[float] = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0),
    *,
    leaks: Sequence[float] = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0),
    magnesium: Sequence[float] = (0.25, 0.5, 1.0, 1.5, 2.0),
    population: int = 10_000,
    active: int = 300,
    synapses: int = 30,
    lost: int = 90,
) -> xr.Dataset:
    """Threshold in synapses of segments that differ; no chance is involved, so there is no seed.

    Args:
        conductances: NMDA conductance of a synapse at its peak, in nS.
        leaks: leak of the segment, in nS.
        magnesium: concentration outside the cell, in mM; the threshold's exact bounds are known for each.
        population: cells the segment could contact, for the theory.
        active: cells that fire in a pattern.
        synapses: of the segment, on its pattern.
        lost: cells of the pattern that fall silent.

    Returns a dataset with dims magnesium (mmolar), leak, conductance (nS), and possible_threshold for the theory.
    ValueError in one sentence for bad input.
    """
    given = {"conductances": conductances, "leaks": leaks, "magnesium": magnesium}
    for name, values in given.items():
        if not len(values) or not min(values) > 0:
            raise ValueError(f"{name} {list(values)} make no segment; use values above 0")
    axes = {"magnesium": np.unique(magnesium), "leak": np.unique(leaks), "conductance": np.unique(conductances)}
    threshold = _thresholds(list(product(*axes.values()))).reshape([len(values) for values in axes.values()])
    dataset = xr.Dataset({"threshold": (tuple(axes), threshold)}, axes | {"drive": DRIVES})
    dataset = dataset.assign(_of_magnesium(axes["magnesium"]) | _in_theory(population, active, synapses, lost))
    attributes = {
        "study": "segment-physiology",
        "title": "Threshold of the NMDA spike in synapses against conductance, leak and magnesium",
        "source": "theory: Ahmad and Hawkins (2016), arXiv 1601.00720, Eqs. 4 and 6",
        "seed": "none: no chance involved",
        "population": population,
        "active": active,
        "synapses": synapses,
        "lost": lost,
        **described("segment", SegmentParameters()._asdict()),
        **described("synapse", GlutamateParameters()._asdict()),
    }
    return labelled(dataset, MEANINGS, attributes)


def _of_magnesium(levels: NDArray) -> dict[str, Any]:
    """At each level, for a leak and a synapse of 1 nS: the answer to DRIVES, and the exact ends of bistability."""
    driven = _answers([(level, 1.0, 1.0) for level in levels for _ in DRIVES], np.tile(DRIVES, len(levels)))
    spikes, peak = (values.reshape(len(levels), -1) for values in driven)
    segment = SegmentParameters()
    rest, reversal = float(segment.E_L / mV), float(segment.E_e / mV)
    folds = [bistability(rest, reversal, MagnesiumParameters(Mg=level * mmolar)) for level in levels]
    return {
        "peak": (("magnesium", "drive"), peak),
        "threshold_drive": ("magnesium", np.where(spikes.any(axis=1), DRIVES[spikes.argmax(axis=1)], np.nan)),
        "steepness": ("magnesium", np.max(0.01 * np.diff(peak) / np.diff(np.log(DRIVES)), axis=1)),
        "fall_conductance": ("magnesium", [pair.fall.conductance if pair else 0.0 for pair in folds]),
        "rise_conductance": ("magnesium", [pair.rise.conductance if pair else 0.0 for pair in folds]),
    }


def _in_theory(population: int, active: int, synapses: int, lost: int) -> dict[str, Any]:
    """False and missed matches at every threshold, and the one with the least sum of both."""
    possible = np.arange(1, synapses + 1)
    best = best_threshold(population, active, synapses, lost)
    return {
        "possible_threshold": possible,
        "false_match": ("possible_threshold", false_match_probability(population, active, synapses, possible)),
        "best_threshold": int(best.threshold),
        "best_error": float(best.false_match + best.missed_match),
        "missed_match": ("possible_threshold", missed_match_probability(active, synapses, possible, lost)),
    }


def _thresholds(segments: Sequence[tuple[float, float, float]]) -> NDArray:
    """Least number of synapses that spikes, of (magnesium, leak, conductance) each: by bisection.

    NaN where the most that are tried make no spike.
    """
    leaks, conductances = (np.array([segment[i] for segment in segments]) for i in (1, 2))
    silent, spiking = np.zeros(len(segments), int), np.ceil(MOST_DRIVE * leaks / conductances).astype(int)
    found, _ = _answers(segments, spiking)
    for _ in progress(range(int(np.ceil(np.log2(spiking.max())))), unit="round"):
        middle = (silent + spiking) // 2  # equals silent once both are neighbours, which changes nothing
        spikes, _ = _answers(segments, middle)
        silent, spiking = np.where(spikes, silent, middle), np.where(spikes, middle, spiking)
    return np.where(found, spiking, np.nan)


def _answers(segments: Sequence[tuple[float, float, float]], counts: NDArray) -> tuple[NDArray, NDArray]:
    """Whether each segment spikes with its number of synapses, and its largest potential in mV; all at once.

    Synapses that fire together are one of as many times the conductance, so that numbers need not be whole.
    """
    shared = {"stimulus.synapses": 1, "stimulus.active": 1.0, "stimulus.onset": ONSET * ms}
    run = network.simulate(
        NETWORK,
        [network.Point(shared | _values(*segment, count)) for segment, count in zip(segments, counts, strict=True)],
        seconds=SECONDS,
        step=STEP,
        every=5e-4,
        record=["voltage"],
        target="numpy",
    )
    voltage = run.voltage.values[:, 0]
    return nmda_spikes(voltage, run.time.values), voltage.max(axis=-1)


def _values(magnesium: float, leak: float, conductance: float, count: float) -> dict[str, Any]:
    segment, synapse = SegmentParameters(), GlutamateParameters()
    return {
        "magnesium.Mg": magnesium * mmolar,
        "segment.g_L": leak * nS,
        "segment.C_m": segment.C_m / segment.g_L * leak * nS,
        "synapse.g_N": count * conductance * nS,
        "synapse.g_A": count * conductance * float(synapse.g_A / synapse.g_N) * nS,
    }


def draw(dataset: xr.Dataset) -> plt.Figure:
    """Threshold against conductance and leak; against their ratio; against magnesium; what theory makes of it."""
    return draw_panels(dataset, [[_draw_map, _draw_ratio], [_draw_magnesium, _draw_theory]], (7.2, 6.0))


def _usual(dataset: xr.Dataset) -> xr.Dataset:
    """At the magnesium nearest to 1 mM."""
    return dataset.sel(magnesium=1.0, method="nearest")


def _draw_map(axes: plt.Axes, dataset: xr.Dataset) -> None:
    here = _usual(dataset)
    inside = (here.threshold >= THEORY[0]) & (here.threshold <= THEORY[1])
    axes.imshow(inside, origin="lower", aspect="auto", cmap="Greens", vmin=0, vmax=2.5)
    for row, column in np.ndindex(*here.threshold.shape):
        count = float(here.threshold[row, column])
        text = f"{count:.0f}" if np.isfinite(count) else "–"
        axes.text(column, row, text, ha="center", va="center", fontsize=8)
    for axis, values in ((axes.xaxis, here.conductance.values), (axes.yaxis, here.leak.values)):
        axis.set_ticks(range(len(values)), [f"{value:g}" for value in values])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="NMDA conductance of a synapse (nS)", ylabel="leak of the segment (nS)")
    axes.set(title=f"A   Threshold in synapses; green: {THEORY[0]} to {THEORY[1]}")


def _draw_ratio(axes: plt.Axes, dataset: xr.Dataset) -> None:
    ratio = dataset.leak / dataset.conductance
    ends = np.array([float(ratio.min()), float(ratio.max())])
    axes.axhspan(*THEORY, color="#009E73", alpha=0.2, lw=0)
    axes.text(ends[1] * 1.05, 13.4, "theory", fontsize=7.5, ha="right", va="center", color="#00664b")
    for place, (low, high), words, color in ((0.6, MEASURED, "rodent", "k"), (0.45, HUMAN, "human", GREY)):
        axes.vlines(ends[0] * place, low, high, color=color, lw=3)
        axes.text(ends[0] * place, high * 1.1, words, fontsize=7.5, rotation=90, ha="center", va="bottom", color=color)
    for level, threshold, color in curves(dataset.threshold, "magnesium", ordered=True):
        x, y = (array.values.ravel() for array in xr.broadcast(ratio, threshold))
        axes.plot(x, y, "o", ms=2.5, color=color, label=f"{level:g} mM")
    drive = float(_usual(dataset).threshold_drive)
    if np.isfinite(drive):
        axes.plot(ends, drive * ends, color="k", lw=0.8, label=f"{drive:.1f} $g_L/g_N$")
    axes.set(xscale="log", yscale="log", xlim=(ends[0] * 0.38, ends[1] * 1.2), ylim=(0.5, 300))
    axes.set(xlabel="leak / NMDA conductance of a synapse", ylabel="threshold (synapses)")
    axes.set(title="B   Only their ratio counts")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.legend(title="magnesium", fontsize=7, loc="lower right", labelspacing=0.25)


def _draw_magnesium(axes: plt.Axes, dataset: xr.Dataset) -> None:
    for level, here, color in curves(dataset, "magnesium", ordered=True):
        axes.plot(here.drive, here.peak, color=color, lw=1.2, label=f"{level:g} mM: {float(here.steepness):.1f}")
        if here.rise_conductance > 0:
            axes.hlines(-72, here.fall_conductance, here.rise_conductance, color=color, lw=3)
    axes.axhline(float(SegmentParameters().V_spike / mV), color=GREY, lw=0.6, ls="--")
    axes.text(1.05, -73.5, "bistable, exact:", fontsize=7.5, va="center", color="0.25")
    axes.set(xscale="log", xlim=(1, float(dataset.drive[-1])), ylim=(-75, 0))
    axes.set(xlabel="NMDA conductance of active synapses / leak", ylabel="largest potential (mV)")
    axes.xaxis.set_major_locator(plt.FixedLocator([1, 2, 5, 10, 20]))
    axes.xaxis.set_minor_formatter(lambda *_: "")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set(title="C   With magnesium the answer gets steeper")
    axes.legend(title="magnesium: mV for 1 %", fontsize=7, loc="upper left", labelspacing=0.25)


def _draw_theory(axes: plt.Axes, dataset: xr.Dataset) -> None:
    false, missed = dataset.false_match, dataset.missed_match
    options = dataset.attrs
    axes.axvspan(*THEORY, color="#009E73", alpha=0.2, lw=0)
    for array, color, words in (
        (false, "#0072B2", "false match"),
        (missed, "#D55E00", f"missed match, {counted(options['lost'], 'cell')} lost"),
    ):
        axes.plot(array.possible_threshold, array.where(array > 0), "o-", ms=2.5, lw=1, color=color, label=words)
    axes.plot(
        dataset.best_threshold,
        dataset.best_error,
        "*",
        ms=10,
        color="k",
        label=f"least of both, at {int(dataset.best_threshold)}",
    )
    axes.set(yscale="log", ylim=(1e-12, 3), xlabel="threshold (synapses)", ylabel="probability, exact")
    axes.set(
        title=f"D   {options['active']} of {options['population']:,} cells, {counted(options['synapses'], 'synapse')}"
    )
    axes.legend(fontsize=7, loc="lower right")
