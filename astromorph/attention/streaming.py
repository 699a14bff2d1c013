"""Causal astromorphic attention one token at a time, with constant state: the recurrent form of `chunked.py`.

    state = start(batch, heads, features, features)
    output, state = step(query, key, value, state, position=..., response=...)   # (batch, heads, features) each

Numbers and gradients are those of the parallel form; memory does not depend on how many tokens have passed.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from astromorph.attention import compiled_step
from astromorph.attention.parts import of_every_head, terms_of
from astromorph.attention.positions import Unordered
from astromorph.attention.precision import wide, working
from astromorph.attention.responses import LinearResponse, Reciprocal
from astromorph.feature_map import PositiveActivity


class State(NamedTuple):
    """What the astrocyte and its synapses remember; at least float32."""

    weight: Tensor  # Hebbian weight H: (batch, heads, features, value features)
    activity: Tensor  # Σ φ(k): (batch, heads, features)
    reach: Tensor  # how many tokens, or the sum of their weights: (batch, heads, 1)
    values: Tensor  # Σ_j r_ij v_j of the additive term: (batch, heads, value features)
    mass: Tensor  # Σ_j r_ij: (batch, heads, 1)


torch.serialization.add_safe_globals([State])  # a stream that was saved is loaded as weights are


def start(
    batch: int,
    heads: int,
    features: int,
    value_features: int,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> State:
    """The state before the first token; dtype: of the tokens to come."""
    shapes = ((features, value_features), (features,), (1,), (value_features,), (1,))
    return State(*(torch.zeros(batch, heads, *shape, dtype=wide(dtype), device=device) for shape in shapes))


def step(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    state: State,
    *,
    feature_map: nn.Module = PositiveActivity(),  # noqa: B008 - without state
    response: nn.Module = LinearResponse(),  # noqa: B008
    position: nn.Module = Unordered(),  # noqa: B008
    feedback: nn.Module = Reciprocal(),  # noqa: B008
) -> tuple[Tensor, State]:
    """One token of each input: (batch, heads, features); returns the output, shaped like value, and the next state."""
    expected = (*state.weight.shape[:2], state.weight.shape[2])
    if tuple(query.shape) != expected or tuple(key.shape) != expected or value.shape != state.values.shape:
        raise ValueError(
            f"query {tuple(query.shape)}, key {tuple(key.shape)}, value {tuple(value.shape)} do not fit a state that "
            f"expects {expected}, {expected}, {tuple(state.values.shape)}; give one token, (batch, heads, features)"
        )
    terms = of_every_head(terms_of(position, 1, state.weight.dtype), query.shape[1])
    tokens = query, key, value
    rho = compiled_step.response_numbers(tokens, state, terms, (feature_map, response, feedback))
    if rho is not None:
        output, following = compiled_step.step(tokens, state, terms, rho)
        return output, State(*following)
    dtype = state.weight.dtype
    asked, activity, given = (
        x.to(dtype) for x in (feature_map(query.to(working(query))), feature_map(key.to(working(key))), value)
    )
    fading = state.mass.new_ones(1, 1)
    if terms.fading is not None:
        fading = torch.exp(-terms.fading)[:, None]
    weight = fading[..., None] * state.weight + activity[..., None] * given[..., None, :]
    stored, reach = fading * state.activity + activity, fading * state.reach + 1
    summed = (asked[..., None, :] @ weight).squeeze(-2)
    calcium = (asked * response(stored, reach)).sum(-1, keepdim=True)
    values, mass = state.values, state.mass
    if terms.relative is not None:
        decay, strength = torch.exp(-terms.relative.rate)[:, None], terms.relative.strength[:, None]
        values, mass = decay * values + given, decay * mass + 1
        summed, calcium = summed + strength * values, calcium + strength * mass
    output = (summed * feedback(calcium)).to(value.dtype)
    return output, State(weight, stored, reach, values, mass)


def layer_step(
    token: Tensor, heads: compiled_step.Projections, state: State, *, feature_map: nn.Module, response: nn.Module,
    position: nn.Module, feedback: nn.Module,
) -> tuple[Tensor, State] | None:  # fmt: skip
    """`step` with the projections around it, token and output (batch, width); None where it is not compiled."""
    batch, count, features, value_features = state.weight.shape
    if batch != token.shape[0] or count * features != token.shape[1] or features != value_features:
        return None
    terms = terms_of(position, 1, state.weight.dtype)
    learned = [x for x in heads.tensors() if x is not None]
    rho = compiled_step.response_numbers((token, *learned), state, terms, (feature_map, response, feedback))
    if rho is None:
        return None
    output, following = compiled_step.step((token,), state, terms, rho, heads)
    return output, State(*following)
