"""Astromorphic attention ready-made, to put where softmax attention stood.

layer = AstromorphicAttention(128, 4)                          # recommended: measured calcium, distance kernel
layer = AstromorphicAttention(128, 4, causal=True)             # the same for language models; `step` streams
layer = AstromorphicAttention.from_multihead(torch.nn.MultiheadAttention(128, 4, batch_first=True))
"""

from typing import Any, Self

import torch
from torch import Tensor, nn

from astromorph.astrocyte import PowerLawResponse
from astromorph.attention import streaming
from astromorph.attention.astromorphic import AstromorphicMechanism
from astromorph.attention.compiled_step import Projections
from astromorph.attention.distance import AdditiveDistance
from astromorph.attention.multihead import MultiheadAttention, check_heads
from astromorph.attention.parts import check_by_place, offered, terms_of
from astromorph.attention.responses import MeanActivityResponse


class AstromorphicAttention(MultiheadAttention):
    """The layer of multihead.py around `AstromorphicMechanism`.

    Args:
        width: of a token; divisible by heads.
        heads: how many.
        causal: a token reads only from itself and those before it.
        feature_map: φ; `astromorph/feature_map.py`; default elu + 1.
        response: how calcium follows activity; `responses.py`; default the published curve on the mean activity.
        position: `positions.py`; default an additive distance kernel, length and strength learned a head.
        plasticity: what becomes of the Hebbian sum; `plasticity.py`.
        feedback: how calcium acts back; `responses.py`; default 1/C.
        dropout: share of synapses that fail to release a token in training.
        others: delays, gain, bias, check_finite, as of MultiheadAttention.
    """

    mechanism: AstromorphicMechanism

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
        dropout: float = 0.0,
        **others: Any,
    ) -> None:
        check_heads(width, heads)
        response = response or MeanActivityResponse(PowerLawResponse(0.8004, 0.1996, 0.25))
        parts = response, position or AdditiveDistance(heads), feature_map, plasticity, feedback
        mechanism = AstromorphicMechanism(*parts, causal=causal, failing=dropout)
        super().__init__(width, heads, mechanism, **others)
        if causal:
            check_by_place(mechanism.parts, terms_of(mechanism.position, 1, torch.float32))

    @classmethod
    def from_multihead(cls, attention: nn.MultiheadAttention, **parts: Any) -> Self:
        """Takes over the projections of torch's layer (equal widths of query, key and value); `parts` as above."""
        if attention.in_proj_weight is None or attention.bias_k is not None or attention.add_zero_attn:
            raise ValueError(
                "this MultiheadAttention has keys or values of another width, bias_k or add_zero_attn, which have no "
                "counterpart; build it with one embed_dim and without them"
            )
        if not attention.batch_first:
            raise ValueError("this MultiheadAttention takes (tokens, batch, width); build it with batch_first=True")
        biased = attention.in_proj_bias is not None
        parts = {"dropout": attention.dropout, "bias": biased, **parts}
        layer = cls(attention.embed_dim, attention.num_heads, **parts).to(attention.in_proj_weight)
        with torch.no_grad():
            layer.to_query_key_value.weight.copy_(attention.in_proj_weight)
            layer.to_output.weight.copy_(attention.out_proj.weight)
            if biased:
                layer.to_query_key_value.bias.copy_(attention.in_proj_bias)
                layer.to_output.bias.copy_(attention.out_proj.bias)
        return layer.train(attention.training)

    def start(self, batch: int) -> streaming.State:
        """The state before the first token of a stream, for `step`."""
        if not self.causal:
            raise ValueError("a layer that is not causal cannot stream; build it with causal=True")
        if self.delays is not None:
            raise ValueError("a layer with delays keeps no tokens to stream; call it on the whole sequence")
        features, weight = self.width // self.heads, self.to_output.weight
        return streaming.start(batch, self.heads, features, features, dtype=weight.dtype, device=weight.device)

    def step(self, token: Tensor, state: streaming.State) -> tuple[Tensor, streaming.State]:
        """One token, (batch, width): its output and the next state; constant memory and time, dropout left out."""
        if token.ndim != 2 or token.shape[-1] != self.width:
            raise ValueError(f"token has shape {tuple(token.shape)}; give (batch, {self.width})")
        parts = self.mechanism.parts._asdict()
        gain = self.gain * offered(parts.pop("plasticity"), "factor")
        heads = Projections(self.to_query_key_value, self.to_output, gain)
        following = streaming.layer_step(token, heads, state, **parts) if heads.usual(token) else None
        if following is not None:
            return following
        query, key, value = self.to_query_key_value(token).unflatten(-1, (3, self.heads, -1)).unbind(1)
        attended, state = streaming.step(query, key, value, state, **parts)
        return self.to_output(gain * attended.flatten(1)), state
