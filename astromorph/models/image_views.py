"""Several views are better than one: in evaluation an image and its mirror image are classified and averaged.

With `shift`, both are also seen moved by as many pixels towards two opposite corners, and these views weigh as much as
the others together (K. Jordan, arXiv:2404.00498, section 3.6). Training sees each image once.
"""

import torch.nn.functional as F
from torch import Tensor, nn


class AverageOfViews(nn.Module):
    """classifier: a module from images (batch, channels, height, width) to logits (batch, classes)."""

    def __init__(self, classifier: nn.Module, shift: int = 0) -> None:
        super().__init__()
        self.classifier = classifier
        self.shift = shift

    def forward(self, images: Tensor) -> Tensor:
        if self.training:
            return self.classifier(images)
        straight = self.both_sides(images)
        if not self.shift:
            return straight
        height, width = images.shape[-2:]
        padded, last = F.pad(images, (self.shift,) * 4, mode="reflect"), 2 * self.shift
        moved = (self.both_sides(padded[..., at : at + height, at : at + width]) for at in (0, last))
        return straight / 2 + sum(moved) / 4

    def both_sides(self, images: Tensor) -> Tensor:
        return (self.classifier(images) + self.classifier(images.flip(-1))) / 2
