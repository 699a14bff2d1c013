"""One encoder layer in the order of Mia, Bal and Sengupta (2025), Eq. 18 and Algorithm 1.

L = attention(X) + X; Y = LayerNorm(L); output = LayerNorm(FFN(Y) + Y), with dropout before each LayerNorm.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from astromorph.models.dropout import LockedDropout
from astromorph.models.fused import add_norm


class EncoderLayer(nn.Module):
    """attention: a module on (batch, tokens, width) with a `keep` mask, such as MultiheadAttention."""

    def __init__(self, width: int, attention: nn.Module, feedforward: int, dropout: float) -> None:
        super().__init__()
        self.attention = attention
        self.after_attention = nn.LayerNorm(width)
        self.expand = nn.Linear(width, feedforward)
        self.contract = nn.Linear(feedforward, width)
        self.after_feedforward = nn.LayerNorm(width)
        self.dropout = LockedDropout(dropout)

    def forward(self, tokens: Tensor, keep: Tensor | None = None) -> Tensor:
        """tokens: (batch, tokens, width); keep: (batch, tokens), True where a token is real; returns the same shape."""
        mask = lambda: self.dropout.mask(len(tokens), tokens.shape[-1], tokens.device)
        tokens = add_norm(tokens, self.attention(tokens, keep=keep), mask(), self.after_attention)
        hidden = self.contract(F.relu(self.expand(tokens), inplace=True))
        return add_norm(tokens, hidden, mask(), self.after_feedforward)
