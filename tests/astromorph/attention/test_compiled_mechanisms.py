"""Linear and astromorphic mechanisms: the compiled scan against the plain formulas in float64, with gradients."""

import copy
import os

import pytest
import torch

from astromorph.astrocyte import PositionalDrive, PowerLawResponse
from astromorph.attention import AstromorphicMechanism, LinearAttention, MultiheadAttention
from astromorph.attention.forms import scanned
from astromorph.attention.parts import terms_of
from astromorph.attention.responses import MeanActivityResponse

BATCH, HEADS, TOKENS, FEATURES = 3, 2, 11, 20
LENGTHS = torch.tensor([TOKENS, 4, 1])
KEEP = torch.arange(TOKENS) < LENGTHS[:, None]
ROUNDING = {torch.float32: 5e-6, torch.bfloat16: 2e-2}

pytestmark = pytest.mark.skipif("ASTROMORPH_PLAIN" in os.environ, reason="the compiled scan was switched off")


def mechanisms() -> dict[str, torch.nn.Module]:
    torch.manual_seed(1)
    response = MeanActivityResponse(PowerLawResponse(0.8004, 0.1996, 0.25))
    return {
        "linear": LinearAttention(),
        "calcium": AstromorphicMechanism(response),
        "calcium and position": AstromorphicMechanism(response, PositionalDrive(HEADS, FEATURES, TOKENS + 5, 2.0)),
    }


def inputs(value_features: int = FEATURES) -> list[torch.Tensor]:
    torch.manual_seed(0)
    return [torch.randn(BATCH, TOKENS, HEADS, n).transpose(1, 2) for n in (FEATURES, FEATURES, value_features)]


def is_scanned(mechanism, tensors) -> bool:
    terms = terms_of(mechanism.position, TOKENS, torch.float32)
    return scanned(mechanism.parts, terms, *tensors[:2], by_place=False)


def values_and_gradients(mechanism, tensors, keep) -> list[torch.Tensor]:
    mechanism.zero_grad()
    tensors = [x.detach().requires_grad_() for x in tensors]
    output = mechanism(*tensors, keep)
    weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    if keep is not None:
        weights = weights * keep[:, None, :, None]
    (output.double() * weights).sum().backward()
    return [output.detach(), *(x.grad for x in tensors), *(p.grad for p in mechanism.parameters())]


@pytest.mark.parametrize("name", mechanisms())
@pytest.mark.parametrize("keep", [None, KEEP])
@pytest.mark.parametrize("dtype", ROUNDING)
def test_the_scan_equals_the_plain_formulas(name, keep, dtype):
    mechanism = mechanisms()[name]
    tensors = [x.to(dtype) for x in inputs()]
    assert is_scanned(mechanism, tensors)
    fast = values_and_gradients(mechanism, tensors, keep)
    exact = [x.double() for x in tensors]
    assert not is_scanned(mechanism, exact)
    slow = values_and_gradients(copy.deepcopy(mechanism).double(), exact, keep)
    for mine, truth in zip(fast, slow, strict=True):
        assert float((mine.double() - truth).abs().max()) <= ROUNDING[dtype] * float(truth.abs().max())


def test_values_may_be_wider_than_keys():
    mechanism = mechanisms()["calcium and position"]
    tensors = inputs(value_features=37)
    fast = mechanism(*tensors, KEEP)
    slow = copy.deepcopy(mechanism).double()(*(x.double() for x in tensors), KEEP)
    torch.testing.assert_close(fast.double(), slow, rtol=1e-4, atol=1e-5)


def test_another_feature_map_takes_the_plain_formulas():
    mechanism = AstromorphicMechanism(None, None, torch.exp)
    query, key, value = inputs()
    similarity = torch.exp(query) @ torch.exp(key).mT
    expected = similarity @ value / similarity.sum(-1, keepdim=True)
    torch.testing.assert_close(mechanism(query, key, value), expected)


def test_two_passes_give_the_same_bits():
    mechanism, tensors = mechanisms()["calcium and position"], inputs()
    first, second = (values_and_gradients(mechanism, tensors, KEEP) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def test_the_projection_receives_the_gradients_of_all_three_parts():
    torch.manual_seed(0)
    layer = MultiheadAttention(24, 3, LinearAttention()).double()
    tokens = torch.randn(2, 5, 24, dtype=torch.float64, requires_grad=True)
    keep = torch.arange(5) < torch.tensor([5, 3])[:, None]
    assert torch.autograd.gradcheck(lambda x: layer(x, keep=keep), (tokens,), atol=1e-6)
    parts = layer.to_query_key_value(tokens).unflatten(-1, (3, 3, 8)).permute(2, 0, 3, 1, 4)
    plain = layer.to_output(layer.mechanism(*parts, keep).transpose(1, 2).flatten(2))
    torch.testing.assert_close(layer(tokens, keep=keep), plain)
    learned = [tokens, *layer.parameters()]
    ours, theirs = (torch.autograd.grad(out.square().sum(), learned) for out in (layer(tokens, keep=keep), plain))
    torch.testing.assert_close(ours, theirs)
