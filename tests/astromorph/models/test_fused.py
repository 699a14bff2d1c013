"""The compiled passes between matrix products against the plain formulas in float64, values and gradients."""

import copy
import os

import pytest
import torch
from torch import nn

from astromorph.models import fused
from astromorph.models.fused import add_norm, embed
from astromorph.native.build import library

BATCH, TOKENS, WIDTH, WORDS = 3, 7, 20, 12  # the width fills no vector of the processor
ROUNDING = {torch.float32: 3e-6, torch.bfloat16: 1.5e-2}
TYPES = [(torch.float32, torch.float32), (torch.float32, torch.bfloat16), (torch.bfloat16, torch.bfloat16)]

pytestmark = pytest.mark.skipif(bool(os.environ.get("ASTROMORPH_PLAIN")), reason="asked to run without compiled passes")


def masks() -> list[torch.Tensor | None]:
    torch.manual_seed(1)
    return [None, (torch.rand(BATCH, 1, WIDTH) > 0.5) * 2.0]


def agree(ours: list[torch.Tensor], exact: list[torch.Tensor], rounding: float) -> None:
    assert len(ours) == len(exact)
    for mine, truth in zip(ours, exact, strict=True):
        assert float((mine.double() - truth).abs().max()) <= rounding * float(truth.abs().max())


def test_the_passes_are_built_where_a_compiler_is():
    assert fused.built(torch.device("cpu"), torch.float32) == (library(fused.SOURCE) is not None)
    assert not fused.built(torch.device("cpu"), torch.float64)


@pytest.mark.parametrize("mask", masks())
@pytest.mark.parametrize(("stream", "branch"), TYPES)
@pytest.mark.parametrize("threads", [1, 2])
def test_add_norm_equals_sum_dropout_and_layer_norm(stream, branch, mask, threads):
    torch.manual_seed(0)
    norm = nn.LayerNorm(WIDTH)
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    tokens, added = torch.randn(BATCH, TOKENS, WIDTH).to(stream), torch.randn(BATCH, TOKENS, WIDTH).to(branch)
    weights = torch.randn(BATCH, TOKENS, WIDTH, dtype=torch.float64)
    results, before = [], torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        for types in ((stream, branch, torch.float32), (torch.float64,) * 3):
            x, y = (
                each.detach().to(dtype).requires_grad_() for each, dtype in zip((tokens, added), types, strict=False)
            )
            of = copy.deepcopy(norm).to(types[2])
            output = add_norm(x, y, mask, of)
            assert output.dtype == types[0]
            (output.double() * weights).sum().backward()
            assert x.grad is not None and y.grad is not None
            results.append([output.detach(), x.grad, y.grad, of.weight.grad, of.bias.grad])
    finally:
        torch.set_num_threads(before)
    agree(*results, ROUNDING[branch])


@pytest.mark.parametrize("mask", masks())
def test_embed_equals_lookup_with_words_that_return(mask):
    torch.manual_seed(0)
    words = torch.randint(0, WORDS, (BATCH, TOKENS))
    tables = torch.randn(WORDS, WIDTH), torch.randn(TOKENS, WIDTH)
    weights = torch.randn(BATCH, TOKENS, WIDTH, dtype=torch.float64)
    results = []
    for dtype in (torch.float32, torch.float64):
        table, places = (each.detach().to(dtype).requires_grad_() for each in tables)
        output = embed(words, table, places, mask)
        (output.double() * weights).sum().backward()
        results.append([output.detach(), table.grad, places.grad])
    agree(*results, ROUNDING[torch.float32])


def test_embed_gives_the_type_of_matrix_products():
    words, table, places = torch.zeros(1, 2, dtype=torch.int64), torch.randn(3, WIDTH), torch.zeros(2, WIDTH)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = embed(words, table, places, None)
    assert torch.equal(rounded, embed(words, table, places, None).to(rounded.dtype))


def test_the_same_threads_give_the_same_bits():
    torch.manual_seed(0)
    words, table = torch.randint(0, WORDS, (40, 30)), torch.randn(WORDS, WIDTH, requires_grad=True)
    places = torch.zeros(30, WIDTH)
    gradients = []
    for _ in range(2):
        (gradient,) = torch.autograd.grad(embed(words, table, places, None).sin().sum(), table)
        gradients.append(gradient)
    assert torch.equal(*gradients)
