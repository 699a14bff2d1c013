"""Every setting of a training run, one frozen dataclass a data set.

A run is described by the differences from the defaults below (`--config FILE.yaml` or single options); the resolved
settings are stored in the run folder. What can be wrong with a value is said here, before anything is loaded.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Attention = Literal["softmax", "linear", "astromorphic"]
Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True)
class SynapticRelease:
    """Dimensionless drive T of a synapse with short-term plasticity at the rate x of its spikes, with T(1) = 1.

    mean_field: T(x) = x p(x) / p(1), p(x) = U (1 + f x) / (1 + U (d + f) x + U d f x²)
    curve:      log T is the monotone interpolant of log `values` over log `knots`

    U is the resting release probability; d and f are the lifetimes of an empty site and of facilitation in units of one
    over the reference rate, so that d = f = 0 is a synapse without plasticity, T(x) = x. Below its lowest knot a curve
    goes on in proportion to x, above the highest it stays. See mapping/release_response.py.
    """

    form: Literal["mean_field", "curve"] = "mean_field"
    resting: float | None = None  # U
    recovery: float | None = None  # d
    facilitation: float | None = None  # f
    knots: tuple[float, ...] | None = None  # x
    values: tuple[float, ...] | None = None  # T
    lowest: float = 0.0
    highest: float = 0.0
    source: str = ""

    def __post_init__(self) -> None:
        if self.form == "curve":
            hold_knots(self, "a release curve")
            return
        numbers = (self.resting, self.recovery, self.facilitation)
        if None in numbers or not (0 < self.resting <= 1 and min(numbers) >= 0):  # type: ignore[operator,type-var]
            raise ValueError(
                f"a synapse with resting release {self.resting}, recovery {self.recovery} and facilitation "
                f"{self.facilitation} does not release; fit another measurement with astromorph map"
            )


@dataclass(frozen=True)
class CalciumResponse:
    """Dimensionless calcium response ρ of an astrocyte to the mean activity x of its synapses, with ρ(1) = 1.

    power_law: ρ(x) = baseline + amplitude · x^exponent
    hill:      ρ(x) = baseline + amplitude · x^exponent / (half^exponent + x^exponent)
    curve:     the monotone interpolant of `values` over the logarithm of `knots`, constant beyond them

    x = 1 is the reference rate of the measurement; `lowest` and `highest` bound the measured range. The default is
    the response published by Mia, Bal and Sengupta (2025), Fig. 3, as fitted over 1-10 Hz (0.100 + 0.0187 f^0.25,
    reference 3.162 Hz); `astromorph map` replaces it by a measured one. `synapse` says how the synapses' activity
    follows the rate of their spikes; None is in proportion.
    """

    form: Literal["power_law", "hill", "curve"] = "power_law"
    baseline: float | None = 0.8004  # this and the next two: None for a curve
    amplitude: float | None = 0.1996
    exponent: float | None = 0.25
    half: float | None = None  # hill only
    lowest: float = 0.3162
    highest: float = 3.162
    source: str = "Mia, Bal and Sengupta (2025), Fig. 3: 0.100 + 0.0187 f^0.25, reference 3.162 Hz"
    knots: tuple[float, ...] | None = None  # x, curve only
    values: tuple[float, ...] | None = None  # ρ, curve only
    synapse: SynapticRelease | None = None

    def __post_init__(self) -> None:
        if isinstance(self.synapse, dict):  # read from a run folder
            object.__setattr__(self, "synapse", SynapticRelease(**self.synapse))
        if self.form == "curve":
            for name in ("baseline", "amplitude", "exponent", "half"):
                object.__setattr__(self, name, None)
            hold_knots(self, "a calcium response")
            if any(after < before for before, after in pairwise(self.values or ())):
                raise ValueError("a calcium response falls between two knots; run astromorph map again")
            return
        if self.form == "hill" and (self.half is None or self.half <= 0):
            raise ValueError(f"the Hill response needs a positive half-activation, not {self.half}; run map again")
        numbers = (self.baseline, self.amplitude, self.exponent)
        if None in numbers or self.exponent <= 0 or min(numbers) < 0:  # type: ignore[operator,type-var]
            raise ValueError(
                f"a calcium response with baseline {self.baseline}, amplitude {self.amplitude} and exponent "
                f"{self.exponent} is not positive and increasing; fit another simulation with astromorph map"
            )


def hold_knots(curve: CalciumResponse | SynapticRelease, name: str) -> None:
    """Keep `knots` and `values` as tuples; ValueError unless they are positive pairs and the knots rise."""
    for field in ("knots", "values"):
        object.__setattr__(curve, field, tuple(getattr(curve, field) or ()))
    knots, values = curve.knots or (), curve.values or ()
    rising = all(before < after for before, after in pairwise(knots))
    if len(knots) != len(values) or len(knots) < 2 or not rising or min(*knots, *values) <= 0:
        raise ValueError(
            f"{name} of {len(knots)} knots and {len(values)} values is no curve of positive numbers over rising ones; "
            "run astromorph map again"
        )


@dataclass(frozen=True)
class ImdbSettings:
    """The paper's size (Mia et al. 2025, Table S1): one layer, width 128, four heads, 400 tokens."""

    attention: Attention = "astromorphic"  # softmax, linear or astromorphic
    width: int = 128  # model width, divisible by heads
    heads: int = 4  # attention heads
    layers: int = 1  # encoder layers
    feedforward: int = 256  # hidden width of the position-wise layers
    tokens: int = 400  # longest review; longer ones keep their beginning and their end
    first_tokens: int = 100  # how many of `tokens` come from the beginning of a longer review
    vocabulary: int = 30_000  # most frequent words of the training part
    position_scale: float = 16.0  # e-folding distance in tokens of the astrocytic distance kernel
    segments: int = 1  # pieces in which a review is read, one after the other, with a memory handed on (RMAAT)
    memory: int = 8  # memory tokens between segments
    retention: float = 0.719  # how much less of the memory each further segment keeps (mapping/retention.py)
    dropout: float = 0.5  # share of features dropped for a whole review (locked dropout)
    word_dropout: float = 0.2  # share of words replaced by the unknown word during training
    epochs: int = 5  # passes through the training part
    batch: int = 64  # examples a training step
    learning_rate: float = 2e-3  # peak of a one-cycle schedule
    weight_decay: float = 0.05  # of AdamW
    average: int = 0  # steps over which weights are averaged for validation and test; 0 takes the last weights
    label_smoothing: float = 0.1  # share of the target spread over all classes
    validation: int = 2_500  # reviews held out of the training part; they choose the epoch
    threads: int = 0  # processor threads; 0 leaves the choice to torch
    precision: Precision = "auto"  # auto, float32 or bfloat16 matrix products
    compile: bool = True  # fuse elementwise work with torch.compile (needs a C++ compiler)
    seed: int = 0  # of split, order, initial weights, augmentation and dropout

    def __post_init__(self) -> None:
        check_training(self)
        if not 0 <= self.first_tokens <= self.tokens:
            raise ValueError(f"first_tokens {self.first_tokens} must lie between 0 and tokens {self.tokens}")
        check_at_least("vocabulary", self.vocabulary, 100)
        for name in ("segments", "memory"):
            check_at_least(name, getattr(self, name), 1)
        if self.segments > self.tokens:
            raise ValueError(f"segments {self.segments} are more than tokens {self.tokens}; use fewer segments")
        if not 0 < self.retention <= 1:
            raise ValueError(f"retention {self.retention} is a ratio; use a number above 0, at most 1")
        check_share("word_dropout", self.word_dropout)


@dataclass(frozen=True)
class Cifar10Settings:
    """A small convolution-attention hybrid: a whitening, residual convolution front, then attention on 8x8 cells."""

    attention: Attention = "astromorphic"  # softmax, linear or astromorphic
    width: int = 128  # model width of the attention stage, divisible by heads
    heads: int = 4  # attention heads
    layers: int = 1  # encoder layers
    feedforward: int = 256  # hidden width of the position-wise layers
    channels: int = 128  # channels of the convolution front
    position_scale: float = 2.0  # e-folding distance in patches of the astrocytic distance kernel
    dropout: float = 0.0  # share of features dropped for a whole input (locked dropout)
    shift: int = 2  # pixels by which training images are shifted at most
    epochs: int = 12  # passes through the training part
    batch: int = 125  # examples a training step
    learning_rate: float = 4e-3  # peak, after a linear warm-up; then half a cosine to zero
    weight_decay: float = 0.05  # of AdamW
    average: int = 0  # steps over which weights are averaged for validation and test; 0 takes the last weights
    label_smoothing: float = 0.1  # share of the target spread over all classes
    validation: int = 5_000  # images held out of the training part; they choose the epoch
    threads: int = 0  # processor threads; 0 leaves the choice to torch
    precision: Precision = "auto"  # auto, float32 or bfloat16 matrix products
    compile: bool = False  # fuse elementwise work with torch.compile (needs a C++ compiler)
    seed: int = 0  # of split, order, initial weights, augmentation and dropout

    def __post_init__(self) -> None:
        check_training(self)
        check_at_least("channels", self.channels, 8)
        if not 0 <= self.shift <= 16:
            raise ValueError(f"shift {self.shift} must lie between 0 and 16 pixels")


@dataclass(frozen=True)
class DigitsSettings:
    """UCI optical digits, 8x8 pixels: sixteen tokens an image; trains in seconds."""

    attention: Attention = "astromorphic"  # softmax, linear or astromorphic
    width: int = 32  # model width, divisible by heads
    heads: int = 4  # attention heads
    layers: int = 1  # encoder layers
    feedforward: int = 64  # hidden width of the position-wise layers
    position_scale: float = 2.0  # e-folding distance in tokens of the astrocytic distance kernel
    dropout: float = 0.1  # share of features dropped for a whole input (locked dropout)
    epochs: int = 20  # passes through the training part
    batch: int = 64  # examples a training step
    learning_rate: float = 5e-3  # peak, after a linear warm-up; then half a cosine to zero
    weight_decay: float = 0.01  # of AdamW
    average: int = 0  # steps over which weights are averaged for validation and test; 0 takes the last weights
    label_smoothing: float = 0.0  # share of the target spread over all classes
    validation: int = 200  # images held out of the training part; they choose the epoch
    threads: int = 1  # processor threads; one is fastest for a model this small
    precision: Precision = "float32"  # auto, float32 or bfloat16 matrix products
    compile: bool = False  # fuse elementwise work with torch.compile (needs a C++ compiler)
    seed: int = 0  # of split, order, initial weights, augmentation and dropout

    def __post_init__(self) -> None:
        check_training(self)


Settings = ImdbSettings | Cifar10Settings | DigitsSettings
SETTINGS = {"imdb": ImdbSettings, "cifar10": Cifar10Settings, "digits": DigitsSettings}


def check_training(settings: Settings) -> None:
    """Raise one sentence for the first setting that cannot work."""
    for name in ("width", "heads", "layers", "feedforward", "epochs", "batch", "validation"):
        check_at_least(name, getattr(settings, name), 1)
    if settings.width % settings.heads:
        raise ValueError(
            f"width {settings.width} does not divide into {settings.heads} heads; use a multiple of {settings.heads}"
        )
    for name in ("position_scale", "learning_rate"):
        if not getattr(settings, name) > 0:
            raise ValueError(f"{name} {getattr(settings, name)} must be above 0")
    for name in ("dropout", "label_smoothing"):
        check_share(name, getattr(settings, name))
    for name in ("weight_decay", "average", "threads", "seed"):
        if getattr(settings, name) < 0:
            raise ValueError(f"{name} {getattr(settings, name)} is negative; use 0 or more")


def check_at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ValueError(f"{name} {value} is too small; use at least {least}")


def check_share(name: str, value: float) -> None:
    if not 0 <= value < 1:
        raise ValueError(f"{name} {value} is a share; use a number from 0 to below 1")
