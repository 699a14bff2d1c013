"""One token of a stream by `step.cpp`, where nobody asks for a gradient; `streaming.py` is its reference."""

import ctypes
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from astromorph.attention.parts import Terms, offered
from astromorph.native.build import library
from astromorph.native.transforms import transformed

SOURCE = Path(__file__).with_name("step.cpp")
MOST_INPUTS = 4  # whose projections are not worth a call of torch
Sizes, Places, Numbers, Projected = ctypes.c_int64 * 7, ctypes.c_void_p * 14, ctypes.c_void_p * 4, ctypes.c_void_p * 4


class Projections(NamedTuple):
    """Of a layer, to queries, keys and values and to its output, and the factor of what goes there."""

    inward: nn.Module
    outward: nn.Module
    gain: float

    def usual(self, token: Tensor) -> bool:
        """Whether both are torch's own, in single precision, and the inputs few."""
        return token.shape[0] <= MOST_INPUTS and _is_linear(self.inward) and _is_linear(self.outward)

    def tensors(self) -> list[Tensor | None]:
        return [x for each in (self.inward, self.outward) for x in (each.weight, each.bias)]  # type: ignore[misc]


def _is_linear(part: nn.Module) -> bool:
    return type(part) is nn.Linear and not (part._forward_hooks or part._forward_pre_hooks or "forward" in vars(part))


def response_numbers(
    tokens: tuple[Tensor, ...], state: tuple[Tensor, ...], terms: Terms, parts: tuple[nn.Module, ...]
) -> Tensor | None:
    """The calcium response as in `vectors.h` if `step.cpp` computes this step with these parts, else None.

    tokens: query, key, value, (batch, heads, features), or whatever else is to be in single precision and without a
    gradient; parts: feature map, calcium response and feedback.
    """
    feature_map, response, feedback = parts
    if torch.compiler.is_compiling() or torch.compiler.is_exporting() or transformed():
        return None
    learns = torch.is_grad_enabled()
    for x in (*tokens, *state, *_numbers(terms)):
        if x.dtype != torch.float32 or not x.is_cpu or (learns and x.requires_grad):
            return None
    if not (offered(feature_map, "scanned") and offered(feedback, "scanned")) or library(SOURCE) is None:
        return None
    return offered(response, "scanned")


def step(
    tokens: tuple[Tensor, ...], state: tuple[Tensor, ...], terms: Terms, rho: Tensor, heads: Projections | None = None
) -> tuple[Tensor, list[Tensor]]:
    """The output and the next state; rho: of `response_numbers`.

    tokens: query, key and value, or, with the projections around the heads, the layer's token, (batch, width).
    """
    old = [x.contiguous() for x in state]
    moving = len(old) if terms.relative is not None else 3  # the sums of the additive term stay where there is none
    new = [torch.empty_like(x) for x in old[:moving]] + old[moving:]
    if heads is None:
        query, key, value = (x if x.stride(2) == 1 and x.stride(1) == x.shape[2] else x.contiguous() for x in tokens)
    else:
        query = key = value = tokens[0].contiguous()
    output = torch.empty(value.shape)
    sizes = Sizes(*old[0].shape, query.stride(0), key.stride(0), value.stride(0))
    places = Places(*(x.data_ptr() for x in (query, key, value, output, *old, *new)))
    rate, strength = terms.relative if terms.relative is not None else (None, None)
    numbers = [None if x is None else x.float().contiguous() for x in (rho, terms.fading, rate, strength)]
    projections = None if heads is None else [None if x is None else x.contiguous() for x in heads.tensors()]
    loaded = library(SOURCE)
    assert loaded is not None
    loaded.astromorph_step(
        sizes, places, Numbers(*_places(numbers)), None if projections is None else Projected(*_places(projections)),
        ctypes.byref(ctypes.c_float(1 if heads is None else heads.gain)),
    )  # fmt: skip
    return output, new


def _places(tensors: list[Tensor | None]) -> list[int | None]:
    return [None if x is None else x.data_ptr() for x in tensors]


def _numbers(terms: Terms) -> tuple[Tensor, ...]:
    fading = () if terms.fading is None else (terms.fading,)
    return fading if terms.relative is None else (*fading, *terms.relative)
