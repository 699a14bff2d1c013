"""How does each kind of astrocyte answer the rate of its synapses: amplitude, frequency, or level?

The measurement of calcium_response.py for every published parameter set in turn: the amplitude- and the
frequency-modulated cell of De Pitta, Goldberg, Volman, Berry & Ben-Jacob (2009), "Glutamate regulation of
intracellular calcium dynamics in astrocytes", and the cell of Stimberg et al. (2018), example 2. Beside the extremes
after settling, the number of oscillations a minute is counted: upward crossings of the middle between the extremes,
where these lie more than `SMALLEST` apart.

What was found (regular spikes): the amplitude-modulated cell oscillates up to 1 Hz, with an amplitude that grows while
the frequency hardly does (6.8 to 7.4 a minute), and rests on a raised level above. The frequency-modulated one goes
between the same extremes from 0.2 to 10 Hz, 4.5 to 5.5 times a minute, and rests at 30 Hz. The cell of example 2
follows single spikes at 0.2 Hz and has a level from 0.5 Hz on.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import xarray as xr

from astromorph.settings.checks import check_seed
from biophys.astrocyte import PARAMETER_SETS
from studies.figure import paper_style
from studies.physiology import calcium_response

RATES = (0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
SMALLEST = 0.1  # umolar between the extremes of an oscillation
COLORS = {"de-pitta-amplitude": "#D55E00", "de-pitta-frequency": "#009E73", "stimberg-example-2": "#0072B2"}


def simulate(
    rates: Sequence[float] = RATES,
    *,
    seconds: float = 180.0,
    synapses: int = 20,
    trials: int = 3,
    pattern: str = "regular",
    seed: int = 0,
    target: str = "numpy",
) -> xr.Dataset:
    """Drive one astrocyte of each parameter set per rate and trial.

    Args:
        rates: presynaptic rates in Hz, each above 0.
        seconds: simulated time in s; the part after settling (three IP3 lifetimes) is measured.
        synapses: release sites per astrocyte, each with a presynaptic cell of its own.
        trials: repetitions with other spikes.
        pattern: spike pattern, poisson or regular (evenly spaced with random phases).
        seed: of the spike trains.
        target: Brian2 code target: numpy, cython, cpp_standalone or auto.

    Returns calcium_mean, calcium_min, calcium_max (umolar) and oscillations (1/min) with dims parameter_set, rate
    (Hz), trial. ValueError in one sentence for bad input.
    """
    check_seed(seed)
    options = {"seconds": seconds, "synapses": synapses, "trials": trials, "pattern": pattern, "seed": seed}
    results = []
    for name in PARAMETER_SETS:
        response = calcium_response.simulate(rates, astrocyte=name, target=target, **options)  # type: ignore[arg-type]
        kept = response[["calcium_mean", "calcium_min", "calcium_max"]]
        settling = float(response.attrs["window"].split()[0])
        results.append(kept.assign(oscillations=oscillations(response.calcium.sel(time=slice(settling, None)))))
    names = xr.Variable("parameter_set", list(PARAMETER_SETS), {"units": "1", "long_name": "set of parameters"})
    whole = xr.concat(results, names, combine_attrs="drop")
    title = "Calcium against presynaptic rate, by kind of astrocyte"
    return whole.assign_attrs(study="rate-response", title=title, **options)


def oscillations(calcium: xr.DataArray) -> xr.DataArray:
    """Upward crossings a minute of the middle between the extremes; 0 where these are less than SMALLEST apart."""
    low, high = calcium.min("time"), calcium.max("time")
    above = calcium > (low + high) / 2
    crossings = (above.astype(int).diff("time") == 1).sum("time")
    minutes = float(calcium.time[-1] - calcium.time[0]) / 60
    counted = crossings.where(high - low > SMALLEST, 0) / minutes
    return counted.assign_attrs(units="1/min", long_name="oscillations of calcium a minute, after settling")


def draw(dataset: xr.Dataset) -> plt.Figure:
    """Extremes and mean of calcium against rate, a panel each set, and oscillations a minute."""
    names = dataset.parameter_set.values.tolist()
    with paper_style():
        figure, panels = plt.subplots(1, len(names) + 1, figsize=(7.2, 2.4), layout="constrained")
        top = 1.05 * float(dataset.calcium_max.max())
        for panel, name in zip(panels, names, strict=False):
            chosen, color = dataset.sel(parameter_set=name), COLORS.get(name, "0.3")
            low, high = chosen.calcium_min.min("trial"), chosen.calcium_max.max("trial")
            panel.fill_between(chosen.rate, low, high, color=color, alpha=0.25, lw=0, label="min to max")
            panel.plot(chosen.rate, chosen.calcium_mean.mean("trial"), "o-", color=color, ms=3, lw=1, label="mean")
            panel.set(title=name, ylim=(0, top))
        panels[0].set_ylabel("calcium (µM)")
        panels[0].legend(frameon=False, loc="lower right")
        for name in names:
            counted = dataset.oscillations.sel(parameter_set=name)
            mean, spread = counted.mean("trial"), counted.std("trial")
            line = {"fmt": "o-", "ms": 3, "lw": 1, "capsize": 2, "color": COLORS.get(name, "0.3")}
            panels[-1].errorbar(dataset.rate, mean, spread, **line)
        panels[-1].set(ylabel="oscillations (1/min)", ylim=(0, None))
        for panel in panels:
            panel.set(xscale="log", xlabel="presynaptic rate (Hz)")
            panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
            panel.title.set_fontsize(7)
    return figure
