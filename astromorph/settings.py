"""Every setting of a training run, one frozen dataclass a data set.

A run is described by the differences from the defaults below (`--config FILE.yaml` or single options); the resolved
settings are stored in the run folder. What can be wrong with a value is said here, before anything is loaded.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import Literal, get_args

Attention = Literal["softmax", "linear", "astromorphic", "none"]
Effect = Literal["calcium", "exponent", "position", "sigmoid", "feedback"]
Precision = Literal["auto", "float32", "bfloat16"]
Optimiser = Literal["adamw", "muon"]
Tokenisation = Literal["word", "bpe"]
DelaysOf = Literal["none", "fixed", "learned"]
DelayKind = Literal["synapse", "axon", "dendrite"]
ReadoutOf = Literal["softmax", "last", "mean", "max"]


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

    attention: Attention = "astromorphic"  # softmax, linear, astromorphic or none
    effects: tuple[Effect, ...] = ("calcium", "position", "feedback")  # of astromorphic attention (mechanisms.py)
    gain: float = 1.0  # by which the output of attention is multiplied
    token_delay: int = 0  # longest learned delay of a head's keys and values, in tokens; 0: none (token_delays.py)
    width: int = 128  # model width, divisible by heads
    heads: int = 4  # attention heads
    layers: int = 1  # encoder layers
    feedforward: int = 256  # hidden width of the position-wise layers
    tokens: int = 400  # longest review; longer ones keep their beginning and their end
    first_tokens: int = 100  # how many of `tokens` come from the beginning of a longer review
    vocabulary: int = 30_000  # most frequent words of the training part
    ngrams: int = 0  # most frequent pairs of words, and as many triples, by which a linear reader votes too; 0: no vote
    unlabelled: int = 0  # reviews without a label to learn from as well (self_training.py); needs ngrams
    position_scale: float = 16.0  # e-folding distance in tokens of the astrocytic distance kernel
    segments: int = 1  # pieces in which a review is read, one after the other, with a memory handed on (RMAAT)
    memory: int = 8  # memory tokens between segments
    retention: float = 0.719  # how much less of the memory each further segment keeps (mapping/retention.py)
    dropout: float = 0.5  # share of features dropped for a whole review (locked dropout)
    word_dropout: float = 0.4  # share of the words of a review that an epoch of training leaves out
    epochs: int = 5  # passes through the training part
    batch: int = 64  # examples a training step
    learning_rate: float = 2e-3  # peak of a one-cycle schedule
    warm_up: float = 0.2  # share of all steps in which the learning rate rises
    weight_decay: float = 0.05  # of AdamW
    average: int = 0  # steps over which weights are averaged for validation and test; 0 takes the last weights
    label_smoothing: float = 0.1  # share of the target spread over all classes
    validation: int = 2_500  # reviews at least, of whole films, held out of the training part; they choose the epoch
    threads: int = 0  # processor threads; 0 leaves the choice to torch
    precision: Precision = "auto"  # auto, float32 or bfloat16 matrix products
    compile: bool = False  # fuse elementwise work with torch.compile (needs a C++ compiler)
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
        for name in ("ngrams", "unlabelled", "token_delay"):
            check_at_least(name, getattr(self, name), 0)
        if self.token_delay and self.attention == "none":
            raise ValueError(f"token_delay {self.token_delay} has no keys to delay without attention; set it to 0")
        if self.unlabelled and not self.ngrams:
            raise ValueError(f"unlabelled {self.unlabelled} reviews need a reader of n-grams to judge them; set ngrams")
        if self.ngrams and self.segments > 1:
            raise ValueError(
                f"ngrams {self.ngrams} are read in one piece, not in {self.segments} segments; set ngrams 0"
            )


@dataclass(frozen=True)
class Cifar10Settings:
    """A small convolution-attention hybrid: a whitening convolution front, then attention on 7x7 cells."""

    attention: Attention = "astromorphic"  # softmax, linear, astromorphic or none
    effects: tuple[Effect, ...] = ("calcium", "position", "feedback")  # of astromorphic attention (mechanisms.py)
    gain: float = 1.0  # by which the output of attention is multiplied
    width: int = 256  # model width of the attention stage, divisible by heads
    heads: int = 4  # attention heads
    layers: int = 1  # encoder layers
    feedforward: int = 512  # hidden width of the position-wise layers
    channels: int = 64  # of the first block of convolutions; the second has four times as many
    convolutions: int = 2  # 3x3 convolutions in each of the two blocks
    position_scale: float = 2.0  # e-folding distance in patches of the astrocytic distance kernel
    dropout: float = 0.0  # share of features dropped for a whole input (locked dropout)
    shift: int = 2  # pixels by which training images are shifted at most
    cutout: int = 0  # side in pixels of the square that is covered in training images
    small: int = 24  # side in pixels of the images of the first epochs
    small_epochs: int = 6  # how many epochs are shown such images; 0 for none
    view_shift: int = 0  # pixels by which an evaluated image is moved for further views; 0 for itself and its mirror
    epochs: int = 9  # passes through the training part
    batch: int = 500  # examples a training step
    optimiser: Optimiser = "muon"  # muon or adamw
    learning_rate: float = 0.12  # peak, after a linear warm-up; then half a cosine to zero
    warm_up: float = 0.1  # share of all steps in which the learning rate rises
    momentum: float = 0.6  # of muon
    weight_decay: float = 0.05  # of matrices, a step in units of the learning rate
    average: int = 0  # steps over which weights are averaged for validation and test; 0 takes the last weights
    label_smoothing: float = 0.2  # share of the target spread over all classes
    validation: int = 5_000  # images held out of the training part; they choose the epoch
    threads: int = 0  # processor threads; 0 leaves the choice to torch
    precision: Precision = "auto"  # auto, float32 or bfloat16 matrix products
    compile: bool = False  # fuse elementwise work with torch.compile (needs a C++ compiler)
    seed: int = 0  # of split, order, initial weights, augmentation and dropout

    def __post_init__(self) -> None:
        check_training(self)
        check_at_least("channels", self.channels, 2)
        check_at_least("convolutions", self.convolutions, 1)
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
        check_share("momentum", self.momentum)


@dataclass(frozen=True)
class DigitsSettings:
    """UCI optical digits, 8x8 pixels: sixteen tokens an image; trains in seconds."""

    attention: Attention = "astromorphic"  # softmax, linear, astromorphic or none
    effects: tuple[Effect, ...] = ("calcium", "position", "feedback")  # of astromorphic attention (mechanisms.py)
    gain: float = 1.0  # by which the output of attention is multiplied
    width: int = 32  # model width, divisible by heads
    heads: int = 4  # attention heads
    layers: int = 1  # encoder layers
    feedforward: int = 64  # hidden width of the position-wise layers
    position_scale: float = 2.0  # e-folding distance in tokens of the astrocytic distance kernel
    dropout: float = 0.1  # share of features dropped for a whole input (locked dropout)
    epochs: int = 20  # passes through the training part
    batch: int = 64  # examples a training step
    learning_rate: float = 5e-3  # peak, after a linear warm-up; then half a cosine to zero
    warm_up: float = 0.2  # share of all steps in which the learning rate rises
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


@dataclass(frozen=True)
class Wikitext2Settings:
    """A causal language model of two decoder layers that trains in about five minutes on two cores."""

    attention: Attention = "astromorphic"  # softmax, linear, astromorphic or none
    tokenisation: Tokenisation = "word"  # word, or bpe for byte pairs
    pieces: int = 8_000  # vocabulary of byte pairs; words are all taken
    width: int = 256  # model width, divisible by heads
    heads: int = 4  # attention heads
    layers: int = 2  # decoder layers
    feedforward: int = 512  # hidden width of the position-wise layers
    context: int = 256  # tokens in a block of text
    stride: int = 128  # tokens by which the window moves in validation and test
    position_scale: float = 27.0  # e-folding distance in tokens of the widest head at the start; the first has 1
    dropout: float = 0.1  # share of features dropped for a whole block (locked dropout)
    epochs: int = 2  # passes through the training part
    batch: int = 8  # blocks a training step
    learning_rate: float = 4e-3  # peak, after a linear warm-up; then half a cosine to zero
    warm_up: float = 0.2  # share of all steps in which the learning rate rises
    weight_decay: float = 0.05  # of AdamW
    average: int = 0  # steps over which weights are averaged for validation and test; 0 takes the last weights
    threads: int = 0  # processor threads; 0 leaves the choice to torch
    precision: Precision = "auto"  # auto, float32 or bfloat16 matrix products
    compile: bool = False  # fuse elementwise work with torch.compile (needs a C++ compiler)
    seed: int = 0  # of order, initial weights and dropout

    def __post_init__(self) -> None:
        check_training(self)
        check_at_least("context", self.context, 2)
        if not 1 <= self.stride <= self.context:
            raise ValueError(f"stride {self.stride} must lie between 1 and context {self.context}")
        check_at_least("pieces", self.pieces, 300)  # 256 of them are bytes
        if self.tokenisation not in get_args(Tokenisation):
            raise ValueError(f"tokenisation {self.tokenisation!r} is not known; use word or bpe")


@dataclass(frozen=True)
class SpikingSettings:
    """A spiking network with delays on its connections; each data set has its own below."""

    attention = "none"
    data_set = ""
    classes = 0
    units = 0  # input channels of the recordings
    own_validation = False  # whether the data set has a validation part

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
    epochs: int = 30  # passes through the training part
    batch: int = 64  # recordings a training step
    learning_rate: float = 5e-3  # peak, after a linear warm-up; then half a cosine to zero
    warm_up: float = 0.2  # share of all steps in which the learning rate rises
    weight_decay: float = 1e-5  # of weights; none of delays and norms
    average: int = 0  # steps over which weights are averaged for validation and test; 0 takes the last weights
    label_smoothing: float = 0.0  # share of the target spread over all classes
    validation: int = 270  # recordings held out of the training part; they choose the epoch
    by_speaker: bool = False  # hold out all recordings of some speakers, at least so many, rather than any
    threads: int = 0  # processor threads; 0 leaves the choice to torch
    precision: Precision = "float32"  # auto, float32 or bfloat16; delays are always computed in float32
    compile: bool = False  # fuse elementwise work with torch.compile (needs a C++ compiler)
    seed: int = 0  # of split, order, initial weights and delays, and dropout

    @property
    def variant(self) -> str:
        """What a run's folder is called by."""
        return f"{self.delays}-delays"

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))
        for name, choices in {"delays": DelaysOf, "delay_kind": DelayKind, "readout": ReadoutOf}.items():
            if getattr(self, name) not in get_args(choices):
                raise ValueError(f"{name} {getattr(self, name)!r} is not known; use {', '.join(get_args(choices))}")
        for number in self.hidden:
            check_at_least("hidden", number, 1)
        for name in ("longest", "shift"):
            check_at_least(name, getattr(self, name), 0)
        for name in ("channels", "frames", "epochs", "batch"):
            check_at_least(name, getattr(self, name), 1)
        own = self.own_validation
        if self.validation < 0 or own == bool(self.validation):
            told = "has a published validation part; use 0" if own else "holds nothing out; use at least 1"
            raise ValueError(f"validation {self.validation} {told}")
        if self.units % self.channels:
            raise ValueError(f"channels {self.channels} do not divide {self.units} units; use a divisor")
        for name in ("frame", "learning_rate", "delay_rate"):
            if not 0 < getattr(self, name) < inf:
                raise ValueError(f"{name} {getattr(self, name)} must be a number above 0")
        if not 1 <= self.tau < inf:
            raise ValueError(f"tau {self.tau} is shorter than a frame; use 1 or more")
        if not 0 < self.narrow_by <= 1:
            raise ValueError(f"narrow_by {self.narrow_by} is a share of the epochs; use a number above 0, at most 1")
        for name in ("settled", "dropout", "label_smoothing", "warm_up"):
            check_share(name, getattr(self, name))
        for name in ("weight_decay", "average", "threads", "seed"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} {getattr(self, name)} is negative; use 0 or more")


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


ClassifierSettings = ImdbSettings | Cifar10Settings | DigitsSettings
TransformerSettings = ClassifierSettings | Wikitext2Settings
Settings = TransformerSettings | SpikingSettings
SETTINGS = {
    "imdb": ImdbSettings,
    "cifar10": Cifar10Settings,
    "wikitext2": Wikitext2Settings,
    "digits": DigitsSettings,
    "spoken-digits": SpokenDigitsSettings,
    "shd": ShdSettings,
    "ssc": SscSettings,
}


def check_training(settings: TransformerSettings) -> None:
    """Raise one sentence for the first setting that cannot work."""
    if not isinstance(settings, Wikitext2Settings):
        hold_effects(settings)
    for name in ("width", "heads", "layers", "feedforward", "epochs", "batch", "validation"):
        check_at_least(name, getattr(settings, name, 1), 1)
    if settings.width % settings.heads:
        raise ValueError(
            f"width {settings.width} does not divide into {settings.heads} heads; use a multiple of {settings.heads}"
        )
    for name in ("position_scale", "learning_rate"):
        if not getattr(settings, name) > 0:
            raise ValueError(f"{name} {getattr(settings, name)} must be above 0")
    for name in ("dropout", "label_smoothing", "warm_up"):
        check_share(name, getattr(settings, name, 0.0))
    for name in ("weight_decay", "average", "threads", "seed"):
        if getattr(settings, name) < 0:
            raise ValueError(f"{name} {getattr(settings, name)} is negative; use 0 or more")


def hold_effects(settings: ClassifierSettings) -> None:
    """Keep `effects` once each and in their order; ValueError for effects or a gain that act on nothing."""
    known = get_args(Effect)
    for name in settings.effects:
        if name not in known:
            raise ValueError(f"effect {name!r} is not known; use some of {', '.join(known)}")
    effects = tuple(name for name in known if name in settings.effects)
    object.__setattr__(settings, "effects", effects)
    told = " ".join(effects) or "none"
    if settings.attention != "astromorphic" and effects != type(settings).effects:
        raise ValueError(
            f"effects {told} are not those of {settings.attention} attention; use --attention astromorphic, or leave "
            "them out"
        )
    if "calcium" in effects and "exponent" in effects:
        raise ValueError(f"effects {told} hold two responses of calcium; leave out calcium or exponent")
    if "feedback" not in effects and ("calcium" in effects or "exponent" in effects):
        raise ValueError(f"effects {told} let calcium act on nothing; add feedback, or leave out calcium and exponent")
    if not 0 < settings.gain < inf:
        raise ValueError(f"gain {settings.gain} must be a number above 0; use --attention none for no attention")
    if settings.attention == "none" and settings.gain != 1:
        raise ValueError(f"gain {settings.gain} multiplies no attention; leave it out")


def check_at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ValueError(f"{name} {value} is too small; use at least {least}")


def check_share(name: str, value: float) -> None:
    if not 0 <= value < 1:
        raise ValueError(f"{name} {value} is a share; use a number from 0 to below 1")
