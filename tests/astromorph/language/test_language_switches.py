"""Effects of causal attention taken away one at a time: against a plain loop over the tokens, and what is refused."""

import pytest
import torch
import torch.nn.functional as F

from astromorph.astrocyte import response_module
from astromorph.models.attention_from_settings import language_attention as attention
from astromorph.settings import CalciumResponse, Wikitext2Settings

HEADS, FEATURES, TOKENS, RESPONSE = 2, 3, 7, CalciumResponse()
SETTINGS = {"width": HEADS * FEATURES, "heads": HEADS, "context": 5, "stride": 5, "position_scale": 4.0}
EFFECTS = [
    ("calcium", "position", "feedback"),
    ("position", "feedback"),
    ("calcium", "feedback"),
    ("exponent", "position", "feedback"),
    ("exponent", "feedback"),
    ("feedback",),
    ("position",),
    (),
]


def built(**changes):
    torch.manual_seed(1)
    return attention(Wikitext2Settings(**SETTINGS, **changes), RESPONSE).double()


def heads_of(layer, tokens):
    """Queries, keys and values (batch, heads, tokens, features)."""
    return layer.to_query_key_value(tokens).unflatten(-1, (3, HEADS, FEATURES)).permute(2, 0, 3, 1, 4).unbind()


def slowly(effects, layer, tokens):
    """Token by token, from the definition."""
    query, key, value = heads_of(layer, tokens)
    query, key = F.elu(query) + 1, F.elu(key) + 1
    rho, output = response_module(RESPONSE).double(), torch.zeros_like(value)
    position = layer.mechanism.position
    for h in range(HEADS):
        for i in range(TOKENS):
            kernel = torch.zeros(i + 1, dtype=torch.float64)
            if "position" in effects:
                ago = i - torch.arange(i + 1)
                kernel = position.log_strength[h].exp() * torch.exp(-ago / position.log_length[h].exp())
            total = key[:, h, : i + 1].sum(1)
            if "calcium" in effects:
                total = (i + 1) * rho(total / (i + 1))
            elif "exponent" in effects:
                total = total**0.25
            similarity = torch.einsum("bf,bjf->bj", query[:, h, i], key[:, h, : i + 1]) + kernel
            calcium = (query[:, h, i] * total).sum(-1) + kernel.sum()
            if "feedback" not in effects:
                calcium = torch.full_like(calcium, FEATURES * SETTINGS["context"])
            output[:, h, i] = torch.einsum("bj,bjf->bf", similarity, value[:, h, : i + 1]) / calcium[:, None]
    return layer.to_output(output.transpose(1, 2).flatten(2))


@pytest.mark.parametrize("effects", EFFECTS, ids=lambda effects: " ".join(effects) or "none")
def test_every_switch_equals_the_definition_in_values_and_gradients(effects):
    layer = built(effects=effects)
    tokens = torch.randn(2, TOKENS, HEADS * FEATURES, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found, expected = layer(tokens), slowly(effects, layer, tokens)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
    learned = list(layer.parameters())
    weight = torch.randn_like(found)
    for ours, theirs in zip(
        torch.autograd.grad(found, learned, weight), torch.autograd.grad(expected, learned, weight), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-10)
    assert any(name.startswith("mechanism.position.") for name in layer.state_dict()) == ("position" in effects)


def test_feedback_alone_is_linear_attention():
    tokens = torch.randn(2, TOKENS, HEADS * FEATURES, dtype=torch.float64)
    assert torch.equal(built(attention="linear")(tokens), built(effects=("feedback",))(tokens))


@pytest.mark.parametrize(
    "changes, told",
    [
        ({"effects": ("calcium", "sigmoid", "feedback")}, "hold the sigmoid, .* no causal form; leave it out"),
        ({"effects": ("calcium", "position")}, "let calcium act on nothing"),
        ({"attention": "softmax", "effects": ("feedback",)}, "effects feedback are not those of softmax attention"),
    ],
)
def test_effects_that_cannot_be_are_refused(changes, told):
    with pytest.raises(ValueError, match=told):
        Wikitext2Settings(**changes)
