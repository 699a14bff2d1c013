"""UCI optical digits: 1,797 grey images of 8x8 pixels, shipped with the package.

One convolution and a maximum over 2x2 pixels make sixteen tokens of an image.
"""

from torch import nn

from astromorph.data.digits import load_digits
from astromorph.models.image_classifier import ImageClassifier
from astromorph.models.image_front import convolution
from astromorph.settings import CalciumResponse, DigitsSettings
from astromorph.tasks.image_batches import image_task
from astromorph.tasks.mechanisms import encoder_layers
from astromorph.tasks.task import Task

POSITIONS, ROWS = 16, 4
MEAN, DEVIATION = (4.88,), (6.02,)  # of all pixels of the training part, values 0-16


def build(settings: DigitsSettings, response: CalciumResponse | None) -> Task:
    """The task with the digits of the package."""
    model = ImageClassifier(
        convolution(1, settings.width, nn.MaxPool2d(2)),
        POSITIONS,
        settings.width,
        10,
        encoder_layers(settings, response, POSITIONS, ROWS),
        settings.dropout,
    )
    return image_task(model, load_digits(), settings, MEAN, DEVIATION)
