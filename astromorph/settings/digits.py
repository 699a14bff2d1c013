"""Settings of UCI optical digits."""

from dataclasses import dataclass

from astromorph.settings.training import Precision
from astromorph.settings.transformers import ClassifierSettings


@dataclass(frozen=True)
class DigitsSettings(ClassifierSettings):
    """UCI optical digits, 8x8 pixels: sixteen tokens an image; trains in seconds."""

    data_set = "digits"
    task = "digits"

    epochs: int = 20  # passes through the training part
    learning_rate: float = 5e-3  # peak, after a linear warm-up; then half a cosine to zero
    weight_decay: float = 0.01  # of AdamW
    threads: int = 1  # processor threads; one is fastest for a model this small
    precision: Precision = "float32"  # auto, float32 or bfloat16 matrix products
    width: int = 32  # model width, divisible by heads
    feedforward: int = 64  # hidden width of the position-wise layers
    position_scale: float = 2.0  # e-folding distance in tokens of the astrocytic distance kernel
