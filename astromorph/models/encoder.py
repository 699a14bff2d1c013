"""One encoder layer in the order of Mia, Bal and Sengupta (2025), Eq. 18 and Algorithm 1.

L = attention(X) + X; Y = LayerNorm(L); output = LayerNorm(FFN(Y) + Y), with dropout before each LayerNorm.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from astromorph.models.dropout import LockedDropout


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
        tokens = self.after_attention(self.dropout(self.attention(tokens, keep) + tokens))
        hidden = self.contract(F.relu(self.expand(tokens)))
        return self.after_feedforward(self.dropout(hidden + tokens))
