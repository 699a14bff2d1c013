"""Astromorphic attention as a function, in the argument order of torch's scaled_dot_product_attention.

    from astromorph.attention.functional import astromorphic_attention
    output = astromorphic_attention(query, key, value, is_causal=True, position=AdditiveDistance(heads))

By default it is linear attention with φ = elu + 1; every part is an object passed in (parts.py). Cost and memory are
linear in the number of tokens. The calcium response acts on what content stored; the additive relative term bypasses
it, in the numerator and the normaliser alike (`bidirectional.py`, `chunked.py`).
"""

import math

import torch
from torch import Tensor, nn

from astromorph.attention.checks import check_finite_values, check_inputs, check_share, kept_tokens
from astromorph.attention.forms import attend
from astromorph.attention.parts import Parts
from astromorph.attention.plasticity import Hebbian
from astromorph.attention.positions import Unordered
from astromorph.attention.responses import LinearResponse, Reciprocal
from astromorph.feature_map import PositiveActivity

LINEAR = Parts(PositiveActivity(), LinearResponse(), Unordered(), Hebbian(), Reciprocal())


def astromorphic_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    *,
    feature_map: nn.Module = LINEAR.feature_map,
    response: nn.Module = LINEAR.response,
    position: nn.Module = LINEAR.position,
    plasticity: nn.Module = LINEAR.plasticity,
    feedback: nn.Module = LINEAR.feedback,
    check_finite: bool = False,
) -> Tensor:
    """(φ(Q) H + relative term) / calcium; query, key, value: (batch, heads, tokens, features), output like query.

    attn_mask: boolean, True where a key takes part, the same for every query, or, beside is_causal, for every query
    from that key on. dropout_p: share of the tokens whose
    synapses fail to release, drawn a head. scale: q and k are multiplied by its root before φ (default: 1).
    """
    if enable_gqa and query.ndim == key.ndim == value.ndim == 4 and key.shape[1] and query.shape[1] % key.shape[1] == 0:
        key, value = (x.repeat_interleave(query.shape[1] // x.shape[1], 1) for x in (key, value))
    check_inputs(query, key, value)
    if check_finite:
        check_finite_values(query=query, key=key, value=value)
    keep = released(kept_tokens(attn_mask, query, key, is_causal), key, check_share("dropout_p", dropout_p))
    if scale is not None:
        if not 0 <= scale < math.inf:
            raise ValueError(f"scale {scale} has no root to multiply queries and keys by; give a number of 0 or more")
        query, key = query * scale**0.5, key * scale**0.5
    parts = Parts(feature_map, response, position, plasticity, feedback)
    return attend(parts, query, key, value, keep, is_causal)


def released(keep: Tensor | None, key: Tensor, failing: float) -> Tensor | None:
    """`keep`, (batch, heads, tokens, 1), without the share of tokens whose synapses fail to release."""
    if not failing:
        return keep
    drawn = torch.rand(*key.shape[:3], 1, device=key.device) >= failing
    return drawn if keep is None else keep & drawn
