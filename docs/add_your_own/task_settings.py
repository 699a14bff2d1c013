"""Settings of the task whose labels are signs of sums."""

from dataclasses import dataclass

from astromorph.settings.training import TrainingSettings


@dataclass(frozen=True)
class SumsSettings(TrainingSettings):
    """The sign of a sum of numbers that chance draws; trains in a second."""

    data_set = "sums"
    task = "sums"

    width: int = 16  # hidden neurons
    batch: int = 50  # examples a training step
