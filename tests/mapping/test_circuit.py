"""Trained layers as circuits: equal to the torch layers per head, with padding, position and without an astrocyte."""

from pathlib import Path

import numpy as np
import pytest
import torch
from brian2 import Hz, ms, second
from torch import nn

import mapping
from astromorph.astrocyte import CurveResponse, HillResponse, PositionalDrive, PowerLawResponse
from astromorph.attention import AstromorphicMechanism, LinearAttention, MultiheadAttention, SoftmaxAttention
from astromorph.attention.responses import MeanActivityResponse
from astromorph.models.encoder import EncoderLayer
from astromorph.models.image_classifier import ImageClassifier
from astromorph.models.image_views import AverageOfViews
from astromorph.models.long_text_classifier import LongTextClassifier
from astromorph.models.text_classifier import TextClassifier
from biophys.circuits.attention_circuit import attend
from biophys.circuits.rate_circuit import RateNeurons
from biophys.circuits.spiking_circuit import SpikingNeurons
from biophys.simulation.recording import load
from mapping.calcium_response import hill
from mapping.circuit import (
    CircuitAttention,
    circuit_layer,
    fitted_calcium,
    hidden_activity,
    measured_calcium,
    with_circuits,
)

WIDTH, HEADS, TOKENS = 6, 2, 5
NEURONS = RateNeurons(T=300 * ms, dt=10 * ms)
RESULTS = Path(__file__).parents[2] / "studies" / "results"


def calcium(rho, position=None):
    return AstromorphicMechanism(MeanActivityResponse(rho), position)


def mechanism(kind):
    torch.manual_seed(1)
    position = PositionalDrive(HEADS, WIDTH // HEADS, TOKENS, scale=2.0)
    return {
        "hill": lambda: calcium(HillResponse(0.47, 0.66, 1.01, 0.25), position),
        "curve": lambda: calcium(CurveResponse((0.1, 1.0, 1.5, 2.0), (0.5, 1.0, 1.3, 1.4)), position),
        "power law": lambda: calcium(PowerLawResponse(0.8, 0.2, 0.25)),
        "linear": LinearAttention,
        "softmax": SoftmaxAttention,
    }[kind]()


def attention(kind):
    torch.manual_seed(0)
    made = MultiheadAttention(WIDTH, HEADS, mechanism(kind))
    nn.init.normal_(made.to_query_key_value.bias)
    return made.double()


def batch():
    """Three sequences, one padded at its end, one in its middle."""
    tokens = torch.randn(3, TOKENS, WIDTH, generator=torch.Generator().manual_seed(2)).double()
    keep = torch.ones(3, TOKENS, dtype=torch.bool)
    keep[1, 2:], keep[2, 1] = False, False
    return tokens, keep


@pytest.mark.parametrize("kind", ["hill", "power law", "curve", "linear"])
def test_layer_and_circuit_give_the_same(kind):
    layer, (tokens, keep) = attention(kind), batch()
    circuit = CircuitAttention(layer, NEURONS)
    found = circuit(tokens, keep)
    with torch.no_grad():
        expected = layer(tokens, keep=keep)
    torch.testing.assert_close(found[keep], expected[keep], rtol=1e-6, atol=1e-7)
    (comparison,) = circuit.comparisons
    differences = (found - expected).norm(dim=-1) / expected.norm(dim=-1)
    worst = [differences[number][keep[number]].max() for number in range(3)]
    np.testing.assert_allclose(comparison.relative_error, worst, rtol=1e-6)
    assert comparison.relative_error.max() < 1e-6


def test_every_head_alone_gives_the_same():
    """Before `to_output` joins them."""
    layer, (tokens, _) = attention("hill"), batch()
    circuit = CircuitAttention(layer, NEURONS)
    everything = torch.ones(3, TOKENS, dtype=torch.bool)
    with torch.no_grad():
        stimuli = circuit._stimuli(tokens, everything)
        layer(tokens)
        projected = layer.to_query_key_value(tokens).view(3, TOKENS, 3, HEADS, -1)
        expected = layer.mechanism(*projected.permute(2, 0, 3, 1, 4)).transpose(
            1, 2
        )  # (batch, tokens, heads, features)
    found = attend(circuit_layer(layer), stimuli, NEURONS, fitted_calcium(layer))
    for head in range(HEADS):
        outputs = np.stack([each[:, head] for each in found.outputs])
        np.testing.assert_allclose(outputs, expected[:, :, head], rtol=1e-6, atol=1e-7)
    with torch.no_grad():
        activity = hidden_activity(layer, tokens, None)
    np.testing.assert_allclose(found.activity, activity, rtol=1e-6)


def test_mean_activity_leaves_padding_out():
    layer, (tokens, keep) = attention("hill"), batch()
    with torch.no_grad():
        together = hidden_activity(layer, tokens, keep)
        alone = hidden_activity(layer, tokens[1:2, :2], None)
    torch.testing.assert_close(together[1:2], alone)


def test_softmax_has_no_circuit():
    with pytest.raises(ValueError, match="SoftmaxAttention has no circuit.*--attention astromorphic or linear"):
        CircuitAttention(attention("softmax"), NEURONS)


def test_the_feature_map_of_a_measured_synapse_has_no_circuit():
    layer = attention("hill")
    layer.mechanism.feature_map = nn.Softplus()
    with pytest.raises(ValueError, match="a measured feature map has no circuit yet"):
        CircuitAttention(layer, NEURONS)


def encoder():
    return EncoderLayer(WIDTH, attention("hill").float(), 8, 0.0)


def test_a_text_model_of_two_layers_runs_through_circuits():
    torch.manual_seed(3)
    model = TextClassifier(20, TOKENS, WIDTH, 2, [encoder(), encoder()], 0.0).eval()
    words, keep = torch.tensor([[3, 4, 5, 6], [7, 8, 0, 0]]), torch.tensor([[True] * 4, [True, True, False, False]])
    circuit, circuits = with_circuits(model, NEURONS)
    with torch.no_grad():
        torch.testing.assert_close(circuit(words, keep), model(words, keep), rtol=1e-5, atol=1e-6)
    assert [len(each.comparisons) for each in circuits] == [1, 1]
    assert not any(isinstance(module, CircuitAttention) for module in model.modules())


def test_a_model_that_reads_in_segments_runs_through_circuits():
    torch.manual_seed(3)
    model = LongTextClassifier(11, 8, WIDTH, 2, [encoder()], 0.0, memory=1, segments=2, retention=0.7).eval()
    words, keep = torch.randint(11, (2, 8)), torch.arange(8) < torch.tensor([[8], [3]])  # one and two segments
    circuit_model, circuits = with_circuits(model, NEURONS)
    with torch.no_grad():
        torch.testing.assert_close(circuit_model(words, keep), model(words, keep), rtol=1e-5, atol=1e-6)
    assert [len(circuit.comparisons) for circuit in circuits] == [2]


def test_both_views_of_an_image_run_through_circuits():
    torch.manual_seed(3)
    front = nn.Conv2d(1, WIDTH, 1)
    model = AverageOfViews(ImageClassifier(front, 4, WIDTH, 3, [encoder()], 0.0)).eval()
    images = torch.rand(2, 1, 2, 2)
    circuit, (layer,) = with_circuits(model, NEURONS)
    with torch.no_grad():
        torch.testing.assert_close(circuit(images), model(images), rtol=1e-5, atol=1e-6)
    assert len(layer.comparisons) == 2


def test_the_measured_astrocyte_answers_within_the_residual_of_its_fit():
    """The ChI model itself in place of the Hill curve, over the activities that trained models need."""
    section = mapping.read(RESULTS / "astrocyte.yaml").calcium_response
    calcium = measured_calcium(load(RESULTS / "calcium-response.nc"), section.reference)
    response = section.response
    layer = attention("hill")
    layer.mechanism.response = MeanActivityResponse(
        HillResponse(response.baseline, response.amplitude, response.exponent, response.half)
    )
    circuit = CircuitAttention(layer, NEURONS, calcium._replace(step=4 * calcium.step, averaged=10 * second))
    tokens, _ = batch()
    circuit(tokens)
    residual = section.candidates["hill"].residual_rms
    assert 1e-5 < circuit.comparisons[0].relative_error.max() < residual
    # and the curve itself is the one that was fitted
    x = np.array([0.3, 1.0, 3.0])
    fitted = fitted_calcium(layer)
    powered = x**fitted.alpha
    rho = fitted.rho_0 + fitted.rho_1 * powered / (1 + (x * fitted.inverse_K) ** fitted.alpha)
    np.testing.assert_allclose(rho, hill(x, response.baseline, response.amplitude, response.exponent, response.half))


def test_a_spiking_circuit_comes_near_in_every_head():
    layer, (tokens, keep) = attention("hill"), batch()
    circuit = CircuitAttention(layer, SpikingNeurons(R=3200 * Hz, dt=10 * ms), seed=0)
    circuit(tokens, keep)
    assert 1e-3 < circuit.comparisons[0].relative_error.max() < 0.3
