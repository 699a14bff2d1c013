"""The weights of the tokens: times the values they give what the mechanism gives, whatever it is."""

import pytest
import torch
from torch import nn

from astromorph.astrocyte import HillResponse, PositionalDrive, PowerLawResponse
from astromorph.attention import AstromorphicMechanism, LinearAttention, MultiheadAttention, SoftmaxAttention
from astromorph.attention.reference import feature, positional_drive
from astromorph.attention.responses import MeanActivityResponse
from astromorph.models.encoder import EncoderLayer
from astromorph.models.text_classifier import TextClassifier
from astromorph.runs.attention_weights import attention_weights, mean_over_queries, weights_of

BATCH, HEADS, TOKENS, FEATURES = 2, 3, 7, 4
LENGTHS = (7, 4)


def drive() -> PositionalDrive:
    drive = PositionalDrive(HEADS, FEATURES, TOKENS, 2.0).double()
    place = torch.arange(TOKENS).double()
    drive.distance_kernel = (-(place[:, None] - place).abs() / 2).exp()  # which is kept in float32
    return drive


MECHANISMS = {
    "softmax": SoftmaxAttention,
    "linear": LinearAttention,
    "power law": lambda: AstromorphicMechanism(MeanActivityResponse(PowerLawResponse(0.8, 0.2, 0.25))),
    "with position": lambda: AstromorphicMechanism(MeanActivityResponse(HillResponse(0.47, 0.66, 1.0, 0.25)), drive()),
}


@pytest.fixture(params=MECHANISMS)
def mechanism(request) -> nn.Module:
    torch.manual_seed(0)
    return MECHANISMS[request.param]().double()


def entering(value_features: int = FEATURES):
    """query, key, value and mask, the second sequence padded."""
    torch.manual_seed(1)
    query, key = torch.randn(2, BATCH, HEADS, TOKENS, FEATURES, dtype=torch.float64)
    value = torch.randn(BATCH, HEADS, TOKENS, value_features, dtype=torch.float64)
    return query, key, value, torch.arange(TOKENS) < torch.tensor(LENGTHS)[:, None]


@torch.no_grad()
def test_weights_times_values_are_the_output_in_every_head(mechanism):
    query, key, value, keep = entering()
    weights = weights_of(mechanism, query, key, value, keep)
    torch.testing.assert_close(weights @ value, mechanism(query, key, value, keep), rtol=1e-12, atol=1e-14)
    assert (weights[1, :, :, LENGTHS[1] :] == 0).all()  # padding


@torch.no_grad()
@pytest.mark.parametrize("name", MECHANISMS)
def test_weights_are_those_of_the_equations(name):
    """Query by query and token by token, from the definitions."""
    torch.manual_seed(0)
    mechanism = MECHANISMS[name]().double()
    query, key, value, keep = entering()
    found = weights_of(mechanism, query, key, value, keep)
    for sequence, length in enumerate(LENGTHS):
        for head in range(HEADS):
            q, k = query[sequence, head], key[sequence, head, :length]
            h = [feature(each) for each in k]
            if name == "with position":
                table = mechanism.position.table[head].detach()
                h = [each + w for each, w in zip(h, positional_drive(table, 2.0), strict=False)]
            total = torch.stack(h).sum(0)
            g = total if name in ("softmax", "linear") else length * mechanism.response.response(total / length)
            for i in range(TOKENS):
                if name == "softmax":
                    scores = torch.stack([(q[i] @ each / FEATURES**0.5).exp() for each in k])
                    expected = scores / scores.sum()
                else:
                    expected = torch.stack([feature(q[i]) @ each for each in h]) / (feature(q[i]) @ g)
                torch.testing.assert_close(found[sequence, head, i, :length], expected, rtol=1e-9, atol=1e-12)


@torch.no_grad()
def test_rows_sum_to_one_unless_calcium_saturates():
    query, key, value, keep = entering()
    sums = {name: weights_of(build().double(), query, key, value, keep).sum(-1) for name, build in MECHANISMS.items()}
    ones = torch.ones(BATCH, HEADS, TOKENS, dtype=torch.float64)
    torch.testing.assert_close(sums["softmax"], ones)
    torch.testing.assert_close(sums["linear"], ones)
    assert (sums["power law"] - 1).abs().max() > 0.01
    proportional = AstromorphicMechanism(MeanActivityResponse(PowerLawResponse(0.0, 1.0, 1.0)))  # linear exactly
    same = weights_of(LinearAttention(), query, key, value, keep)
    torch.testing.assert_close(weights_of(proportional.double(), query, key, value, keep), same)


@torch.no_grad()
def test_padding_changes_the_mean_of_no_sequence(mechanism):
    query, key, value, keep = entering()
    padded = mean_over_queries(weights_of(mechanism, query, key, value, keep), keep)
    length = LENGTHS[1]
    short = [each[1:, :, :length] for each in (query, key, value)]
    alone = mean_over_queries(weights_of(mechanism, *short))
    torch.testing.assert_close(padded[1:, :, :length], alone)
    assert (padded[1, :, length:] == 0).all()


@torch.no_grad()
def test_weights_carry_the_values_to_the_mean_that_is_read(mechanism):
    """In a model: Σ_j weight_j v_j, heads joined, is the mean over real tokens of what the attention layer adds."""
    width = HEADS * FEATURES
    attention = MultiheadAttention(width, HEADS, mechanism)
    model = TextClassifier(20, TOKENS, width, 2, [EncoderLayer(width, attention, 8, 0.0)], 0.0).double().eval()
    model.classify.float()  # what it reads is always float32
    keep = torch.arange(TOKENS) < torch.tensor(LENGTHS)[:, None]
    words = torch.randint(20, (BATCH, TOKENS))
    seen = []
    hook = attention.register_forward_hook(lambda module, inputs, output: seen.append((inputs[0], output)))
    (weights,) = attention_weights(model, (words, keep))
    hook.remove()
    tokens, added = seen[0]
    mean = torch.stack([each[:length].mean(0) for each, length in zip(added, LENGTHS, strict=True)])
    values = attention.to_query_key_value(tokens).view(BATCH, TOKENS, 3, HEADS, FEATURES)[:, :, 2]
    carried = torch.einsum("bhj,bjhf->bhf", weights, values).flatten(1)
    torch.testing.assert_close(attention.to_output(carried), mean, rtol=1e-10, atol=1e-12)


def test_a_mechanism_that_is_no_weighted_sum_is_refused():
    class Bent(nn.Module):
        def forward(self, query, key, value, keep=None):
            return LinearAttention()(query, key, value.tanh(), keep)

    with pytest.raises(ValueError, match="Bent is no weighted sum of its values"):
        weights_of(Bent(), *entering())
