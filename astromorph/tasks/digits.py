"""UCI optical digits: 1,797 grey images of 8x8 pixels, shipped with the package.

One convolution and a maximum over 2x2 pixels make sixteen tokens of an image.
"""

from pathlib import Path

from torch import nn

from astromorph.data.digits import load_digits
from astromorph.models.attention_from_settings import encoder_layers
from astromorph.models.image_classifier import ImageClassifier
from astromorph.models.image_front import convolution
from astromorph.settings import CalciumResponse, DigitsSettings
from astromorph.tasks.image_batches import image_task
from astromorph.tasks.task import Task

CLASS_NAMES = tuple(str(digit) for digit in range(10))
SIZE = (1, 8, 8)
MEAN, DEVIATION = (4.88,), (6.02,)  # of all pixels of the training part, values 0-16


def build(settings: DigitsSettings, response: CalciumResponse | None, root: Path | None = None) -> Task:
    """The task with the digits of the package; nothing is read under `root`."""
    return image_task(build_model(settings, response), load_digits(), settings, MEAN, DEVIATION)


def build_model(settings: DigitsSettings, response: CalciumResponse | None, words: None = None) -> ImageClassifier:
    """8 x 8 grey pixels, 4 x 4 tokens."""
    front = convolution(1, settings.width, nn.MaxPool2d(2))
    return ImageClassifier(front, 16, settings.width, 10, encoder_layers(settings, response, 16, 4), settings.dropout)
