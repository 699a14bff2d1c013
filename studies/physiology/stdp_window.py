"""What does spike-timing-dependent plasticity make of a lag, alone and in trains of pairs?

Synapses whose two cells fire at fixed lags are simulated with the pair rule of Song, Miller and Abbott (2000), once
with a single pair and once with trains of pairs at several rates, and compared with closed forms: the window itself,
and for trains the sum over all pairs of spikes, (n - |k|) of which are k periods further apart than the lag.

What was found: the simulated changes agree with the closed forms within rounding (1e-14 of the peak). Up to 5 Hz a
pair in a train does what it does alone. Faster, each spike also pairs with the neighbours of its partner, with the
opposite sign: 12.5 ms apart in the causal order a pair gives 0.27 % alone, 0.26 % at 10 Hz, 0.21 % at 20 Hz and
-0.01 % at 40 Hz, where the postsynaptic spike is half-way between two presynaptic ones. Measured synapses do something
else: at 50 Hz they grow in either order (Sjostrom, Turrigiano and Nelson, Neuron 32:1149, 2001). This rule cannot.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from brian2 import Hz, ms

from biophys.circuits.time_grid import whole_steps
from biophys.plasticity.spike_timing import SpikeTimingParameters, pair_change, pair_train_change
from biophys.ready_networks.spike_timing import NETWORK
from biophys.simulation import network
from studies.figure import curves, draw_panels
from studies.numerals import counted
from studies.study import Meaning, check_size, labelled

# exponential fit to Bi and Poo (1998), Bi and Poo, Annu Rev Neurosci 24:139 (2001), as used by Pfister and Gerstner,
# J Neurosci 26:9673 (2006); s
MEASURED_LIFETIMES = {"potentiation": 16.8e-3, "depression": 33.7e-3}
GREY = "0.45"
MEANINGS: dict[str, Meaning] = {
    "lag": ("ms", "postsynaptic after presynaptic spike"),
    "rate": ("Hz", "rate of pairs"),
    "pair_change": "change of weight by a single pair, simulated, of the largest weight",
    "pair_closed_form": "change of weight by a single pair, closed form, of the largest weight",
    "train_change": "change of weight per pair of a train, simulated, of the largest weight",
    "train_closed_form": "change of weight per pair of a train, closed form, of the largest weight",
}


def simulate(
    rates: Sequence[float] = (5.0, 10.0, 20.0, 40.0),
    *,
    pairs: int = 60,
    lags: int = 40,
    spacing: float = 5.0,
    step: float = 2.5,
) -> xr.Dataset:
    """Change of weight against the lag between two spikes; needs no seed.

    Args:
        rates: of the pairs in a train, in Hz; the time between pairs must be a multiple of the step.
        pairs: in a train.
        lags: how many lags are tried, evenly spaced around 0.
        spacing: between lags, in ms.
        step: time step in ms; every lag must be a multiple of it.

    Returns a dataset with dims rate (Hz), lag (ms). ValueError in one sentence for bad input.
    """
    if pairs < 1 or lags < 1 or not len(rates) or not min(rates) > 0:
        raise ValueError(f"{lags} lags, {pairs} pairs and rates {list(rates)} pair nothing; use numbers above 0")
    parameters, seconds = SpikeTimingParameters(), step * 1e-3
    check_size(rates=len(rates), lags=lags, steps=round(pairs / min(rates) / max(seconds, 1e-9)))
    whole_steps(periods := 1 / np.array(rates), seconds, "the time between pairs")
    longest = (lags - 1) / 2 * spacing * 1e-3
    stimulus = {"stimulus.synapses": lags, "stimulus.spacing": spacing * ms}

    def changes(rates: Sequence[float], pairs: int) -> xr.Dataset:
        return network.simulate(
            NETWORK,
            [network.Point({**stimulus, "stimulus.pairs": pairs, "stimulus.rate": rate * Hz}) for rate in rates],
            seconds=(pairs - 1) / min(rates) + longest + 2 * seconds,
            step=seconds,
            every=seconds,
            record=("weight", "lag"),
            target="numpy",
        )

    alone, trains = changes([max(rates)], 1), changes(rates, pairs)
    single, repeated = (each.weight.isel(time=[0, -1]).diff("time").values[:, :, 0] for each in (alone, trains))
    lag = alone.lag.isel(point=0, time=0).values
    expected = pair_train_change(lag * 1e-3, pairs, periods[:, None], parameters) / pairs
    dataset = xr.Dataset(
        {
            "pair_change": ("lag", single[0]),
            "pair_closed_form": ("lag", pair_change(lag * 1e-3, parameters)),
            "train_change": (("rate", "lag"), repeated / pairs),
            "train_closed_form": (("rate", "lag"), expected),
        },
        {"lag": lag, "rate": np.array(rates, float)},
    )
    attributes = {
        "study": "stdp-window",
        "title": "Spike-timing-dependent plasticity: change of weight against lag",
        "seed": "none: no chance involved",
        "pairs": pairs,
        "step": seconds,
        **{name: value for name, value in trains.attrs.items() if name.startswith("plasticity.")},
    }
    return labelled(dataset, MEANINGS, attributes)


def draw(dataset: xr.Dataset) -> plt.Figure:
    """A single pair beside the measured window, trains of pairs, and the distance from the closed forms."""
    layout, above = [[_draw_pair, _draw_trains], [_draw_pair, _draw_errors]], {_draw_trains: _draw_errors}
    return draw_panels(dataset, layout, (7.2, 4.4), above=above, height_ratios=[2, 1])


def _draw_pair(axes: plt.Axes, dataset: xr.Dataset) -> None:
    lag = dataset.lag
    reach = np.linspace(0, float(np.abs(lag).max()), 200)[1:]
    rise, fall = (float(dataset.attrs[f"plasticity.{name}"]) for name in ("A_plus", "A_minus"))
    for sign, size, lifetime in zip((1, -1), (rise, fall), MEASURED_LIFETIMES.values(), strict=True):
        axes.plot(
            sign * reach,
            sign * 100 * size * np.exp(-reach * 1e-3 / lifetime),
            "--",
            color=GREY,
            lw=1,
            label="with the lifetimes fitted\nto Bi and Poo (1998),\n16.8 and 33.7 ms" if sign > 0 else None,
        )
    for side in (lag > 0, lag < 0):
        axes.plot(lag[side], 100 * dataset.pair_closed_form[side], color="k", lw=1)
    axes.plot([], [], color="k", lw=1, label="closed form, 20 ms")
    axes.plot(lag, 100 * dataset.pair_change, "o", ms=3.5, label="simulated")
    axes.axhline(0, color="k", lw=0.5)
    axes.axvline(0, color="k", lw=0.5)
    axes.set(xlabel="post- after presynaptic spike (ms)", ylabel="change of weight (% of the largest)")
    axes.set(title="A   A single pair")
    axes.legend(loc="upper left", fontsize=7, handlelength=1.2, borderaxespad=0)


def _draw_trains(axes: plt.Axes, dataset: xr.Dataset) -> None:
    """Up to half a period on both sides; beyond it the curve repeats, for another pair is nearer."""
    for rate, train, color in curves(dataset, "rate", ordered=True):
        train = train.sel(lag=slice(-500 / rate, 500 / rate))
        for side in (train.lag > 0, train.lag < 0):
            axes.plot(train.lag[side], 100 * train.train_closed_form[side], color=color, lw=1)
        axes.plot(train.lag, 100 * train.train_change, "o", ms=3, color=color, label=f"{rate:g} Hz")
    axes.axhline(0, color="k", lw=0.5)
    axes.axvline(0, color="k", lw=0.5)
    axes.set(ylabel="per pair (%)", title=f"B   {counted(dataset.attrs['pairs'], 'pair')} in a row")
    axes.legend(loc="lower right", fontsize=7, handletextpad=0.1)


def _draw_errors(axes: plt.Axes, dataset: xr.Dataset) -> None:
    largest = float(np.abs(dataset.pair_closed_form).max())
    for _, train, color in curves(dataset, "rate", ordered=True):
        error = np.abs(train.train_change - train.train_closed_form) / largest
        axes.plot(train.lag, error.where(error > 0), "o", ms=2.5, color=color)
    alone = np.abs(dataset.pair_change - dataset.pair_closed_form) / largest
    axes.plot(dataset.lag, alone.where(alone > 0), "x", ms=3, color="k", label="a single pair")
    axes.axhline(1e-9, color="k", ls=":", lw=1, label="1e-9")
    axes.set(yscale="log", ylim=(1e-17, 1e-8), xlabel="post- after presynaptic spike (ms)", ylabel="error / peak")
    axes.set(title="C   Simulated against closed form")
    axes.legend(loc="center right", fontsize=7, ncols=2)
