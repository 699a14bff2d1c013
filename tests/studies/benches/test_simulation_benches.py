"""The simulator's benchmarks: both forms of a network agree, rates are what they say, bad input is one sentence."""

import numpy as np
import pandas as pd
import pytest
from brian2 import Hz, SpikeMonitor, StateMonitor, defaultclock, ms, prefs, seed

from studies.benches import sweep as bench_sweep
from studies.benches import synapses as bench_synapses
from studies.benches.machine import Seconds


@pytest.fixture(scope="module")
def forms():
    """States of the astrocytes and transmitter of 500 synapses over 0.3 s, in both forms on the same spikes."""
    before, step = prefs.codegen.target, defaultclock.dt
    prefs.codegen.target, defaultclock.dt = "numpy", 0.1 * ms
    states = {}
    for form in bench_synapses.FORMS:
        seed(1)
        network = bench_synapses.build(form, 500, 0)
        network["presynaptic"].rates = 10 * Hz
        monitor = StateMonitor(network["astrocyte"], ["C", "I", "gamma_A", "Y_S"], record=True, dt=1 * ms)
        spikes = SpikeMonitor(network["presynaptic"])
        network.add(monitor, spikes)
        network.run(300 * ms, namespace={})
        states[form] = {name: np.array(getattr(monitor, name)) for name in monitor.record_variables}
        states[form]["spikes"] = spikes.num_spikes
    prefs.codegen.target, defaultclock.dt = before, step
    return states


@pytest.mark.slow
def test_lumped_and_general_form_agree(forms):
    lumped, general = forms["lumped"], forms["general"]
    assert lumped["spikes"] == general["spikes"] > 100
    for state in ("C", "I", "gamma_A"):  # the general form holds the sum of transmitter over a step of 0.1 ms
        np.testing.assert_allclose(lumped[state], general[state], atol=3e-3 * np.abs(general[state]).max())
    assert lumped["Y_S"].mean() == pytest.approx(general["Y_S"].mean(), rel=2e-3)


def test_seconds_a_step_come_from_the_difference_of_two_runs():
    taken = []

    def run(steps: int, chance: int) -> float:
        taken.append(steps)
        return 5.0 + 1e-4 * steps

    steps, several = bench_synapses.measured(run, 0, 2.0, repeats=3)
    assert several == pytest.approx([1e-4] * 3) and steps == max(taken) and 1e-4 * steps > 2.0
    assert taken.count(steps) == 3


@pytest.mark.slow
def test_a_table_of_small_networks():
    frame = bench_synapses.bench([200], targets=["numpy"], nest=False, seconds=0.01)
    assert frame.implementation.tolist() == ["lumped", "general", "NumPy by hand"]
    rate = frame.synapses / (1e-6 * frame.microseconds_a_step)
    np.testing.assert_allclose(frame.synapse_steps_per_second, rate, rtol=1e-9)
    assert (frame.fastest <= frame.microseconds_a_step).all() and (frame.microseconds_a_step <= frame.slowest).all()
    assert frame.ratio_to_nest.isna().all()
    assert len(bench_synapses.draw(frame).axes[0].lines) == 3


@pytest.mark.parametrize(
    ("module", "options", "told"),
    [
        (bench_synapses, {"synapses": [50]}, "50 synapses make no neuron; use at least 100"),
        (bench_synapses, {"forms": ["loose"]}, "form 'loose' is not known; use some of lumped, general"),
        (bench_synapses, {"targets": ["gpu"]}, "code target 'gpu' is not known"),
        (bench_sweep, {"points": 0}, "points 0 leaves nothing to time; use at least 1"),
        (bench_sweep, {"targets": ["gpu"]}, "code target 'gpu' is not known"),
    ],
)
def test_bad_input_is_one_sentence(module, options, told):
    with pytest.raises(ValueError) as refused:
        module.bench(**options)
    assert told in str(refused.value)


def test_the_sweep_is_compared_with_the_fastest_kind_of_script(monkeypatch):
    seconds = {"studies.benches.plain_script": 3.0, "studies.command_line": 6.0}
    first = {(module, "cython"): 1000.0 for module in seconds}  # compiles: left out

    def process_seconds(dash: str, module: str, *words: str) -> Seconds:
        target = next(word for word in words if word in bench_sweep.TARGETS)
        return Seconds(first.pop((module, target), 0.0) + seconds[module] + (target == "numpy"), 0.0)

    monkeypatch.setattr(bench_sweep, "process_seconds", process_seconds)
    monkeypatch.setattr(bench_sweep, "expected_seconds", lambda *plan: 1.0)
    frame = bench_sweep.bench(points=10, measured=2, repeats=1, targets=["numpy", "cython"])
    assert frame.seconds.tolist() == [40.0, 30.0, 7.0, 6.0]
    assert (frame.fastest == frame.seconds).all() and (frame.slowest == frame.seconds).all()  # of turns alike
    assert frame.ratio.tolist() == pytest.approx([0.75, 1, 30 / 7, 5]) and frame.measured.tolist() == [2, 2, 10, 10]
    assert len(bench_sweep.draw(frame).axes[0].patches) == 4
    assert isinstance(frame, pd.DataFrame)


@pytest.mark.slow
def test_forms_that_differ_are_not_timed(monkeypatch):
    assert bench_synapses.compare_forms() > 0
    monkeypatch.setattr(bench_synapses, "TOLERANCE", 1e-9)
    with pytest.raises(ValueError, match="^C of the lumped and the general form: results are .* so nothing was timed"):
        bench_synapses.compare_forms()


def test_a_sweep_that_errs_is_not_timed(monkeypatch):
    monkeypatch.setattr(bench_sweep, "process_seconds", lambda *words: Seconds(1.0, 1.0))
    monkeypatch.setattr(bench_sweep, "mean_of_script", lambda drive: 0.1 * drive)
    monkeypatch.setattr(bench_sweep, "means_of_sweep", lambda: np.array([0.1, 0.52]))
    assert bench_sweep.expected_seconds(bench_sweep.TARGETS, 3, 3, 1e4) > 60
    monkeypatch.setattr(bench_sweep, "means_of_sweep", lambda: np.array([0.1, 0.6]))
    with pytest.raises(ValueError, match="mean calcium of the sweep and of scripts: results are 0.2 of the largest"):
        bench_sweep.expected_seconds(bench_sweep.TARGETS, 3, 3, 1e4)
