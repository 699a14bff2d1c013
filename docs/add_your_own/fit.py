"""Calcium of a pumped cell -> the time constant of its pump: C(t) = C∞ (1 - exp(-t/τ)) by least squares."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import xarray as xr
from scipy.optimize import curve_fit


@dataclass(frozen=True)
class PumpFit:
    """`status` is ok or failed, then `reason` says why."""

    RESULT: ClassVar[str] = "tau"
    CURE: ClassVar[str] = "simulate longer"

    status: Literal["ok", "failed"]
    reason: str
    tau: float | None  # s


def fit_pump(dataset: xr.Dataset) -> PumpFit:
    calcium = dataset.calcium.squeeze("cell")
    rise = lambda time, level, tau: level * (1 - np.exp(-time / tau))
    (_, tau), _ = curve_fit(rise, calcium.time, calcium, [float(calcium.max()), 1.0])
    settled = tau < float(calcium.time[-1]) / 2
    return PumpFit("ok", "", float(tau)) if settled else PumpFit("failed", f"τ is {tau:.3g} s or more", None)
