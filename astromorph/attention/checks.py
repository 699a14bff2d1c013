"""What an attention call refuses: one sentence with the shapes seen, the rule and the cure."""

import torch
from torch import Tensor

from astromorph.native.transforms import transformed


def check_inputs(query: Tensor, key: Tensor, value: Tensor) -> None:
    """Ranks, shapes, types of queries, keys and values, (batch, heads, tokens, features) each."""
    seen = f"query {tuple(query.shape)}, key {tuple(key.shape)}, value {tuple(value.shape)}"
    for name, x in (("query", query), ("key", key), ("value", value)):
        if x.ndim != 4:
            raise ValueError(f"{name} has {x.ndim} axes in {seen}; give (batch, heads, tokens, features)")
        if not x.is_floating_point():
            raise ValueError(f"{name} is {x.dtype}; give floating-point numbers")
        if x.dtype != query.dtype:
            raise ValueError(f"query is {query.dtype} and {name} is {x.dtype}; give all three the same type")
    if query.shape[:2] != key.shape[:2] or key.shape[:3] != value.shape[:3] or query.shape[3] != key.shape[3]:
        raise ValueError(
            f"{seen} do not fit; batch and heads must be equal, query and key alike in features, key and value "
            "in tokens"
        )
    if not (query.shape[2] and key.shape[2]):
        raise ValueError(f"{seen} hold no tokens; give at least one")


def kept_tokens(attn_mask: Tensor | None, query: Tensor, key: Tensor, causal: bool = False) -> Tensor | None:
    """The mask as (batch, heads, keys, 1), True where a key is real; None if all are.

    attn_mask: as in scaled_dot_product_attention, boolean, True where attended, broadcastable to (batch, heads,
    queries, keys), but the same for every query: linear attention has no matrix of scores to mask. If causal, what the
    mask says of later keys does not count.
    """
    if attn_mask is None:
        return None
    expected = (*query.shape[:3], key.shape[2])
    if attn_mask.dtype != torch.bool:
        raise ValueError(f"attn_mask is {attn_mask.dtype}; give a boolean mask, True where a key takes part")
    shape = (1,) * (4 - attn_mask.ndim) + tuple(attn_mask.shape)
    if attn_mask.ndim > 4 or any(axis not in (1, full) for axis, full in zip(shape, expected, strict=True)):
        raise ValueError(
            f"attn_mask {tuple(attn_mask.shape)} does not broadcast to {expected}, (batch, heads, queries, keys)"
        )
    attn_mask = attn_mask.view(shape)
    last = attn_mask[:, :, -1:]
    if shape[2] != 1 and not _alike(attn_mask, last, causal):
        raise ValueError(
            f"attn_mask {tuple(attn_mask.shape)} differs between queries, which linear attention cannot; "
            f"give (batch, 1, 1, {expected[3]}), and is_causal=True for a causal mask"
        )
    return last.expand(*expected[:2], 1, expected[3]).transpose(2, 3)


def _alike(mask: Tensor, last: Tensor, causal: bool) -> bool:
    """Whether every row of a mask says of keys what the last one says, or, if causal, of those up to its query."""
    if mask.stride(2) == 0:
        return True
    differing = mask != last
    return not bool((differing.tril() if causal else differing).any())


def kept(keep: Tensor | None, key: Tensor, padding: Tensor | None) -> Tensor | None:
    """Both masks of a layer, `keep` and torch's key_padding_mask, as one, True where a key is real; None if all are.

    key: (batch, keys, width). torch's encoder hands on boolean masks as 0 and -inf.
    """
    if keep is not None:
        if keep.ndim != 2 or any(axis not in (1, full) for axis, full in zip(keep.shape, key.shape, strict=False)):
            raise ValueError(f"keep has shape {tuple(keep.shape)}; give {tuple(key.shape[:2])}, (batch, keys)")
        if keep.is_floating_point() or keep.is_complex():
            raise ValueError(f"keep is {keep.dtype}; give a boolean mask, True where a token is real")
        keep = keep if keep.dtype == torch.bool else keep != 0
    if padding is None:
        return keep
    if (
        padding.is_floating_point()
        and padding.device.type == "cpu"
        and not (torch.compiler.is_compiling() or transformed())
    ):
        lowest = torch.finfo(padding.dtype).min
        if not bool(((padding == 0) | (padding <= lowest)).all()):
            raise ValueError(
                "key_padding_mask holds numbers other than 0 and -inf, which linear attention has no scores to add to; "
                "give a boolean mask, True where padded"
            )
    real = ~padding if padding.dtype == torch.bool else padding == 0
    return real if keep is None else real & keep


def check_share(name: str, share: float) -> float:
    """A share of tokens, or of anything: 0 to 1."""
    if not 0 <= share <= 1:
        raise ValueError(f"{name} {share} is no share; give 0 (none) to 1 (all)")
    return share


def check_finite_values(**tensors: Tensor) -> None:
    for name, x in tensors.items():
        if not bool(torch.isfinite(x).all()):
            count = int((~torch.isfinite(x)).sum())
            raise ValueError(
                f"{name} {tuple(x.shape)} has {count} values that are not finite; look upstream of attention"
            )
