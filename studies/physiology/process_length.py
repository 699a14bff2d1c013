"""How far does a messenger reach along a process of an astrocyte?

IP3 enters one end of a process of 200 um, diffuses and is degraded. Whatever its strength, the steady profile falls by
e over a length constant sqrt(D/k), 75 um at k = 0.05/s and 12 um at 2/s; the chain of 5 um compartments follows within
1 % and its own closed form to the precision of the simulation. Calcium of each compartment answers the IP3 there: it
oscillates only where IP3 lies above 0.54 umolar (and is high and steady above 1.13), so that it ends abruptly, and is
at rest all along the process if IP3 is degraded fast.

In the neuron-astrocyte reading of attention, positions along the process are tokens, and the profile is the kernel
exp(-distance/length constant) between them; the dataset holds the length constant and the spacing of compartments.
"""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from brian2 import second, um, umolar
from numpy.typing import NDArray
from scipy.optimize import curve_fit

from astromorph.settings.checks import check_seed
from biophys.coupling.process import (
    ProcessParameters,
    compartment_length_constant,
    far_ends,
    length_constant,
    steady_profile,
)
from biophys.ready_networks.astrocyte_process import NETWORK
from biophys.simulation import network
from studies.figure import curves, paper_style
from studies.study import MOST_CELLS, Meaning, check_size, labelled

DEGRADATION = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
LIFETIMES = 16  # of IP3 at the slowest degradation; 1e-7 of the start is left then
WINDOW = 60.0  # s at the end, over which the extremes of calcium are taken
MEANINGS: dict[str, Meaning] = {
    "degradation": ("1/s", "rate of degradation of IP3, k"),
    "position": ("um", "distance from the fed end"),
    "inositol_trisphosphate": ("umolar", "IP3 at the end"),
    "inositol_trisphosphate_theory": ("umolar", "steady IP3 in closed form"),
    "calcium_min": ("umolar", f"least calcium over the last {WINDOW:g} s"),
    "calcium_mean": ("umolar", f"mean calcium over the last {WINDOW:g} s"),
    "calcium_max": ("umolar", f"largest calcium over the last {WINDOW:g} s"),
    "length_constant": ("um", "length constant fitted to the steady IP3 profile"),
    "length_constant_theory": ("um", "sqrt(D/k)"),
    "length_constant_compartments": ("um", "length constant of the chain of compartments in closed form"),
    "relative_error": "fitted length constant relative to sqrt(D/k), less 1",
    "relative_error_compartments": "the same relative to the closed form of the chain",
    "compartment_spacing": ("um", "length of a compartment"),
    "diffusion": ("um**2/s", "diffusion coefficient of IP3"),
}


def simulate(
    degradation: Sequence[float] = DEGRADATION,
    *,
    diffusion: float = 283.0,
    spacing: float = 5.0,
    compartments: int = 40,
    source: float = 1.0,
    lifetimes: float = LIFETIMES,
    step: float = 0.01,
    target: str = "numpy",
    seed: int = 0,
) -> xr.Dataset:
    """Steady profiles of IP3 and calcium along a process at several rates of degradation, and their length constants.

    Args:
        degradation: rates in 1/s, each above 0.
        diffusion: coefficient in um**2/s.
        spacing: length of a compartment in um.
        compartments: of the process.
        source: IP3 made in the first compartment, in umolar/s.
        lifetimes: simulated time, in lifetimes of IP3 at the slowest degradation.
        step: time step in s.
        target: Brian2 code target: numpy, cython, cpp_standalone or auto.
        seed: stored in the dataset; nothing here is drawn by chance.

    Returns a dataset with dims degradation (1/s) and position (um). ValueError in one sentence for bad input.
    """
    check_seed(seed)
    rates = np.unique(degradation)
    for name, value in {"degradation": min(rates, default=0), "source": source, "lifetimes": lifetimes}.items():
        if not value > 0:
            raise ValueError(f"{name} {value:g} leaves no profile to measure; use values above 0")
    if compartments < 4:
        raise ValueError(f"{compartments} compartments are too few to fit a length constant; use at least 4")
    check_size(MOST_CELLS, rates=len(rates), compartments=compartments)
    processes = [ProcessParameters(diffusion * um**2 / second, rate / second, spacing * um) for rate in rates]
    points = [
        network.Point(
            {f"process.{name}": value for name, value in process._asdict().items()}
            | {"shape.compartments": compartments, "stimulus.J_in": source * umolar / second}
        )
        for process in processes
    ]
    every = max(round(0.2 / step), 1) * step
    seconds = np.ceil(lifetimes / rates.min() / every) * every
    run = network.simulate(NETWORK, points, seconds=seconds, step=step, every=every, target=target)
    late = run.calcium.sel(time=slice(seconds - WINDOW, None))
    profile = run.inositol_trisphosphate.isel(time=-1).values
    dataset = xr.Dataset(
        _profiles(profile, late, processes, source, compartments) | _lengths(profile, processes, spacing),
        {"degradation": rates, "position": spacing * far_ends(compartments)[::-1]},
    )
    attributes: dict[str, Any] = {
        "study": "process-length",
        "title": "Length constant of IP3 along a process of an astrocyte",
        **run.attrs,
        "shape.compartments": compartments,
        "seed": seed,
    }
    return labelled(dataset, MEANINGS, attributes)


def _profiles(
    profile: NDArray, calcium: xr.DataArray, processes: Sequence[ProcessParameters], source: float, compartments: int
) -> dict[str, Any]:
    """Steady IP3 as simulated and in closed form, and the extremes of calcium, with dims (degradation, position)."""
    theory = [steady_profile(process, source * umolar / second, compartments) / umolar for process in processes]
    arrays = {
        "inositol_trisphosphate": profile,
        "inositol_trisphosphate_theory": np.array(theory),
        "calcium_min": calcium.min("time").values,
        "calcium_mean": calcium.mean("time").values,
        "calcium_max": calcium.max("time").values,
    }
    return {name: (("degradation", "position"), values) for name, values in arrays.items()}


def _lengths(profile: NDArray, processes: Sequence[ProcessParameters], spacing: float) -> dict[str, Any]:
    """Length constants in um, fitted and by theory, with dim (degradation), and what they are made of."""
    fitted = np.array([_fitted_length(values) for values in profile]) * spacing
    continuum = np.array([float(length_constant(process) / um) for process in processes])
    chain = np.array([float(compartment_length_constant(process) / um) for process in processes])
    arrays = {
        "length_constant": fitted,
        "length_constant_theory": continuum,
        "length_constant_compartments": chain,
        "relative_error": fitted / continuum - 1,
        "relative_error_compartments": fitted / chain - 1,
    }
    alone = {"compartment_spacing": spacing, "diffusion": float(processes[0].D_I / um**2 * second)}
    return {name: ("degradation", values) for name, values in arrays.items()} | alone


def _fitted_length(profile: NDArray) -> float:
    """Length constant, in compartments, of the cosh that fits a profile between a source and a sealed end best."""
    far = far_ends(len(profile))

    def logarithm(distance: NDArray, height: float, length: float) -> NDArray:
        scaled = distance / length
        return height + scaled + np.log1p(np.exp(-2 * scaled))  # log of 2 cosh, which cannot overflow

    slope = (np.log(profile[0]) - np.log(profile[1])) or 1.0
    values, _ = curve_fit(logarithm, far, np.log(profile), p0=(np.log(profile[-1]), 1 / slope), xtol=1e-14, ftol=1e-14)
    return float(values[1])


def draw(dataset: xr.Dataset) -> plt.Figure:
    """Profiles of IP3 and calcium; length constant against sqrt(D/k) and its error."""
    with paper_style():
        figure, panels = plt.subplot_mosaic([["profile", "length"], ["calcium", "error"]], figsize=(7.2, 5.6))
        _draw_profiles(panels["profile"], panels["calcium"], dataset)
        _draw_lengths(panels["length"], panels["error"], dataset)
        titles = ("a  IP3 at last", "b  length constant", "c  calcium at last", "d  effect of the compartments")
        for title, panel in zip(titles, panels.values(), strict=True):
            panel.set_title(title, loc="left")
    return figure


def _draw_profiles(profile: plt.Axes, calcium: plt.Axes, dataset: xr.Dataset) -> None:
    for rate, each, color in curves(dataset, "degradation", ordered=True):
        shown = each.where(each.inositol_trisphosphate > 1e-4)
        profile.plot(shown.position, shown.inositol_trisphosphate, "o", ms=2.5, color=color)
        profile.plot(shown.position, shown.inositol_trisphosphate_theory, color=color, lw=1)
        calcium.fill_between(each.position, each.calcium_min, each.calcium_max, color=color, alpha=0.25, lw=0)
        calcium.plot(each.position, each.calcium_mean, color=color, lw=1.2, label=f"{rate:g} /s")
    profile.plot([], [], "o-", ms=2.5, lw=1, color="0.4", label="simulated, and closed form")
    profile.legend(loc="upper right")
    profile.set(yscale="log", xlabel="distance from the source (µm)", ylabel="IP3 (µM)")
    calcium.set(xlabel="distance from the source (µm)", ylabel="calcium, mean and range (µM)", ylim=(0, None))
    calcium.legend(title="degradation $k$", loc="upper right")


def _draw_lengths(length: plt.Axes, error: plt.Axes, dataset: xr.Dataset) -> None:
    theory = dataset.length_constant_theory
    ends = np.array([0.8 * theory.min(), 1.25 * theory.max()])
    length.plot(ends, ends, color="0.5", lw=1, label="$\\sqrt{D/k}$")
    length.plot(theory, dataset.length_constant, "o", label="simulated")
    length.set(xscale="log", yscale="log", xlabel="$\\sqrt{D/k}$ (µm)", ylabel="fitted length constant (µm)")
    length.legend(loc="upper left")
    for axis in (length.xaxis, length.yaxis):
        axis.set_major_locator(plt.FixedLocator([5, 10, 20, 40, 80]))
        axis.set_minor_locator(plt.NullLocator())
        axis.set_major_formatter(lambda value, _: f"{value:g}")
    share = dataset.compartment_spacing / theory
    smooth = np.geomspace(float(share.min()), float(share.max()), 50)
    error.plot(smooth, 100 * (smooth / (2 * np.arcsinh(smooth / 2)) - 1), color="0.5", lw=1, label="chain, closed form")
    error.plot(share, 100 * dataset.relative_error, "o", label="simulated")
    error.set(xlabel="compartment length / $\\sqrt{D/k}$", ylabel="length constant above $\\sqrt{D/k}$ (%)")
    error.legend(loc="upper left")
