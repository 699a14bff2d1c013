"""A function over blocks of tokens whose inner tensors are computed again in the backward pass instead of kept.

Memory then holds inputs, outputs and one block's work, whatever the function; the gradients are ordinary
differentiation inside a block.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from astromorph.attention.blocks import Block, blocks
from astromorph.native.transforms import again, transformed

Function = Callable[..., Sequence[Tensor]]


def over_blocks(
    function: Function, cut: Sequence[Tensor | None], shared: Sequence[Tensor | None], learned: Sequence[Tensor]
) -> Sequence[Tensor]:
    """function(*cut, *shared), computed block by block.

    cut: tensors (batch, heads, chunks, …), or None; the outputs have the same first axes. shared: whole for every
    block. learned: parameters that `function` uses without being given them.
    """
    first = cut[0]
    assert first is not None
    parts = list(blocks(first)) if not (torch.compiler.is_compiling() or transformed()) else []
    if len(parts) < 2:
        return function(*cut, *shared)
    outputs = Recomputed.apply(function, parts, len(cut), len(shared), *cut, *shared, *learned)
    return outputs


class Recomputed(torch.autograd.Function):
    """See `over_blocks`."""

    @staticmethod
    def forward(
        ctx: Any, function: Function, parts: Sequence[Block], cut: int, shared: int, *tensors: Tensor | None
    ) -> tuple[Tensor, ...]:
        outputs: list[Tensor] = []
        for block in parts:
            done = function(*_taken(tensors[:cut], block), *tensors[cut : cut + shared])
            if not outputs:
                first = tensors[0]
                assert first is not None
                outputs = [x.new_empty(*first.shape[:3], *x.shape[3:]) for x in done]
            for whole, part in zip(outputs, done, strict=True):
                block.of(whole).copy_(part)
        ctx.function, ctx.parts, ctx.counts = function, parts, (cut, shared)
        ctx.save_for_backward(*tensors)
        return tuple(outputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        tensors, (cut, shared) = ctx.saved_tensors, ctx.counts
        wanted = ctx.needs_input_grad[4:]
        if torch.is_grad_enabled():
            if any(wanted[cut + shared :]):
                raise ValueError(
                    f"no second derivative is known by the {len(wanted) - cut - shared} parameters of a part over many "
                    "blocks of tokens; take fewer tokens, or requires_grad_(False) of that part"
                )
            plain = lambda *tensors: ctx.function(*tensors[: cut + shared])
            return None, None, None, None, *again(plain, tensors, gradients, wanted)
        totals = [
            torch.zeros_like(x, memory_format=torch.contiguous_format) if want else None
            for x, want in zip(tensors, wanted, strict=True)
        ]
        for block in ctx.parts:
            given = [
                x if x is None or i >= cut + shared else x.detach().requires_grad_(wanted[i])
                for i, x in enumerate((*_taken(tensors[:cut], block), *tensors[cut:]))
            ]
            with torch.enable_grad():
                done = ctx.function(*given[: cut + shared])
            outer = [block.of(gradient) for gradient in gradients]
            asked = [i for i, want in enumerate(wanted) if want]
            found = torch.autograd.grad(done, [given[i] for i in asked], outer, allow_unused=True)
            for i, part in zip(asked, found, strict=True):
                whole = totals[i]
                if part is not None and whole is not None:
                    place = block.of(whole) if i < cut else whole
                    place.add_(part)
        return None, None, None, None, *totals


def _taken(tensors: Sequence[Tensor | None], block: Block) -> list[Tensor | None]:
    return [None if x is None else block.of(x) for x in tensors]
