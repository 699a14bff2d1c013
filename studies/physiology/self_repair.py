"""Does a neuron that has lost 8 of its 10 synapses recover, and what does it need for that?

Two neurons under one astrocyte (biophys/ready_networks/self_repair.py); after 200 s eight synapses of N2 fail, partly
(PR falls from 0.5 to 0.1) or completely (to 0), as in Wade et al., Front Comput Neurosci 6:76 (2012). Controls: the
astrocyte's glutamate ends with the fault; the neighbour N1 falls silent with it; there is no glutamate at all.

What was found (rates of N2 in Hz, mean and standard deviation of 8 repetitions; before: the last 50 s before the
fault; after: the 2 s after it; end: the last 50 s):

| fault                        | before      | after     | end         | end / before  |
|------------------------------|-------------|-----------|-------------|---------------|
| partial                      | 15.5 ± 0.1  | 7.9 ± 1.9 | 13.1 ± 0.1  | 0.844 ± 0.007 |
| partial, astrocyte silenced  | 15.5 ± 0.1  | 7.1 ± 1.9 | 4.7 ± 0.1   | 0.304 ± 0.004 |
| complete                     | 15.5 ± 0.1  | 4.8 ± 0.8 | 10.8 ± 0.2  | 0.694 ± 0.011 |
| complete, astrocyte silenced | 15.5 ± 0.1  | 4.3 ± 0.7 | 3.9 ± 0.1   | 0.250 ± 0.007 |
| complete, neighbour silenced | 15.5 ± 0.1  | 4.8 ± 0.8 | 4.0 ± 0.1   | 0.256 ± 0.007 |
| complete, never an astrocyte | 5.57 ± 0.05 | 1.9 ± 0.7 | 3.8 ± 0.1   | 0.683 ± 0.019 |

As published: the failed synapses stay silent after a complete fault, the two survivors raise their PR (from 0.16 to
0.56), and the rate recovers in part. Without the astrocyte, or without an active neighbour to keep it awake, it does
not. The last row is a warning: 2-AG alone brings back the same *share*, since a neuron that fires less suppresses
itself less. With S the sum of PR at rest times the input rate, mean rates obey rate = S (1 + eSP/100) / (1 + S k), k =
-K_AG Delta_AG tau_AG / 100 = 0.16 s, so that e-SP multiplies the rates before and after alike (by 2.8). The astrocyte
sets the level; what repairs is that its e-SP does not fall with N2's activity as long as N1 is active.

The share depends on K_AG, about which reproductions of the paper disagree (see biophys/endocannabinoid.py): after a
complete fault it is 0.69 with -2000/umolar, and 0.55 with -1000, neighbour or not. With -4000 the astrocyte never
wakes, and 2-AG alone brings back 0.80 of 2.9 Hz. The paper's own rates could not be read for comparison; Liu et al.
(IEEE TNNLS 29:1287, 2018) state 0.8 for their hardware version at 80 % faults.
"""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from brian2 import second, umolar

from astromorph.settings.checks import check_seed
from biophys.ready_networks.self_repair import NETWORK
from biophys.simulation import network
from studies.figure import draw_panels
from studies.study import MOST_CELLS, check_size, unfolded

CONDITIONS: dict[str, dict[str, Any]] = {
    "partial": {"fault.PR_fault": 0.1},
    "partial, astrocyte silenced": {"fault.PR_fault": 0.1, "fault.glutamate_left": 0.0},
    "complete": {"fault.PR_fault": 0.0},
    "complete, astrocyte silenced": {"fault.PR_fault": 0.0, "fault.glutamate_left": 0.0},
    "complete, neighbour silenced": {"fault.PR_fault": 0.0, "fault.share_1": 1.0},
    "complete, never an astrocyte": {"fault.PR_fault": 0.0, "endocannabinoid.Delta_Glu": 0 * umolar},
}
DRAWN = {
    "partial": ("#56B4E9", "partial fault"),
    "complete": ("#0072B2", "complete fault"),
    "complete, neighbour silenced": ("#009E73", "… N1 silenced"),
    "complete, astrocyte silenced": ("#D55E00", "… astrocyte silenced"),
}
RECORD = ("spikes", "release_probability", "suppression", "potentiation", "calcium", "inositol_trisphosphate")
N1, N2 = 0, 1
SYNAPSES = NETWORK.sections["synapse"]["per_neuron"].value  # of each neuron
BIN = 5.0  # s of spikes for one value of the drawn rate
SHOWN_BEFORE = 80.0  # s before the fault in the figure


def simulate(
    *,
    seconds: float = 400.0,
    fault_time: float = 200.0,
    failed: float = 0.8,
    averaged: float = 50.0,
    after: float = 2.0,
    repetitions: int = 8,
    step: float = 0.001,
    seed: int = 0,
    target: str = "auto",
) -> xr.Dataset:
    """Every condition with the same inputs and chances, as copies of one vectorised simulation.

    Args:
        seconds: simulated time in s.
        fault_time: time of the fault in s.
        failed: share of the synapses of N2 that fail.
        averaged: time over which the rates before the fault and at the end are counted, in s.
        after: time over which the rate right after the fault is counted, in s.
        repetitions: runs with other inputs.
        step: time step in s.
        seed: of the first repetition; the others follow.
        target: Brian2 code target: numpy, cython, cpp_standalone or auto.

    Returns a dataset with dims condition, repetition, and neuron, time or bin. Raises ValueError in one sentence for
    bad input.
    """
    check_seed(seed)
    _check(seconds, fault_time, averaged, after, repetitions, failed)
    check_size(MOST_CELLS, conditions=len(CONDITIONS), repetitions=repetitions)
    common = {"fault.t_fault": fault_time * second, "fault.share_2": failed}
    points = [network.Point(common | values, seed + k) for values in CONDITIONS.values() for k in range(repetitions)]
    result = network.simulate(NETWORK, points, seconds=seconds, step=step, every=0.5, record=RECORD, target=target)
    states = unfolded(result, {"condition": list(CONDITIONS), "repetition": np.arange(repetitions)})
    failing = np.arange(SYNAPSES) < round(failed * SYNAPSES)
    options = {"seed": seed, "fault_time": fault_time, "averaged": averaged, "after": after, "failed": failed}
    return xr.Dataset(
        _rates(states.spikes, seconds, fault_time, averaged, after) | _traces(states, failing),
        attrs={
            "study": "self-repair",
            "title": "Self-repair of a neuron through an astrocyte",
            "source": "Wade et al., Front Comput Neurosci 6:76 (2012); constants of reproductions, unconfirmed",
            **result.attrs,
            **options,
        },
    )


def _rates(
    spikes: xr.DataArray, seconds: float, fault: float, averaged: float, after: float
) -> dict[str, xr.DataArray]:
    """Spikes per second of both neurons: before the fault, right after it, at the end, and in bins of time."""

    def rate(start: float, end: float, meaning: str) -> xr.DataArray:
        counted = ((spikes >= start) & (spikes < end)).sum("event") / (end - start)
        return counted.assign_attrs(units="Hz", long_name=meaning)

    edges = fault + BIN * np.arange(np.ceil(-fault / BIN), np.floor((seconds - fault) / BIN) + 1)
    bins = xr.Variable("bin", (edges[:-1] + edges[1:]) / 2, {"units": "s", "long_name": "middle of the bin"})
    binned = xr.concat([rate(*pair, "") for pair in zip(edges, edges[1:], strict=False)], bins)
    binned = binned.transpose(..., "bin").astype("float32")
    return {
        "rate_before": rate(fault - averaged, fault, "rate before the fault"),
        "rate_after": rate(fault, fault + after, "rate right after the fault"),
        "rate_end": rate(seconds - averaged, seconds, "rate at the end"),
        "rate": binned.assign_attrs(units="Hz", long_name=f"rate in bins of {BIN:g} s"),
    }


def _traces(states: xr.Dataset, failing: np.ndarray) -> dict[str, xr.DataArray]:
    """What the synapses of N2 feel, and the astrocyte, against time."""
    own = states.release_probability.isel(synapse=slice(len(failing), None))
    kept = {name: states[name].isel(neuron=N2, drop=True) for name in ("suppression", "potentiation")}
    kept |= {name: states[name].isel(astrocyte=0, drop=True) for name in ("calcium", "inositol_trisphosphate")}
    for name, chosen in {"surviving": ~failing, "failing": failing}.items():
        mean = own.isel(synapse=chosen).mean("synapse")
        kept[f"release_{name}"] = mean.assign_attrs(
            units="1", long_name=f"release probability at N2, mean of the {name} synapses"
        )
    return {name: array.astype("float32", keep_attrs=True) for name, array in kept.items()}


def _check(seconds: float, fault_time: float, averaged: float, after: float, repetitions: int, failed: float) -> None:
    if not 0 < averaged <= fault_time:
        raise ValueError(f"averaged {averaged:g} s do not fit before the fault at {fault_time:g} s; use less")
    if after <= 0:
        raise ValueError(f"after {after:g} s is not a time; use a number of seconds above 0")
    if seconds < (least := fault_time + after + averaged):
        raise ValueError(f"{seconds:g} s leave no time to recover after the fault; use at least {least:g} s")
    if np.floor((seconds - fault_time) / BIN) - np.ceil(-fault_time / BIN) < 1:
        raise ValueError(f"{seconds:g} s are too short to draw rates of {BIN:g} s; use at least {2 * BIN:g} s")
    if repetitions < 1:
        raise ValueError(f"{repetitions} repetitions are none; use at least 1")
    if not 0 < round(failed * SYNAPSES) < SYNAPSES:
        raise ValueError(f"failed {failed:g} of {SYNAPSES} synapses leaves none to compare; use a share such as 0.8")


def draw(dataset: xr.Dataset) -> plt.Figure:
    """Rates, e-SP and DSE, release probabilities, and calcium around the fault; means over the repetitions."""
    title = "rate of N2 at the end, in percent of its rate before the fault"
    legend = {"loc": "outside upper center", "ncols": 5, "title": title, "columnspacing": 1.2}
    layout = [[_draw_rates, _draw_feedback], [_draw_release, _draw_calcium]]
    figure, fault = draw_panels(dataset, layout, (7.2, 5.6), legend=legend, sharex=True), dataset.attrs["fault_time"]
    for panel in figure.axes:
        panel.axvline(fault, color="0.6", lw=0.8)
        panel.set_xlim(max(0, fault - SHOWN_BEFORE), dataset.attrs["seconds"])
    return figure


def _draw_rates(panel: plt.Axes, dataset: xr.Dataset) -> None:
    for condition, (color, label) in DRAWN.items():
        own = dataset.rate.sel(condition=condition).isel(neuron=N2)
        share = dataset.rate_end.sel(condition=condition) / dataset.rate_before.sel(condition=condition)
        entry = f"{label}: {float(share.isel(neuron=N2).mean()):.0%}"
        panel.plot(own.bin, own.mean("repetition"), color=color, lw=1.2, label=entry)
    neighbour = dataset.rate.sel(condition="complete").isel(neuron=N1).mean("repetition")
    panel.plot(neighbour.bin, neighbour, color="0.6", lw=1, label="N1")
    panel.set(title="A   N2 recovers", ylabel="rate (Hz)", ylim=(0, None))


def _draw_feedback(panel: plt.Axes, dataset: xr.Dataset) -> None:
    for condition, (color, _) in DRAWN.items():
        for name in ("potentiation", "suppression"):
            own = dataset[name].sel(condition=condition).mean("repetition")
            panel.plot(own.time, own, color=color, lw=1.2)
    panel.axhline(0, color="k", lw=0.5)
    left = max(0, dataset.attrs["fault_time"] - SHOWN_BEFORE)
    for name, text in (("potentiation", "e-SP"), ("suppression", "DSE")):
        level = float(dataset[name].sel(condition="complete").sel(time=left, method="nearest").mean())
        panel.annotate(text, (left, level), (6, -14 if level > 0 else 4), textcoords="offset points")
    panel.set(title="B   suppressed less, still potentiated", ylabel="change of release at N2 (%)")


def _draw_release(panel: plt.Axes, dataset: xr.Dataset) -> None:
    for condition, (color, _) in DRAWN.items():
        surviving = dataset.release_surviving.sel(condition=condition).mean("repetition")
        failing = dataset.release_failing.sel(condition=condition).mean("repetition")
        panel.plot(surviving.time, surviving, color=color, lw=1)
        panel.plot(failing.time, failing, color=color, lw=1, ls=":")
    panel.set(title="C   survivors take over (dotted: failed)", ylabel="release probability", ylim=(0, None))
    panel.set_xlabel("time (s)")


def _draw_calcium(panel: plt.Axes, dataset: xr.Dataset) -> None:
    for condition, (color, _) in DRAWN.items():
        calcium = dataset.calcium.sel(condition=condition).mean("repetition")
        panel.plot(calcium.time, calcium, color=color, lw=1.2)
    threshold = float(str(dataset.attrs["endocannabinoid.C_Theta"]).split()[0])
    panel.axhline(threshold, color="k", lw=0.8, ls="--")
    panel.annotate(
        "releases\nglutamate", (0, threshold), (4, 3), ("axes fraction", "data"), "offset points", fontsize=8
    )
    panel.set(title="D   the astrocyte needs an active neuron", ylabel="calcium (µM)", ylim=(0, None))
    panel.set_xlabel("time (s)")
