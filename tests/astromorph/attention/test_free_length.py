"""Exported with a free number of tokens, an attention reads inputs of every length as it does itself."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from astromorph.astrocyte import HillResponse, PositionalDrive
from astromorph.attention import AstromorphicAttention, LinearAttention, MultiheadAttention, SoftmaxAttention
from astromorph.attention.distance import MultiplicativeDistance
from astromorph.attention.positions import Unordered
from astromorph.attention.responses import LinearResponse, MeanActivityResponse, PowerOfSum
from astromorph.attention.token_delays import TokenDelays

WIDTH, HEADS, LONGEST = 8, 2, 3000
LENGTHS = (1, 2, 31, 32, 33, 63, 64, 65, 1023, 1024, 1025, 2048, 2049, LONGEST)
FORMS: dict[str, Callable[[], dict[str, Any]]] = {
    "recommended": dict,
    "hill": lambda: {"response": MeanActivityResponse(HillResponse(0.47, 0.66, 1.01, 0.25))},
    "power of the sum": lambda: {"response": PowerOfSum()},
    "unordered": lambda: {"position": Unordered(), "response": LinearResponse()},
    "fading": lambda: {"position": MultiplicativeDistance(HEADS)},
    "delays": lambda: {"delays": TokenDelays(HEADS, 4)},
}


def attention(name: str, causal: bool) -> nn.Module:
    if name in ("softmax", "linear"):
        return MultiheadAttention(
            WIDTH, HEADS, {"softmax": SoftmaxAttention, "linear": LinearAttention}[name](causal=causal)
        )
    return AstromorphicAttention(WIDTH, HEADS, causal=causal, **FORMS[name]())


def check(layer: nn.Module, masked: bool, strict: bool, lengths: tuple[int, ...]) -> None:
    draw = torch.Generator().manual_seed(0)
    real = {"keep": torch.ones(2, 10, dtype=torch.bool)} if masked else {}
    free = {1: torch.export.Dim("tokens", min=1, max=LONGEST)}
    shapes = {"query": free} | {name: free for name in real}
    x = torch.randn(2, 10, WIDTH, generator=draw)
    module = torch.export.export(layer.eval(), (x,), real, dynamic_shapes=shapes, strict=strict).module()
    for tokens in lengths:
        x = torch.randn(2, tokens, WIDTH, generator=draw)
        real = {"keep": torch.rand(2, tokens, generator=draw) < 0.7} if masked else {}
        expected = layer(x, **real)
        assert expected.isfinite().all()
        torch.testing.assert_close(module(x, **real), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", [*FORMS, "linear"])
def test_what_an_export_computes_is_the_same(name, causal, monkeypatch):
    layer = attention(name, causal).eval()
    for tokens in (1, 31, 64, 65, 1025):
        x = torch.randn(2, tokens, WIDTH, generator=torch.Generator().manual_seed(tokens))
        for real in (None, torch.rand(2, tokens, generator=torch.Generator().manual_seed(0)) < 0.7):
            expected = layer(x, keep=real)
            with monkeypatch.context() as patch:
                patch.setattr(torch.compiler, "is_exporting", lambda: True)
                exported = layer(x, keep=real)
            assert exported.isfinite().all()
            torch.testing.assert_close(exported, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_an_export_reads_up_to_the_last_position_of_the_drive():
    layer = AstromorphicAttention(WIDTH, HEADS, position=PositionalDrive(HEADS, WIDTH // HEADS, LONGEST))
    check(layer, False, False, (1, 64, LONGEST))


def test_an_export_reads_every_length():
    check(attention("unordered", False), False, False, (1, 31, 65, 1025))


@pytest.mark.slow
@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", [*FORMS, "softmax", "linear"])
def test_every_form_exported_reads_every_length(name, causal, masked, strict):
    if (name, causal, masked) == ("softmax", True, True):
        return  # takes no mask
    check(attention(name, causal), masked, strict, LENGTHS)
