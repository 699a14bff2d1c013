"""UCI optical digits: 1,797 grey images of 8x8 pixels, shipped with the package.

One convolution and a maximum over 2x2 pixels make sixteen tokens of an image.
"""

from astromorph.data.digits import load_digits
from astromorph.models.from_settings import digits_model
from astromorph.settings import CalciumResponse, DigitsSettings
from astromorph.tasks.image_batches import image_task
from astromorph.tasks.task import Task

MEAN, DEVIATION = (4.88,), (6.02,)  # of all pixels of the training part, values 0-16


def build(settings: DigitsSettings, response: CalciumResponse | None) -> Task:
    """The task with the digits of the package."""
    return image_task(digits_model(settings, response), load_digits(), settings, MEAN, DEVIATION)
