"""Equilibria of the calcium models, and where they change: Hopf points and folds.

Along the curve of equilibria, which biophys/calcium/models.py gives in closed form with calcium as its parameter, an
oscillation is born where a pair of eigenvalues crosses the imaginary axis (Hopf point: the product of all sums of two
eigenvalues vanishes), and two equilibria meet where the drive turns back (fold: the determinant vanishes). At a Hopf
point the first Lyapunov coefficient tells the kind (Kuznetsov, Elements of Applied Bifurcation Theory, 2004, eq.
3.20 and 5.34): below 0 a stable cycle grows out of it (supercritical), above 0 an unstable one (subcritical). Its
size depends on how states are measured, its sign does not.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from itertools import combinations, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar
from scipy.signal import argrelmin

from biophys.calcium.models import Model

SCAN = 4000  # calcium levels at which a curve is searched for ends
PLACES = 2000  # calcium levels along a curve between which roots are searched for
TINY = 1e-30  # imaginary step of derivatives; their error is rounding alone
NEAR = 3e-4  # step of second and third derivatives
EXACT = {"xtol": 1e-15, "rtol": 4 * np.finfo(float).eps}


class Equilibrium(NamedTuple):
    """A state at rest. states: (states,) in umolar and shares. eigenvalues: (states,) in 1/s, slowest last."""

    drive: float
    states: NDArray
    eigenvalues: NDArray

    @property
    def stable(self) -> bool:
        return bool(self.eigenvalues.real.max() < 0)


class HopfPoint(NamedTuple):
    """Where an oscillation is born. period in s, of cycles close by."""

    drive: float
    states: NDArray
    eigenvalues: NDArray
    period: float
    first_lyapunov: float

    @property
    def kind(self) -> str:
        return "supercritical" if self.first_lyapunov < 0 else "subcritical"


class Branch(NamedTuple):
    """All equilibria in a range of drives in the order of their calcium.

    drive: (places,). states: (states, places). growth: (places,), largest real part of an eigenvalue in 1/s. All are
    NaN where a curve is outside the range, and between two curves.
    """

    drive: NDArray
    states: NDArray
    growth: NDArray


def equilibria(model: Model, drive: float) -> list[Equilibrium]:
    """Every equilibrium at a drive, lowest calcium first."""
    found = []
    for places, turns in zip(curves(model), _turns(model), strict=True):
        ends = [places[0], *turns, places[-1]]
        away = [np.clip(model.balance(end)[1] - drive, -1e9, 1e9) for end in ends]  # far off is as good as infinite
        found += [end for end, distance in zip(ends, away, strict=True) if distance == 0]
        for (low, high), (below, above) in zip(pairwise(ends), pairwise(away), strict=True):
            if below * above < 0:
                found.append(brentq(lambda calcium: model.balance(calcium)[1] - drive, low, high, **EXACT))
    return [_equilibrium(model, drive, calcium) for calcium in sorted(found)]


def folds(model: Model, low: float, high: float) -> list[Equilibrium]:
    """Where two equilibria meet at drives of low .. high, by drive."""
    found = []
    for calcium in (calcium for turns in _turns(model) for calcium in turns):
        drive = float(model.balance(calcium)[1])
        if low <= drive <= high:
            found.append(_equilibrium(model, drive, calcium))
    return sorted(found, key=lambda point: point.drive)


def hopf_points(model: Model, low: float, high: float) -> list[HopfPoint]:
    """Where a pair of eigenvalues is imaginary at drives of low .. high, by drive."""
    found = []
    for places in curves(model):
        for calcium in _roots(lambda calcium: _sums_of_two(_linear(model, calcium)), places):
            drive = float(model.balance(calcium)[1])
            point = _equilibrium(model, drive, calcium)
            turning = point.eigenvalues[np.abs(point.eigenvalues.real) < 1e-6 * np.abs(point.eigenvalues)]
            if low <= drive <= high and turning.size:  # else two real ones of opposite sign
                period = 2 * np.pi / float(np.abs(turning.imag).max())
                coefficient = first_lyapunov(model, point.states, drive, 2 * np.pi / period)
                found.append(HopfPoint(*point, period, coefficient))
    return sorted(found, key=lambda point: point.drive)


def branch(model: Model, low: float, high: float) -> Branch:
    """The curves of equilibria in a range of drives."""
    drives, states, growths = [np.empty(0)], [np.empty((len(model.states), 0))], [np.empty(0)]
    for places in curves(model):
        balanced, drive = _balanced(model, np.append(places, places[-1]))
        outside = (drive < low) | (drive > high)
        outside[-1] = True  # before the next curve
        growths.append(np.linalg.eigvals(jacobian(model, balanced, drive)).real.max(axis=-1))
        drives.append(drive)
        states.append(balanced)
        for part in (drives, states, growths):
            part[-1][..., outside] = np.nan
    return Branch(np.concatenate(drives), np.concatenate(states, axis=-1), np.concatenate(growths))


@lru_cache
def curves(model: Model) -> list[NDArray]:
    """Calcium levels along each curve of equilibria, denser towards its ends."""
    span = model.largest_calcium - model.least_calcium
    shares = np.union1d(np.linspace(0, 1, SCAN + 1)[1:-1], np.geomspace(1e-14, 1 / SCAN, SCAN))
    levels = model.least_calcium + span * shares
    exists = lambda calcium: np.isfinite(model.balance(calcium)[1])
    inside = np.concatenate([[False], exists(levels), [False]])
    starts, stops = np.flatnonzero(~inside[:-1] & inside[1:]), np.flatnonzero(inside[:-1] & ~inside[1:]) - 1
    levels = np.concatenate([[0], levels, [model.largest_calcium]])
    dense = (1 - np.cos(np.linspace(0, np.pi, PLACES))) / 2
    found = []
    for start, stop in zip(starts, stops, strict=True):
        low = _edge(exists, levels[start + 1], levels[start])
        high = _edge(exists, levels[stop + 1], levels[stop + 2])
        found.append(np.clip(low + (high - low) * dense, low, high))
    return found


@lru_cache
def _turns(model: Model) -> list[list[float]]:
    """Calcium at the folds of each curve, between which its drive rises or falls steadily."""
    return [_roots(lambda calcium: np.linalg.det(_linear(model, calcium)), places) for places in curves(model)]


def jacobian(model: Model, states: NDArray, drive: Any) -> NDArray:
    """Derivatives of the rates: (..., states, states) for states (states, ...)."""
    columns = []
    for number in range(len(states)):
        moved = np.array(states, complex)
        moved[number] += 1j * TINY
        columns.append(np.imag(model.rates(moved, drive)) / TINY)
    return np.moveaxis(np.array(columns), (0, 1), (-1, -2))


def first_lyapunov(model: Model, states: NDArray, drive: float, frequency: float) -> float:
    """First Lyapunov coefficient of a Hopf point whose eigenvalues are +-i frequency (rad/s)."""
    matrix = jacobian(model, states, drive)
    right = _eigenvector(matrix, 1j * frequency)
    left = _eigenvector(matrix.T, -1j * frequency)
    left = left / np.conj(np.vdot(left, right))
    across = np.conj(right)
    once, twice = (partial(_bent, model, states, drive, order) for order in (1, 2))
    second = lambda u, v: (once(u.real) + 1j * once(u.imag)) @ v
    quiet = np.linalg.solve(matrix, second(right, across))
    double = np.linalg.solve(2j * frequency * np.eye(len(states)) - matrix, second(right, right))
    mixed = (twice(right.real + right.imag) - twice(right.real - right.imag)) / 4
    third = (twice(right.real) - twice(right.imag) + 2j * mixed) @ across
    total = third - 2 * second(right, quiet) + second(across, double)
    return float(np.vdot(left, total).real / (2 * frequency))


def _bent(model: Model, states: NDArray, drive: float, order: int, along: NDArray) -> NDArray:
    """First or second derivative of the Jacobian along a real direction, of fourth order in the step."""
    weights = {1: (1, -8, 0, 8, -1), 2: (-1, 16, -30, 16, -1)}[order]
    moved = np.stack([jacobian(model, states + step * NEAR * along, drive) for step in range(-2, 3)])
    return np.tensordot(weights, moved, 1) / (12 * NEAR**order)


def _eigenvector(matrix: NDArray, value: complex) -> NDArray:
    values, vectors = np.linalg.eig(matrix)
    return vectors[:, np.argmin(np.abs(values - value))]


def _balanced(model: Model, calcium: Any) -> tuple[NDArray, Any]:
    states, drive = model.balance(calcium)
    return np.array(states, float), drive


def _linear(model: Model, calcium: Any) -> NDArray:
    """Jacobian at the equilibrium with this calcium: (..., states, states)."""
    return jacobian(model, *_balanced(model, calcium))


def _sums_of_two(matrix: NDArray) -> NDArray:
    """Product of the sums of every two eigenvalues."""
    values = np.linalg.eigvals(matrix).astype(complex)
    pairs = combinations(range(values.shape[-1]), 2)
    return np.prod([values[..., i] + values[..., j] for i, j in pairs], axis=0).real


def _equilibrium(model: Model, drive: float, calcium: float) -> Equilibrium:
    states = _balanced(model, calcium)[0]
    for _ in range(3):  # Newton's method takes away what rounding of calcium leaves where the drive is steep
        missed = np.array(model.rates(states, drive))
        moved = states - np.linalg.lstsq(jacobian(model, states, drive), missed)[0]
        if np.abs(missed).max() > 1e-13 and np.abs(model.rates(moved, drive)).max() < 0.5 * np.abs(missed).max():
            states = moved
    return Equilibrium(drive, states, np.sort_complex(np.linalg.eigvals(jacobian(model, states, drive))))


def _roots(function: Callable[[Any], Any], places: NDArray) -> list[float]:
    """Roots between neighbouring places; also a pair between the same two, if the function dips towards 0 there."""
    values = function(places)
    crossed = [bracket for bracket, ends in zip(pairwise(places), pairwise(values), strict=True) if np.prod(ends) < 0]
    for number in argrelmin(np.abs(values))[0]:
        low, high, sign = places[number - 1], places[number + 1], np.sign(values[number])
        if np.all(np.sign(values[number - 1 : number + 2]) == sign):
            dip = minimize_scalar(lambda place, sign=sign: sign * function(place), bounds=(low, high), method="bounded")
            if dip.fun < 0:
                crossed += [(low, dip.x), (dip.x, high)]
    return sorted(brentq(function, low, high, **EXACT) for low, high in crossed)


def _edge(exists: Callable[[float], Any], inside: float, outside: float) -> float:
    """The outermost level at which there is an equilibrium."""
    while (middle := (inside + outside) / 2) not in (inside, outside):
        inside, outside = (middle, outside) if exists(middle) else (inside, middle)
    return float(inside)
