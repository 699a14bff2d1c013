"""Astromorphic attention as a function, in the argument order of torch's scaled_dot_product_attention.

    from astromorph.attention.functional import astromorphic_attention
    output = astromorphic_attention(query, key, value, is_causal=True, position=AdditiveDistance(heads))

By default it is linear attention with φ = elu + 1; every part is an object passed in. Cost and memory are linear in
the number of tokens. The calcium response acts on what content stored; the additive relative term bypasses it, in the
numerator and the normaliser alike (`bidirectional.py`, `chunked.py`).
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from astromorph.astrocyte import HillResponse, PowerLawResponse
from astromorph.attention import bidirectional, chunked, compiled, scans
from astromorph.attention.checks import check_finite_values, check_inputs, kept_tokens
from astromorph.attention.distance import AdditiveDistance, MultiplicativeDistance, chunked_kernel, smear
from astromorph.attention.feature_maps import PositiveActivity
from astromorph.attention.plasticity import Hebbian
from astromorph.attention.positions import LearnedDrive, Unordered
from astromorph.attention.precision import wide, working
from astromorph.attention.responses import LinearResponse, MeanActivityResponse, Reciprocal, RunningPower

FEATURE_MAP, RESPONSE, POSITION, PLASTICITY, FEEDBACK = (
    PositiveActivity(), LinearResponse(), Unordered(), Hebbian(), Reciprocal(),
)  # fmt: skip
CHUNK = 32  # tokens in a chunk of the relative term, bidirectional


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
    feature_map: nn.Module = FEATURE_MAP,
    response: nn.Module = RESPONSE,
    position: nn.Module = POSITION,
    plasticity: nn.Module = PLASTICITY,
    feedback: nn.Module = FEEDBACK,
    check_finite: bool = False,
) -> Tensor:
    """(φ(Q) H + relative term) / calcium; query, key, value: (batch, heads, tokens, features), output like query.

    attn_mask: boolean, True where a key takes part, the same for every query. dropout_p: share of the tokens whose
    synapses fail to release, drawn a head. scale: q and k are multiplied by its root before φ (default: 1).
    """
    if enable_gqa and query.ndim == key.ndim == value.ndim == 4 and key.shape[1] and query.shape[1] % key.shape[1] == 0:
        key, value = (x.repeat_interleave(query.shape[1] // x.shape[1], 1) for x in (key, value))
    check_inputs(query, key, value)
    if check_finite:
        check_finite_values(query=query, key=key, value=value)
    keep = kept_tokens(attn_mask, query, key)
    if dropout_p:
        released = torch.rand(*key.shape[:3], 1, device=key.device) >= dropout_p
        keep = released if keep is None else keep & released
    if scale is not None:
        query, key = query * scale**0.5, key * scale**0.5
    if query.shape[2] != key.shape[2] and (is_causal or not isinstance(position, Unordered | LearnedDrive)):
        raise ValueError(
            f"query {tuple(query.shape)} and key {tuple(key.shape)} differ in tokens; causal attention and distances "
            "need as many queries as keys, so use position=Unordered() across sequences"
        )
    with torch.autocast(query.device.type, enabled=False):
        parts = Parts(feature_map, response, position, plasticity, feedback)
        by_place = is_causal or isinstance(position, MultiplicativeDistance)
        if by_place:
            check_by_place(parts)
        inputs = parts, query, key, value, keep
        if scanned(parts, query, key, by_place):
            return causal_scan(*inputs) if is_causal else scan_among_all(*inputs)
        return in_chunks(*inputs, is_causal) if by_place else among_all(*inputs)


class Parts(NamedTuple):
    """What an attention is made of; see the files of the same names."""

    feature_map: nn.Module
    response: nn.Module
    position: nn.Module
    plasticity: nn.Module
    feedback: nn.Module


def check_by_place(parts: Parts) -> None:
    """ValueError if a part has no causal form, and none in which content fades over distance."""
    known = AdditiveDistance | MultiplicativeDistance | Unordered | Hebbian
    acausal = [part for part in (parts.position, parts.plasticity) if not isinstance(part, known)]
    acausal += [parts.response] if isinstance(parts.response, RunningPower) else []
    if acausal:
        raise ValueError(
            f"{type(acausal[0]).__name__} has no causal or fading form, it sums over all tokens at once; use "
            "AdditiveDistance, MultiplicativeDistance or Unordered, Hebbian plasticity, and not RunningPower"
        )


def scanned(parts: Parts, query: Tensor, key: Tensor, by_place: bool) -> bool:
    """Whether the compiled scans compute this: on a processor, in float32 or bfloat16, with the usual parts."""
    usual = type(parts.feature_map) is PositiveActivity and type(parts.feedback) is Reciprocal
    if by_place:
        usual &= not isinstance(parts.position, MultiplicativeDistance) and coefficients(parts.response) is not None
    fits = query.device.type == "cpu" and query.dtype in compiled.TYPES and key.shape[2] > 0
    return usual and fits and not torch.compiler.is_exporting() and compiled.available()


def coefficients(response: nn.Module) -> Tensor | None:
    """The response as `scan.cpp` takes it: kind, baseline, amplitude, exponent, half-activation to the exponent."""
    match response:
        case LinearResponse():
            return torch.zeros(5)
        case MeanActivityResponse(response=PowerLawResponse() as rho):
            return torch.stack((torch.ones_like(rho.exponent), rho.baseline, rho.amplitude, rho.exponent, rho.exponent))
        case MeanActivityResponse(response=HillResponse() as rho):
            half = rho.half_activity**rho.exponent
            return torch.stack((torch.full_like(half, 2), rho.baseline, rho.amplitude, rho.exponent, half))
    return None


def distance(position: nn.Module, dtype: torch.dtype) -> tuple[Tensor, Tensor] | tuple[None, None]:
    """Strength γ and decay exp(-1/λ) of an additive distance, (heads,) each."""
    if not isinstance(position, AdditiveDistance):
        return None, None
    return torch.exp(position.log_strength.to(dtype)), torch.exp(-torch.exp(-position.log_length.to(dtype)))


def scaled(value: Tensor, parts: Parts) -> Tensor:
    """Values times the scale of Hebbian plasticity; nothing is done where it is one."""
    assert isinstance(parts.plasticity, Hebbian)  # checked by `check_by_place`
    return value if parts.plasticity.scale == 1 else value * parts.plasticity.scale


def causal_scan(parts: Parts, query: Tensor, key: Tensor, value: Tensor, keep: Tensor | None) -> Tensor:
    """One pass over the tokens, `scan.cpp`."""
    query, key, value = (scans.adjacent(x) for x in (query, key, scaled(value, parts)))
    real = None if keep is None else keep.to(torch.uint8)
    rho, (strength, decay) = coefficients(parts.response), distance(parts.position, torch.float32)
    return scans.causal(query, key, value, real, rho, strength, decay)[0]


def scan_among_all(parts: Parts, query: Tensor, key: Tensor, value: Tensor, keep: Tensor | None) -> Tensor:
    """Write phase and read phase, `scan.cpp`."""
    query, key, value = (scans.adjacent(x) for x in (query, key, value))
    real = None if keep is None else keep.to(torch.uint8)
    weight, calcium = stored(parts, key, value, keep, *scans.write(key, value, real))
    strength, decay = distance(parts.position, torch.float32)
    return scans.read(query, weight, calcium, None if decay is None else value, real, strength, decay)[0]


def in_chunks(parts: Parts, query: Tensor, key: Tensor, value: Tensor, keep: Tensor | None, causal: bool) -> Tensor:
    """`chunked.py`: in which the place of a token counts."""
    position, dtype = parts.position, wide(query.dtype)
    drive, rate = None, query.new_zeros(query.shape[1], dtype=dtype)
    if isinstance(position, MultiplicativeDistance):
        rate = torch.exp(-position.log_length.to(dtype))
    elif isinstance(position, AdditiveDistance):
        drive = chunked.Drive(torch.exp(-position.log_length.to(dtype)), torch.exp(position.log_strength.to(dtype)))
    value = scaled(value, parts)
    pieces = parts.feature_map, parts.response, parts.feedback
    return chunked.attend(pieces, query, key, value, keep, rate, drive, causal)


def among_all(parts: Parts, query: Tensor, key: Tensor, value: Tensor, keep: Tensor | None) -> Tensor:
    """`bidirectional.py`: the plain formulas."""
    kernel = relative = None
    position, dtype = parts.position, wide(query.dtype)
    if isinstance(position, AdditiveDistance):
        kernel = chunked_kernel(torch.exp(-position.log_length.to(dtype)), CHUNK, causal=False)
    weight, total, chunks = bidirectional.write(parts.feature_map, key, value, keep, kernel)
    if isinstance(position, AdditiveDistance) and kernel is not None and chunks is not None:
        present = query.new_ones(1, query.shape[1], key.shape[2], 1, dtype=dtype) if keep is None else keep.to(dtype)
        strength = torch.exp(position.log_strength.to(dtype))
        relative = bidirectional.relative_term(kernel, strength, value, chunks, smear(present, kernel).squeeze(3))
    weight, calcium = stored(parts, key, value, keep, weight, total)
    return bidirectional.read(parts.feature_map, parts.feedback, query, weight, calcium, relative, keep)


def stored(
    parts: Parts, key: Tensor, value: Tensor, keep: Tensor | None, weight: Tensor, total: Tensor
) -> tuple[Tensor, Tensor]:
    """Between the phases: Hebbian weight after plasticity, and the calcium store g the response makes of the sum."""
    if isinstance(parts.position, LearnedDrive):
        drive, driven = parts.position(value, keep)
        weight, total = weight + drive, total + driven
    if isinstance(parts.response, RunningPower):
        activity = parts.feature_map(key.to(working(key)))
        calcium = parts.response.over_tokens(activity if keep is None else activity * keep.to(activity.dtype))
    elif keep is None:
        calcium = parts.response(total, total.new_full((1, 1, 1), key.shape[2]))
    else:
        calcium = parts.response(total, keep.sum(2, dtype=total.dtype))
    return parts.plasticity(weight), calcium
