"""Records that are too rare for what they record: told for every ready network, and never by what it records itself."""

import warnings

import numpy as np
import pytest
from brian2 import Hz

import biophys
from biophys.ready_networks import NETWORKS, ready
from biophys.simulation.network import Point, merged
from biophys.simulation.undersampling import time_constant, undersampled

FADING = [(name, each) for name in NETWORKS for each, recordable in ready(name).records.items() if recordable.fades]


def defaults(network):
    return merged(network.sections, [Point({})])


@pytest.mark.parametrize("name", NETWORKS)
def test_what_a_network_records_by_itself_is_followed(name):
    network = ready(name)
    assert undersampled(network, defaults(network), network.step, network.every) == ""


@pytest.mark.parametrize(("name", "variable"), FADING)
def test_the_sentence_names_variable_time_constant_and_a_cure_that_cures(name, variable):
    network, values = ready(name), defaults(ready(name))
    time = time_constant(network.records[variable].fades, values)
    assert network.step < time < np.inf
    steps = round(2 * time / network.step)
    sentence = undersampled(network, values, network.step, steps * network.step, [variable])
    assert f"time constant of {variable} ({time:.3g} s, " in sentence
    cure = float(sentence.rpartition("--every ")[2])
    assert cure / network.step == pytest.approx(max(1, round(cure / network.step)))
    assert cure <= max(time / 5, network.step) * (1 + 1e-6)
    assert undersampled(network, values, network.step, cure, [variable]) == ""


def test_the_shortest_of_all_points_counts_and_a_step_may_be_too_long_itself():
    network = ready("tripartite")
    values = merged(network.sections, [Point({"gliotransmission.Omega_e": rate * Hz}) for rate in (1, 5000)])
    sentence = undersampled(network, values, 0.0025, 0.0025, ["calcium", "gliotransmitter"])
    assert sentence == (
        "every 0.0025 s is longer than the time constant of gliotransmitter (0.0002 s, gliotransmission.Omega_e), so "
        "peaks are missed; use --step 0.0001 --every 0.0001"
    )
    still = merged(network.sections, [Point({"gliotransmission.Omega_e": 0 * Hz})])
    assert undersampled(network, still, 0.0025, 10.0, ["gliotransmitter"]) == ""


def sentences(told):
    return [str(each.message) for each in told if each.category is UserWarning]


PLAIN = {"seconds": 0.2, "target": "numpy"}


def test_a_simulation_warns_and_its_dataset_keeps_the_sentence():
    with pytest.warns(UserWarning, match=r"every 0.1 s .* gliotransmitter \(0.0167 s, .*; use --every 0.0025") as told:
        dataset = biophys.simulate("tripartite", record="gliotransmitter", every=0.1, **PLAIN)
    assert sentences(told) == [dataset.undersampled]
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="every .* is longer than the time constant")
        fine = biophys.simulate("tripartite", record="gliotransmitter", every=0.0025, **PLAIN)
    assert "undersampled" not in fine.attrs


def test_a_sweep_warns_once():
    axes = {"synapse.Omega_c": "40,80/second"}
    with pytest.warns(UserWarning, match=r"released_transmitter \(0.0125 s") as told:
        dataset = biophys.sweep("tripartite", axes, record=["released_transmitter"], jobs=1, **PLAIN)
    assert sentences(told) == [dataset.undersampled]
