"""A token of a stream by `step.cpp` is that of the plain step, which a gradient is taken of."""

from itertools import product

import pytest
import torch

from astromorph.astrocyte import HillResponse, PowerLawResponse
from astromorph.attention import AstromorphicAttention, compiled_step, streaming
from astromorph.attention.distance import AdditiveDistance, MultiplicativeDistance
from astromorph.attention.positions import Unordered
from astromorph.attention.responses import LinearResponse, MeanActivityResponse

POSITIONS = [Unordered(), AdditiveDistance(3, 4.0), MultiplicativeDistance(3, 5.0), MultiplicativeDistance(3, 1e-4)]
RESPONSES = [
    LinearResponse(),
    MeanActivityResponse(PowerLawResponse(0.8, 0.2, 0.25)),
    MeanActivityResponse(HillResponse(0.6, 0.8, 2.0, 1.0)),
]


@pytest.fixture
def calls(monkeypatch) -> list[int]:
    monkeypatch.delenv("ASTROMORPH_PLAIN", raising=False)
    counted: list[int] = []
    step = compiled_step.step
    monkeypatch.setattr(compiled_step, "step", lambda *words: counted.append(1) or step(*words))
    return counted


@pytest.mark.parametrize("position, response", [*product(POSITIONS, RESPONSES)])
@pytest.mark.parametrize("features, value_features", [(8, 8), (5, 37), (33, 4)])
def test_compiled_and_plain_steps_agree(position, response, features, value_features, calls):
    drawn = torch.Generator().manual_seed(0)
    states = [streaming.start(2, 3, features, value_features) for _ in range(2)]
    for _ in range(20):
        tokens = [torch.randn(2, 3, width, generator=drawn) for width in (features, features, value_features)]
        with torch.no_grad():
            fast, states[0] = streaming.step(*tokens, states[0], position=position, response=response)
        tokens[0].requires_grad_()
        plain, states[1] = streaming.step(*tokens, states[1], position=position, response=response)
        torch.testing.assert_close(fast, plain, rtol=1e-4, atol=1e-5)
        states[1] = streaming.State(*(x.detach() for x in states[1]))
        for one, other in zip(*states, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    assert len(calls) == 20


def test_a_state_may_be_read_twice_and_tokens_may_be_views(calls):
    drawn = torch.Generator().manual_seed(0)
    state = streaming.start(2, 3, 8, 8)
    together = torch.randn(2, 8, 3, 3, generator=drawn)
    views = [together[..., i].transpose(1, 2) for i in range(3)]
    with torch.no_grad():
        first, again = (streaming.step(*views, state) for _ in range(2))
        copied = streaming.step(*(x.clone(memory_format=torch.contiguous_format) for x in views), state)
    assert torch.equal(first[0], again[0]) and torch.equal(first[0], copied[0])
    assert len(calls) == 3 and all(x.eq(0).all() for x in state)


def test_double_precision_and_learned_responses_take_the_plain_step(calls):
    token = torch.randn(1, 1, 4)
    response = MeanActivityResponse(PowerLawResponse(0.8, 0.2, 0.25))
    streaming.step(token.double(), token.double(), token.double(), streaming.start(1, 1, 4, 4, dtype=torch.float64))
    response.response.exponent = torch.nn.Parameter(torch.tensor(0.25))
    streaming.step(token, token, token, streaming.start(1, 1, 4, 4), response=response)
    assert not calls


@pytest.mark.parametrize("batch", [1, 3, 6])
@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_steps_as_it_does_where_a_gradient_is_asked_for(batch, bias, calls):
    """With the projections in the same call where the inputs are few."""
    torch.manual_seed(0)
    layer = AstromorphicAttention(24, 3, causal=True, bias=bias, gain=1.5)
    tokens, states = torch.randn(batch, 15, 24), [layer.start(batch) for _ in range(2)]
    for t in range(15):
        with torch.no_grad():
            fast, states[0] = layer.step(tokens[:, t], states[0])
        plain, states[1] = layer.step(tokens[:, t], states[1])
        torch.testing.assert_close(fast, plain, rtol=1e-4, atol=1e-5)
    assert len(calls) == 15
    torch.testing.assert_close(fast, layer(tokens)[:, -1], rtol=1e-4, atol=1e-5)


def test_projections_of_a_kind_of_their_own_are_asked(calls):
    class Doubled(torch.nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    layer = AstromorphicAttention(8, 2, causal=True)
    layer.to_output = Doubled(8, 8)
    token, state = torch.randn(1, 8), layer.start(1)
    with torch.no_grad():
        torch.testing.assert_close(layer.step(token, state)[0], layer(token[:, None])[:, 0])
        layer.to_query_key_value.register_forward_hook(lambda module, words, output: 3 * output)
        torch.testing.assert_close(layer.step(token, state)[0], layer(token[:, None])[:, 0])
