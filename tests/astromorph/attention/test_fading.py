"""Content that fades over distance, compiled: the numbers and gradients of chunked.py in double precision."""

import pytest
import torch
from torch import Tensor, nn

from astromorph.astrocyte import HillResponse, PowerLawResponse
from astromorph.attention import compiled
from astromorph.attention.distance import AdditiveDistance, MultiplicativeDistance
from astromorph.attention.functional import astromorphic_attention
from astromorph.attention.responses import LinearResponse, MeanActivityResponse
from astromorph.attention.streaming import start, step

RESPONSES = {
    "linear": LinearResponse(),
    "power law": MeanActivityResponse(PowerLawResponse(0.8, 0.2, 0.25)),
    "hill": MeanActivityResponse(HillResponse(0.6, 0.8, 2.0, 1.0)),
}


class BothTerms(nn.Module):
    """An additive term beside content that fades."""

    def __init__(self, heads: int, length: float) -> None:
        super().__init__()
        self.additive, self.fading = AdditiveDistance(heads, 4.0), MultiplicativeDistance(heads, length)

    def terms(self, tokens: int, dtype: torch.dtype) -> dict[str, object]:
        return self.additive.terms(tokens, dtype) | self.fading.terms(tokens, dtype)


def passed(dtype: torch.dtype, position: nn.Module, tokens: int, mask: Tensor | None, **options) -> list[Tensor]:
    """Output, and the gradients of a sum of it by inputs and by the logarithms of lengths and strengths."""
    torch.manual_seed(tokens)
    query, key, value, outer = (torch.randn(2, 3, tokens, width) for width in (20, 20, 36, 36))
    inputs = [x.to(dtype).requires_grad_() for x in (query, key, value)]
    position = position.to(dtype)
    output = astromorphic_attention(*inputs, mask, position=position, **options)
    return [output.detach(), *torch.autograd.grad(output, [*inputs, *position.parameters()], outer.to(dtype))]


@pytest.fixture(autouse=True)
def built(monkeypatch):
    monkeypatch.delenv("ASTROMORPH_PLAIN", raising=False)
    assert compiled.available(compiled.FADING)


@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("tokens", [1, 2, 7, 130])
@pytest.mark.parametrize("kind", [MultiplicativeDistance, BothTerms])
def test_numbers_and_gradients_are_those_in_double_precision(kind, tokens, causal, response):
    for length in (1.0, 20.0, 1e6):
        for mask in (None, torch.rand(2, 1, 1, tokens, generator=torch.Generator().manual_seed(1)) > 0.3):
            options = {"mask": mask, "is_causal": causal, "response": response}
            double, single = (passed(x, kind(3, length), tokens, **options) for x in (torch.float64, torch.float32))
            for one, other in zip(double, single, strict=True):
                torch.testing.assert_close(other.double(), one, rtol=1e-4, atol=1e-4 * (1e-2 + one.abs().max().item()))


@pytest.mark.parametrize("length", [1e-4, 0.005, 0.1])
@pytest.mark.parametrize("causal", [False, True])
def test_where_content_fades_at_once_a_token_reads_itself(causal, length):
    """Also beside a chunk that is not full, where nobody reads the calcium that is left of what is far away."""
    for dtype in (torch.float32, torch.float64):
        output, *gradients = passed(dtype, MultiplicativeDistance(3, length), 130, None, is_causal=causal)
        torch.manual_seed(130)
        value = [torch.randn(2, 3, 130, width) for width in (20, 20, 36)][2]
        torch.testing.assert_close(output, value.to(dtype), rtol=1e-3, atol=1e-3)
        assert all(x.isfinite().all() for x in gradients)


@pytest.mark.parametrize("causal", [False, True])
def test_bfloat16_is_float32_rounded(causal):
    position, response = MultiplicativeDistance(3, 20.0), RESPONSES["power law"]
    double, half = (
        passed(dtype, position, 130, None, is_causal=causal, response=response)
        for dtype in (torch.float64, torch.bfloat16)
    )
    for one, other in zip(double[:4], half[:4], strict=True):
        torch.testing.assert_close(other.double(), one, rtol=0.05, atol=0.05 * one.abs().max().item())


def test_streaming_gives_the_same_token_by_token():
    position, response = MultiplicativeDistance(3, 5.0), RESPONSES["hill"]
    query, key, value = torch.randn(3, 2, 3, 40, 16, generator=torch.Generator().manual_seed(0))
    together = astromorphic_attention(query, key, value, is_causal=True, position=position, response=response)
    state = start(2, 3, 16, 16)
    for t in range(40):
        tokens = query[:, :, t], key[:, :, t], value[:, :, t]
        output, state = step(*tokens, state, position=position, response=response)
        torch.testing.assert_close(output, together[:, :, t], rtol=1e-4, atol=1e-5)


def test_any_number_of_threads_gives_the_same_bits():
    before, bits = torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        bits.append(passed(torch.float32, MultiplicativeDistance(3, 20.0), 70, None))
    torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*bits, strict=True))
