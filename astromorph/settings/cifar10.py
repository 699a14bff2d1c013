"""Settings of CIFAR-10."""

from dataclasses import dataclass
from typing import Literal, get_args

from astromorph.settings.checks import check_at_least, check_share
from astromorph.settings.transformers import ClassifierSettings

Optimiser = Literal["adamw", "muon"]


@dataclass(frozen=True)
class Cifar10Settings(ClassifierSettings):
    """A small convolution-attention hybrid: a whitening convolution front, then attention on 7x7 cells."""

    data_set = "cifar10"
    task = "cifar10"

    epochs: int = 9  # passes through the training part
    batch: int = 500  # examples a training step
    learning_rate: float = 0.12  # peak, after a linear warm-up; then half a cosine to zero
    warm_up: float = 0.1  # share of all steps in which the learning rate rises
    weight_decay: float = 0.05  # of matrices, a step in units of the learning rate
    width: int = 256  # model width of the attention stage, divisible by heads
    feedforward: int = 512  # hidden width of the position-wise layers
    position_scale: float = 2.0  # e-folding distance in patches of the astrocytic distance kernel
    dropout: float = 0.0  # share of features dropped for a whole input (locked dropout)
    label_smoothing: float = 0.2  # share of the target spread over all classes
    validation: int = 5_000  # images held out of the training part; they choose the epoch
    channels: int = 64  # of the first block of convolutions; the second has four times as many
    convolutions: int = 2  # 3x3 convolutions in each of the two blocks
    shift: int = 2  # pixels by which training images are shifted at most
    cutout: int = 0  # side in pixels of the square that is covered in training images
    small: int = 24  # side in pixels of the images of the first epochs
    small_epochs: int = 6  # how many epochs are shown such images; 0 for none
    view_shift: int = 0  # pixels by which an evaluated image is moved for further views; 0 for itself and its mirror
    optimiser: Optimiser = "muon"  # muon or adamw
    momentum: float = 0.6  # of muon

    @property
    def muon_momentum(self) -> float | None:
        return self.momentum if self.optimiser == "muon" else None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least(2, channels=self.channels)
        check_at_least(1, convolutions=self.convolutions)
        for name, least, most in (("shift", 0, 16), ("view_shift", 0, 16), ("cutout", 0, 32), ("small", 8, 32)):
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name} {getattr(self, name)} must lie between {least} and {most} pixels")
        if not 0 <= self.small_epochs < self.epochs:
            raise ValueError(
                f"small_epochs {self.small_epochs} must lie between 0 and epochs {self.epochs} less one: the last "
                "epoch shows images as they are tested"
            )
        if self.optimiser not in get_args(Optimiser):
            raise ValueError(f"optimiser {self.optimiser!r} is not known; use {' or '.join(get_args(Optimiser))}")
        check_share(momentum=self.momentum)
