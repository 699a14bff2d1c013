"""Through a NIR file and back: the same arrays and predictions; graphs by hand; forward Euler as others read them."""

from copy import deepcopy

import nir
import numpy as np
import pytest
import torch

import mapping
from biophys.circuits.delayed_layer import Layer
from mapping.delay_kernel import classifier_of, layers_of
from mapping.nir_exchange import Exchanged, graph, network, read, write


@pytest.mark.parametrize("kind", ["synapse", "axon", "dendrite", "none"])
@pytest.mark.parametrize("tau", [1.0, 1.005, 3.0])
def test_a_classifier_comes_back_from_its_file(kind, tau, tmp_path, classifier, inputs):
    ours = classifier(*(["synapse", "none"] if kind == "none" else [kind]), tau=tau, readout="mean")
    write(tmp_path / "net.nir", Exchanged(layers_of(ours), 0.01, ours.kind))
    back = read(tmp_path / "net.nir")
    assert (back.dt, back.readout) == (0.01, "mean")
    for one, two in zip(layers_of(ours), back.layers, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    theirs, spikes = classifier_of(back.layers, "mean"), inputs(30)
    assert torch.equal(ours(spikes), theirs(spikes)) or kind == "none"  # which the way back computes as of axons
    one, two = (deepcopy(each).double().activity(spikes) for each in (ours, theirs))
    assert torch.equal(one.spikes[1], two.spikes[1])
    assert (one.logits - two.logits).abs().max() < 1e-12
    assert list(tmp_path.iterdir()) == [tmp_path / "net.nir"]


@pytest.mark.parametrize("kind", ["synapse", "axon", "dendrite"])
def test_forward_euler_of_the_graph_is_the_network(kind, classifier, inputs):
    """Read as NIR means it: tau v' = v_leak - v + r x, a spike above the threshold, delays of channels."""
    ours, spikes, dt = classifier(kind, tau=1.5), inputs(5), 0.01
    expected = deepcopy(ours).double().activity(spikes)
    found = graph(Exchanged(layers_of(ours), dt, None))
    x, fired = spikes.numpy().astype(float), []
    for source, name in found.edges:
        node = found.nodes[name]
        assert list(found.nodes).index(name) == list(found.nodes).index(source) + 1
        if isinstance(node, nir.Linear | nir.Affine):
            x = x @ node.weight.T + (node.bias if isinstance(node, nir.Affine) else 0)
        elif isinstance(node, nir.Delay):
            late = np.zeros_like(x)
            for channel, steps in enumerate(np.rint(node.delay / dt).astype(int)):
                late[:, steps:, channel] = x[:, : x.shape[1] - steps, channel]
            x = late
        elif isinstance(node, nir.LIF | nir.LI):
            v, course = np.zeros_like(x[:, 0]), []
            for now in x.swapaxes(0, 1):
                v = v + dt / node.tau * (node.v_leak - v + node.r * now)
                spike = v > node.v_threshold if isinstance(node, nir.LIF) else np.zeros(v.shape, bool)
                course.append(spike if isinstance(node, nir.LIF) else v)
                v = np.where(spike, 0.0, v)
            x = np.stack(course, 1).astype(float)
            fired.append(x)
    for one, two in zip(fired[:-1], expected.spikes, strict=True):
        assert np.array_equal(one, two)
    assert np.abs(fired[-1] - expected.membrane.numpy()).max() < 1e-12


def test_taps_are_the_different_pairs_of_input_and_delay():
    steps = np.array([[0, 3], [2, 3], [0, 1]])
    layer = Layer(np.arange(1.0, 7).reshape(3, 2), steps, np.zeros(3), 0.5)
    nodes = graph(Exchanged([layer], 0.001, None)).nodes
    assert np.allclose(nodes["delays_0"].delay, [0, 0.002, 0.001, 0.003])
    assert np.array_equal(nodes["taps_0"].weight, [[1, 0], [1, 0], [0, 1], [0, 1]])
    assert np.array_equal(nodes["weights_0"].weight, [[1, 0, 0, 2], [0, 3, 0, 4], [5, 0, 6, 0]])


def neurons(count, *, tau=0.002, r=2.0, threshold=1.0, reset=0.0, leak=0.0):
    full = np.ones(count)
    return nir.LIF(tau * full, r * full, leak * full, threshold * full, reset * full)


def integrators(count, *, tau=0.002, r=2.0):
    return nir.LI(tau * np.ones(count), r * np.ones(count), np.zeros(count))


def chained(*nodes, dt=0.001):
    found = nir.NIRGraph.from_list(*nodes)
    found.metadata = {"dt": dt} if dt else {}
    return found


def test_graphs_of_others_are_taken_in_units_of_their_threshold():
    """tau 2 steps, r 4, threshold 0.5 and rest 0.1: weights count r dt / (tau threshold) = 4 times, rest adds 0.1."""
    weight, bias = np.array([[0.5, -1.0]]), np.array([0.05])
    found = chained(
        nir.Delay(np.array([0.0, 0.003])),
        nir.Scale(np.array([2.0, 1.0])),
        nir.Affine(weight, bias),
        neurons(1, r=4.0, threshold=0.5, leak=0.1),
        nir.Linear(np.ones((2, 1))),
        integrators(2),
    )
    (hidden, last), dt, readout = network(found)
    assert (dt, readout, hidden.kept) == (0.001, None, 0.5)
    assert hidden.weight == pytest.approx(np.array([[4.0, -4.0]]))
    assert np.array_equal(hidden.steps, [[0, 3]])
    assert hidden.current == pytest.approx([0.05 * 4 + 0.1 / 2 / 0.5])
    assert np.array_equal(last.weight, np.ones((2, 1)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("weights", "threshold"),
    [
        ([0.5, 0.5], 1),
        ([1, 1], 2),
        ([0.25] * 4, 1),
        ([1.5, 1.5], 3),
        ([1] * 3, 3),
        ([1] * 7, 7),
        ([2, -1], 1),
        ([0.1], 0.1),
    ],
)
def test_a_threshold_that_is_only_met_is_no_spike_and_one_that_is_passed_is(weights, threshold, dtype):
    spikes = torch.ones(1, 1, len(weights))
    for more, fired in ((0, 0), (1e-6, 1)):
        found = nir.NIRGraph.from_list(
            nir.Linear(np.array([weights], dtype) * dtype(1 + more)),
            nir.LIF(*(np.array([value], dtype) for value in (1e-4, 1, 0, threshold, 0))),
            ONE, nir.LI(np.array([1e-4]), np.ones(1), np.zeros(1)),
        )  # fmt: skip
        found.metadata = {"dt": 1e-4}
        back = classifier_of(network(found).layers, "mean")
        assert int(back.activity(spikes).spikes[0].sum()) == fired
        assert int(deepcopy(back).double().activity(spikes.double()).spikes[0].sum()) == fired


def test_what_changes_nothing_is_passed_over(tmp_path):
    """A Flatten of what is flat, or of all axes of an input, and an edge that is listed twice."""
    weight = np.arange(6.0).reshape(1, 6)
    plain = network(chained(nir.Linear(weight), neurons(1), nir.Flatten(np.array([1]), 0), ONE, integrators(1)))
    shaped = nir.NIRGraph(
        {"input": nir.Input(np.array([2, 3])), "flat": nir.Flatten(np.array([2, 3]), 0), "weights": nir.Linear(weight),
         "lif": neurons(1), "last": ONE, "li": integrators(1), "output": nir.Output(np.array([1]))},
        [("input", "flat"), ("flat", "weights"), ("weights", "lif"), ("lif", "last"), ("last", "li"), ("li", "output")],
        {"dt": 0.001},
    )  # fmt: skip
    shaped.edges.append(("flat", "weights"))
    nir.write(tmp_path / "twice.nir", shaped)
    for taken in (network(shaped), read(tmp_path / "twice.nir")):
        for one, other in zip(plain.layers, taken.layers, strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


ONE = nir.Linear(np.ones((1, 1)))
TWO_DELAYS = [nir.Linear(np.ones((2, 1))), nir.Delay(np.array([0, 0.002])), nir.Linear(np.ones((1, 2))), integrators(1)]


@pytest.mark.parametrize(
    ("nodes", "sentence"),
    [
        ([ONE, neurons(1, reset=0.2), ONE, integrators(1)], "'lif' does not reset from a threshold above 0 to 0"),
        ([ONE, nir.IF(*np.ones((3, 1))), ONE, integrators(1)], "node 'if' is a IF; this network knows Linear, Affine"),
        ([ONE, neurons(1)], "does not end in neurons that only integrate"),
        ([ONE, integrators(1), ONE, integrators(1)], "node 'li' is a LI; this network knows .* at the end, LI"),
        ([ONE, neurons(1, tau=0.0005), ONE, integrators(1)], "time constants of 0.5 to 0.5 steps; use one for all"),
        ([ONE, neurons(1, tau=np.nan), ONE, integrators(1)], "time constants of nan to nan steps"),
        ([nir.Linear(np.full((1, 1), np.nan)), integrators(1)], "into 'li' are no finite numbers; repair the graph"),
        ([nir.Delay(np.array([0.0015])), ONE, integrators(1)], "no whole number of time steps of 0.001 s; round them"),
        ([nir.Affine(np.ones((1, 1)), np.ones(1)), nir.Delay(np.array([0.001])), integrators(1)], "a constant current"),
        (TWO_DELAYS, "neuron 0 of 'li' hears input 0 at several delays"),
    ],
)
def test_foreign_graphs_are_refused_in_one_sentence(nodes, sentence):
    with pytest.raises(ValueError, match=sentence):
        network(chained(*nodes))


def test_bad_files_and_shapes_are_refused_in_one_sentence(tmp_path):
    with pytest.raises(ValueError, match="the graph names no time step; give dt in seconds"):
        network(chained(ONE, integrators(1), dt=None))
    assert network(chained(ONE, integrators(1), dt=None), 0.002).dt == 0.002
    loop = chained(ONE, integrators(1))
    loop.edges.append(("li", "linear"))
    with pytest.raises(ValueError, match="node 'li' leads to 'output' and 'linear'; only a chain can be taken"):
        network(loop)
    with pytest.raises(ValueError, match="is no file; give a NIR file"):
        read(tmp_path / "none.nir")
    nir.write(tmp_path / "if.nir", chained(ONE, nir.IF(*np.ones((3, 1))), ONE, integrators(1)))
    with pytest.raises(ValueError, match=r"if.nir holds no network that can be taken \(node 'if' is a IF"):
        read(tmp_path / "if.nir")
    (tmp_path / "text.nir").write_text("nothing")
    with pytest.raises(ValueError, match="text.nir holds no network that can be taken"):
        read(tmp_path / "text.nir")


@pytest.mark.parametrize("kind", ["synapse", "axon", "dendrite"])
def test_from_python_a_classifier_comes_back_whole(kind, tmp_path, classifier, inputs):
    network, spikes = classifier(kind, readout="max"), inputs(20)
    written = mapping.to_nir(network, str(tmp_path / "net.nir"), dt=0.01)
    assert (written.dt, written.readout) == (0.01, "max") and read(tmp_path / "net.nir").dt == 0.01
    assert torch.equal(mapping.from_nir(tmp_path / "net.nir")(spikes), network(spikes))
    mapping.to_nir(network, tmp_path / "net.nir")
    assert read(tmp_path / "net.nir").dt == 0.001


def test_what_a_file_does_not_say_is_asked_for(tmp_path, classifier, inputs):
    network, spikes = classifier(readout="last"), inputs(3)
    unnamed = graph(Exchanged(layers_of(network), 0.01, None))
    unnamed.metadata = {}
    nir.write(tmp_path / "net.nir", unnamed)
    with pytest.raises(ValueError, match="names no time step; give dt in seconds"):
        mapping.from_nir(tmp_path / "net.nir")
    with pytest.raises(ValueError, match="does not say how its last layer is read; give readout softmax, last, mean"):
        mapping.from_nir(tmp_path / "net.nir", dt=0.01)
    with pytest.raises(ValueError, match="readout 'best' is not known; use softmax, last, mean, max"):
        mapping.from_nir(tmp_path / "net.nir", dt=0.01, readout="best")
    back = mapping.from_nir(tmp_path / "net.nir", dt=0.01, readout="last")
    assert torch.equal(back(spikes), network(spikes))


def test_networks_that_do_not_spike_are_no_nir_file(tmp_path):
    with pytest.raises(ValueError, match="Linear has no spikes; use one on a spiking data set"):
        mapping.to_nir(torch.nn.Linear(2, 2), tmp_path / "net.nir")
    assert not list(tmp_path.iterdir())
