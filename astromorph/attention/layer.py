"""Multi-head astromorphic attention on (batch, tokens, width), to put where softmax attention stood.

    layer = AstromorphicAttention(128, 4)                          # recommended: measured calcium, distance kernel
    layer = AstromorphicAttention(128, 4, causal=True)             # the same for language models; `step` streams
    layer = AstromorphicAttention(128, 4, **equation_18(4, 32, tokens=400))        # as printed: `published.py`
    layer = AstromorphicAttention.from_multihead(torch.nn.MultiheadAttention(128, 4, batch_first=True))

In a torch encoder, after construction: `encoder_layer.self_attn = AstromorphicAttention.from_multihead(
encoder_layer.self_attn)`; torch calls it with key_padding_mask, which is True where padded. In a timm-style vision
transformer: `block.attn = AstromorphicAttention(width, heads)`.
"""

from typing import Any, Self

import torch
from torch import Tensor, nn

from astromorph.astrocyte import PowerLawResponse
from astromorph.attention import streaming
from astromorph.attention.checks import check_finite_values
from astromorph.attention.distance import AdditiveDistance
from astromorph.attention.feature_maps import PositiveActivity
from astromorph.attention.functional import Parts, astromorphic_attention, check_by_place
from astromorph.attention.plasticity import Hebbian
from astromorph.attention.responses import MeanActivityResponse, Reciprocal


class AstromorphicAttention(nn.Module):
    """Projections, heads, and `astromorphic_attention` between them.

    Args:
        width: of a token; divisible by heads.
        heads: how many.
        causal: a token reads only from itself and those before it.
        feature_map: φ; `feature_maps.py`; default elu + 1.
        response: how calcium follows activity; `responses.py`; default the published curve on the mean activity.
        position: `positions.py`; default an additive distance kernel, length and strength learned a head.
        plasticity: what becomes of the Hebbian sum; `plasticity.py`.
        feedback: how calcium acts back; `responses.py`; default 1/C.
        bias: biases in the projections.
        dropout: share of synapses that fail to release a token in training.
        check_finite: refuse inputs that are not finite.
    """

    batch_first, in_proj_bias = True, None  # what torch's TransformerEncoderLayer asks: not to bypass this layer

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        causal: bool = False,
        feature_map: nn.Module | None = None,
        response: nn.Module | None = None,
        position: nn.Module | None = None,
        plasticity: nn.Module | None = None,
        feedback: nn.Module | None = None,
        bias: bool = True,
        dropout: float = 0.0,
        check_finite: bool = False,
    ) -> None:
        super().__init__()
        if heads < 1 or width % heads:
            raise ValueError(f"width {width} does not divide into {heads} heads; use a multiple of {heads}")
        self.width, self.heads, self.causal = width, heads, causal
        self.dropout, self.check_finite = dropout, check_finite
        self.to_query, self.to_key, self.to_value, self.to_output = (
            nn.Linear(width, width, bias=bias) for _ in range(4)
        )
        self.feature_map = feature_map or PositiveActivity()
        self.response = response or MeanActivityResponse(PowerLawResponse(0.8004, 0.1996, 0.25))
        self.position = position or AdditiveDistance(heads)
        self.plasticity = plasticity or Hebbian()
        self.feedback = feedback or Reciprocal()
        if causal:
            check_by_place(Parts(**self._parts()))

    @classmethod
    def from_multihead(cls, attention: nn.MultiheadAttention, **parts: Any) -> Self:
        """Takes over the projections of torch's layer (equal widths of query, key and value); `parts` as above."""
        if attention.in_proj_weight is None or attention.bias_k is not None or attention.add_zero_attn:
            raise ValueError(
                "this MultiheadAttention has keys or values of another width, bias_k or add_zero_attn, which have no "
                "counterpart; build it with one embed_dim and without them"
            )
        biased = attention.in_proj_bias is not None
        parts = {"dropout": attention.dropout, "bias": biased, **parts}
        if not attention.batch_first:
            raise ValueError("this MultiheadAttention takes (tokens, batch, width); build it with batch_first=True")
        layer = cls(attention.embed_dim, attention.num_heads, **parts).to(attention.in_proj_weight)
        with torch.no_grad():
            projections = (layer.to_query, layer.to_key, layer.to_value)
            for ours, weight in zip(projections, attention.in_proj_weight.chunk(3), strict=True):
                ours.weight.copy_(weight)
            layer.to_output.weight.copy_(attention.out_proj.weight)
            if biased:
                for ours, bias in zip(projections, attention.in_proj_bias.chunk(3), strict=True):
                    ours.bias.copy_(bias)
                layer.to_output.bias.copy_(attention.out_proj.bias)
        return layer.train(attention.training)

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
    ) -> Any:
        """query: (batch, queries, width), key, value: (batch, keys, width), by default query; returns query's shape.

        key_padding_mask: (batch, keys), True where padded, as in torch.nn.MultiheadAttention, whose other arguments
        are taken too: called with key and value, this returns (output, None). A causal layer needs no attn_mask and
        takes one only beside is_causal=True.
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
        keep = None if key_padding_mask is None else self._keep(key_padding_mask)
        attended = astromorphic_attention(
            self._heads(self.to_query(query)),
            self._heads(self.to_key(key)),
            self._heads(self.to_value(value)),
            keep,
            self.dropout if self.training else 0.0,
            self.causal,
            **self._parts(),
        )
        output = self.to_output(attended.transpose(1, 2).flatten(2))
        return (output, None) if as_multihead else output

    def start(self, batch: int) -> streaming.State:
        """The state before the first token of a stream, for `step`."""
        if not self.causal:
            raise ValueError("a layer that is not causal cannot stream; build it with causal=True")
        features, weight = self.width // self.heads, self.to_query.weight
        return streaming.start(batch, self.heads, features, features, dtype=weight.dtype, device=weight.device)

    def step(self, token: Tensor, state: streaming.State) -> tuple[Tensor, streaming.State]:
        """One token, (batch, width): its output and the next state; constant memory and time, dropout left out."""
        if token.ndim != 2 or token.shape[-1] != self.width:
            raise ValueError(f"token has shape {tuple(token.shape)}; give (batch, {self.width})")
        query, key, value = (
            project(token).unflatten(-1, (self.heads, -1)) for project in (self.to_query, self.to_key, self.to_value)
        )
        parts = self._parts()
        plasticity = parts.pop("plasticity")
        attended, state = streaming.step(query, key, value, state, **parts)
        return self.to_output(attended.flatten(1) * plasticity.scale), state

    def _parts(self) -> dict[str, Any]:
        return {
            "feature_map": self.feature_map, "response": self.response, "position": self.position,
            "plasticity": self.plasticity, "feedback": self.feedback,
        }  # fmt: skip

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

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

    def _keep(self, padding: Tensor) -> Tensor:
        """(batch, 1, 1, keys), True where real; torch's encoder hands on boolean masks as 0 and -inf."""
        return (~padding if padding.dtype == torch.bool else padding == 0)[:, None, None, :]
