"""Delays of keys and values, learned a head."""

import pytest
import torch

from astromorph.attention import LinearAttention, MultiheadAttention, SoftmaxAttention
from astromorph.attention.token_delays import TokenDelays, delayed, narrow
from astromorph.delays import annealed_width, delayed_slowly, gaussian
from astromorph.runs.attention_weights import attention_weights
from astromorph.settings import ImdbSettings
from astromorph.tasks.imdb import build_model as text_model
from astromorph.training.optimiser import build_optimiser


def slowly(x, delay, longest, width):
    """Head by head, channel by channel, through the reference of the delay layer."""
    heads, features = x.shape[2:]
    weight = torch.eye(heads * features, dtype=x.dtype)
    each = delay.repeat_interleave(features)[:, None].expand(-1, heads * features)
    return delayed_slowly(x.flatten(2), weight, each, longest, width).unflatten(-1, (heads, features))


@pytest.mark.parametrize(("longest", "width"), [(0, 0.0), (3, 1.5), (7, 0.5), (30, 4.0)])
def test_equals_the_reference_of_the_delay_layer_with_gradients(longest, width):
    draw = torch.Generator().manual_seed(longest)
    x = torch.randn(2, 11, 3, 4, dtype=torch.float64, generator=draw, requires_grad=True)
    delay = (torch.rand(3, dtype=torch.float64, generator=draw) * longest).requires_grad_()
    fast, slow = delayed(x, gaussian(delay, longest, width)), slowly(x, delay, longest, width)
    torch.testing.assert_close(fast, slow)
    back = torch.randn(fast.shape, dtype=torch.float64, generator=draw)
    for one, other in zip(*(torch.autograd.grad(y, (x, delay), back) for y in (fast, slow)), strict=True):
        torch.testing.assert_close(one, other)


def test_in_evaluation_a_delay_is_a_whole_number_of_tokens():
    layer = TokenDelays(heads=2, longest=5).eval()
    layer.position.data = torch.tensor([[0.4, 2.6], [9.0, -1.0]])
    x = torch.randn(1, 8, 2, 3)
    key, value = layer(x, x)
    late = lambda head, d: torch.cat([torch.zeros(1, d, 3), x[:, : 8 - d, head]], 1)
    torch.testing.assert_close(key, torch.stack([late(0, 0), late(1, 3)], 2), rtol=0, atol=0)
    torch.testing.assert_close(value, torch.stack([late(0, 5), late(1, 0)], 2), rtol=0, atol=0)


@pytest.mark.parametrize("mechanism", [LinearAttention(), SoftmaxAttention()])
def test_equal_delays_of_all_heads_are_attention_to_earlier_tokens(mechanism):
    """As if the keys and values of the last two tokens were not there, and two silent ones before the first."""
    torch.manual_seed(0)
    layer = MultiheadAttention(12, 3, mechanism, TokenDelays(3, 4)).eval()
    layer.delays.position.data.fill_(2.0)
    tokens = torch.randn(2, 9, 12)
    query, key, value = layer.to_query_key_value(tokens).view(2, 9, 3, 3, 4).permute(2, 0, 3, 1, 4)
    silent = torch.zeros(2, 3, 2, 4)
    key, value = (torch.cat([silent, x[:, :, :-2]], 2) for x in (key, value))
    expected = layer.to_output(mechanism(query, key, value).transpose(1, 2).flatten(2))
    torch.testing.assert_close(layer(tokens), expected)


def test_delays_of_zero_change_nothing():
    torch.manual_seed(0)
    layer = MultiheadAttention(8, 2, LinearAttention(), TokenDelays(2, 3)).eval()
    layer.delays.position.data.zero_()
    tokens, keep = torch.randn(2, 6, 8), torch.arange(6) < torch.tensor([[6], [4]])
    with_delays = layer(tokens, keep=keep)
    layer.delays = None
    torch.testing.assert_close(with_delays, layer(tokens, keep=keep))


def test_nothing_arrives_before_it_was_sent():
    layer, x = TokenDelays(2, 6), torch.randn(1, 10, 2, 3)
    changed = x.clone()
    changed[:, 7:] += 1
    for one, other in zip(layer(x, x), layer(changed, changed), strict=True):
        torch.testing.assert_close(one[:, :7], other[:, :7], rtol=0, atol=0)


def test_delays_have_a_rate_of_their_own_and_narrow_over_the_epochs():
    settings = ImdbSettings(
        attention="linear", token_delay=4, width=16, heads=2, tokens=20, first_tokens=5, vocabulary=100
    )
    model = text_model(settings, None, 100)
    (weights, delays) = build_optimiser(settings, model).param_groups
    assert [tuple(each.shape) for each in delays["params"]] == [(2, 2)] and delays["weight_decay"] == 0
    assert delays["lr"] == 100 * weights["lr"]
    narrow(model, 1, settings.epochs)
    first = model.layers[0].attention.delays.width
    narrow(model, settings.epochs, settings.epochs)
    assert (first, model.layers[0].attention.delays.width) == (2.0, 0.5)


def test_a_planted_delay_is_found():
    """Keys and values of the word two before: the loss falls with the delays, which end at two tokens."""
    torch.manual_seed(0)
    delays, planted = TokenDelays(2, 6), TokenDelays(2, 6).eval()
    planted.position.data.fill_(2.0)
    optimiser = torch.optim.Adam(delays.parameters(), lr=0.1)
    for step in range(200):
        delays.width = annealed_width(step, 200, 3.0)
        x = torch.randn(4, 20, 2, 3)
        loss = sum((one - other).square().mean() for one, other in zip(delays(x, x), planted(x, x), strict=True))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    torch.testing.assert_close(delays.position.round(), torch.full((2, 2), 2.0))


@pytest.mark.parametrize("count", [2, 7])
def test_the_weight_of_a_delayed_value_belongs_to_the_token_that_sent_it(count):
    torch.manual_seed(0)
    layer = MultiheadAttention(8, 2, LinearAttention(), TokenDelays(2, 4)).eval()
    layer.delays.position.data = torch.tensor([[0.0, 1.0], [3.0, 0.0]])
    tokens = torch.randn(1, count, 8)
    (weights,) = attention_weights(layer, (tokens,))
    values = layer.to_query_key_value(tokens).view(1, count, 3, 2, 4)[:, :, 2].transpose(1, 2)
    found = []
    layer.mechanism.register_forward_hook(lambda module, entering, leaving: found.append(leaving))
    layer(tokens)
    torch.testing.assert_close((weights[..., None] * values).sum(2), found[0].mean(2))
