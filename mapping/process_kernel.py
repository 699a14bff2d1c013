"""Diffusion and degradation along an astrocytic process -> the distance kernel between tokens.

IP3 (or calcium) made at one synapse diffuses along the process and is degraded on its way: dI/dt = D d2I/dx2 - k I. In
the steady state I'' = I/(D/k), and around a source in a long process I falls as exp(-|x|/L) to both sides, with
L = sqrt(D/k) (the length constant of the cable equation; Rall, Ann N Y Acad Sci 96:1071, 1962). With a source at one
end and the other sealed it is cosh(distance from the sealed end/L), from which L is fitted here on a logarithmic scale.

Tokens are synapses side by side along the process, a spacing apart, so that the coupling of tokens i and j is

    P_ij = exp(-|i - j| / lambda),    lambda = L / spacing.

The default spacing is the mean distance of synapses around an astrocyte: some 140,000 in a domain of 66,000 um**3 (as
attributed to Bushong, Martone, Jones & Ellisman, J Neurosci 22:183, 2002, rat hippocampus; not checked against the
paper) are 2.1 in a um**3, 0.78 um apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, least_squares

from mapping.least_squares import interval_widths
from mapping.places import Place, indices
from mapping.tables import means, points, rows
from mapping.units import conversion, in_units, plain_number

UNITS = {"inositol_trisphosphate": "umolar", "position": "um", "diffusion": "um**2/second"}
RATE = "1/second"
SPACING = 0.78  # um
LEAST_POSITIONS = 5
LEAST_FALL = 0.05  # of the logarithm, along the whole process; below it the length constant cannot be told
LEAST_R_SQUARED = 0.9
NAME = "inositol_trisphosphate"


@dataclass(frozen=True)
class KernelFit:
    """Outcome of a fit: `status` is ok or failed, then `reason` says why.

    Intervals cover 95 % and tell how well the profile gives L. What the compartments add to sqrt(D/k) and how well D, k
    and the spacing are known is not in them.
    """

    RESULT: ClassVar[str] = "length"
    CURE: ClassVar[str] = "simulate a longer process"

    status: Literal["ok", "failed"]
    reason: str
    length: float | None  # lambda, in tokens; None if the fit failed
    length_interval: list[float] | None
    length_constant: float | None  # L in um
    length_constant_interval: list[float] | None
    length_constant_theory: float | None  # sqrt(D/k) in um, if D and k are known
    spacing: float  # um between the synapses of neighbouring tokens
    residual_rms: float | None  # of the logarithm of the concentration
    r_squared: float | None
    at: dict[str, float]  # where the profile was taken along other dimensions
    positions: list[float]  # um from the source
    concentrations: list[float]  # umolar, as measured


def profile(positions: NDArray, length: float, end: float) -> NDArray:
    """Logarithm of cosh((end - position)/length), relative to the source end at 0."""
    log_cosh = lambda scaled: scaled + np.log1p(np.exp(-2 * scaled)) - np.log(2)
    return log_cosh((end - positions) / length) - log_cosh(end / length)


def sealed_end(positions: NDArray) -> float:
    """Where a process of compartments with these middles ends, in um."""
    return float(positions[-1] + (positions[1] - positions[0]) / 2)


def fit_process_kernel(dataset: xr.Dataset, *, spacing: float = SPACING, at: Mapping[str, Place] = {}) -> KernelFit:
    """Fit the steady profile `inositol_trisphosphate` (position) of study process-length.

    Units are read and converted. Positions may be repeated, by trials or rows, and missing (NaN).

    spacing: um between synapses. at: the value to take along each further dimension, such as {"degradation": 0.2}.

    A profile that tells no length constant is returned as a failed fit with its reason. Raises ValueError if the
    dataset holds no such profile or value, or spacing is not above 0.
    """
    spacing = plain_number(spacing, "um", "spacing")
    if not (np.isfinite(spacing) and spacing > 0):
        raise ValueError(f"a spacing of {spacing:g} um keeps no synapses apart; use one above 0")
    dataset = in_units(dataset, UNITS)
    positions, each = _measured(dataset, at)
    measured = np.exp(means(np.log(each))) if each.shape[1] > 1 else each[:, 0]
    fit = _fit(*points(positions, np.log(each)), sealed_end(positions))
    length, width, residual, r_squared = fit or (None, 0.0, None, None)
    reason = _reason(positions, measured, r_squared)
    length = None if reason else length
    interval = None if length is None else [length - width, length + width]
    return KernelFit(
        status="failed" if reason else "ok",
        reason=reason,
        length=None if length is None else length / spacing,
        length_interval=[end / spacing for end in interval] if interval else None,
        length_constant=length,
        length_constant_interval=interval,
        length_constant_theory=_theory(dataset, at),
        spacing=float(spacing),
        residual_rms=residual,
        r_squared=r_squared,
        at={str(name): float(value) for name, value in at.items()},
        positions=positions.tolist(),
        concentrations=measured.tolist(),
    )


def _measured(dataset: xr.Dataset, at: Mapping[str, Place]) -> tuple[NDArray, NDArray]:
    """Positions (position,) in um, rising, and concentrations (position, trial) in umolar, NaN where missing."""
    if NAME not in dataset or "position" not in dataset[NAME].dims:
        raise ValueError(f"the dataset holds no {NAME} against position; make one: astromorph study process-length")
    profile, along = dataset[NAME], ("position",) if "trial" in at else ("position", "trial")
    positions, measured = rows(profile.isel(indices(profile, along, at)), "position")
    if len(positions) < LEAST_POSITIONS:
        raise ValueError(f"{NAME} was measured at {len(positions)} positions; give at least {LEAST_POSITIONS}")
    if np.any(measured <= 0):
        raise ValueError(f"{NAME} {np.nanmin(measured):g} umolar is not above 0; leave out what was not detected")
    if sealed_end(positions) <= 0:
        raise ValueError(f"the process ends at position {positions[-1]:g} um, before its source; measure from there")
    return positions, measured


def _fit(positions: NDArray, logarithm: NDArray, end: float) -> tuple[float, float, float, float] | None:
    """L, half width of its interval, residual and R^2; None if nothing converges."""
    fall = max(float(logarithm[0] - logarithm[-1]), 1e-3)

    def left(values: NDArray) -> NDArray:
        return values[0] + profile(positions, np.exp(values[1]), end) - logarithm

    tolerances = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15, "max_nfev": 2000}
    ends = np.array([-np.inf, np.log(end / 1e4)]), np.array([np.inf, np.log(end * 1e4)])
    start = np.clip([logarithm[0], np.log(end / fall)], *ends)
    run: OptimizeResult = least_squares(left, start, bounds=ends, x_scale="jac", **tolerances)
    if not run.success:
        return None
    length = float(np.exp(run.x[1]))
    width = length * float(interval_widths(run, *ends)[1])
    spread = float(np.sum((logarithm - logarithm.mean()) ** 2))
    squares = float(2 * run.cost)
    return length, width, float(np.sqrt(squares / len(positions))), 1 - squares / spread if spread > 0 else 0.0


def _reason(positions: NDArray, measured: NDArray, r_squared: float | None) -> str:
    """Why the fit is of no use, as one sentence; empty if it is good."""
    if np.log(measured[0] / measured[-1]) < LEAST_FALL:
        return (
            f"the concentration does not fall along the process: {measured[0]:.4g} to {measured[-1]:.4g} umolar over "
            f"{positions[-1] - positions[0]:g} um; simulate a longer one"
        )
    if r_squared is None or not r_squared >= LEAST_R_SQUARED:
        return f"R^2 of the profile is {r_squared or 0:.3f} where at least {LEAST_R_SQUARED} is needed"
    return ""


def _theory(dataset: xr.Dataset, at: Mapping[str, Place]) -> float | None:
    """sqrt(D/k) in um, of a diffusion in um**2/s."""
    if "diffusion" not in dataset or "degradation" not in dataset.coords:
        return None
    each = dataset.degradation
    degradation = float(at.get("degradation", each.values.flat[0])) * conversion(
        str(each.attrs.get("units", RATE)), RATE, each.name
    )
    return float(np.sqrt(float(dataset.diffusion) / degradation))
