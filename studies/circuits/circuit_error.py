"""How long must a circuit see each token until its attention is exact, and what does the time step matter?

Random circuits of rate neurons (biophys/circuits/rate_circuit.py) write and read random tokens; their error is that
against attention itself, the worst token's, relative to its norm.

What was found. If synapses learn all the time, every change of token leaves its mark in the weights, and the error
falls as 1/T only: 2.6 % at 24 time constants. If they learn in the second half or the last quarter of a presentation,
it falls exponentially, along the law that biophys/circuits/attention_circuit.py derives, over ten decades: for the half
as (tau/T) exp(-T/(2 tau)), 6e-7 at 24 time constants. Only T/tau matters: the curves of three time constants lie on
each other. A step as long as the time constant multiplies what is left of the transients by 1.5, as the sum over steps
says, and changes nothing that has settled. Calcium, which settles while the neurons rest, errs by exp(-rest/tau_C).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from brian2 import ms
from numpy.typing import NDArray

from astromorph.settings.checks import check_seed
from biophys.circuits.attention_circuit import Layer, Stimulus, attend, settling_error
from biophys.circuits.process_calcium import FittedCalcium
from biophys.circuits.rate_circuit import RateNeurons
from biophys.simulation.progress import progress
from studies.figure import draw_panels
from studies.study import Meaning, check_lists, labelled

INPUTS, HEADS, FEATURES, TOKENS, STIMULI = 16, 2, 8, 8, 4
CALCIUM = FittedCalcium(rho_0=0.47, rho_1=2.64, alpha=1.0, inverse_K=4.0)  # close to the measured Hill curve
HELD = (12.0, 24.0)  # presentations in which the time step is varied
ABOVE_ROUNDING, ROUNDING = 1e-12, 1e-15
MEANINGS: dict[str, Meaning] = {
    "error": "largest relative error of a token, by the share of a presentation in which synapses learn",
    "settling_law": "settling law, in steps of activity between tokens",
    "error_of_tau": "largest relative error of a token",
    "error_of_step": "largest relative error of a token",
    "calcium_error": "largest relative error of calcium after the rest",
    "rest": "rest in time constants of calcium",
    "presentation": "presentation in time constants of the neurons",
    "window": "share of a presentation, at its end, in which synapses learn",
    "tau": ("ms", "time constant of the neurons"),
    "step": "time step in time constants of the neurons",
    "held": "presentation in time constants of the neurons",
    "tau_C": ("ms", "time constant of calcium"),
}
ABOUT = {
    "study": "circuit-error",
    "title": "Error of the attention circuit with rate neurons",
    "caption": "Points: simulated, largest error of a token. Lines: A and B, settling law, its one factor (the size "
    "of the steps of activity between tokens) set at the last point above rounding; C, sum over steps, (dt/τ)/(1 − "
    "exp(−dt/τ)); D, exp(−rest/τ_C). Where reading errs more than writing (A, short windows and presentations), the "
    "line lies above the points.",
    "circuits": f"{STIMULI} x {HEADS}, {INPUTS} inputs, {FEATURES} hidden, {FEATURES} outputs, {TOKENS} tokens",
}


def simulate(
    presentations: Sequence[float] = (4, 6, 8, 12, 16, 20, 24, 28, 32, 40, 48),
    *,
    windows: Sequence[float] = (1.0, 0.5, 0.25),
    taus: Sequence[float] = (5.0, 10.0, 20.0),
    steps: Sequence[float] = (0.125, 0.25, 0.5, 1.0),
    calcium_taus: Sequence[float] = (20.0, 100.0, 500.0),
    seed: int = 0,
) -> xr.Dataset:
    """Errors of random circuits.

    Args:
        presentations: times for which a token is presented, in time constants of the neurons.
        windows: shares of a presentation, at its end, in which synapses learn.
        taus: time constants of the neurons in ms.
        steps: time steps in time constants.
        calcium_taus: time constants of calcium in ms.
        seed: of strengths and tokens.
    """
    check_seed(seed)
    times = {"presentations": presentations, "taus": taus, "steps": steps, "calcium_taus": calcium_taus}
    check_lists(windows=windows, **times)
    for name, values in times.items():
        if min(values) <= 0:
            raise ValueError(f"{name} {min(values):g} is not above 0; use times above 0")
    if not all(0 < window <= 1 for window in windows):
        raise ValueError(
            f"windows {min(windows):g} to {max(windows):g} are no shares of a presentation; use 0 to 1, without 0"
        )
    law = [[settling_error(neurons(held, window=window)) for held in presentations] for window in windows]
    rests = [[rest(held, tau) for held in presentations] for tau in calcium_taus]
    names = ("presentation", "window", "tau", "step", "held", "tau_C")
    axes = dict(zip(names, map(list, (presentations, windows, taus, steps, HELD, calcium_taus)), strict=True))
    theory = {"settling_law": (("window", "presentation"), law), "rest": (("tau_C", "presentation"), rests)}
    return labelled(xr.Dataset(_errors(axes, seed) | theory, axes), MEANINGS, ABOUT | {"seed": seed})


def _errors(axes: Mapping[str, Sequence[float]], seed: int) -> dict[str, Any]:
    """Those of attention by window, time constant and time step, and those of calcium."""
    presentations, windows, taus, steps, _, calcium_taus = axes.values()
    cells, shown = random_circuits(seed)
    runs = len(presentations) * (len(windows) + len(taus) + len(calcium_taus)) + len(HELD) * len(steps)
    with progress(total=runs, unit="circuit") as bar:

        def error(held: float, tau: float = 10.0, step: float = 0.5, window: float = 0.5) -> float:
            bar.update()
            return worst(attend(cells, shown, neurons(held, tau, step, window), CALCIUM).outputs, cells, shown)

        def calcium_error(held: float, tau: float) -> float:
            bar.update()
            slow = CALCIUM._replace(tau_C=tau * ms)
            result = attend(cells, shown[:1], neurons(held), slow)
            return float(np.abs(result.calcium / response(result.activity) - 1).max())

        return {
            "error": (("window", "presentation"), [[error(t, window=each) for t in presentations] for each in windows]),
            "error_of_tau": (("tau", "presentation"), [[error(t, tau=each) for t in presentations] for each in taus]),
            "error_of_step": (("held", "step"), [[error(t, step=each) for each in steps] for t in HELD]),
            "calcium_error": (
                ("tau_C", "presentation"),
                [[calcium_error(t, each) for t in presentations] for each in calcium_taus],
            ),
        }


def neurons(held: float, tau: float = 10.0, step: float = 0.5, window: float = 0.5) -> RateNeurons:
    """Presentation and step in time constants, tau in ms."""
    return RateNeurons(T=held * tau * ms, tau=tau * ms, dt=step * tau * ms, window=window)


def random_circuits(seed: int) -> tuple[Layer, list[Stimulus]]:
    """Normal strengths that give currents of variance 1, normal tokens, and drives between 0 and 1."""
    draw = np.random.default_rng(seed)
    strengths = draw.standard_normal((3, INPUTS, HEADS, FEATURES)) / INPUTS**0.5
    shown = [
        Stimulus(draw.standard_normal((TOKENS, INPUTS)), draw.random((TOKENS, HEADS, FEATURES))) for _ in range(STIMULI)
    ]
    return Layer(*strengths), shown


def worst(outputs: Sequence[NDArray], cells: Layer, shown: Sequence[Stimulus]) -> float:
    """Largest error of a token over all heads, relative to its norm."""
    pairs = [(found, attention(cells, each)) for found, each in zip(outputs, shown, strict=True)]
    norm = lambda values: np.linalg.norm(values.reshape(TOKENS, -1), axis=1)
    return max(float((norm(found - right) / norm(right)).max()) for found, right in pairs)


def attention(cells: Layer, shown: Stimulus) -> NDArray:
    """The limit of a long presentation, (tokens, heads, outputs)."""
    key, query, value = (np.einsum("ti,ihj->thj", shown.tokens, strengths) for strengths in cells)
    activity = lambda s: np.where(s > 0, s + 1, np.exp(np.minimum(s, 0)))
    hidden, query = activity(key) + shown.drive, activity(query)
    called = np.einsum("thi,hi->th", query, TOKENS * response(hidden.mean(0)))
    return np.einsum("thi,shi,shj->thj", query, hidden, value) / called[..., None]


def response(x: NDArray) -> NDArray:
    """That of CALCIUM."""
    powered = x**CALCIUM.alpha
    return CALCIUM.rho_0 + CALCIUM.rho_1 * powered / (1 + (x * CALCIUM.inverse_K) ** CALCIUM.alpha)


def rest(held: float, tau: float) -> float:
    """Rest in lifetimes of calcium: as many as a presentation has of the neurons, in whole presentations of 10 ms."""
    presentation = held * 10.0
    return float(np.ceil(round(held * tau / presentation, 9)) * presentation / tau)


def draw(dataset: xr.Dataset) -> plt.Figure:
    """Error against presentation by window and by time constant, against the step, and that of calcium."""
    title, caption = dataset.attrs["title"], dataset.attrs["caption"]
    layout = [[_draw_windows, _draw_taus], [_draw_steps, _draw_calcium]]
    return draw_panels(dataset, layout, (7.2, 5.8), title=title, caption=caption)


def _draw_windows(axes: plt.Axes, dataset: xr.Dataset) -> None:
    held = dataset.presentation
    for window in dataset.window.values:
        error = dataset.error.sel(window=window)
        (line,) = axes.plot(held, error, "o", label="all the time" if window == 1 else f"the last {100 * window:g} %")
        _draw_law(axes, error, dataset.settling_law.sel(window=window), color=line.get_color())
    axes.set(yscale="log", xlabel="presentation T/τ", ylabel="relative error", title="A   synapses learn")
    axes.legend(loc="lower left")


def _draw_law(axes: plt.Axes, error: xr.DataArray, law: xr.DataArray, color: Any) -> None:
    """The law down to rounding, through the last point above it."""
    far = max(np.flatnonzero(error > ABOVE_ROUNDING), default=0)
    law = law * float(error[far] / law[far])
    axes.plot(law.presentation, law.where(law > ROUNDING), color=color, lw=1, zorder=0)


def _draw_taus(axes: plt.Axes, dataset: xr.Dataset) -> None:
    for tau, marker in zip(dataset.tau.values, ("o", "x", "+"), strict=False):
        axes.plot(dataset.presentation, dataset.error_of_tau.sel(tau=tau), marker, mfc="none", label=f"τ = {tau:g} ms")
    _draw_law(axes, dataset.error_of_tau[0], dataset.settling_law.sel(window=0.5, method="nearest"), color="0.5")
    axes.set(yscale="log", xlabel="presentation T/τ", ylabel="relative error")
    axes.set_title("B   time constant of the neurons")
    axes.legend(loc="lower left")


def _draw_steps(axes: plt.Axes, dataset: xr.Dataset) -> None:
    for held, marker in zip(dataset.held.values, ("o", "x"), strict=False):
        error = dataset.error_of_step.sel(held=held)
        axes.plot(dataset.step, error / float(error[0]), marker, mfc="none", label=f"T = {held:g} τ")
    steps = np.linspace(float(dataset.step.min()), float(dataset.step.max()))
    summed = steps / (1 - np.exp(-steps))
    axes.plot(steps, summed / summed[0], color="0.5", lw=1, zorder=0)
    axes.set(xlabel="time step dt/τ", ylabel=f"error over that at dt = {steps[0]:g} τ", xlim=(0, None), ylim=(0, None))
    axes.set_title("C   time step")
    axes.legend(loc="lower right")


def _draw_calcium(axes: plt.Axes, dataset: xr.Dataset) -> None:
    for tau, marker in zip(dataset.tau_C.values, ("o", "x", "+"), strict=False):
        of_tau = dataset.sel(tau_C=tau)
        axes.plot(of_tau.rest, of_tau.calcium_error, marker, mfc="none", label=f"$τ_C$ = {tau:g} ms")
    ends = np.array([float(dataset.rest.min()), min(float(dataset.rest.max()), 36.0)])
    axes.plot(ends, np.exp(-ends), color="0.5", lw=1, zorder=0)
    axes.set(yscale="log", xlabel="rest/$τ_C$", ylabel="relative error of calcium")
    axes.set_title("D   rest between writing and reading")
    axes.legend(loc="lower left")
