"""What turns an image into a map of features whose cells become the tokens of an attention stage.

First, fixed filters whiten small patches: the leading directions in which patches of the training images vary, each
scaled to unit variance, with both signs, so that the rectified copies lose nothing (K. Jordan, arXiv:2404.00498,
2024). That spares the first layer its learning and saves several epochs. Then few 3x3 convolutions, each followed by
pooling, batch normalisation and GELU in this order, so that the costly elementwise passes see the small map only.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PATCH, STRIDE, LEAST_VARIANCE = 4, 2, 1e-2


class Whitening(nn.Module):
    """Whitened patches of 4x4 pixels, every two pixels, rectified: (batch, 3, h, w) to (batch, 2 d, h / 2, w / 2).

    images: (examples, channels, height, width) whose patches are measured; directions d: how many are kept.
    """

    filters: Tensor

    def __init__(self, images: Tensor, directions: int) -> None:
        super().__init__()
        most = images.shape[1] * PATCH**2
        if not 1 <= directions <= most:
            raise ValueError(f"{directions} directions of patches of {most} values; use 1 to {most}")
        patches = F.unfold(images, PATCH, stride=PATCH).mT.flatten(0, 1)  # (patches, channels * 16)
        variance, direction = torch.linalg.eigh(patches.T @ patches / len(patches))  # rising
        scaled = (direction / (variance + LEAST_VARIANCE).sqrt()).T.flip(0)[:directions]
        filters = scaled.reshape(directions, images.shape[1], PATCH, PATCH)
        self.register_buffer("filters", torch.cat((filters, -filters)))

    def forward(self, images: Tensor) -> Tensor:
        return F.gelu(F.conv2d(images, self.filters, stride=STRIDE, padding=1))


class Residual(nn.Module):
    """x + branch(x)."""

    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, features: Tensor) -> Tensor:
        """features: (batch, channels, height, width); returns the same shape."""
        return features + self.branch(features)


def convolution_front(whitening: Whitening, channels: int, width: int) -> nn.Sequential:
    """(batch, 3, 4 h, 4 w) colour images to (batch, width, h, w); 32 x 32 pixels give 8 x 8 cells."""
    return nn.Sequential(
        whitening,
        convolution(len(whitening.filters), channels, nn.MaxPool2d(2)),
        Residual(nn.Sequential(convolution(channels, channels), convolution(channels, channels))),
        convolution(channels, width),
    )


def convolution(inputs: int, outputs: int, pool: nn.Module | None = None) -> nn.Sequential:
    """3x3 convolution, pooling if any, batch normalisation, GELU."""
    filters = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return nn.Sequential(filters, pool or nn.Identity(), nn.BatchNorm2d(outputs), nn.GELU())
