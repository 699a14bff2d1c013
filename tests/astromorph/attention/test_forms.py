"""Parallel, chunked, recurrent and compiled forms against the pair-by-pair reference, values and gradients."""

import os

import pytest
import torch

from astromorph.astrocyte import HillResponse, PowerLawResponse
from astromorph.attention import blocks, compiled, reference_relative, streaming
from astromorph.attention.distance import AdditiveDistance, MultiplicativeDistance
from astromorph.attention.functional import astromorphic_attention
from astromorph.attention.positions import Unordered
from astromorph.attention.responses import LinearResponse, MeanActivityResponse

BATCH, HEADS, FEATURES = 2, 2, 3
POSITIONS = {
    "unordered": lambda: Unordered(),
    "additive": lambda: AdditiveDistance(HEADS, length=3.0, strength=0.7),
    "multiplicative": lambda: MultiplicativeDistance(HEADS, length=5.0),
}
RHOS = {
    "linear": None,
    "power law": PowerLawResponse(0.8, 0.2, 0.25),
    "Hill": HillResponse(0.47, 0.66, 1.01, 0.25),
}
FORMS = [(position, causal) for position in POSITIONS for causal in (False, True)]


def response(name):
    return LinearResponse() if RHOS[name] is None else MeanActivityResponse(RHOS[name])


def inputs(tokens, dtype=torch.float64, features=FEATURES, seed=0):
    draw = torch.Generator().manual_seed(seed)
    shape = (3, BATCH, HEADS, tokens, features)
    return [x.to(dtype).requires_grad_() for x in torch.randn(shape, generator=draw, dtype=torch.float64)]


def some_kept(tokens):
    """One input whole, one with padding on the left, in the middle and on the right."""
    keep = torch.ones(BATCH, 1, 1, tokens, dtype=torch.bool)
    keep[1, ..., 0] = keep[1, ..., tokens // 2] = keep[1, ..., -2:] = False
    return keep


def expected(query, key, value, keep, position, rho, causal):
    length = torch.exp(position.log_length) if hasattr(position, "log_length") else None
    strength = torch.exp(position.log_strength) if hasattr(position, "log_strength") else None
    outputs = []
    for b in range(BATCH):
        real = [True] * key.shape[2] if keep is None else keep[b, 0, 0].tolist()
        for h in range(HEADS):
            drive = None if strength is None else (length[h], strength[h])
            fading = length[h] if length is not None and strength is None else None
            outputs.append(
                reference_relative.attend(
                    query[b, h],
                    key[b, h],
                    value[b, h],
                    real,
                    rho or (lambda x: x),
                    causal=causal,
                    drive=drive,
                    fading=fading,
                )  # fmt: skip
            )
    return torch.stack(outputs).view(value.shape)


def gradients(output, learned):
    weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    return torch.autograd.grad((output * weights.to(output)).sum(), learned)


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("rho", RHOS)
@pytest.mark.parametrize("position,causal", FORMS)
def test_plain_form_equals_the_reference_to_1e_10(position, causal, rho, padded):
    place, tokens = POSITIONS[position]().double(), 11
    learned, keep = inputs(tokens), some_kept(tokens) if padded else None
    fast = astromorphic_attention(*learned, keep, is_causal=causal, position=place, response=response(rho))
    slow = expected(*learned, keep, place, RHOS[rho], causal)
    torch.testing.assert_close(fast, slow, rtol=1e-10, atol=1e-10)
    learned += place.parameters()
    for one, other in zip(gradients(fast, learned), gradients(slow, learned), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("rho", RHOS)
@pytest.mark.parametrize("position", POSITIONS)
def test_recurrent_form_equals_the_chunked_one_to_1e_10(position, rho):
    place, tokens = POSITIONS[position]().double(), 150  # three chunks
    learned = inputs(tokens)
    parallel = astromorphic_attention(*learned, is_causal=True, position=place, response=response(rho))
    state, outputs = streaming.start(BATCH, HEADS, FEATURES, FEATURES, dtype=torch.float64), []
    for t in range(tokens):
        token = (x[:, :, t] for x in learned)
        output, state = streaming.step(*token, state, position=place, response=response(rho))
        outputs.append(output)
    recurrent = torch.stack(outputs, 2)
    torch.testing.assert_close(recurrent, parallel, rtol=1e-10, atol=1e-10)
    learned += place.parameters()
    for one, other in zip(gradients(recurrent, learned), gradients(parallel, learned), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("position,causal", [form for form in FORMS if form[1] or form[0] == "multiplicative"])
def test_blocks_computed_again_give_the_same(position, causal, monkeypatch):
    place, learned, keep = POSITIONS[position]().double(), inputs(150), some_kept(150)
    results = []
    for at_once in (2**17, HEADS * FEATURES * 64):
        monkeypatch.setattr(blocks, "AT_ONCE", at_once)
        output = astromorphic_attention(*learned, keep, is_causal=causal, position=place, response=response("Hill"))
        results.append((output, *gradients(output, learned + list(place.parameters()))))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.skipif("ASTROMORPH_PLAIN" in os.environ, reason="the compiled scan was switched off")
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("tokens,features", [(5, 3), (150, 32), (130, 48)])
@pytest.mark.parametrize("rho", RHOS)
@pytest.mark.parametrize("position,causal", [form for form in FORMS if form[0] != "multiplicative"])
def test_compiled_scan_equals_the_plain_form_in_values_and_gradients(position, causal, rho, tokens, features, padded):
    assert compiled.available()  # the tests need a compiler, as the README says; a scan that does not build fails here
    keep, place = some_kept(tokens) if padded else None, POSITIONS[position]()
    results = []
    for dtype in (torch.float32, torch.float64):  # float64 takes the plain formulas
        learned, place = inputs(tokens, dtype, features), place.to(dtype)
        output = astromorphic_attention(*learned, keep, is_causal=causal, position=place, response=response(rho))
        results.append([x.detach().double() for x in (output, *gradients(output, learned + list(place.parameters())))])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5 * other.abs().max().item())


@pytest.mark.parametrize("position,causal", FORMS)
def test_gradients_equal_finite_differences(position, causal):
    place, rho = POSITIONS[position]().double(), response("power law")

    def attend(query, key, value, *_):
        return astromorphic_attention(query, key, value, some_kept(6), is_causal=causal, position=place, response=rho)

    assert torch.autograd.gradcheck(attend, (*inputs(6), *place.parameters()), atol=1e-6, fast_mode=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("position", POSITIONS)
def test_no_output_before_a_token_knows_of_it(position, dtype):
    query, key, value = (x.detach() for x in inputs(150, dtype))
    for t in (0, 63, 64, 100, 149):
        changed = [x.clone() for x in (query, key, value)]
        for x in changed:
            x[:, :, t] += 3
        results = [
            astromorphic_attention(
                *x, is_causal=True, position=POSITIONS[position]().to(dtype), response=response("Hill")
            )
            for x in ((query, key, value), changed)
        ]
        assert torch.equal(results[0][:, :, :t], results[1][:, :, :t])
        assert not torch.equal(results[0][:, :, t], results[1][:, :, t])
