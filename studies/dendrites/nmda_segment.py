"""When does a dendritic segment answer its synapses in an all-or-none way, and do clustered inputs add up otherwise?

One compartment with NMDA receptors is compared under two magnesium blocks, that of Jahr and Stevens (1990) and the
steeper one of Larkum et al. (2009). First the NMDA conductance is held constant and the segment starts from rest and
from 0 mV; the potentials it ends at are drawn over the exact equilibria (biophys/segment_equilibria.py). Then more and
more synapses fire at once. Last, a soma with ten thin branches gets the same synapses in one compartment or dealt out
to all branches (biophys/ready_networks/nmda_branch.py).

What was found: under the steeper block the segment has two rest states while g_NMDA/g_L lies between 5.727 and 7.002,
in the simulation as in closed form; under that of Jahr and Stevens it has one, whatever the conductance. Synaptic
conductance rises and falls, which turns the jump into a steep climb, 44 mV a synapse at most against 13: 11 synapses
bring the segment to -46 mV, 12 to -22 mV. Plateaus last 42 ms with 12 synapses, 53 with 13 and 136 with 40, nearly
20 ms longer than the conductance takes to fall to the fold. At the soma 16 clustered synapses bring 1.7 mV, 18 bring
5.1 mV with a half-width of 42 ms, and 40 no more than 6.7 mV with 96 ms (Schiller et al., 2000: 5.9 +- 1.5 mV and
64 +- 20 ms). Scattered ones add up to within 8 % of the linear sum.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from brian2 import ms, mV, nS, second
from numpy.typing import NDArray

from biophys.dendrite import GlutamateParameters, SegmentParameters, nmda_scale, time_above
from biophys.magnesium_block import BLOCKS
from biophys.ready_networks import nmda_branch, nmda_segment
from biophys.segment_equilibria import balancing_conductance, bistability, plateau_time
from biophys.simulation import network
from biophys.simulation.checks import largest
from biophys.simulation.recording import described
from biophys.simulation.simulate import STEPS_WORTH_COMPILING, choose_target
from studies.figure import curves, draw_panels
from studies.numerals import counted
from studies.study import MOST_CELLS, Meaning, check_size, labelled, unfolded

SHOWN = ("jahr-stevens", "larkum")
WORDS = {"jahr-stevens": "Jahr and Stevens (1990)", "larkum": "Larkum et al. (2009)"}
SHORT = {"jahr-stevens": "Jahr-Stevens", "larkum": "Larkum"}
STARTS = {"rest": -70.0, "depolarised": 0.0}  # mV
AFTER_AMPA = 0.028  # s, 8 of its lifetimes after the spikes
# one synapse whose NMDA conductance is there at once and stays
HELD = {
    "stimulus.synapses": 1,
    "stimulus.active": 1.0,
    "stimulus.onset": 0 * ms,
    "synapse.g_A": 0 * nS,
    "synapse.tau_r": 0.5 * ms,
    "synapse.tau_d": 1e6 * second,
}
COLORS = {"jahr-stevens": "#0072B2", "larkum": "#D55E00", "clustered": "#D55E00", "scattered": "#0072B2"}
GREY = "0.45"

# Schiller et al. (2000): half-width and peak at the soma, mean and standard deviation; Major et al. (2013): duration
MEASURED_HALF_WIDTH, MEASURED_PEAK, MEASURED_DURATION = (64.4, 19.8), (5.9, 1.5), (50.0, 200.0)

MEANINGS: dict[str, Meaning] = {
    "balancing_conductance": "NMDA conductance over leak that holds the segment at this potential",
    "fall_conductance": "NMDA conductance over leak below which no plateau can last, exact",
    "rise_conductance": "NMDA conductance over leak above which no rest can last, exact",
    "fall_simulated": "least NMDA conductance over leak at which a depolarised segment stays so",
    "rise_simulated": "least NMDA conductance over leak at which a resting segment jumps up",
    "final_voltage": ("mV", "potential at the end at a constant NMDA conductance"),
    "voltage": ("mV", "potential of the segment"),
    "largest_growth": (
        "mV",
        "growth of the largest potential, after AMPA conductance is gone, with one synapse more, at most",
    ),
    "plateau_voltage": ("mV", "largest potential of the segment"),
    "plateau_duration": ("ms", "time that the segment spends above V_spike"),
    "plateau_duration_theory": ("ms", "time until the NMDA conductance has fallen to the fold, exact"),
    "soma_peak": ("mV", "largest depolarisation of the soma"),
    "soma_linear": ("mV", "largest depolarisation of the soma by one synapse, times their number"),
    "soma_half_width": ("ms", "time that the soma spends above half of its largest depolarisation"),
    "branch_peak": ("mV", "largest potential of the compartment that the first synapse is in"),
    "block": "magnesium block",
    "potential": ("mV", "potential of the segment"),
    "start": "where the segment starts",
    "conductance": "NMDA conductance over leak",
    "active_synapses": "synapses that fire together",
    "placement": "where the synapses are",
    "branch_synapses": "synapses that fire together on the branches",
}


def simulate(
    most_synapses: int = 40,
    *,
    branch_step: int = 2,
    branches: int = 10,
    branch_seconds: float = 0.12,
    lowest_conductance: float = 4.0,
    highest_conductance: float = 9.0,
    conductances: int = 101,
    target: str = "auto",
) -> xr.Dataset:
    """Equilibria, plateaus and summation; no chance is involved, so there is no seed.

    Args:
        most_synapses: largest number of synapses that fire together.
        branch_step: difference between the numbers of synapses tried on the branches.
        branches: of the soma; scattered synapses are dealt out to all of them.
        branch_seconds: simulated time of the branches, in s; the synapses fire at 0.01 s.
        lowest_conductance: least constant NMDA conductance, over the leak.
        highest_conductance: largest constant NMDA conductance, over the leak.
        conductances: how many are tried, evenly spaced.
        target: Brian2 code target of the branches: numpy, cython, cpp_standalone or auto.

    Returns a dataset with dims block, start, conductance, potential, active_synapses, time (s), placement,
    branch_synapses. ValueError in one sentence for bad input.
    """
    if most_synapses < 2 or branch_step < 1 or most_synapses <= branch_step:
        raise ValueError(
            f"{most_synapses} synapses in steps of {branch_step} leave nothing to add up; use at least 2 synapses and "
            "smaller steps"
        )
    if conductances < 2 or not 0 < lowest_conductance < highest_conductance:
        raise ValueError(
            f"{conductances} conductances from {lowest_conductance:g} to {highest_conductance:g} of the leak are no "
            "range; use at least 2, rising from above 0"
        )
    check_size(MOST_CELLS / 10, synapses=most_synapses, branches=branches)
    check_size(MOST_CELLS, conductances=conductances)
    _check_step(most_synapses)
    ratios = np.linspace(lowest_conductance, highest_conductance, conductances)
    dataset = xr.merge([_equilibria(), _held(ratios), _volleys(most_synapses)], combine_attrs="override")
    counts = np.unique(np.append(1, np.arange(branch_step, most_synapses + 1, branch_step)))
    dataset = dataset.merge(_branches(counts, branches, branch_seconds, target))
    attributes = {
        "study": "nmda-segment",
        "title": "All-or-none plateaus of an NMDA segment, and summation of clustered and scattered synapses",
        "seed": "none: no chance involved",
        **described("segment", SegmentParameters()._asdict()),
        **described("synapse", GlutamateParameters()._asdict()),
        **described("cable", nmda_branch.Cable()._asdict()),
        "branches": branches,
    }
    return labelled(dataset, MEANINGS, attributes)


def _plain(quantity: Any, unit: Any) -> float:
    return float(quantity / unit)


def _block(name: str) -> dict[str, Any]:
    return {f"magnesium.{field}": value for field, value in BLOCKS[name]._asdict().items()}


def _equilibria() -> xr.Dataset:
    """The exact curve and its folds."""
    rest, reversal = (_plain(getattr(SegmentParameters(), name), mV) for name in ("E_L", "E_e"))
    potential = np.linspace(rest, reversal, 281)[1:-1]
    curves = [balancing_conductance(potential, rest, reversal, BLOCKS[name]) for name in SHOWN]
    folds = [bistability(rest, reversal, BLOCKS[name]) for name in SHOWN]
    return xr.Dataset(
        {
            "balancing_conductance": (("block", "potential"), np.array(curves)),
            "fall_conductance": ("block", [pair.fall.conductance if pair else np.nan for pair in folds]),
            "rise_conductance": ("block", [pair.rise.conductance if pair else np.nan for pair in folds]),
        },
        {"block": list(SHOWN), "potential": potential},
    )


def _voltage(axes: Mapping[str, Any], parameters: Callable[..., dict[str, Any]], **options: Any) -> xr.DataArray:
    """Potential of the segment in mV by block, `axes` and time; `parameters` gives those of a place on the axes."""
    axes = {"block": list(SHOWN), **axes}
    points = [network.Point(_block(block) | parameters(*place)) for block, *place in product(*axes.values())]
    run = network.simulate(nmda_segment.NETWORK, points, record=["voltage"], target="numpy", **options)
    return unfolded(run, axes).voltage.isel(segment=0, drop=True)


def _check_step(most: int) -> None:
    """ValueError if so many synapses at once are faster than the step of the segment."""
    segment = nmda_segment.NETWORK

    def rate(count: int) -> float:
        volley = {"stimulus.synapses": most, "stimulus.active": float(count)}
        points = [network.Point(_block(block) | volley) for block in SHOWN]
        return largest(segment.fastest(network.merged(segment.sections, points))) if segment.fastest else 0.0

    highest = network.STABLE / segment.step * (1 + 1e-9)
    if rate(most) > highest:
        fitting = bisect_right(range(most), highest, key=rate) - 1
        raise ValueError(
            f"{most:,} synapses that fire together are faster than the step of {segment.step:g} s; use at most "
            f"--most-synapses {fitting}"
        )


def _held(ratios: NDArray) -> xr.Dataset:
    """Where the segment ends after 1 s of constant conductance, from both sides."""
    leak = SegmentParameters().g_L
    held = lambda start, ratio: HELD | {"segment.V_0": STARTS[start] * mV, "synapse.g_N": ratio * leak}
    axes = {"start": list(STARTS), "conductance": ratios}
    final = _voltage(axes, held, seconds=1.0, step=2.5e-4, every=0.05).isel(time=-1, drop=True)
    # without folds both starts end alike, and there is no jump to look for
    apart = np.abs(final.values[:, 1] - final.values[:, 0]).max(axis=1) > 1.0
    jumps = ratios[1 + np.diff(final.values).argmax(axis=-1)]  # (block, start)
    rise, fall = np.where(apart, jumps.T, np.nan)
    return xr.Dataset({"final_voltage": final, "rise_simulated": ("block", rise), "fall_simulated": ("block", fall)})


def _volleys(most: int) -> xr.Dataset:
    """0 to `most` synapses that fire at once."""
    segment, synapse = SegmentParameters(), GlutamateParameters()
    counts = np.arange(most + 1)
    volley = lambda count: {"stimulus.synapses": most, "stimulus.active": float(count)}
    voltage = _voltage({"active_synapses": counts}, volley)
    rest, reversal = (_plain(getattr(segment, name), mV) for name in ("E_L", "E_e"))
    decay = _plain(synapse.tau_d, ms)
    # after the rise the conductance falls from this, in units of the leak
    highest = counts * nmda_scale(synapse) * _plain(synapse.g_N, segment.g_L)
    folds = [bistability(rest, reversal, BLOCKS[name]) for name in SHOWN]
    theory = [plateau_time(highest, decay, pair) if pair else np.full(len(counts), np.nan) for pair in folds]
    duration = 1e3 * time_above(voltage.values, _plain(segment.V_spike, mV), voltage.time.values)
    return xr.Dataset(
        {
            "voltage": voltage,
            "plateau_voltage": voltage.max("time"),
            "largest_growth": ("block", _largest_growth(most)),
            "plateau_duration": (("block", "active_synapses"), duration),
            "plateau_duration_theory": (("block", "active_synapses"), np.array(theory)),
        }
    )


def _largest_growth(most: int) -> NDArray:
    """Of the largest potential with the number of synapses, in mV a synapse, from steps of a twentieth: (block,)."""
    synapse, counts = GlutamateParameters(), np.linspace(1, most, 20 * (most - 1) + 1)
    alone = {"stimulus.synapses": 1, "stimulus.active": 1.0}
    together = lambda count: alone | {"synapse.g_N": count * synapse.g_N, "synapse.g_A": count * synapse.g_A}
    peaks = _voltage({"count": counts}, together, seconds=0.07).sel(time=slice(AFTER_AMPA, None)).max("time")
    return np.max(np.diff(peaks.values) / np.diff(counts), axis=1)


def _branches(counts: NDArray, branches: int, seconds: float, target: str) -> xr.Dataset:
    """The same synapses in one compartment, and dealt out to all branches."""
    places = {"clustered": 1.0, "scattered": float(branches)}
    shared = {"shape.branches": branches, "stimulus.synapses": int(counts[-1])}
    points = [
        network.Point(shared | {"stimulus.active": float(count), "stimulus.places": place})
        for place, count in product(places.values(), counts)
    ]
    # thousands of compartments: worth a compiler if there is one
    compiled = choose_target(target, STEPS_WORTH_COMPILING + 1)
    run = network.simulate(nmda_branch.NETWORK, points, seconds=seconds, record=["voltage"], target=compiled)
    axes = {"placement": list(places), "branch_synapses": counts}
    voltage = unfolded(run, axes).voltage.values
    soma = voltage[:, :, 0] - _plain(nmda_branch.Cable().E_L, mV)
    peak = soma.max(axis=-1)
    arrays = {
        "soma_peak": peak,
        "soma_linear": peak[:, :1] * counts / counts[0],
        "soma_half_width": 1e3 * time_above(soma, peak[..., None] / 2, run.time.values),
        "branch_peak": voltage[:, :, round(nmda_branch.Stimulus().site)].max(axis=-1),
    }
    return xr.Dataset({name: (tuple(axes), array) for name, array in arrays.items()}, axes)


def draw(dataset: xr.Dataset) -> plt.Figure:
    """Equilibria and where the segment ends; plateaus; their durations; summation at the soma."""
    layout = [[_draw_equilibria, _draw_voltages], [_draw_durations, _draw_summation]]
    return draw_panels(dataset, layout, (7.2, 5.8))


def _draw_equilibria(axes: plt.Axes, dataset: xr.Dataset) -> None:
    reach = float(dataset.conductance[0]), float(dataset.conductance[-1])
    for block in dataset.block.values:
        here, color = dataset.sel(block=block), COLORS[str(block)]
        axes.plot(here.balancing_conductance, here.potential, color=color, lw=1, label=SHORT[str(block)])
        for start, marker in zip(dataset.start.values, ("^", "v"), strict=True):
            shown = here.final_voltage.sel(start=start)[::4]
            axes.plot(shown.conductance, shown, marker, ms=3, mfc="none", mew=0.7, color=color)
    folded = dataset.dropna("block", subset=["rise_conductance"])
    for fold in (*folded.fall_conductance.values, *folded.rise_conductance.values):
        axes.axvline(fold, color=GREY, lw=0.7, ls=":")
        axes.annotate(f"{fold:.2f}", (fold, -72), ha="center", fontsize=7.5, color="0.25")
    axes.plot([], [], "^", ms=3, mfc="none", color="0.3", label="from rest")
    axes.plot([], [], "v", ms=3, mfc="none", color="0.3", label="from 0 mV")
    axes.set(xlim=reach, ylim=(-74, 0), xlabel="NMDA conductance / leak", ylabel="potential (mV)")
    axes.set(title="A   Constant conductance: equilibria")
    axes.legend(loc="lower right", fontsize=7, handlelength=1.2, bbox_to_anchor=(1.02, 0.25))


def _draw_voltages(axes: plt.Axes, dataset: xr.Dataset) -> None:
    shown = dataset.voltage.sel(active_synapses=_shown_counts(dataset))
    for count, here, color in curves(shown, "active_synapses", ordered=True):
        axes.plot(1e3 * here.time, here.sel(block="larkum"), color=color, lw=1.2, label=f"{count}")
        axes.plot(1e3 * here.time, here.sel(block="jahr-stevens"), color=color, lw=0.8, ls=":")
    axes.axhline(float(SegmentParameters().V_spike / mV), color=GREY, lw=0.6, ls="--")
    axes.set(xlabel="time (ms)", ylabel="potential (mV)", xlim=(0, 200), ylim=(-74, 0))
    axes.set(title="B   A volley: Larkum, dotted Jahr-Stevens")
    axes.legend(title="synapses", fontsize=7, labelspacing=0.25, loc="upper right")


def _shown_counts(dataset: xr.Dataset) -> list[int]:
    """The last that fails and the first that spikes, and some on both sides."""
    counts, last = dataset.active_synapses.values, int(dataset.active_synapses[-1])
    spikes = counts[dataset.plateau_duration.sel(block="larkum").values > 0]
    first = int(spikes[0]) if len(spikes) else last
    chosen = {first // 2, first - 1, first, (first + last) // 2, last}
    return sorted(count for count in chosen if 0 < count <= last)


def _draw_durations(axes: plt.Axes, dataset: xr.Dataset) -> None:
    axes.axhspan(*MEASURED_DURATION, color="0.5", alpha=0.15, lw=0)
    axes.text(0.5, MEASURED_DURATION[1] - 4, "measured, 50 to 200 ms", va="top", fontsize=7.5, color="0.25")
    for block in dataset.block.values:
        here, color = dataset.sel(block=block), COLORS[str(block)]
        axes.plot(here.active_synapses, here.plateau_duration, "o", ms=3, color=color, label=WORDS[str(block)])
        spiking = here.plateau_duration_theory.where(here.plateau_duration > 0)
        if spiking.notnull().any():
            axes.plot(here.active_synapses, spiking, color=color, lw=1, label="time to the fold, exact")
    axes.set(xlabel="synapses that fire together", ylabel="time above −40 mV (ms)", ylim=(-5, 215), xlim=(0, None))
    axes.set(title="C   Plateaus: all-or-none, or gradually longer")
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(0, 0.72))


def _draw_summation(axes: plt.Axes, dataset: xr.Dataset) -> None:
    mean, deviation = MEASURED_PEAK
    axes.axhspan(mean - deviation, mean + deviation, color="0.5", alpha=0.15, lw=0)
    axes.text(0.5, mean + deviation, "Schiller et al. (2000)", va="bottom", fontsize=7.5, color="0.25")
    for placement in dataset.placement.values:
        here, color = dataset.sel(placement=placement), COLORS[str(placement)]
        axes.plot(here.branch_synapses, here.soma_peak, "o-", ms=3, lw=1, color=color, label=str(placement))
    linear = dataset.soma_linear.sel(placement="scattered")
    axes.plot(linear.branch_synapses, linear, "--", color="k", lw=1, label="linear sum")
    axes.set(xlabel="synapses that fire together", ylabel="peak at the soma (mV)", xlim=(0, None), ylim=(0, None))
    axes.set(title=f"D   One compartment, or {counted(dataset.attrs['branches'], 'branch')}")
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(0, 0.62))
