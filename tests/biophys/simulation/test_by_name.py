"""`biophys.simulate` and `biophys.sweep`: what their parts give, and one sentence for what is wrong."""

import numpy as np
import pytest
import xarray as xr
from brian2 import Hz, mV, second, umolar

import biophys
from biophys.simulation import network as points
from biophys.simulation.network import Point

SHORT = {"seconds": 1.0, "step": 0.005, "every": 0.1, "target": "numpy"}


def test_one_point_is_what_the_network_gives_there():
    values = {"stimulus.rate": 5 * Hz, "stimulus.synapses": 4, "synapse.U_0": 0.5}
    known, often = ["calcium", "released_transmitter"], SHORT | {"every": 0.025}
    dataset = biophys.simulate("tripartite", values, record=known, seed=3, **often)
    expected = points.simulate(biophys.ready("tripartite"), [Point(values, 3)], record=known, **often).isel(point=0)
    xr.testing.assert_equal(dataset, expected)
    assert dataset.calcium.dims == ("astrocyte", "time") and list(dataset) == known
    assert dataset.attrs == {**expected.attrs, "study": "traces", "seed": 3}
    assert dataset.attrs["stimulus.rate"] == "5 1/second" and dataset.attrs["stimulus.synapses"] == "4"


def test_values_may_be_typed_as_on_the_command_line():
    one = biophys.simulate("li-rinzel", {"stimulus.I": 0.3 * umolar, "astrocyte.rho_A": 0.2}, record="calcium", **SHORT)
    other = biophys.simulate(
        "li-rinzel", {"stimulus.I": "0.3*umolar", "astrocyte.rho_A": np.float64(0.2)}, record=["calcium"], **SHORT
    )
    xr.testing.assert_identical(one, other)


def test_a_simulation_has_the_times_of_its_network():
    dataset = biophys.simulate("li-rinzel", target="numpy", seconds=2)
    assert dataset.attrs["step"] == biophys.ready("li-rinzel").step and dataset.sizes["time"] == 20
    assert list(dataset) == list(biophys.ready("li-rinzel").shown)


AXES = {"stimulus.I": [0.2, 0.5] * umolar, "astrocyte.rho_A": "0.1:0.3:3"}


def test_a_sweep_holds_every_point(tmp_path):
    dataset = biophys.sweep("li-rinzel", AXES, {"astrocyte.K_P": 0.1 * umolar}, seeds=(4, 7), jobs=1, **SHORT)
    assert dict(dataset.sizes) == {"stimulus.I": 2, "astrocyte.rho_A": 3, "seed": 2, "astrocyte": 1, "time": 10}
    assert dataset.seed.values.tolist() == [4, 7] and dataset["astrocyte.rho_A"].values.tolist() == [0.1, 0.2, 0.3]
    values = {"stimulus.I": 0.5 * umolar, "astrocyte.rho_A": 0.2, "astrocyte.K_P": "0.1*umolar"}
    alone = biophys.simulate("li-rinzel", values, seed=7, **SHORT)
    there = dataset.sel({"stimulus.I": 0.5, "astrocyte.rho_A": 0.2, "seed": 7}, method="nearest")
    np.testing.assert_allclose(there.calcium, alone.calcium, rtol=1e-12)


def test_a_sweep_with_a_file_leaves_the_file_and_nothing_else(tmp_path):
    out = tmp_path / "sweep.nc"
    dataset = biophys.sweep("li-rinzel", AXES, record="calcium", out=str(out), jobs=1, **SHORT)
    xr.testing.assert_identical(biophys.load(out), dataset)
    assert list(tmp_path.iterdir()) == [out]


def test_a_sweep_that_was_stopped_goes_on(tmp_path, monkeypatch):
    out = tmp_path / "sweep.nc"
    monkeypatch.setattr("biophys.simulation.chunks.LARGEST_CHUNK", 1)
    finish, done = "biophys.simulation.sweep.finish_chunk", []

    def stopped(grid, chunk, target, file):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(file.name)
        return original(grid, chunk, target, file)

    original = biophys.simulation.sweep.finish_chunk
    monkeypatch.setattr(finish, stopped)
    with pytest.raises(KeyboardInterrupt, match="2 of 6 points are kept in .*sweep.nc.parts"):
        biophys.sweep("li-rinzel", AXES, out=out, jobs=1, **SHORT)
    monkeypatch.setattr(finish, lambda *words: done.append(words[3].name) or original(*words))
    biophys.sweep("li-rinzel", AXES, out=out, jobs=1, **SHORT)
    assert done == [f"{number:05}.nc" for number in range(6)] and list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(
    ("network", "values", "options", "message"),
    [
        ("tripartit", {}, {}, "there is no network 'tripartit' (did you mean tripartite?); use one of tripartite, "),
        (
            "tripartite",
            {"stimulus.rates": 5 * Hz},
            {},
            "there is no parameter 'stimulus.rates'; did you mean stim",
        ),
        (
            "tripartite",
            {"stimulus.rate": 5},
            {},
            "stimulus.rate=5 has no unit; write it in 1/second, such as",
        ),
        ("tripartite", {"stimulus.rate": 5 * mV}, {}, "stimulus.rate=5*mV has the wrong unit; write it in 1/second"),
        (
            "tripartite",
            {"stimulus.rate": [1, 2] * Hz},
            {},
            "stimulus.rate=[1. 2.] Hz is no quantity; give a number",
        ),
        ("tripartite", {"stimulus.rate": None}, {}, "stimulus.rate=None is no quantity; give a number with a unit"),
        (
            "tripartite",
            {"synapse.U_0": 0.5 * Hz},
            {},
            "synapse.U_0=0.5/second has a unit, but synapse.U_0 is a pure",
        ),
        ("tripartite", {"synapse.U_0": True}, {}, "synapse.U_0=True is no quantity"),
        (
            "tripartite",
            {"stimulus.synapses": 2.5},
            {},
            "stimulus.synapses=2.5 is not a whole number; use one such",
        ),
        ("tripartite", {}, {"record": "IP3"}, "tripartite has no variable 'IP3' to record; use some of "),
        ("tripartite", {}, {"seconds": 2 * second}, "seconds 2. s is no plain number; give seconds, such as 60"),
        ("tripartite", {}, {"step": 1.0}, "step 1 s is too large for these parameters"),
        ("tripartite", {}, {"target": "java"}, "code target 'java' is not known"),
    ],
)
def test_bad_input_of_a_simulation_is_one_sentence(network, values, options, message):
    with pytest.raises(ValueError) as refused:
        biophys.simulate(network, values, **options)
    assert str(refused.value).startswith(message) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("axes", "options", "message"),
    [
        ({"stimulus.I": [1, 2]}, {}, "stimulus.I=1 has no unit; write it in umolar"),
        ({"stimulus.I": "1,2"}, {}, "stimulus.I=1,2 has no unit; write it in umolar, such as stimulus.I=0.5*umolar"),
        ({"stimulus.I": "1;2*umolar"}, {}, "stimulus.I=1;2 is no list of numbers"),
        ({"stimulus.I": [1, 1] * umolar}, {}, "stimulus.I holds a value twice; give each once"),
        ({"stimulus.I": []}, {}, "this sweep has no points; give at least one value on each axis"),
        (AXES, {"fixed": {"stimulus.I": 1 * umolar}}, "stimulus.I is both an axis and set; leave one out"),
        (AXES, {"seeds": 0}, "seeds 0 leave nothing to simulate; use at least 1"),
        (AXES, {"seconds": "long"}, "seconds long is no plain number; give seconds, such as 60"),
        (AXES, {"record": "IP3"}, "li-rinzel has no variable 'IP3' to record"),
    ],
)
def test_bad_input_of_a_sweep_is_one_sentence(axes, options, message):
    with pytest.raises(ValueError) as refused:
        biophys.sweep("li-rinzel", axes, **options)
    assert str(refused.value).startswith(message) and "\n" not in str(refused.value)
