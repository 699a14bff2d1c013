"""Where the compiled scan could differ from the plain formulas: parts of a user's own, what is masked, nothing at all.

float32 takes the scan where its parts offer that, float64 the plain formulas.
"""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from astromorph.astrocyte import HillResponse, PowerLawResponse
from astromorph.attention import AstromorphicAttention, LinearAttention, MultiheadAttention, SoftmaxAttention
from astromorph.attention.distance import AdditiveDistance, MultiplicativeDistance
from astromorph.attention.functional import astromorphic_attention
from astromorph.attention.positions import PositionalDrive, Unordered
from astromorph.attention.responses import LinearResponse, MeanActivityResponse, Reciprocal
from astromorph.feature_map import PositiveActivity

HEADS, FEATURES = 2, 4
POWER = (0.8, 0.2, 0.25)
USUAL = MeanActivityResponse(PowerLawResponse(*POWER))
DTYPES = (torch.float32, torch.float64)
POSITIONS = {
    "unordered": Unordered,
    "additive": lambda: AdditiveDistance(HEADS, 3.0),
    "fading": lambda: MultiplicativeDistance(HEADS, 5.0),
    "drive": lambda: PositionalDrive(HEADS, FEATURES, 9),
}
FORMS = [(place, causal) for place in POSITIONS for causal in (False, True) if (place, causal) != ("drive", True)]


def inputs(tokens=6, batch=2, dtype=torch.float32, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return list(torch.randn(3, batch, HEADS, tokens, FEATURES, generator=draw, dtype=torch.float64).to(dtype))


def doubled(kind):
    """A part that computes twice what the one it is made from does."""
    return type("Own", (kind,), {"forward": lambda self, *x: 2 * kind.forward(self, *x)})


def hooked(part):
    part.register_forward_hook(lambda module, given, output: 2 * output)
    return part


def replaced(part):
    before = part.forward
    part.forward = lambda *x: 2 * before(*x)
    return part


def learned(response):
    response.amplitude = nn.Parameter(response._buffers.pop("amplitude").float() * 2)
    return response


OWN = {
    "power law": {"response": MeanActivityResponse(doubled(PowerLawResponse)(*POWER))},
    "Hill": {"response": MeanActivityResponse(doubled(HillResponse)(0.47, 0.66, 1.01, 0.25))},
    "linear": {"response": doubled(LinearResponse)()},
    "mean activity": {"response": doubled(MeanActivityResponse)(PowerLawResponse(*POWER))},
    "feature map": {"feature_map": doubled(PositiveActivity)(), "response": USUAL},
    "feedback": {"feedback": doubled(Reciprocal)()},
    "hook": {"response": MeanActivityResponse(hooked(PowerLawResponse(*POWER)))},
    "forward of the object": {"response": MeanActivityResponse(replaced(PowerLawResponse(*POWER)))},
    "learned": {"response": MeanActivityResponse(learned(PowerLawResponse(*POWER)))},
}  # fmt: skip


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", OWN)
def test_a_part_of_the_users_own_is_asked_in_every_form(name, causal):
    fast, plain = (
        astromorphic_attention(*inputs(dtype=dtype), is_causal=causal, **OWN[name]) for dtype in DTYPES
    )  # fmt: skip
    torch.testing.assert_close(fast.double(), plain, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
def test_twice_the_calcium_halves_the_output(causal):
    usual, own = (
        astromorphic_attention(*inputs(), is_causal=causal, response=MeanActivityResponse(kind(*POWER)))
        for kind in (PowerLawResponse, doubled(PowerLawResponse))
    )
    torch.testing.assert_close(own, usual / 2)


def test_numbers_of_a_response_that_are_learned_get_their_gradient():
    response = learned(PowerLawResponse(*POWER))
    astromorphic_attention(*inputs(), is_causal=True, response=MeanActivityResponse(response)).sum().backward()
    assert response.amplitude.grad is not None and response.amplitude.grad.abs() > 0


@settings(max_examples=60, deadline=None)
@given(
    form=st.sampled_from(FORMS), dtype=st.sampled_from((*DTYPES, torch.bfloat16)),
    wrong=st.sampled_from([float("nan"), float("inf"), -float("inf"), 3e38]),
    where=st.sampled_from([(1,), (2,), (1, 2)]), tokens=st.integers(2, 9), seed=st.integers(0, 99),
)  # fmt: skip
def test_what_is_masked_takes_no_part_whatever_it_holds(form, dtype, wrong, where, tokens, seed):
    place, causal = form
    torch.manual_seed(seed)
    keep = torch.rand(2, 1, 1, tokens) < 0.6
    position, given = (
        POSITIONS[place]().to(dtype if dtype == torch.float64 else torch.float32),
        inputs(tokens, 2, dtype, seed),
    )
    spoilt = [x.clone() for x in given]
    for i in where:
        spoilt[i].masked_fill_(~keep.mT, wrong)
    results = []
    for tensors in (given, spoilt):
        leaves = [x.requires_grad_() for x in tensors]
        output = astromorphic_attention(*leaves, keep, is_causal=causal, position=position, response=USUAL)
        learned = leaves + list(position.parameters())
        results.append((output, *torch.autograd.grad(output.float().square().sum(), learned)))
    for one, other in zip(*results, strict=True):
        assert one.isfinite().all()
        torch.testing.assert_close(other, one)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(0, 5, 8), (2, 0, 8), (0, 0, 8)])
@pytest.mark.parametrize(
    "layer",
    [
        *(lambda c=c: AstromorphicAttention(8, 2, causal=c) for c in (False, True)),
        *(lambda c=c: AstromorphicAttention(8, 2, causal=c, position=MultiplicativeDistance(2)) for c in (False, True)),
        *(lambda c=c, m=m: MultiheadAttention(8, 2, m(causal=c)) for c, m in
          itertools.product((False, True), (LinearAttention, SoftmaxAttention))),
    ],
)  # fmt: skip
def test_no_input_or_no_token_gives_none(layer, shape, dtype):
    attention, x = layer().to(dtype), torch.zeros(shape, dtype=dtype, requires_grad=True)
    output = attention(x)
    assert output.shape == shape
    output.sum().backward()
    assert x.grad is not None and all(p.grad is None or not p.grad.isnan().any() for p in attention.parameters())
    if shape[1]:
        heads = torch.zeros(shape[0], 2, shape[1], 4, dtype=dtype)
        keep = torch.ones(1, 1, 1, shape[1], dtype=torch.bool)
        for causal in (False, True):
            assert astromorphic_attention(heads, heads, heads, keep, is_causal=causal).shape == heads.shape
