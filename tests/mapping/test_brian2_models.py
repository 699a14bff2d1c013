"""Networks in Brian2 from Python: called as they were, with the same answers, from a model or from its run."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from brian2 import Hz, ms, second
from safetensors.torch import save_file
from torch import nn

import mapping
from astromorph.astrocyte import HillResponse, PositionalDrive
from astromorph.attention import (
    AstromorphicAttention,
    AstromorphicMechanism,
    LinearAttention,
    MultiheadAttention,
    SoftmaxAttention,
)
from astromorph.attention.responses import MeanActivityResponse
from astromorph.models.encoder import EncoderLayer
from astromorph.models.image_classifier import ImageClassifier
from astromorph.models.spiking_classifier import SpikingClassifier
from astromorph.models.text_classifier import TextClassifier
from astromorph.runs.pretrained import AstromorphicClassifier
from astromorph.runs.run_folder import RunFolder
from astromorph.settings import CalciumResponse, DigitsSettings, SpokenDigitsSettings
from astromorph.tasks import build_model
from biophys.circuits.process_calcium import FittedCalcium
from biophys.circuits.rate_circuit import RateNeurons
from biophys.circuits.spiking_circuit import SpikingNeurons

WIDTH, HEADS, TOKENS = 6, 2, 5
NEURONS = RateNeurons(T=300 * ms, dt=10 * ms)
SPOKEN = SpokenDigitsSettings(hidden=(12, 8), channels=20, frames=25, longest=6)


def attention(mechanism=None, delays=None):
    torch.manual_seed(0)
    drive = PositionalDrive(HEADS, WIDTH // HEADS, TOKENS, scale=2.0)
    calcium = MeanActivityResponse(HillResponse(0.47, 0.66, 1.01, 0.25))
    layer = MultiheadAttention(WIDTH, HEADS, mechanism or AstromorphicMechanism(calcium, drive), delays=delays)
    nn.init.normal_(layer.to_query_key_value.bias)
    return layer


def classifier(*layers, dropout=0.0):
    torch.manual_seed(3)
    encoders = [EncoderLayer(WIDTH, layer, 8, dropout) for layer in layers]
    return TextClassifier(20, TOKENS, WIDTH, 2, encoders, dropout)


def texts():
    return torch.tensor([[3, 4, 5, 6], [7, 8, 0, 0]]), torch.tensor([[True] * 4, [True, True, False, False]])


def digits_run(path, attention="linear"):
    settings = DigitsSettings(attention=attention, width=8, heads=2, feedforward=8)
    response = CalciumResponse() if attention == "astromorphic" else None
    folder = RunFolder.create(path, "digits", settings, response)
    torch.manual_seed(0)
    save_file(build_model(settings, response).state_dict(), path / "weights.safetensors")
    return folder


@pytest.fixture(scope="module")
def spoken_run(tmp_path_factory):
    """An untrained network whose neurons fire."""
    folder = RunFolder.create(tmp_path_factory.mktemp("runs") / "spoken", "spoken-digits", SPOKEN, None)
    torch.manual_seed(0)
    model = SpikingClassifier(20, (12, 8), 10, 6, tau=SPOKEN.tau, dropout=SPOKEN.dropout, readout=SPOKEN.readout)
    for layer in model.hidden:
        nn.init.constant_(layer.norm.bias, 0.4)
    save_file(model.state_dict(), folder.path / "weights.safetensors")
    return folder


def test_a_classifier_answers_as_it_did_and_is_left_alone():
    model, inputs = classifier(attention(), attention(LinearAttention()), dropout=0.5), texts()
    before = deepcopy(model.state_dict())
    circuit = mapping.to_brian2(model, NEURONS)
    assert circuit.largest_error == 0
    answered = circuit(*inputs)
    assert model.training and not circuit.training and not circuit.network.training  # no dropout in the circuit
    with torch.no_grad():
        torch.testing.assert_close(answered, model.eval()(*inputs), rtol=1e-5, atol=1e-6)
    assert list(circuit.circuits) == ["layers.0.attention", "layers.1.attention"]
    assert [len(each.comparisons) for each in circuit.circuits.values()] == [1, 1]
    assert 0 < circuit.largest_error < 1e-6
    circuit(*inputs)
    assert [len(each.comparisons) for each in circuit.circuits.values()] == [2, 2]
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())


def test_a_layer_alone_answers_as_it_did():
    layer = attention().double()
    circuit, tokens = mapping.to_brian2(layer), torch.randn(2, TOKENS, WIDTH).double()
    keep = torch.tensor([[True] * 5, [True, False, True, False, False]])
    with torch.no_grad():
        expected = layer(tokens, keep=keep)
    torch.testing.assert_close(circuit(tokens, keep=keep)[keep], expected[keep], rtol=1e-6, atol=1e-7)
    assert 0 < circuit.largest_error < 1e-6 and list(circuit.circuits) == [""]


def test_the_layer_of_other_models_answers_as_it_did():
    torch.manual_seed(0)
    layer = AstromorphicAttention(WIDTH, HEADS, position=PositionalDrive(HEADS, WIDTH // HEADS, TOKENS, scale=2.0))
    circuit, tokens = mapping.to_brian2(layer, NEURONS), torch.randn(2, TOKENS, WIDTH)
    with torch.no_grad():
        torch.testing.assert_close(circuit(tokens), layer(tokens), rtol=1e-5, atol=1e-6)
    assert 0 < circuit.largest_error < 1e-6


def test_neurons_and_calcium_are_those_that_are_given():
    layer, tokens = attention(), torch.randn(1, TOKENS, WIDTH)
    linear = mapping.to_brian2(layer, NEURONS, FittedCalcium())
    linear(tokens)
    assert linear.largest_error > 0.01  # not the response of the layer
    spiking = [mapping.to_brian2(layer, SpikingNeurons(R=3200 * Hz, dt=10 * ms), seed=seed) for seed in (0, 0, 1)]
    first, again, other = (circuit(tokens) for circuit in spiking)
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert 1e-3 < spiking[0].largest_error < 0.3


def test_a_run_and_its_classifier_are_loaded_first(tmp_path):
    folder = digits_run(tmp_path / "run", "astromorphic")
    reader = AstromorphicClassifier.from_pretrained(folder.path)
    images = torch.randint(0, 17, (2, 1, 8, 8), generator=torch.Generator().manual_seed(0))
    expected = reader.predict(images)
    for given in (folder, folder.path, str(folder.path), reader):
        circuit = mapping.to_brian2(given, NEURONS)
        assert list(circuit.circuits) == ["layers.0.attention"]
    reader.model = circuit  # and so predicts with it
    torch.testing.assert_close(reader.predict(images), expected, rtol=1e-5, atol=1e-6)
    assert 0 < circuit.largest_error < 1e-5


@pytest.mark.parametrize("deployed", [True, False])
def test_a_spiking_classifier_fires_the_same_spikes(deployed, inputs):
    torch.manual_seed(0)
    model = SpikingClassifier(12, [16, 10], 4, 9, tau=1.5).eval()
    for layer in model.hidden:
        nn.init.constant_(layer.norm.bias, 0.4)
    network = model.deployed() if deployed else model
    circuit, spikes = mapping.to_brian2(network), inputs(6)
    assert circuit.dt == 1 * ms
    expected = deepcopy(model.deployed()).double().activity(spikes)
    answered = circuit.activity(spikes)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(answered.spikes, expected.spikes, strict=True))
    assert answered.spikes[0].sum() > 10
    logits = circuit(spikes)
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits, model(spikes), rtol=1e-5, atol=1e-5)
    first, second_call = circuit.comparisons
    assert first.different_spikes.tolist() == second_call.different_spikes.tolist() == [0] * 6
    assert first.logit_difference.shape == (6,) and first.logit_difference.max() < 1e-12


def test_different_spikes_are_counted(classifier, inputs):
    """A current in Brian2 alone drives one neuron of the first layer at every step."""
    circuit, spikes = mapping.to_brian2(classifier()), inputs(2)
    expected = deepcopy(circuit.network).double().activity(spikes)
    layers = mapping.brian2_models.simulate(circuit.network, spikes)
    altered = layers._replace(spikes=(1 - layers.spikes[0], layers.spikes[1]), logits=layers.logits + 0.5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mapping.brian2_models.simulate", lambda *given, **options: altered)
        circuit(spikes)
    (comparison,) = circuit.comparisons
    assert comparison.different_spikes.tolist() == [expected.spikes[0][0].numel()] * 2
    np.testing.assert_allclose(comparison.logit_difference, 0.5)


def test_the_run_of_a_spiking_network_brings_its_time_step(spoken_run):
    spikes = torch.randint(0, 3, (3, 25, 20), generator=torch.Generator().manual_seed(0))
    for given in (spoken_run, str(spoken_run.path)):
        circuit = mapping.to_brian2(given)
        assert circuit.dt == SPOKEN.frame * second
    assert mapping.to_brian2(spoken_run, dt=2 * ms).dt == 2 * ms
    circuit(spikes)
    assert circuit.comparisons[0].different_spikes.tolist() == [0] * 3


def no_attention():
    return ImageClassifier(nn.Conv2d(1, WIDTH, 1), 4, WIDTH, 3, [], 0.0)


@pytest.mark.parametrize(
    ("model", "options", "sentence"),
    [
        (no_attention, {}, "ImageClassifier has no attention, and so no circuit; use one with --attention linear"),
        (lambda: attention(SoftmaxAttention()), {}, "SoftmaxAttention has no circuit"),
        (lambda: classifier(attention(), attention(SoftmaxAttention())), {}, "SoftmaxAttention has no circuit"),
        (
            lambda: attention(delays=nn.Identity()),
            {},
            "a layer that delays keys and values has no circuit here",
        ),
        (attention, {"dt": 1 * ms}, "circuits of attention take the time step of their neurons"),
    ],
)
def test_what_has_no_circuit_is_refused_in_one_sentence(model, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        mapping.to_brian2(model(), **options)


def test_runs_without_a_circuit_are_refused_in_one_sentence(tmp_path, spoken_run):
    with pytest.raises(ValueError, match="has its own neurons and no astrocytes; leave neurons and calcium out"):
        mapping.to_brian2(spoken_run, NEURONS)
    with pytest.raises(ValueError, match="has its own neurons and no astrocytes"):
        mapping.to_brian2(spoken_run, calcium=FittedCalcium())
    none = digits_run(tmp_path / "none", "none")
    with pytest.raises(ValueError, match="run .*none has no attention, and so no circuit; use one with"):
        mapping.to_brian2(none)
    with pytest.raises(FileNotFoundError, match="gone holds no run"):
        mapping.to_brian2(tmp_path / "gone")
    empty = RunFolder.create(tmp_path / "empty", "digits", DigitsSettings(), CalciumResponse())
    with pytest.raises(FileNotFoundError, match="weights.safetensors is missing; train to the end of an epoch"):
        mapping.to_brian2(empty.path)


def test_a_run_goes_through_a_nir_file_and_into_brian2(spoken_run, tmp_path):
    spikes = torch.randint(0, 3, (3, 25, 20), generator=torch.Generator().manual_seed(0)).float()
    written = mapping.to_nir(spoken_run.path, tmp_path / "spoken.nir")
    assert (written.dt, written.readout, len(written.layers)) == (SPOKEN.frame, SPOKEN.readout, 3)
    back = mapping.from_nir(tmp_path / "spoken.nir")
    with torch.no_grad():
        circuit = mapping.to_brian2(back, dt=SPOKEN.frame * second)
        torch.testing.assert_close(circuit(spikes), mapping.to_brian2(spoken_run)(spikes), rtol=0, atol=1e-6)
