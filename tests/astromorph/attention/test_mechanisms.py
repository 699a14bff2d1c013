"""The fast attention forms against the token-by-token reference, closed forms, and the properties users rely on."""

import pytest
import torch

from astromorph.astrocyte import HillResponse, PositionalDrive, PowerLawResponse, response_module
from astromorph.attention import (
    AstromorphicMechanism,
    LinearAttention,
    MultiheadAttention,
    SoftmaxAttention,
    reference,
)
from astromorph.attention.responses import MeanActivityResponse
from astromorph.settings import CalciumResponse

BATCH, HEADS, TOKENS, FEATURES, SCALE = 2, 3, 7, 4, 2.5


def tokens(seed: int = 0) -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    shape = (BATCH, HEADS, TOKENS, FEATURES)
    return [torch.randn(shape, generator=draw, dtype=torch.float64).requires_grad_() for _ in range(3)]


def positional_drive() -> PositionalDrive:
    torch.manual_seed(1)
    return PositionalDrive(HEADS, FEATURES, TOKENS, SCALE).double()


def calcium(rho, position=None) -> AstromorphicMechanism:
    return AstromorphicMechanism(MeanActivityResponse(rho), position)


def mechanisms() -> dict[str, torch.nn.Module]:
    return {
        "softmax": SoftmaxAttention(),
        "linear": LinearAttention(),
        "power law": calcium(PowerLawResponse(0.8, 0.2, 0.25)),
        "power law, position": calcium(PowerLawResponse(0.0, 1.0, 0.25), positional_drive()),
        "Hill, position": calcium(HillResponse(0.47, 0.66, 1.01, 0.25), positional_drive()),
    }


KEEP = torch.tensor([[True] * TOKENS, [True] * 4 + [False] * (TOKENS - 4)])


def reference_output(query, key, value, keep, response, table):
    outputs = torch.empty_like(query)
    for b in range(BATCH):
        for h in range(HEADS):
            drive = None if table is None else reference.positional_drive(table[h], SCALE)
            written = reference.write(key[b, h], value[b, h], keep[b].tolist(), drive)
            outputs[b, h] = reference.read(query[b, h], *written, response)
    return outputs


@pytest.mark.parametrize("name", ["linear", "power law", "power law, position", "Hill, position"])
@pytest.mark.parametrize("padded", [False, True])
def test_fast_form_equals_the_reference_in_values_and_gradients(name, padded):
    mechanism = mechanisms()[name]
    response = getattr(mechanism.response, "response", lambda x: x)
    position = mechanism.position if "position" in name else None
    inputs = tokens()
    keep = KEEP if padded else torch.ones_like(KEEP)
    fast = mechanism(*inputs, keep if padded else None)
    slow = reference_output(*inputs, keep, response, None if position is None else position.table)
    torch.testing.assert_close(fast, slow, rtol=1e-6 if position else 1e-11, atol=1e-8 if position else 1e-12)
    learned = inputs + ([] if position is None else [position.table])
    weights = torch.randn(fast.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    for one, other in zip(
        torch.autograd.grad((fast * weights).sum(), learned),
        torch.autograd.grad((slow * weights).sum(), learned),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["linear", "power law", "power law, position", "Hill, position"])
def test_gradients_equal_finite_differences(name):
    mechanism = mechanisms()[name]
    assert torch.autograd.gradcheck(lambda q, k, v: mechanism(q, k, v, KEEP), tokens(), atol=1e-6)


def test_a_linear_response_without_position_is_linear_attention():
    inputs = tokens(3)
    astromorphic = calcium(PowerLawResponse(0.0, 1.0, 1.0))(*inputs, KEEP)
    torch.testing.assert_close(astromorphic, LinearAttention()(*inputs, KEEP), rtol=1e-12, atol=1e-12)


def test_a_linear_response_weighs_values_to_a_mean_also_with_position():
    query, key, value = tokens(4)
    mechanism = calcium(PowerLawResponse(0.0, 1.0, 1.0), positional_drive())
    ones = mechanism(query, key, torch.ones_like(value), KEEP)
    torch.testing.assert_close(ones, torch.ones_like(ones))


def test_a_bare_exponent_multiplies_equal_keys_by_a_known_gain():
    query, key, value = tokens(5)
    key = torch.full_like(key, 1.0)  # φ(1) = 2, so ρ(2) = 2^α where linear attention has 2
    saturated = calcium(PowerLawResponse(0.0, 1.0, 0.25))(query, key, value)
    torch.testing.assert_close(saturated, LinearAttention()(query, key, value) * 2**0.75)


@pytest.mark.parametrize("name", list(mechanisms()))
def test_padding_changes_nothing(name):
    query, key, value = (tensor.detach() for tensor in tokens())
    mechanism = mechanisms()[name]
    padded = mechanism(query, key, value, KEEP)
    changed_key, changed_value = key.clone(), value.clone()
    changed_key[1, :, 4:], changed_value[1, :, 4:] = 50.0, -9.0
    torch.testing.assert_close(mechanism(query, changed_key, changed_value, KEEP), padded)
    short = mechanism(query[1:, :, :4], key[1:, :, :4], value[1:, :, :4])
    torch.testing.assert_close(short, padded[1:, :, :4])


@pytest.mark.parametrize("name", ["softmax", "linear", "power law"])
def test_without_position_the_order_of_keys_does_not_matter(name):
    query, key, value = tokens()
    order = torch.tensor([3, 0, 6, 2, 5, 1, 4])
    mechanism = mechanisms()[name]
    torch.testing.assert_close(mechanism(query, key[..., order, :], value[..., order, :]), mechanism(query, key, value))


def test_position_makes_the_order_of_keys_matter():
    query, key, value = tokens()
    mechanism = mechanisms()["power law, position"]
    turned = mechanism(query, key.flip(-2), value.flip(-2))
    assert (turned - mechanism(query, key, value)).abs().max() > 1e-3


@pytest.mark.parametrize("name", list(mechanisms()))
def test_bfloat16_stays_close_over_many_tokens(name):
    mechanism = mechanisms()[name].float()
    if "position" in name:
        mechanism.position = PositionalDrive(HEADS, FEATURES, 4096, 16.0)
    draw = torch.Generator().manual_seed(0)
    inputs = [torch.randn(1, HEADS, 4096, FEATURES, generator=draw) for _ in range(3)]
    exact, rounded = mechanism(*inputs), mechanism(*(tensor.bfloat16() for tensor in inputs))
    assert rounded.dtype == torch.bfloat16
    torch.testing.assert_close(rounded.float(), exact, rtol=0.05, atol=0.01)


def test_distances_on_a_grid_are_euclidean():
    drive = PositionalDrive(1, 2, tokens=12, scale=2.0, rows=3)  # three rows of four
    expected = torch.exp(torch.tensor(-(5.0**0.5) / 2.0))
    assert drive.distance_kernel[1, 4 + 3] == pytest.approx(float(expected))  # one row down, two columns right


def test_more_tokens_than_positions_are_refused():
    mechanism = calcium(PowerLawResponse(0.8, 0.2, 0.25), PositionalDrive(1, 4, 5, 2.0))
    with pytest.raises(ValueError, match="7 tokens are more than the 5 positions"):
        mechanism(*(torch.zeros(1, 1, 7, 4) for _ in range(3)))


def test_multihead_layer_projects_attends_and_projects_back():
    torch.manual_seed(0)
    layer = MultiheadAttention(12, 3, SoftmaxAttention())
    theirs = torch.nn.MultiheadAttention(12, 3, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(layer.to_query_key_value.weight)
        theirs.in_proj_bias.copy_(layer.to_query_key_value.bias)
        theirs.out_proj.weight.copy_(layer.to_output.weight)
        theirs.out_proj.bias.copy_(layer.to_output.bias)
    x = torch.randn(2, TOKENS, 12)
    torch.testing.assert_close(layer(x, keep=KEEP), theirs(x, x, x, key_padding_mask=~KEEP, need_weights=False)[0])


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="width 130 does not divide into 4 heads; use a multiple of 4"):
        MultiheadAttention(130, 4, SoftmaxAttention())


def test_responses_are_one_at_the_reference_and_follow_their_formula():
    hill = CalciumResponse("hill", 0.47, 0.6606, 1.009, 0.2498, 0.08, 11.0, "test")
    x = torch.tensor([0.1, 1.0, 5.0])
    expected = 0.47 + 0.6606 * x**1.009 / (0.2498**1.009 + x**1.009)
    torch.testing.assert_close(response_module(hill)(x), expected)
    assert response_module(CalciumResponse())(torch.ones(1)).item() == pytest.approx(1.0)
