"""Projections and heads around an attention mechanism (Vaswani et al. 2017, section 3.2.2), on (batch, tokens, width).

In a torch encoder, after construction: `encoder_layer.self_attn = AstromorphicAttention.from_multihead(
encoder_layer.self_attn)`; torch calls it with key_padding_mask, which is True where padded. In a timm-style vision
transformer: `block.attn = AstromorphicAttention(width, heads)`.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from astromorph.attention.checks import check_finite_values, kept
from astromorph.files.older_names import beginning, in_todays_names
from astromorph.native.transforms import transformed


class MultiheadAttention(nn.Module):
    """Projects tokens to queries, keys and values, lets `mechanism` attend in every head, and projects back.

    Args:
        width: of a token; divisible by heads.
        heads: how many.
        mechanism: any module called as mechanism(query, key, value, keep) on (batch, heads, tokens, features).
        delays: lets keys and values come later (token_delays.py).
        gain: by which what was attended to is multiplied.
        bias: biases in the projections.
        check_finite: refuse inputs that are not finite.
    """

    # what torch's TransformerEncoder and its layers ask: not to bypass this layer, nor to hand it nested tensors
    batch_first, in_proj_bias, _qkv_same_embed_dim = True, None, False

    def __init__(
        self,
        width: int,
        heads: int,
        mechanism: nn.Module,
        delays: nn.Module | None = None,
        *,
        gain: float = 1.0,
        bias: bool = True,
        check_finite: bool = False,
    ) -> None:
        super().__init__()
        check_heads(width, heads)
        if not math.isfinite(gain):
            raise ValueError(f"gain {gain} is no finite number; give one, 1 to change nothing")
        self.width, self.heads, self.gain, self.check_finite = width, heads, gain, check_finite
        self.to_query_key_value = nn.Linear(width, 3 * width, bias=bias)
        self.delays = delays
        self.mechanism = mechanism
        self.to_output = nn.Linear(width, width, bias=bias)
        self.register_load_state_dict_pre_hook(_from_older_names)

    @property
    def in_proj_weight(self) -> Tensor:
        """The projections' weight, as a kind of tensor that torch's encoder does not compute with by itself."""
        return self.to_query_key_value.weight.as_subclass(Projected)

    @property
    def out_proj(self) -> nn.Linear:
        """`to_output` under torch's name."""
        return self.to_output

    @property
    def causal(self) -> bool:
        """Whether a token reads only from itself and those before it."""
        return bool(getattr(self.mechanism, "causal", False))

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = False,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
        *,
        keep: Tensor | None = None,
    ) -> Any:
        """query: (batch, queries, width), key, value: (batch, keys, width), by default query; returns query's shape.

        keep: (batch, keys), True where a token is real. key_padding_mask: the same, True where padded, as in
        torch.nn.MultiheadAttention, whose other arguments are taken too: called with key and value, this returns
        (output, None). A causal layer needs no attn_mask and takes one only beside is_causal=True.
        """
        as_multihead = key is not None
        key = query if key is None else key
        value = key if value is None else value
        self._check(query, key, value, key_padding_mask)
        if is_causal != self.causal and (is_causal or attn_mask is not None):
            raise ValueError(
                f"attn_mask {None if attn_mask is None else tuple(attn_mask.shape)} and is_causal={is_causal} reached "
                f"a layer built with causal={self.causal}; it knows the causal mask only, asked for by both"
            )
        keep = kept(keep, key, key_padding_mask)
        heads = self.projected(query, key, value)
        if self.delays is not None:
            late = self.delays(*(x.transpose(1, 2) for x in heads[1:]))
            heads = heads[0], *(x.transpose(1, 2) for x in late)
        attended = self.mechanism(*heads, keep)
        if self.gain != 1:
            attended = self.gain * attended
        output = self.to_output(attended.transpose(1, 2).flatten(2))
        return (output, None) if as_multihead else output

    def projected(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of every head, (batch, heads, tokens, features) each."""
        batch, tokens, _ = query.shape
        features = self.width // self.heads
        if key is query and value is query:
            together = self.to_query_key_value(query).view(batch, tokens, 3, self.heads, features)
            if transformed():
                one, two, three = (part.transpose(1, 2) for part in together.unbind(2))
                return one, two, three
            return Split.apply(together)
        weights = self.to_query_key_value.weight.chunk(3)
        biases = (None,) * 3 if self.to_query_key_value.bias is None else self.to_query_key_value.bias.chunk(3)
        one, two, three = (
            nn.functional.linear(x, weight, bias).unflatten(-1, (self.heads, features)).transpose(1, 2)
            for x, weight, bias in zip((query, key, value), weights, biases, strict=True)
        )
        return one, two, three

    def _check(self, query: Tensor, key: Tensor, value: Tensor, padding: Tensor | None) -> None:
        for name, x in (("query", query), ("key", key), ("value", value)):
            if x.ndim != 3 or x.shape[-1] != self.width:
                raise ValueError(f"{name} has shape {tuple(x.shape)}; give (batch, tokens, {self.width})")
            if self.check_finite:
                check_finite_values(**{name: x})
        if padding is not None and padding.shape != key.shape[:2]:
            raise ValueError(
                f"key_padding_mask has shape {tuple(padding.shape)}; give {tuple(key.shape[:2])}, (batch, keys), True "
                "where padded"
            )


def check_heads(width: int, heads: int) -> None:
    """ValueError unless tokens of this width divide into so many heads."""
    whole = all(hasattr(number, "__index__") and not isinstance(number, bool) for number in (width, heads))
    if not whole or width < 1 or heads < 1:
        raise ValueError(f"width {width!r} and heads {heads!r} are not two whole numbers; give both, 1 or more")
    if width % heads:
        raise ValueError(f"width {width} does not divide into {heads} heads; use a multiple of {heads}")


class Projected(Tensor):
    """See `in_proj_weight`."""


class Split(torch.autograd.Function):
    """(batch, tokens, 3, heads, features) as three views, (batch, heads, tokens, features) each.

    Their gradients are copied once, into memory as the projection wants it; torch's own way copies them twice.
    """

    @staticmethod
    def forward(ctx: Any, projected: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        query, key, value = (part.transpose(1, 2) for part in projected.unbind(2))
        return query, key, value

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        batch, heads, tokens, features = gradients[0].shape
        packed = gradients[0].new_empty(batch, tokens, 3, heads, features)
        for place, gradient in enumerate(gradients):
            packed[:, :, place].copy_(gradient.transpose(1, 2))
        return packed


def _from_older_names(layer: nn.Module, state: dict[str, Tensor], prefix: str, *_: Any) -> None:
    """torch calls this with the state that a layer is to load."""
    own = {name: state.pop(name) for name in beginning(list(state), prefix)}
    state.update(in_todays_names(own))
