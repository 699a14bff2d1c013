"""Causal softmax attention (Vaswani et al. 2017, Eq. 1, masked): the baseline of language models, PyTorch's own."""

import torch.nn.functional as F
from torch import Tensor, nn


class CausalSoftmax(nn.Module):
    """softmax(q kᵀ / √features) v over the token itself and those before it, as a mechanism of MultiheadAttention."""

    def forward(self, query: Tensor, key: Tensor, value: Tensor, keep: Tensor | None = None) -> Tensor:
        """query, key, value: (batch, heads, tokens, features); no token may be padding."""
        if keep is not None:
            raise ValueError("causal softmax takes no mask of padding; leave `keep` out")
        return F.scaled_dot_product_attention(query, key, value, is_causal=True)
