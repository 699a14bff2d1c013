"""What attention is made of, and what each part answers. A part is any module that keeps its contract:

    feature_map(x) -> activity                            φ, elementwise and positive
    response(total, count) -> g                           calcium store from the summed activity, shaped like total
    position.terms(tokens, dtype) -> dict                 what the places of tokens add: arguments of `Terms`
    plasticity(weight) -> weight                          what becomes of the Hebbian sum
    feedback(calcium) -> P                                how calcium acts back on the synapses

That is enough for attention among all tokens. What else a part knows of itself it offers by a method, which no other
file asks its type for: `scanned()` of a feature map, a feedback or a response, that the compiled scan can compute it
(a response gives its numbers as `scan.cpp` takes them); `factor()` of a plasticity, that it multiplies by a number,
which every causal form needs.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class Distance(NamedTuple):
    """An exponential kernel strength · exp(-rate |i - j|); both (heads,), rate one over the length in tokens."""

    rate: Tensor
    strength: Tensor


class Terms(NamedTuple):
    """What a position adds, each None if it does not.

    drive: (heads, tokens, features), to the activity of keys.
    relative: beside the content term, in numerator and calcium alike.
    fading: (heads,), one over the length in tokens over which content fades.
    """

    drive: Tensor | None = None
    relative: Distance | None = None
    fading: Tensor | None = None


def terms_of(position: nn.Module, tokens: int, dtype: torch.dtype) -> Terms:
    """What `position` adds for so many tokens, in numbers of this type."""
    terms = Terms(**position.terms(tokens, dtype))  # type: ignore[operator]
    return terms if terms.relative is None else terms._replace(relative=Distance(*terms.relative))


def of_every_head(terms: Terms, heads: int) -> Terms:
    """Distances with a number for every head; one number holds for all. ValueError if they are for other heads."""
    relative, fading = terms.relative, terms.fading
    for numbers in (*(relative or ()), fading):
        if numbers is not None and tuple(numbers.shape) not in ((heads,), (1,)):
            raise ValueError(
                f"the distances of {numbers.numel()} heads reached {heads} heads; give position {heads} heads"
            )
    if heads == 1 or all(numbers is None or len(numbers) == heads for numbers in (*(relative or ()), fading)):
        return terms
    relative = None if relative is None else Distance(*(numbers.expand(heads).contiguous() for numbers in relative))
    return terms._replace(relative=relative, fading=None if fading is None else fading.expand(heads).contiguous())


class Parts(NamedTuple):
    """The parts of one attention; see above."""

    feature_map: nn.Module
    response: nn.Module
    position: nn.Module
    plasticity: nn.Module
    feedback: nn.Module


def offered(part: nn.Module, name: str) -> Any:
    """What a part's method `name` gives; None if it has none.

    A subclass that computes something else (`forward`) offers only what it says anew, and a part with hooks or a
    `forward` of its own nothing: what it inherits is true of the forward it inherits it with.
    """
    if not isinstance(part, nn.Module):
        return None
    kind: Any = type(part)
    if part._forward_hooks or part._forward_pre_hooks or part._backward_hooks or "forward" in part.__dict__:
        return None
    for owner in kind.__mro__:
        if name in owner.__dict__:
            return getattr(part, name)() if kind.forward is owner.forward else None
    return None


def check_by_place(parts: Parts, terms: Terms) -> None:
    """ValueError if a part has no causal form, and none in which content fades over distance."""
    whole = [parts.position] if terms.drive is not None else []
    whole += [parts.plasticity] if offered(parts.plasticity, "factor") is None else []
    if whole:
        raise ValueError(
            f"{type(whole[0]).__name__} has no causal or fading form, it sums over all tokens at once; use "
            "AdditiveDistance, MultiplicativeDistance or Unordered, and Hebbian plasticity"
        )
