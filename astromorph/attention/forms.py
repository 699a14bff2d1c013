"""Which form computes an attention: the compiled scan where its parts offer that, else the plain formulas.

    among all tokens    write phase, calcium, read phase     `scans.write`, `scans.read`; `bidirectional.py`
    causal              token by token                       `scans.causal`; `chunked.py`
    fading              from the left and from the right     `scans.fading`; `chunked.py`

Sums over tokens are at least float32. Where the Hebbian sum passes through more than a factor, or calcium does not act
back as its reciprocal, everything is: behind a sigmoid the weights lie so close to ½ that bfloat16 would not tell them
apart.
"""

import torch
from torch import Tensor

from astromorph.attention import bidirectional, choice, chunked, compiled, scans
from astromorph.attention.distance import chunked_kernel, smear
from astromorph.attention.parts import Parts, Terms, check_by_place, of_every_head, offered, terms_of
from astromorph.attention.precision import wide
from astromorph.native.transforms import transformed, without_autocast

CHUNK = 32  # tokens in a chunk of the relative term, bidirectional


def attend(parts: Parts, query: Tensor, key: Tensor, value: Tensor, keep: Tensor | None, causal: bool) -> Tensor:
    """query, key, value: (batch, heads, tokens, features); keep: (batch, heads, tokens, 1), True where a key is real,
    or None. ValueError for parts that have no causal or fading form where one is asked for.
    """
    with without_autocast(query):
        terms = of_every_head(terms_of(parts.position, key.shape[2], wide(query.dtype)), query.shape[1])
        by_place = causal or terms.fading is not None
        check_lengths(query, key, terms, causal)
        if by_place:
            check_by_place(parts, terms)
        if scanned(parts, terms, query, key, by_place):
            form = fading_scan if terms.fading is not None else causal_scan if causal else scan_among_all
        else:
            form = in_chunks if by_place else among_all
        usual = offered(parts.plasticity, "factor") is not None and offered(parts.feedback, "scanned")
        if usual:
            return form(parts, terms, query, key, value, keep, causal)
        exact = wide(query.dtype)
        return form(parts, terms, query.to(exact), key.to(exact), value.to(exact), keep, causal).to(query.dtype)


def check_lengths(query: Tensor, key: Tensor, terms: Terms, causal: bool) -> None:
    """ValueError if there are other numbers of queries than of keys where the place of both counts."""
    if (causal or terms.relative is not None or terms.fading is not None) and query.shape[2] != key.shape[2]:
        raise ValueError(
            f"query {tuple(query.shape)} and key {tuple(key.shape)} differ in tokens; causal attention and distances "
            "need as many queries as keys, so use position=Unordered() across sequences"
        )


def scanned(parts: Parts, terms: Terms, query: Tensor, key: Tensor, by_place: bool) -> bool:
    """Whether the compiled scans compute this: on a processor, in float32 or bfloat16, with parts that offer it."""
    usual = bool(offered(parts.feature_map, "scanned") and offered(parts.feedback, "scanned"))
    if by_place:
        usual &= offered(parts.response, "scanned") is not None
    fits = query.device.type == "cpu" and query.dtype in compiled.TYPES and 0 not in (query.shape[2], key.shape[2])
    plain = torch.compiler.is_exporting() or transformed()
    source = compiled.SOURCE if terms.fading is None else compiled.FADING
    return usual and fits and not plain and choice.worthwhile(source)


def distance(terms: Terms) -> tuple[Tensor, Tensor] | tuple[None, None]:
    """Strength γ and decay exp(-1/λ) of a relative term, (heads,) each in float32."""
    if terms.relative is None:
        return None, None
    return terms.relative.strength, torch.exp(-terms.relative.rate)


def scaled(value: Tensor, parts: Parts) -> Tensor:
    """Values times the factor of plasticity; nothing is done where it is one."""
    factor = offered(parts.plasticity, "factor")
    return value if factor == 1 else value * factor


def causal_scan(parts: Parts, terms: Terms, query, key, value, keep: Tensor | None, causal: bool) -> Tensor:
    """One pass over the tokens, `scan.cpp`."""
    query, key, value = (scans.adjacent(x) for x in (query, key, scaled(value, parts)))
    real = None if keep is None else keep.view(torch.uint8)
    rho, (strength, decay) = offered(parts.response, "scanned"), distance(terms)
    return scans.causal(query, key, value, real, rho, strength, decay)[0]


def fading_scan(parts: Parts, terms: Terms, query, key, value, keep: Tensor | None, causal: bool) -> Tensor:
    """A scan from the left and, unless causal, one from the right, `fading.cpp`."""
    query, key, value = (scans.adjacent(x) for x in (query, key, scaled(value, parts)))
    real = None if keep is None else keep.view(torch.uint8)
    rho, relative = offered(parts.response, "scanned"), terms.relative
    strength, rate = (None, None) if relative is None else (relative.strength, relative.rate)
    return scans.fading(query, key, value, real, rho, strength, rate, terms.fading, not causal)[0]


def scan_among_all(parts: Parts, terms: Terms, query, key, value, keep: Tensor | None, causal: bool) -> Tensor:
    """Write phase and read phase, `scan.cpp`."""
    query, key, value = (scans.adjacent(x) for x in (query, key, value))
    real = None if keep is None else keep.view(torch.uint8)
    weight, total = scans.write(key, value, real, terms.drive)
    calcium = stored(parts, key, keep, total)
    strength, decay = distance(terms)
    value = None if decay is None else value
    return scans.read(query, parts.plasticity(weight), calcium, value, real, strength, decay)[0]


def in_chunks(parts: Parts, terms: Terms, query, key, value, keep: Tensor | None, causal: bool) -> Tensor:
    """`chunked.py`: in which the place of a token counts."""
    rate = terms.fading if terms.fading is not None else query.new_zeros(query.shape[1], dtype=wide(query.dtype))
    pieces = parts.feature_map, parts.response, parts.feedback
    key, value = silent(keep, key, value)
    return chunked.attend(pieces, query, key, scaled(value, parts), keep, rate, terms.relative, causal)


def among_all(parts: Parts, terms: Terms, query, key, value, keep: Tensor | None, causal: bool) -> Tensor:
    """`bidirectional.py`: the plain formulas."""
    key, value = silent(keep, key, value)
    kernel = relative = None
    if terms.relative is not None:
        kernel = chunked_kernel(terms.relative.rate, CHUNK, causal=False)
    weight, total, chunks = bidirectional.write(parts.feature_map, key, value, keep, kernel, terms.drive)
    if terms.relative is not None and kernel is not None and chunks is not None:
        dtype = wide(query.dtype)
        present = query.new_ones(1, query.shape[1], key.shape[2], 1, dtype=dtype) if keep is None else keep.to(dtype)
        mass = smear(present, kernel).squeeze(3)
        relative = bidirectional.relative_term(kernel, terms.relative.strength, value, chunks, mass)
    calcium = stored(parts, key, keep, total)
    return bidirectional.read(parts.feature_map, parts.feedback, query, parts.plasticity(weight), calcium, relative)


def silent(keep: Tensor | None, *tensors: Tensor) -> tuple[Tensor, ...]:
    """Zeros where a token is not real: whatever stands there, not a number or infinite, takes no part."""
    return tensors if keep is None else tuple(x.masked_fill(~keep, 0) for x in tensors)


def stored(parts: Parts, key: Tensor, keep: Tensor | None, total: Tensor) -> Tensor:
    """Between the phases: the calcium store g that the response makes of the summed activity, (batch, heads, features).

    total: Σ_t φ(k_t) + w_t, over real tokens.
    """
    count = total.new_full((1, 1, 1), key.shape[2]) if keep is None else keep.sum(2, dtype=total.dtype)
    return parts.response(total, count)
