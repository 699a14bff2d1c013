"""A spiking classifier in Brian2: spike for spike the same on 100 inputs, the way back, and a network done by hand."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from brian2 import ms

from biophys.circuits import delayed_layers
from biophys.circuits.delayed_layer import Layer, longest
from biophys.circuits.delayed_layers import respond
from biophys.simulation.simulate import run
from mapping.delay_kernel import classifier_of, layers_of, simulate


@pytest.mark.parametrize("kind", ["synapse", "axon", "dendrite"])
def test_brian2_fires_the_same_spikes_on_100_inputs(kind, classifier, inputs):
    network, spikes = classifier(kind), inputs(100)
    expected = deepcopy(network).double().activity(spikes)
    found = simulate(network, spikes)
    for ours, theirs in zip(found.spikes, expected.spikes, strict=True):
        assert 0.02 < theirs.mean() < 0.9
        assert torch.equal(ours, theirs)
    assert (found.membrane - expected.membrane).abs().max() < 1e-12
    assert (found.logits - expected.logits).abs().max() < 1e-12
    single = network.activity(spikes)
    assert [(a != b).sum() for a, b in zip(single.spikes, expected.spikes, strict=True)] == [0, 0]


def test_inputs_leave_nothing_behind_and_events_are_counted(classifier, inputs):
    """Counts up to 3 a step; each input alone gives what it gives after the others."""
    network, spikes = classifier(tau=3.0, readout="max"), inputs(6, most=3)
    expected = deepcopy(network).double().activity(spikes)
    together = simulate(network, spikes, dt=10 * ms)
    assert torch.equal(together.spikes[1], expected.spikes[1])
    assert (together.logits - expected.logits).abs().max() < 1e-12
    alone = simulate(network, spikes[4:5])
    assert torch.equal(alone.spikes[0][0], together.spikes[0][4])
    assert torch.equal(alone.membrane[0], together.membrane[4])


def test_without_delays_and_with_fixed_ones(classifier, inputs):
    for delays in ("none", "fixed"):
        network, spikes = classifier(delays=delays, seed=3), inputs(4)
        expected = deepcopy(network).double().activity(spikes)
        assert torch.equal(simulate(network, spikes).spikes[1], expected.spikes[1])


def test_two_neurons_by_hand():
    """w = 0.6 at delay 2 and 0.5 at delay 0, half kept: spike of channel 0 at 0 and of channel 1 at 2 fire together."""
    first = Layer(np.array([[0.6, 0.5]]), np.array([[2, 0]]), np.zeros(1), 0.5)
    last = Layer(np.array([[2.0]]), np.array([[1]]), np.zeros(1), 0.5)
    counts = np.zeros((2, 6, 2), int)
    counts[0, 0, 0] = counts[0, 2, 1] = 1  # 0.6 + 0.5 in step 2
    counts[1, 0, 1] = counts[1, 0, 0] = 1  # 0.5, 0.25, 0.725, 0.3625
    found = respond([first, last], counts)
    assert np.array_equal(np.argwhere(found.spikes[0]), [[0, 2, 0]])
    assert np.array_equal(found.potential[..., 0], [[0, 0, 0, 2, 1, 0.5], [0] * 6])
    assert not respond([first, last], 0 * counts).potential.any()


@pytest.mark.parametrize("kind", ["synapse", "axon", "dendrite"])
def test_the_network_comes_back_from_its_layers_and_from_brian2s_arrays(kind, classifier, inputs):
    network = classifier(kind)
    layers = layers_of(network)
    counts = inputs(2, most=2).numpy()
    read = lambda built: delayed_layers.layers_of(built, 12)
    for found in (layers, run(lambda: delayed_layers.network(layers, counts, 1 * ms), read, 1 * ms)):
        back = classifier_of(found, network.kind)
        for one, two in zip([*network.layers], [*back.layers], strict=True):
            assert torch.equal(one.connections.weight, two.connections.weight)
            assert torch.equal(one.connections.steps, two.connections.steps)
            assert torch.equal(one.current, two.current)
            assert one.neurons.remaining == two.neurons.remaining
        assert torch.equal(network.output.weight, back.output.weight)
        assert torch.equal(network.output.steps, back.output.steps)
        spikes = inputs(8)
        assert torch.equal(network(spikes), back(spikes))
    assert longest(layers) == 9


@pytest.mark.slow
@pytest.mark.parametrize("target", ["cython", "cpp_standalone"])
def test_compiled_targets_fire_the_same_spikes(target, classifier, inputs):
    network, spikes = classifier(), inputs(5)
    plain, compiled = (simulate(network, spikes, target=kind) for kind in ("numpy", target))
    assert all(torch.equal(a, b) for a, b in zip(plain.spikes, compiled.spikes, strict=True))
    assert (plain.membrane - compiled.membrane).abs().max() < 1e-12


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        (np.zeros((2, 3)), r"inputs of shape \(2, 3\) are not \(inputs, time, channels\)"),
        (np.full((1, 3, 12), 0.5), "no whole numbers of events"),
        (np.full((1, 3, 12), -1), "no whole numbers of events"),
        (np.zeros((1, 3, 11)), "layer 0 hears 12 cells, not the 11 before it"),
    ],
)
def test_bad_inputs_get_one_sentence(counts, sentence, classifier):
    with pytest.raises(ValueError, match=sentence):
        simulate(classifier(), torch.tensor(counts))


def test_bad_layers_get_one_sentence(classifier):
    layers = layers_of(classifier())
    with pytest.raises(ValueError, match="readout 'best' is not known; use softmax, last, mean, max"):
        classifier_of(layers, "best")
    with pytest.raises(ValueError, match="the last layer has a constant current"):
        classifier_of([*layers[:-1], layers[-1]._replace(current=np.ones(4))], "mean")
