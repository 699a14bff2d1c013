"""Stable limit cycles of the calcium models: their periods and extremes, and how they change with the drive.

A cycle is a state and a time after which the state returns. It is found by simulating until calcium peaks repeat, with
DOP853 and peaks located on its dense output, and refined by Newton's method on the return itself, so that slowly
settling cycles close to a Hopf point cost no long simulation. How the end of a path depends on its start comes from
the same integration by complex steps (Squire & Trapp, SIAM Rev 40:110, 1998); the eigenvalues of that dependence, the
Floquet multipliers, tell whether the cycle attracts.
"""

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import solve_ivp

from biophys.calcium.equilibria import TINY, equilibria, jacobian
from biophys.calcium.models import Model, right_hand_side

FIRST_LOOK = 200.0  # s simulated, or until FIRST_PEAKS peaks, before looking for a cycle; twice as long each time
FIRST_PEAKS = 4
LOOKS = 8
AT_REST = 1e-4  # umolar; a cell that comes so close to a stable equilibrium and nears it stays there
ITERATIONS = 10  # of Newton's method


class Cycle(NamedTuple):
    """A periodic path. states: (states,) at a peak of calcium, in umolar and shares. period in s.

    lowest, highest: (states,), extremes along the cycle. multipliers: (states,), one of which is 1.
    """

    drive: float
    states: NDArray
    period: float
    lowest: NDArray
    highest: NDArray
    multipliers: NDArray

    @property
    def stable(self) -> bool:
        others = np.delete(self.multipliers, np.argmin(np.abs(self.multipliers - 1)))
        return bool(np.abs(others).max() < 1)


def limit_cycle(model: Model, drive: float, start: ArrayLike, *, tolerance: float = 1e-11) -> Cycle | None:
    """The stable cycle on which the model settles from a start at a constant drive.

    None if it comes to rest, or if nothing repeats in 14 hours of simulated time: within a millionth of a fold it may
    creep for longer. tolerance: relative, of the integration.
    """
    rests = [point.states for point in equilibria(model, drive) if point.stable]
    states, before = np.asarray(start, float), np.inf
    for look in range(LOOKS):
        peak = _turn(model, drive, 0, direction=-1, terminal=FIRST_PEAKS * 2**look)
        path = _path(model, drive, states, FIRST_LOOK * 2**look, tolerance, [peak])
        states, times, peaks = path.y[:, -1], path.t_events[0], path.y_events[0]
        away = min((np.abs(states - rest).max() for rest in rests), default=np.inf)
        if away < AT_REST and away <= before:
            return None
        before = away
        if len(peaks) > 1:
            moved = np.abs(peaks[-1] - peaks[-2 : -1 - FIRST_PEAKS : -1]).max(axis=1)
            back = int(np.argmax(moved < 2 * moved.min() + 1e3 * tolerance)) + 2  # the first peak as close as any
            cycle = _refined(model, drive, peaks[-1], times[-1] - times[-back], tolerance)
            near = 0.01 + 10 * moved[back - 2]
            if cycle is not None and cycle.stable and np.abs(cycle.states - peaks[-1]).max() < near:
                return cycle
    return None


def stable_cycles(
    model: Model, drives: Iterable[float], start: ArrayLike, *, halvings: int = 5, tolerance: float = 1e-9
) -> dict[float, Cycle | None]:
    """The cycle, or None, at each of the drives and at more of them towards the ends of a family of cycles.

    Drives are gone through upwards and downwards, each time from the last cycle found (at first from `start`), so that
    a cycle is followed as far as it attracts; at most one is found at a drive. Then the interval in which it ends is
    halved `halvings` times. The result is ordered by drive.
    """
    found: dict[float, Cycle | None] = dict.fromkeys(sorted(float(drive) for drive in drives))
    for order in (list(found), list(reversed(found))):
        states = np.asarray(start, float)
        for drive in order:
            cycle = found[drive] or limit_cycle(model, drive, states, tolerance=tolerance)
            found[drive], states = cycle, states if cycle is None else cycle.states
    for near, far in [*pairwise(found), *pairwise(reversed(found))]:
        last = found[near]
        if last is None or found[far] is not None:
            continue
        for _ in range(halvings):
            middle = (near + far) / 2
            found[middle] = cycle = limit_cycle(model, middle, last.states, tolerance=tolerance)
            near, far, last = (near, middle, last) if cycle is None else (middle, far, cycle)
    return {drive: found[drive] for drive in sorted(found)}


def _refined(model: Model, drive: float, states: NDArray, period: float, tolerance: float) -> Cycle | None:
    """The cycle near a peak and a period; None if Newton's method does not converge to one."""
    count, before, slope = len(states), np.inf, right_hand_side(model, drive)
    for _ in range(ITERATIONS):
        end, change = _carried(model, drive, states, period, tolerance)
        matrix = np.zeros((count + 1, count + 1))
        matrix[:count, :count], matrix[:count, count] = change - np.eye(count), slope(0, end)
        matrix[count, :count] = jacobian(model, states, drive)[0]  # it starts where calcium is level
        step = np.linalg.lstsq(matrix, np.append(end - states, slope(0, states)[0]))[0]
        states, period = states - step[:count], period - step[count]
        size = max(np.abs(step[:count] / states).max(), abs(step[count] / period))
        if not (size < before and period > 0 and states.min() > 0):
            return None
        if size < 10 * tolerance:
            moving = np.abs(slope(0, states)).max() > 1e3 * tolerance  # else it is an equilibrium
            return _cycle(model, drive, states, period, change, tolerance) if moving else None
        before = size
    return None


def _carried(model: Model, drive: float, states: NDArray, seconds: float, tolerance: float) -> tuple[NDArray, NDArray]:
    """End of a path (states,), and its change with the start (states, states)."""
    count = len(states)
    moved = states[:, None] + 1j * TINY * np.eye(count)
    slope = lambda t, y: np.array(model.rates(y.reshape(count, count), drive)).ravel()
    path = solve_ivp(slope, (0, seconds), moved.ravel(), "DOP853", [seconds], rtol=tolerance, atol=1e-2 * tolerance)
    end = path.y[:, -1].reshape(count, count)
    return end[:, 0].real, end.imag / TINY


def _cycle(model: Model, drive: float, states: NDArray, period: float, change: NDArray, tolerance: float) -> Cycle:
    """One more turn, for the extremes."""
    turns = [_turn(model, drive, number) for number in range(len(states))]
    path = _path(model, drive, states, period, tolerance, turns)
    turned = (np.reshape(places, (-1, len(states))) for places in path.y_events)
    extremes = [np.append(places[:, number], states[number]) for number, places in enumerate(turned)]
    lowest, highest = (np.array([choose(values) for values in extremes]) for choose in (np.min, np.max))
    return Cycle(drive, states, period, lowest, highest, np.linalg.eigvals(change))


def _path(model: Model, drive: float, start: NDArray, seconds: float, tolerance: float, events: list[Any]) -> Any:
    return solve_ivp(
        right_hand_side(model, drive), (0, seconds), start, "DOP853",
        events=events, rtol=tolerance, atol=1e-2 * tolerance,
    )  # fmt: skip


def _turn(model: Model, drive: float, state: int, *, direction: int = 0, terminal: int = 0) -> Callable[..., float]:
    """Event of a state that turns, either way or from rising to falling (-1), for the first `terminal` times."""
    slope = right_hand_side(model, drive)
    event: Any = lambda t, y: slope(t, y)[state]
    event.direction, event.terminal = direction, terminal
    return event
