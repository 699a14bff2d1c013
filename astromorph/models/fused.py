"""What a transformer does between its matrix products, in one pass each: `fused.cpp` as operators, with gradients.

On a processor these passes cost as much time as the products, because every separate operation reads and writes all
tokens. The plain formulas stand beside them and do the work elsewhere and for other number types.
"""

import ctypes
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from astromorph.native.build import TYPES, library

SOURCE = Path(__file__).with_name("fused.cpp")
operator = torch.library.custom_op


def embed(words: Tensor, table: Tensor, positions: Tensor, mask: Tensor | None) -> Tensor:
    """(table[words] + positions) · mask: (batch, tokens, width), in the type of matrix products.

    words: (batch, tokens) integers; table: (words, width); positions: (tokens, width); mask: (batch, 1, width) or None.
    """
    if not built(words.device, table.dtype, positions.dtype):
        tokens = F.embedding(words, table) + positions
        return tokens if mask is None else tokens * mask.to(tokens.dtype)
    bfloat16 = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
    return embedded(words.contiguous(), table, positions, mask, bfloat16)


def add_norm(tokens: Tensor, branch: Tensor, mask: Tensor | None, norm: nn.LayerNorm) -> Tensor:
    """LayerNorm((tokens + branch) · mask), in the type of `tokens`; shapes as in `embed`."""
    fits = tokens.shape == branch.shape and (tokens.dtype, branch.dtype) != (torch.bfloat16, torch.float32)
    if fits and tokens.dim() == 3 and built(tokens.device, tokens.dtype, branch.dtype, norm.weight.dtype):
        inputs = tokens.contiguous(), branch.contiguous(), mask, norm.weight, norm.bias, norm.eps
        return normalised(*inputs)[0]
    tokens = tokens + branch
    return norm(tokens if mask is None else tokens * mask.to(tokens.dtype))


def built(device: torch.device, *dtypes: torch.dtype) -> bool:
    """Whether the operators can be used: on a processor, with a compiler, in float32 or bfloat16."""
    fits = device.type == "cpu" and all(dtype in TYPES for dtype in dtypes)
    return fits and not torch.compiler.is_exporting() and available()


@torch.compiler.assume_constant_result
def available() -> bool:
    return library(SOURCE) is not None


def call(name: str, stream: Tensor, branch: Tensor, shape: torch.Size, *arguments: Tensor | float | None) -> None:
    """Runs a function of `fused.cpp` on tensors without gaps."""
    sizes = (TYPES[stream.dtype], TYPES[branch.dtype], torch.get_num_threads(), *shape)
    loaded = library(SOURCE)
    assert loaded is not None
    given = [
        ctypes.c_float(x) if isinstance(x, float) else ctypes.c_void_p(None if x is None else x.data_ptr())
        for x in arguments
    ]
    getattr(loaded, name)((ctypes.c_int64 * 6)(*sizes), *given)


@operator("astromorph::embedded", mutates_args=())
def embedded(words: Tensor, table: Tensor, positions: Tensor, mask: Tensor | None, bfloat16: bool) -> Tensor:
    tokens = _embedded_room(words, table, positions, mask, bfloat16)
    arguments = words, table.contiguous(), positions.contiguous(), mask, tokens
    call("astromorph_embed", tokens, tokens, tokens.shape, *arguments)
    return tokens


@embedded.register_fake
def _embedded_room(words: Tensor, table: Tensor, positions: Tensor, mask: Tensor | None, bfloat16: bool) -> Tensor:
    return table.new_empty(*words.shape, table.shape[1], dtype=torch.bfloat16 if bfloat16 else torch.float32)


@operator("astromorph::embedded_back", mutates_args=())
def embedded_back(words: Tensor, mask: Tensor | None, gradient: Tensor, rows: int) -> tuple[Tensor, Tensor]:
    to_table, to_positions = _embedded_back_room(words, mask, gradient, rows)
    to_table.zero_(), to_positions.zero_()
    arguments = words, mask, gradient.contiguous(), to_table, to_positions
    call("astromorph_embed_back", gradient, gradient, gradient.shape, *arguments)
    return to_table, to_positions


@embedded_back.register_fake
def _embedded_back_room(words: Tensor, mask: Tensor | None, gradient: Tensor, rows: int) -> tuple[Tensor, Tensor]:
    width = gradient.shape[-1]
    empty = lambda count: gradient.new_empty(count, width, dtype=torch.float32)
    return empty(rows), empty(words.shape[1])


def _embedded_saves(ctx, inputs, output):
    words, table, _, mask, _ = inputs
    ctx.rows = table.shape[0]
    ctx.save_for_backward(words, mask)


def _embedded_gradient(ctx, gradient):
    words, mask = ctx.saved_tensors
    to_table, to_positions = embedded_back(words, mask, gradient, ctx.rows)
    return None, to_table, to_positions, None, None


embedded.register_autograd(_embedded_gradient, setup_context=_embedded_saves)


@operator("astromorph::normalised", mutates_args=())
def normalised(
    tokens: Tensor, branch: Tensor, mask: Tensor | None, weight: Tensor, bias: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    output, moments = _normalised_room(tokens)
    call("astromorph_add_norm", tokens, branch, tokens.shape, tokens, branch, mask, weight, bias, eps, output, moments)
    return output, moments


@normalised.register_fake
def _normalised_room(tokens: Tensor, *_: Any) -> tuple[Tensor, Tensor]:
    return torch.empty_like(tokens), tokens.new_empty(*tokens.shape[:2], 2, dtype=torch.float32)


@operator("astromorph::normalised_back", mutates_args=())
def normalised_back(
    tokens: Tensor, branch: Tensor, mask: Tensor | None, weight: Tensor, moments: Tensor, gradient: Tensor
) -> tuple[Tensor, Tensor]:
    to_sum = torch.empty_like(branch)
    to_parameters = weight.new_empty(torch.get_num_threads(), 2, weight.shape[0])
    arguments = tokens, branch, mask, weight, moments, gradient.contiguous(), to_sum, to_parameters
    call("astromorph_add_norm_back", tokens, branch, tokens.shape, *arguments)
    return to_sum, to_parameters.sum(0)


@normalised_back.register_fake
def _normalised_back_room(
    tokens: Tensor, branch: Tensor, mask: Tensor | None, weight: Tensor, moments: Tensor, gradient: Tensor
) -> tuple[Tensor, Tensor]:
    return torch.empty_like(branch), weight.new_empty(2, weight.shape[0])


def _normalised_saves(ctx, inputs, output):
    tokens, branch, mask, weight, _, _ = inputs
    ctx.save_for_backward(tokens, branch, mask, weight, output[1])


def _normalised_gradient(ctx, gradient, _):
    saved = ctx.saved_tensors
    to_sum, parameters = normalised_back(*saved, gradient)
    return to_sum.to(saved[0].dtype), to_sum, None, parameters[0], parameters[1], None


normalised.register_autograd(_normalised_gradient, setup_context=_normalised_saves)
