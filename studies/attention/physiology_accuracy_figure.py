"""The figure of studies/attention/physiology_accuracy.py: calcium in both regimes, accuracy and speed of learning."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from studies.figure import add_caption, paper_style

REGIMES = {"de-pitta-amplitude": "amplitude-modulated", "de-pitta-frequency": "frequency-modulated"}
MAPS = {"Omega_5P": "Blues", "O_P": "Oranges"}
WORDS = {"Omega_5P": r"$\Omega_{5P}$", "O_P": "$O_P$"}  # IP3 degradation, maximal SERCA uptake
COLORS = {"Omega_5P": "#0072B2", "O_P": "#D55E00"}
MARKS = {"de-pitta-amplitude": "o", "de-pitta-frequency": "s"}
ASIDE = 0.025  # natural logarithm between series that would hide each other


def draw(dataset: xr.Dataset) -> plt.Figure:
    """Calcium in both regimes, test accuracy and epochs to the target, by the value of the changed parameter."""
    with paper_style():
        figure, panels = plt.subplots(2, 2, figsize=(7.2, 6.6))
        for panel, letter, regime in zip(panels[0], "AB", REGIMES, strict=True):
            _draw_calcium(panel, dataset.sel(regime=regime))
            panel.set_title(f"{letter}   Calcium, {REGIMES[regime]}")
        top = 1.3 * float(dataset.calcium_mean.max())
        for panel in panels[0]:
            panel.set_ylim(0, top)
        target = 100 * dataset.attrs["target_accuracy"]
        _draw_against_value(panels[1, 0], 100 * dataset.test_accuracy, 100 * dataset.control_test_accuracy, dataset)
        panels[1, 0].set(title="C   Test accuracy", ylabel="test accuracy (%)")
        _draw_against_value(panels[1, 1], dataset.epochs_to_target, dataset.control_epochs_to_target, dataset)
        panels[1, 1].set(title=f"D   Epochs to {target:g} % of validation", ylabel="epochs")
        handles, labels = panels[1, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=5, columnspacing=1.2)
        add_caption(figure, dataset.attrs["caption"])
    return figure


def _draw_calcium(panel: plt.Axes, dataset: xr.Dataset) -> None:
    """Every cell's measured means as dots and its fitted curve; a failed fit is crosses without a curve."""
    values = dataset.value.values.tolist()
    for parameter in dataset.parameter.values.tolist():
        shades = plt.colormaps[MAPS[parameter]](np.linspace(0.4, 1.0, len(values)))
        for value, shade in zip(values, shades, strict=True):
            cell = dataset.sel(parameter=parameter, value=value)
            color, label = ("0.1", "published") if value == 1 else (shade, f"{WORDS[parameter]} × {value:g}")
            if value == 1 and parameter != dataset.parameter.values[0]:
                label = ""  # it is there already
            mark = "o" if cell.form else "x"
            panel.plot(cell.rate, cell.calcium_mean.mean("trial"), mark, color=color, ms=2.5)
            panel.plot(dataset.curve_rate, cell.fitted_calcium, color=color, lw=1, label=label)
    panel.set(xscale="log", xlabel="presynaptic rate (Hz)", ylabel="mean calcium (µM)")
    panel.xaxis.set_major_formatter(lambda rate, _: f"{rate:g}")
    panel.legend(ncols=3, fontsize=6.5, loc="upper left", columnspacing=0.8, handlelength=1.0)


def _draw_against_value(panel: plt.Axes, found: xr.DataArray, control: xr.DataArray, dataset: xr.Dataset) -> None:
    """Mean and sd over the trainings by regime and parameter; dotted, what the control reaches at the same gain."""
    few: dict[str, Any] = {"ddof": min(1, found.sizes["repetition"] - 1), "skipna": False}
    of_gain, spread = control.mean("repetition", skipna=False), control.std("repetition", **few)
    ends = dataset.matched_gain.min(), dataset.matched_gain.max()
    low, high = (
        np.interp(np.log(np.geomspace(*ends, 50)), np.log(control.gain), of_gain + k * spread) for k in (-1, 1)
    )
    if np.isfinite(low).any():
        panel.axhspan(np.nanmin(low), np.nanmax(high), color="0.5", alpha=0.18, lw=0, label="gain alone")
    aside = iter(np.linspace(-1.5, 1.5, 4))
    for regime in dataset.regime.values.tolist():
        for parameter in dataset.parameter.values.tolist():
            series = found.sel(regime=regime, parameter=parameter)
            gain = dataset.matched_gain.sel(regime=regime, parameter=parameter)
            place = dataset.value * np.exp(ASIDE * next(aside))
            look: dict[str, Any] = {"color": COLORS[parameter], "marker": MARKS[regime]}
            look |= {"mfc": COLORS[parameter] if regime == "de-pitta-amplitude" else "white"}
            label = f"{WORDS[parameter]}, {REGIMES[regime].split('-')[0]}"
            mean, deviation = series.mean("repetition", skipna=False), series.std("repetition", **few)
            panel.errorbar(place, mean, deviation, lw=1.2, capsize=2, label=label, **look)
            expected = np.interp(np.log(gain), np.log(control.gain), of_gain)
            panel.plot(place, expected, ":", color=look["color"], lw=0.9)
    panel.set(xscale="log", xlabel="parameter over its published value")
    panel.xaxis.set_minor_locator(plt.NullLocator())
    panel.set_xticks(dataset.value.values, [f"{value:g}" for value in dataset.value.values])
