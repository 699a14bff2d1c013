"""The image part of `bench training`: noise for images, and the classifier that most people would write."""

import torch
from torch import Tensor, nn

from astromorph.models.image_front import PATCH, Whitening, convolution_front
from astromorph.settings import Cifar10Settings, ClassifierSettings
from astromorph.tasks.task import Batch

IMAGES_OF_AN_EPOCH = 45_000  # the training part of CIFAR-10 without the images held out


def plain_encoder(settings: ClassifierSettings) -> nn.TransformerEncoder:
    """PyTorch's own layers of the same size."""
    layer = nn.TransformerEncoderLayer(
        settings.width, settings.heads, settings.feedforward, settings.dropout, batch_first=True
    )
    return nn.TransformerEncoder(layer, settings.layers, enable_nested_tensor=False)


class PlainImageClassifier(nn.Module):
    """Our convolutions, then nn.TransformerEncoderLayer of the same size and the mean over its tokens."""

    def __init__(self, settings: Cifar10Settings) -> None:
        super().__init__()
        whitening = Whitening(torch.zeros(1, 3, PATCH, PATCH))
        self.front = convolution_front(whitening, settings.channels, settings.width, settings.convolutions)
        tokens = self.front(torch.zeros(2, 3, 32, 32)).flatten(2).shape[2]
        self.positions = nn.Parameter(torch.zeros(tokens, settings.width))
        self.encoder = plain_encoder(settings)
        self.classify = nn.Linear(settings.width, 10)

    def forward(self, images: Tensor) -> Tensor:
        """images: (batch, 3, 32, 32); returns (batch, 10)."""
        tokens = self.front(images).flatten(2).mT + self.positions
        return self.classify(self.encoder(tokens).mean(1))


def synthetic_images(count: int, size: int, seed: int) -> list[Batch]:
    """`count` batches of `size` images, (size, 3, 32, 32), with labels 0 to 9."""
    draw = torch.Generator().manual_seed(seed)
    return [
        Batch((torch.randn(size, 3, 32, 32, generator=draw),), torch.randint(0, 10, (size,), generator=draw))
        for _ in range(count)
    ]
