"""What turns an image into a map of features whose cells become the tokens of an attention stage.

The convolution front follows the fast residual networks for CIFAR-10 (K. Jordan, arXiv:2404.00498, 2024): each
halving of the map is convolution, maximum pooling, batch normalisation, GELU, in this order, so that the costly
elementwise passes see the pooled map only; most of the arithmetic lies in 3x3 convolutions on the small map.
"""

from torch import Tensor, nn


class Residual(nn.Module):
    """x + branch(x)."""

    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, features: Tensor) -> Tensor:
        """features: (batch, channels, height, width); returns the same shape."""
        return features + self.branch(features)


def convolution_front(channels: int, width: int) -> nn.Sequential:
    """(batch, 3, 4 h, 4 w) colour images to (batch, width, h, w); 32 x 32 pixels give 8 x 8 cells.

    `channels` (even) sets the size: half as many after the first convolution, twice as many later.
    """
    if channels < 2 or channels % 2:
        raise ValueError(f"channels {channels} must be even and at least 2; use a multiple of 16 for speed")
    wide = 2 * channels
    return nn.Sequential(
        convolution(3, channels // 2, nn.MaxPool2d(2)),
        convolution(channels // 2, wide, nn.MaxPool2d(2)),
        Residual(nn.Sequential(convolution(wide, wide), convolution(wide, wide))),
        convolution(wide, width),
    )


def convolution(inputs: int, outputs: int, pool: nn.Module | None = None) -> nn.Sequential:
    """3x3 convolution, pooling if any, batch normalisation, GELU."""
    filters = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return nn.Sequential(filters, pool or nn.Identity(), nn.BatchNorm2d(outputs), nn.GELU())
