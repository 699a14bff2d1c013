"""One token of a stream by `step.cpp`, where nobody asks for a gradient; `streaming.py` is its reference."""

import ctypes
from pathlib import Path

import torch
from torch import Tensor, nn

from astromorph.attention.parts import Terms, offered
from astromorph.native.build import library
from astromorph.native.transforms import transformed

SOURCE = Path(__file__).with_name("step.cpp")
Numbers = ctypes.c_int64 * 7
Places = ctypes.c_void_p * 14


def response_numbers(
    tokens: tuple[Tensor, Tensor, Tensor], state: tuple[Tensor, ...], terms: Terms, parts: tuple[nn.Module, ...]
) -> Tensor | None:
    """The calcium response as in `vectors.h` if `step.cpp` computes this step with these parts, else None.

    tokens: query, key, value, (batch, heads, features); parts: feature map, calcium response and feedback.
    """
    feature_map, response, feedback = parts
    if torch.compiler.is_compiling() or torch.compiler.is_exporting() or transformed():
        return None
    numbers = [*tokens, *state, *_numbers(terms)]
    if torch.is_grad_enabled() and any(x.requires_grad for x in numbers):
        return None
    if any(x.dtype != torch.float32 or x.device.type != "cpu" for x in numbers):
        return None
    if not (offered(feature_map, "scanned") and offered(feedback, "scanned")) or library(SOURCE) is None:
        return None
    return offered(response, "scanned")


def step(
    tokens: tuple[Tensor, Tensor, Tensor], state: tuple[Tensor, ...], terms: Terms, rho: Tensor
) -> tuple[Tensor, list[Tensor]]:
    """The output and the next state; rho: of `response_numbers`."""
    query, key, value = (x if x.stride(2) == 1 and x.stride(1) == x.shape[2] else x.contiguous() for x in tokens)
    old = [x.contiguous() for x in state]
    moving = len(old) if terms.relative is not None else 3  # the sums of the additive term stay where there is none
    new = [torch.empty_like(x) for x in old[:moving]] + old[moving:]
    output = value.new_empty(value.shape)
    sizes = Numbers(*query.shape, value.shape[2], query.stride(0), key.stride(0), value.stride(0))
    places = Places(*(x.data_ptr() for x in (query, key, value, output, *old, *new)))
    rate, strength = terms.relative if terms.relative is not None else (None, None)
    numbers = [None if x is None else x.to(torch.float32).contiguous() for x in (rho, terms.fading, rate, strength)]
    loaded = library(SOURCE)
    assert loaded is not None
    loaded.astromorph_step(sizes, places, *(None if x is None else ctypes.c_void_p(x.data_ptr()) for x in numbers))
    return output, new


def _numbers(terms: Terms) -> tuple[Tensor, ...]:
    fading = () if terms.fading is None else (terms.fading,)
    return fading if terms.relative is None else (*fading, *terms.relative)
