"""`scan.cpp` and `fading.cpp` as operators of torch, with their gradients: they pass through torch.compile as they are.

A position is a pair (strength γ, decay exp(-1/λ)), (heads,) each, or none; `keep` is (batch, heads, tokens, 1), bytes.
The room of an operator is what it gives, empty: the same arguments, of which it needs the first.
"""

import functools
from typing import Any

import torch
from torch import Tensor, get_num_threads

from astromorph.astrocyte import HillResponse, PowerLawResponse
from astromorph.attention import bidirectional, chunked
from astromorph.attention.compiled import scan
from astromorph.attention.distance import chunked_kernel, in_chunks, smear
from astromorph.attention.parts import Distance
from astromorph.attention.responses import LinearResponse, MeanActivityResponse, Reciprocal
from astromorph.feature_map import PositiveActivity
from astromorph.native.transforms import again

CAUSAL, CAUSAL_BACK, WRITE, WRITE_BACK, READ, READ_BACK = range(6)
FADING, FADING_BACK = range(2)
operator = torch.library.custom_op


def fresh(like: Tensor, *shape: int) -> Tensor:
    """An empty tensor (batch, heads, tokens, features) in memory order batch, tokens, heads, as a layer joins them."""
    batch, heads, tokens, features = shape
    return like.new_empty(batch, tokens, heads, features).transpose(1, 2)


def adjacent(x: Tensor) -> Tensor:
    return x if x.stride(-1) == 1 else x.contiguous()


def like(x: Tensor) -> Tensor:
    """An empty tensor for a gradient of x: its memory order where that has no gaps."""
    return torch.empty_like(x) if x.is_contiguous() else fresh(x, *x.shape)


def wide(x: Tensor, *shape: int) -> Tensor:
    return x.new_empty(*shape, dtype=torch.float32)


def placed(**tensors: Tensor | None) -> list[Tensor | None]:
    """Tensors in the order of `scan.cpp`."""
    order = (
        "query", "key", "value", "keep", "output", "inverse", "gradient", "to_query", "to_key", "to_value", "weight",
        "activity", "calcium", "to_weight", "to_calcium", "to_parameters", "drive", "to_drive",
    )  # fmt: skip
    return [tensors.get(name) for name in order]


# Write phase: Hebbian weight and summed activity; drive: (heads, tokens, features) in float32, added to that of keys.


@operator("astromorph::write", mutates_args=())
def write(key: Tensor, value: Tensor, keep: Tensor | None, drive: Tensor | None = None) -> tuple[Tensor, Tensor]:
    weight, total = _write_room(key, value)
    scan(WRITE, placed(key=key, value=value, keep=keep, weight=weight, activity=total[:, :, None],
         drive=to_all(drive, key)))  # fmt: skip
    return weight, total


def to_all(drive: Tensor | None, key: Tensor) -> Tensor | None:
    return None if drive is None else adjacent(drive).expand(len(key), -1, -1, -1)


@write.register_fake
def _write_room(key: Tensor, value: Tensor, *_: Any) -> tuple[Tensor, Tensor]:
    summed = *key.shape[:2], key.shape[3]  # without tokens
    return wide(key, *summed, value.shape[3]), wide(key, *summed)


@operator("astromorph::write_back", mutates_args=())
def write_back(
    key: Tensor, value: Tensor, keep: Tensor | None, drive: Tensor | None, weight: Tensor, total: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    to_key, to_value, to_drive = _write_back_room(key, value, keep, drive)
    threads = get_num_threads() if drive is not None else 0
    sums = to_drive.new_zeros(threads, *to_drive.shape)
    scan(WRITE_BACK, placed(key=key, value=value, keep=keep, to_weight=adjacent(weight),
         to_calcium=adjacent(total)[:, :, None], to_key=to_key, to_value=to_value, drive=to_all(drive, key),
         to_drive=None if drive is None else sums))  # fmt: skip
    return to_key, to_value, torch.sum(sums, 0, out=to_drive)


@write_back.register_fake
def _write_back_room(
    key: Tensor, value: Tensor, keep: Tensor | None, drive: Tensor | None, *_: Any
) -> tuple[Tensor, Tensor, Tensor]:
    return like(key), like(value), wide(key, *(key.shape[1:] if drive is not None else (0, 0, 0)))


def _write_saves(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def _write_gradient(ctx, weight, total):
    saved = ctx.saved_tensors
    if torch.is_grad_enabled():
        return tuple(again(_plain_write, saved, (weight, total), ctx.needs_input_grad))
    to_key, to_value, to_drive = write_back(*saved, weight, total)
    return to_key, to_value, None, None if saved[3] is None else to_drive


write.register_autograd(_write_gradient, setup_context=_write_saves)

# Read phase, with the additive relative term if value, strength and decay are given.


@operator("astromorph::read", mutates_args=())
def read(
    query: Tensor, weight: Tensor, calcium: Tensor, value: Tensor | None, keep: Tensor | None,
    strength: Tensor | None, decay: Tensor | None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    output, inverse = _read_room(query, weight)
    tensors = placed(query=query, value=value, keep=keep, output=output, inverse=inverse,
                     weight=adjacent(weight), calcium=adjacent(calcium)[:, :, None])  # fmt: skip
    scan(READ, tensors, None, decay, strength)
    return output, inverse


@read.register_fake
def _read_room(query: Tensor, weight: Tensor, *_: Any) -> tuple[Tensor, Tensor]:
    return fresh(query, *query.shape[:3], weight.shape[3]), wide(query, *query.shape[:3], 1)


@operator("astromorph::read_back", mutates_args=())
def read_back(
    query: Tensor, weight: Tensor, calcium: Tensor, value: Tensor | None, keep: Tensor | None,
    strength: Tensor | None, decay: Tensor | None, output: Tensor, inverse: Tensor, gradient: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    room = _read_back_room(query, weight, calcium, value)
    to_query, to_weight, to_calcium, to_value, to_parameters = room
    tensors = placed(
        query=query, value=value, keep=keep, output=output, inverse=inverse, gradient=adjacent(gradient),
        to_query=to_query, to_value=None if value is None else to_value, weight=adjacent(weight),
        calcium=adjacent(calcium)[:, :, None], to_weight=to_weight, to_calcium=to_calcium[:, :, None],
        to_parameters=to_parameters[:, :, None],
    )  # fmt: skip
    scan(READ_BACK, tensors, None, decay, strength)
    return room


@read_back.register_fake
def _read_back_room(
    query: Tensor, weight: Tensor, calcium: Tensor, value: Tensor | None, *_: Any
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    to_value = query.new_empty(0) if value is None else like(value)
    parameters = wide(query, *query.shape[:2], 2)
    return like(query), wide(query, *weight.shape), wide(query, *calcium.shape), to_value, parameters


def _read_saves(ctx, inputs, output):
    ctx.save_for_backward(*inputs, *output)


def _read_gradient(ctx, gradient, _):
    saved = ctx.saved_tensors
    if torch.is_grad_enabled():
        return tuple(again(_plain_read, saved[:7], (gradient,), ctx.needs_input_grad))
    to_query, to_weight, to_calcium, to_value, parameters = read_back(*saved, gradient)
    if saved[3] is None:
        return to_query, to_weight, to_calcium, None, None, None, None
    strength, decay = parameters.sum(0).unbind(-1)
    return to_query, to_weight, to_calcium, to_value, None, strength, decay


read.register_autograd(_read_gradient, setup_context=_read_saves)

# Causal: both phases in one; rho: the calcium response's kind and numbers (`scan.cpp`).


@operator("astromorph::causal", mutates_args=())
def causal(
    query: Tensor, key: Tensor, value: Tensor, keep: Tensor | None, rho: Tensor, strength: Tensor | None,
    decay: Tensor | None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    output, inverse = _causal_room(query, key, value)
    tensors = placed(query=query, key=key, value=value, keep=keep, output=output, inverse=inverse)
    scan(CAUSAL, tensors, rho, decay, strength)
    return output, inverse


@causal.register_fake
def _causal_room(query: Tensor, key: Tensor, value: Tensor, *_: Any) -> tuple[Tensor, Tensor]:
    return fresh(value, *value.shape), wide(query, *query.shape[:3], 1)


@operator("astromorph::causal_back", mutates_args=())
def causal_back(
    query: Tensor, key: Tensor, value: Tensor, keep: Tensor | None, rho: Tensor, strength: Tensor | None,
    decay: Tensor | None, output: Tensor, inverse: Tensor, gradient: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    room = _causal_back_room(query, key, value)
    to_query, to_key, to_value, to_parameters = room
    tensors = placed(
        query=query, key=key, value=value, keep=keep, output=output, inverse=inverse, gradient=adjacent(gradient),
        to_query=to_query, to_key=to_key, to_value=to_value, to_parameters=to_parameters[:, :, None],
    )  # fmt: skip
    scan(CAUSAL_BACK, tensors, rho, decay, strength)
    return room


@causal_back.register_fake
def _causal_back_room(query: Tensor, key: Tensor, value: Tensor, *_: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return like(query), like(key), like(value), wide(query, *query.shape[:2], 2)


def _causal_gradient(ctx, gradient, _):
    saved = ctx.saved_tensors
    if torch.is_grad_enabled():
        return tuple(again(_plain_causal, saved[:7], (gradient,), ctx.needs_input_grad))
    to_query, to_key, to_value, parameters = causal_back(*saved, gradient)
    strength, decay = (None, None) if saved[6] is None else parameters.sum(0).unbind(-1)
    return to_query, to_key, to_value, None, None, strength, decay


causal.register_autograd(_causal_gradient, setup_context=_read_saves)

# Content that fades over distance, causal or from both sides; rates 1/λ of it and of a relative term: (heads,).


@operator("astromorph::fading", mutates_args=())
def fading(
    query: Tensor, key: Tensor, value: Tensor, keep: Tensor | None, rho: Tensor, strength: Tensor | None,
    rate: Tensor | None, fades: Tensor, both: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    output, inverse = _causal_room(query, key, value)
    tensors = placed(query=query, key=key, value=value, keep=keep, output=output, inverse=inverse)
    scan(FADING, tensors, rho, _decay(rate), strength, torch.exp(-fades), both)
    return output, inverse


fading.register_fake(_causal_room)


def _decay(rate: Tensor | None) -> Tensor | None:
    return None if rate is None else torch.exp(-rate)


@operator("astromorph::fading_back", mutates_args=())
def fading_back(
    query: Tensor, key: Tensor, value: Tensor, keep: Tensor | None, rho: Tensor, strength: Tensor | None,
    rate: Tensor | None, fades: Tensor, output: Tensor, inverse: Tensor, both: bool, gradient: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    room = _fading_back_room(query, key, value)
    to_query, to_key, to_value, to_parameters = room
    tensors = placed(
        query=query, key=key, value=value, keep=keep, output=output, inverse=inverse, gradient=adjacent(gradient),
        to_query=to_query, to_key=to_key, to_value=to_value, to_parameters=to_parameters[:, :, None],
    )  # fmt: skip
    scan(FADING_BACK, tensors, rho, _decay(rate), strength, torch.exp(-fades), both)
    return room


@fading_back.register_fake
def _fading_back_room(query: Tensor, key: Tensor, value: Tensor, *_: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return like(query), like(key), like(value), wide(query, *query.shape[:2], 3)


def _fading_saves(ctx, inputs, output):
    *tensors, ctx.both = inputs
    ctx.save_for_backward(*tensors, *output)


def _fading_gradient(ctx, gradient, _):
    saved = ctx.saved_tensors
    if torch.is_grad_enabled():
        plain = functools.partial(_plain_by_place, causal=not ctx.both)
        return (*again(plain, saved[:8], (gradient,), ctx.needs_input_grad[:8]), None)
    to_query, to_key, to_value, parameters = fading_back(*saved, ctx.both, gradient)
    strength, rate, fades = parameters.sum(0).unbind(-1)
    relative = (None, None) if saved[6] is None else (strength, rate)
    return to_query, to_key, to_value, None, None, *relative, fades, None


fading.register_autograd(_fading_gradient, setup_context=_fading_saves)

# The same in plain formulas, of which a second derivative is taken.


def _silent(keep: Tensor | None, x: Tensor) -> Tensor:
    return x if keep is None else x.masked_fill(keep == 0, 0)


def _plain_write(key: Tensor, value: Tensor, keep: Tensor | None, drive: Tensor | None) -> tuple[Tensor, Tensor]:
    key, value = _silent(keep, key), _silent(keep, value)
    return bidirectional.write(PositiveActivity(), key, value, keep, None, drive)[:2]


def _plain_read(query, weight, calcium, value, keep, strength, decay) -> Tensor:
    relative = None
    if value is not None:
        value, kernel = _silent(keep, value), chunked_kernel(_rate(decay), 32, causal=False)
        chunks = kernel.leaving[:, None] @ in_chunks(value.to(decay), 32)
        present = decay.new_ones(1, len(decay), value.shape[2], 1) if keep is None else keep.to(decay)
        relative = bidirectional.relative_term(kernel, strength, value, chunks, smear(present, kernel).squeeze(3))
    return bidirectional.read(PositiveActivity(), Reciprocal(), query, weight, calcium, relative)


def _plain_causal(query, key, value, keep, rho, strength, decay) -> Tensor:
    still = query.new_zeros(query.shape[1], dtype=torch.float32)
    rate = None if decay is None else _rate(decay)
    return _plain_by_place(query, key, value, keep, rho, strength, rate, still, causal=True)


def _plain_by_place(query, key, value, keep, rho, strength, rate, fades, *, causal: bool) -> Tensor:
    kind, baseline, amplitude, exponent, half = rho.tolist()
    response: Any = LinearResponse()
    if kind:
        curve = PowerLawResponse if kind == 1 else HillResponse
        numbers = (baseline, amplitude, exponent) + ((half ** (1 / exponent),) if kind == 2 else ())
        response = MeanActivityResponse(curve(*numbers))
    key, value = _silent(keep, key), _silent(keep, value)
    relative = None if rate is None else Distance(rate, strength)
    parts = PositiveActivity(), response, Reciprocal()
    return chunked.attend(parts, query, key, value, keep, fades, relative, causal)


def _rate(decay: Tensor) -> Tensor:
    return -decay.clamp_min(torch.finfo(decay.dtype).tiny).log()
