"""Settings of the spiking networks, a frozen dataclass a data set."""

from dataclasses import dataclass
from math import inf
from typing import ClassVar, Literal, get_args

from astromorph.settings.checks import check_above_zero, check_at_least, check_share
from astromorph.settings.training import Precision, TrainingSettings

DelaysOf = Literal["none", "fixed", "learned"]
DelayKind = Literal["synapse", "axon", "dendrite"]
ReadoutOf = Literal["softmax", "last", "mean", "max"]


@dataclass(frozen=True)
class SpikingSettings(TrainingSettings):
    """A spiking network with delays on its connections; each data set has its own below."""

    task = "spiking"
    kind = "spiking"
    classes: ClassVar[int] = 0
    units: ClassVar[int] = 0  # input channels of the recordings
    own_validation: ClassVar[bool] = False  # whether the data set has a validation part

    epochs: int = 30  # passes through the training part
    learning_rate: float = 5e-3  # peak, after a linear warm-up; then half a cosine to zero
    weight_decay: float = 1e-5  # of weights; none of delays and norms
    precision: Precision = "float32"  # auto, float32 or bfloat16; delays are always computed in float32
    delays: DelaysOf = "learned"  # none, fixed (drawn at random) or learned
    delay_kind: DelayKind = "synapse"  # what has a delay of its own: synapse, axon or dendrite
    longest: int = 12  # longest delay of a connection, in frames
    delay_rate: float = 0.1  # peak learning rate of delays, about the frames they move a step
    narrow_by: float = 0.25  # share of the epochs over which the kernel of a learned delay becomes narrow
    settled: float = 0.1  # share of the epochs, the last ones, with delays rounded as they will be deployed
    hidden: tuple[int, ...] = (64, 64)  # neurons of each hidden layer
    channels: int = 40  # input channels: groups of neighbouring units, whose spikes are added
    frame: float = 0.01  # length of a time step, s
    frames: int = 60  # time steps; what a recording has beyond them is left out
    tau: float = 1.5  # time constant of the neurons, in frames
    readout: ReadoutOf = "softmax"  # of the last layer's membranes: softmax, last, mean or max (spiking_classifier.py)
    dropout: float = 0.25  # share of a hidden layer's neurons silenced for a whole recording
    shift: int = 0  # channels by which training recordings are moved up or down at most
    label_smoothing: float = 0.0  # share of the target spread over all classes
    validation: int = 270  # recordings held out of the training part; they choose the epoch
    by_speaker: bool = False  # hold out all recordings of some speakers, at least so many, rather than any

    @property
    def variant_name(self) -> str:
        return f"{self.delays}-delays"

    @property
    def variant(self) -> str:
        return f"{'no' if self.delays == 'none' else self.delays} delays"

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))
        for name, choices in {"delays": DelaysOf, "delay_kind": DelayKind, "readout": ReadoutOf}.items():
            if getattr(self, name) not in get_args(choices):
                raise ValueError(f"{name} {getattr(self, name)!r} is not known; use {', '.join(get_args(choices))}")
        for number in self.hidden:
            check_at_least(1, hidden=number)
        check_at_least(0, longest=self.longest, shift=self.shift)
        check_at_least(1, channels=self.channels, frames=self.frames)
        own = self.own_validation
        if self.validation < 0 or own == bool(self.validation):
            rule = "has a published validation part; use 0" if own else "holds nothing out; use at least 1"
            raise ValueError(f"validation {self.validation} {rule}")
        if self.units % self.channels:
            raise ValueError(f"channels {self.channels} do not divide {self.units} units; use a divisor")
        check_above_zero(frame=self.frame, delay_rate=self.delay_rate)
        if not 1 <= self.tau < inf:
            raise ValueError(f"tau {self.tau} is shorter than a frame; use 1 or more")
        if not 0 < self.narrow_by <= 1:
            raise ValueError(f"narrow_by {self.narrow_by} is a share of the epochs; use a number above 0, at most 1")
        check_share(settled=self.settled, dropout=self.dropout, label_smoothing=self.label_smoothing)
        super().__post_init__()


@dataclass(frozen=True)
class SpokenDigitsSettings(SpikingSettings):
    """Spoken digits through a model of the cochlea: 2,700 and 300 recordings; trains in minutes on one core."""

    data_set = "spoken-digits"
    classes = 10
    units = 40

    readout: ReadoutOf = "max"  # of the last layer's membranes: softmax, last, mean or max (spiking_classifier.py)
    learning_rate: float = 1e-2  # peak, after a linear warm-up; then half a cosine to zero


@dataclass(frozen=True)
class ShdSettings(SpikingSettings):
    """Spiking Heidelberg Digits: the published network (Hammouamri et al. 2024), whose neurons hardly remember."""

    data_set = "shd"
    classes = 20
    units = 700

    longest: int = 25  # longest delay of a connection, in frames
    hidden: tuple[int, ...] = (256, 256)  # neurons of each hidden layer
    channels: int = 140  # input channels: groups of neighbouring units, whose spikes are added
    frames: int = 100  # time steps; what a recording has beyond them is left out
    tau: float = 1.005  # time constant of the neurons, in frames
    dropout: float = 0.4  # share of a hidden layer's neurons silenced for a whole recording
    epochs: int = 150  # passes through the training part
    batch: int = 256  # recordings a training step
    validation: int = 800  # recordings held out of the training part; they choose the epoch
    by_speaker: bool = True  # hold out all recordings of some speakers, at least so many, rather than any


@dataclass(frozen=True)
class SscSettings(SpikingSettings):
    """Spiking Speech Commands: the published network (Hammouamri et al. 2024) and the published validation part."""

    data_set = "ssc"
    classes = 35
    units = 700
    own_validation = True

    longest: int = 30  # longest delay of a connection, in frames
    hidden: tuple[int, ...] = (512, 512, 512)  # neurons of each hidden layer
    channels: int = 140  # input channels: groups of neighbouring units, whose spikes are added
    frames: int = 100  # time steps; what a recording has beyond them is left out
    epochs: int = 60  # passes through the training part
    batch: int = 128  # recordings a training step
    validation: int = 0  # the recordings of the published validation part are taken; they choose the epoch
