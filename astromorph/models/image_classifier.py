"""An image classifier: a front that makes tokens, encoder layers, the mean over them, one linear read-out.

The front (`image_front.py`) gives a map of features; its cells, read row by row, are the tokens. Every class
score passes through the encoder layers, whose own residual connections are the only way around attention. Place
reaches softmax and linear attention only through a learned position vector, which all mechanisms share, so that
they differ in attention alone.
"""

from collections.abc import Sequence
from math import isqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from astromorph.models.dropout import LockedDropout


class ImageClassifier(nn.Module):
    """front: a module from images to (batch, width, side, side), side² = `positions`; the map of a smaller image is
    stretched to that; layers: modules on (batch, tokens, width).
    """

    def __init__(
        self, front: nn.Module, positions: int, width: int, classes: int, layers: Sequence[nn.Module], dropout: float
    ) -> None:
        super().__init__()
        self.front = front
        self.side = isqrt(positions)
        self.positions = nn.Parameter(torch.zeros(positions, width))
        self.layers = nn.ModuleList(layers)
        self.dropout = LockedDropout(dropout)
        self.classify = nn.Linear(width, classes)

    def forward(self, images: Tensor) -> Tensor:
        """images: (batch, channels, height, width), any memory layout; returns (batch, classes)."""
        features = self.front(images)
        if features.shape[-1] != self.side:
            features = F.interpolate(features, (self.side, self.side), mode="bilinear")
        tokens = self.dropout(features.flatten(2).mT + self.positions.to(features.dtype))
        for layer in self.layers:
            tokens = layer(tokens)
        return self.classify(self.dropout(tokens.mean(1, dtype=torch.float32)))
