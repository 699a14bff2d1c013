"""When plain formulas are wanted for what is done with them: torch.func, forward mode, second derivatives.

What is compiled, or computed in blocks, brings one gradient, backward and for one call.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor


def without_autocast(x: Tensor) -> AbstractContextManager[Any]:
    """Computing in the type that is asked for, on the device of x; the meta device knows no other way."""
    return nullcontext() if x.is_meta else torch.autocast(x.device.type, enabled=False)


def transformed() -> bool:
    """Whether a transform of torch.func or forward-mode differentiation is under way."""
    if torch.compiler.is_compiling():
        return False
    return bool(torch._C._are_functorch_transforms_active()) or torch.autograd.forward_ad._current_level >= 0


def again(
    plain: Callable[..., Any],
    inputs: Sequence[Tensor | None],
    gradients: Sequence[Tensor | None],
    wanted: Sequence[bool],
) -> list[Tensor | None]:
    """Gradients by `inputs` of `plain`, which computes what was computed in plain formulas; they can be differentiated
    in turn, and stand for the backward pass where torch is to `create_graph`. None where none is wanted.
    """
    with torch.enable_grad():
        given = [None if x is None else x.view_as(x) for x in inputs]  # one may have been computed from another
        outputs = plain(*given)
    outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    pairs = [pair for pair in zip(outputs, gradients, strict=True) if pair[1] is not None and pair[0].requires_grad]
    places = [i for i, want in enumerate(wanted) if want and pairs]
    results: list[Tensor | None] = [None] * len(inputs)
    if places:
        asked, (computed, outer) = [given[i] for i in places], zip(*pairs, strict=True)
        parts = torch.autograd.grad(computed, asked, outer, create_graph=True, allow_unused=True)  # type: ignore[arg-type]
        for i, part in zip(places, parts, strict=True):
            results[i] = part
    return results
