"""Does a messenger along a process fall exponentially, and how far do tokens reach?

Draws the measured profile with the fitted one above, and the distance kernel between tokens that follows below. It
simulates nothing: the profile comes from study process-length and the fit from mapping/process_kernel.py.
"""

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from mapping.process_kernel import KernelFit, profile, sealed_end
from studies.figure import paper_style

ORANGE, BLUE = "#D55E00", "#0072B2"


def summary(fit: KernelFit) -> str:
    """The length constant."""
    if fit.length is None:
        return "distance kernel: failed"
    return (
        f"distance kernel: length constant {fit.length_constant:.2f} um, {fit.length:.2f} tokens of {fit.spacing:g} um"
    )


def draw(dataset: xr.Dataset, fit: KernelFit) -> plt.Figure:
    """Profile and fit; kernel over the distance of tokens, with its 95 % interval shaded."""
    with paper_style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.0), layout="constrained")
        positions, measured = np.array(fit.positions), np.array(fit.concentrations)
        left.plot(positions, measured, "o", color="0.2", mfc="none", ms=4, label="simulated")
        if fit.length_constant is not None and fit.length_constant_interval is not None:
            _draw_profile(left, fit, positions, measured)
            _draw_kernel(right, fit)
        else:
            left.set_title("fit failed")
            right.set_axis_off()
        left.set(yscale="log", xlabel="distance from the source (µm)", ylabel="messenger (µM)")
        left.legend()
    return figure


def _draw_profile(axes: plt.Axes, fit: KernelFit, positions: np.ndarray, measured: np.ndarray) -> None:
    assert fit.length_constant is not None and fit.length_constant_interval is not None
    end, fine = sealed_end(positions), np.linspace(positions[0], positions[-1], 300)
    height = np.mean(np.log(measured) - profile(positions, fit.length_constant, end))
    low, high = (np.exp(height + profile(fine, length, end)) for length in fit.length_constant_interval)
    label = f"{fit.length_constant:.2f} µm" + (
        f", $\\sqrt{{D/k}}$ = {fit.length_constant_theory:.2f} µm" if fit.length_constant_theory else ""
    )
    axes.plot(fine, np.exp(height + profile(fine, fit.length_constant, end)), color=ORANGE, label=label)
    axes.fill_between(fine, low, high, color=ORANGE, alpha=0.2, lw=0)
    where = ", ".join(f"{name} {value:g}" for name, value in fit.at.items())
    axes.set_title("profile along the process" + (f" ({where})" if where else ""))


def _draw_kernel(axes: plt.Axes, fit: KernelFit) -> None:
    assert fit.length is not None and fit.length_interval is not None
    distance = np.linspace(0, 4 * fit.length, 300)
    low, high = fit.length_interval
    axes.plot(distance, np.exp(-distance / fit.length), color=BLUE)
    axes.fill_between(distance, np.exp(-distance / low), np.exp(-distance / high), color=BLUE, alpha=0.2, lw=0)
    axes.set(xlabel=f"distance |i − j| (tokens, {fit.spacing:g} µm apart)", ylabel="coupling", ylim=(0, 1.02))
    share = (high - low) / 2 / fit.length
    error = f"± {100 * share:.2g} %" if share > 1e-6 else "± less than 0.0001 %"
    axes.set_title(f"λ = {fit.length:.4g} tokens {error}")
