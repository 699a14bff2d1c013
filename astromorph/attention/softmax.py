"""Softmax attention (Vaswani et al. 2017, Eq. 1), through PyTorch's fused kernel: the baseline everyone knows."""

import torch.nn.functional as F
from torch import Tensor, nn


class SoftmaxAttention(nn.Module):
    """softmax(q kᵀ / √features) v."""

    def forward(self, query: Tensor, key: Tensor, value: Tensor, keep: Tensor | None = None) -> Tensor:
        """query, key, value: (batch, heads, tokens, features); keep: (batch, tokens), True where a token is real."""
        mask = None if keep is None else keep[:, None, None, :]
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
