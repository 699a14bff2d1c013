"""Slow plasticity over repeated cycles -> how much of its memory a network keeps from one segment to the next.

In the macro model (biophys/plasticity/macro_plasticity.py) the long-term process of an astrocyte integrates what every
cycle of activity brings, tau dp/dt = -gamma p + kappa(s). Once strengths s repeat from cycle to cycle, each adds the
same D, while what was there decays by q = exp(-gamma cycle/tau), so that p after t cycles is D (1 - q^t)/(1 - q), and
the t-th cycle adds D q^(t-1): ever less. RMAAT (Mia et al., arXiv 2601.00426) makes of these increments, for a text of
T segments,

    RetentionFactor(t, T) = Delta p_t / sum_i Delta p_i  (i = 1..T)  =  q^(t-1) (1 - q) / (1 - q^T).

The one coefficient, q, is fitted by least squares to the shares that every synapse measured over its own cycles. As q
does not depend on how many were measured, the factor is known for any T, and always sums to 1. With feedback of the
short-term process the first cycle adds a little less than the rest of the series asks for: with the default numbers q
is 0.719, where exp(-20/60) is 0.717.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares

from mapping.least_squares import interval_widths
from mapping.units import conversion, in_units

UNITS = {"time": "s"}
LEAST_CYCLES = 3
LEAST_R_SQUARED = 0.9
LOWER, UPPER = np.array([1e-6]), np.array([1.0])


@dataclass(frozen=True)
class RetentionFit:
    """Outcome of a fit: `status` is ok or failed, then `reason` says why. Intervals cover 95 %."""

    RESULT: ClassVar[str] = "ratio"
    CURE: ClassVar[str] = "simulate more cycles"

    status: Literal["ok", "failed"]
    reason: str
    ratio: float | None  # q; None if the fit failed
    ratio_interval: list[float] | None
    cycle: float  # s
    residual_rms: float | None  # of the shares
    r_squared: float | None
    shares: list[float]  # RetentionFactor(t, T) as measured, t = 1..T, mean over synapses
    spread: list[float]  # its standard deviation over synapses


def factor(t: ArrayLike, T: ArrayLike, ratio: float) -> NDArray:
    """q^(t-1) (1 - q)/(1 - q^T) for whole numbers t of 1..T. ValueError for any others."""
    rate, t, T = -np.log(ratio), np.asarray(t, float), np.asarray(T, float)
    if wrong := [(each, last) for each, last in np.broadcast(t, T) if not (1 <= each <= last and each % 1 == 0)]:
        raise ValueError(f"there is no segment {wrong[0][0]:g} of {wrong[0][1]:g}; count them from 1")
    if rate == 0:
        return np.ones_like(t) / T
    return np.exp(-rate * (t - 1)) * np.expm1(-rate) / np.expm1(-rate * T)


def fit_retention(dataset: xr.Dataset) -> RetentionFit:
    """Fit `long_term` (time, and other dimensions) of `astromorph simulate retention`; units of time are read.

    Increments that do not shrink are returned as a failed fit with its reason. Raises ValueError if the dataset holds
    no such process, or no record at the ends of cycles.
    """
    cycle, increments = _measured(dataset)
    total = increments.sum(axis=1)
    if len(increments[0]) < LEAST_CYCLES or not (total > 0).all():
        reason = f"{increments.shape[1]} cycles are too few to fit, simulate at least {LEAST_CYCLES}"
        if not (total > 0).all():
            reason = "the long-term process does not climb from cycle to cycle"
        return RetentionFit("failed", reason, None, None, cycle, None, None, [], [])
    shares = increments / total[:, None]
    cycles = np.arange(1, shares.shape[1] + 1)
    left = lambda values: (factor(cycles, len(cycles), values[0]) - shares).ravel()
    run = least_squares(left, [0.7], bounds=(LOWER, UPPER), xtol=1e-15, ftol=1e-15, gtol=1e-15)
    ratio, width = float(run.x[0]), float(interval_widths(run, LOWER, UPPER)[0])
    r_squared = 1 - float(2 * run.cost / np.sum((shares - shares.mean()) ** 2)) if np.ptp(shares) > 0 else 0.0
    reason = _reason(shares.mean(axis=0), ratio, r_squared)
    return RetentionFit(
        status="failed" if reason else "ok",
        reason=reason,
        ratio=None if reason else ratio,
        ratio_interval=None if reason else [ratio - width, min(ratio + width, 1.0)],
        cycle=cycle,
        residual_rms=float(np.sqrt(2 * run.cost / shares.size)),
        r_squared=r_squared,
        shares=shares.mean(axis=0).tolist(),
        spread=shares.std(axis=0).tolist(),
    )


def _measured(dataset: xr.Dataset) -> tuple[float, NDArray]:
    """Length of a cycle in s, and increments (synapse, cycle)."""
    if "long_term" not in dataset or "time" not in dataset.long_term.dims or "stimulus.cycle" not in dataset.attrs:
        raise ValueError(
            "the dataset holds no long_term process over cycles of activity; make one: astromorph simulate retention"
        )
    from biophys.plasticity.macro_plasticity import levels_at_cycle_ends  # imports Brian2

    written = str(dataset.attrs["stimulus.cycle"])
    number, _, unit = written.replace("*", " ", 1).partition(" ")
    try:
        cycle = float(number) * conversion(unit or "s", "s", "stimulus.cycle")
    except ValueError:
        raise ValueError(f"stimulus.cycle {written} is not one length of a cycle; simulate them one by one") from None
    process = _finite(in_units(dataset, UNITS).long_term).dropna("time", how="all").sortby("time")
    if not process.size:
        raise ValueError("long_term is empty or not finite anywhere; give a process that was measured")
    levels = levels_at_cycle_ends(process, cycle).transpose(..., "cycle").values
    levels = levels.reshape(-1, levels.shape[-1])
    complete = levels[np.isfinite(levels).all(axis=1)]
    if not len(complete):
        raise ValueError("long_term is not known at the ends of all cycles; measure a process at each of them")
    return cycle, np.diff(complete)


def _finite(process: xr.DataArray) -> xr.DataArray:
    """The process in floating point. ValueError if it holds no numbers, or a time is none."""
    if process.dtype.kind not in "biuf":
        raise ValueError(f"long_term holds no numbers but {process.dtype}; give numbers")
    if not (known := np.isfinite(process.time.values)).all():
        raise ValueError(f"time is not a number in row {int(np.argmin(known))}; give it, or leave it out")
    return process.astype(float)


def _reason(shares: NDArray, ratio: float, r_squared: float) -> str:
    """Why the fit is of no use, as one sentence; empty if it is good."""
    if not shares[-1] < shares[0] or not ratio < 1 - 1e-9:
        return f"what a cycle adds does not shrink: shares {shares[0]:.4g} to {shares[-1]:.4g}; simulate more cycles"
    if not r_squared >= LEAST_R_SQUARED:
        return f"R^2 of the geometric series is {r_squared:.3f} where at least {LEAST_R_SQUARED} is needed"
    return ""
