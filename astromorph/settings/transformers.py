"""Settings of the transformers, a frozen dataclass a data set."""

from dataclasses import dataclass
from math import inf
from typing import Literal, get_args

from astromorph.settings.checks import check_above_zero, check_at_least, check_share, check_training

Attention = Literal["softmax", "linear", "astromorphic", "none"]
Effect = Literal["calcium", "exponent", "position", "sigmoid", "feedback"]
Precision = Literal["auto", "float32", "bfloat16"]
Optimiser = Literal["adamw", "muon"]
Tokenisation = Literal["word", "bpe"]
Pooling = Literal["mean", "max"]


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
    pretrain: int = 0  # unlabelled reviews from which, with the labelled ones, word vectors are learned first
    phrase: int = 1  # neighbouring words that a convolution joins before attention, an odd number; 1 for none
    pooling: Pooling = "mean"  # over the words of a review: mean, or max for the largest of each feature
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
        check_transformer(self)
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
        for name in ("ngrams", "unlabelled", "pretrain", "token_delay"):
            check_at_least(name, getattr(self, name), 0)
        if self.phrase < 1 or self.phrase % 2 == 0:
            raise ValueError(f"phrase {self.phrase} must be an odd number of words, the middle one and its neighbours")
        if self.pooling not in get_args(Pooling):
            raise ValueError(f"pooling {self.pooling!r} is not known; use {' or '.join(get_args(Pooling))}")
        if self.token_delay and self.attention == "none":
            raise ValueError(f"token_delay {self.token_delay} has no keys to delay without attention; set it to 0")
        if self.unlabelled and not self.ngrams:
            raise ValueError(f"unlabelled {self.unlabelled} reviews need a reader of n-grams to judge them; set ngrams")
        for name, without in (("ngrams", 0), ("phrase", 1), ("pooling", "mean")):
            if self.segments > 1 and getattr(self, name) != without:
                raise ValueError(
                    f"{name} {getattr(self, name)} is for a review in one piece, not in {self.segments} segments; "
                    f"set {name} {without}"
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
        check_transformer(self)
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
        check_transformer(self)


@dataclass(frozen=True)
class Wikitext2Settings:
    """A causal language model of two decoder layers that trains in about five minutes on two cores."""

    attention: Attention = "astromorphic"  # softmax, linear, astromorphic or none
    effects: tuple[Effect, ...] = ("calcium", "position", "feedback")  # of astromorphic attention (language.py)
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
        check_transformer(self)
        if "sigmoid" in self.effects:
            raise ValueError(
                f"effects {' '.join(self.effects)} hold the sigmoid, which sums over all tokens at once and has no "
                "causal form; leave it out"
            )
        check_at_least("context", self.context, 2)
        if not 1 <= self.stride <= self.context:
            raise ValueError(f"stride {self.stride} must lie between 1 and context {self.context}")
        check_at_least("pieces", self.pieces, 300)  # 256 of them are bytes
        if self.tokenisation not in get_args(Tokenisation):
            raise ValueError(f"tokenisation {self.tokenisation!r} is not known; use word or bpe")


ClassifierSettings = ImdbSettings | Cifar10Settings | DigitsSettings
TransformerSettings = ClassifierSettings | Wikitext2Settings


def check_transformer(settings: TransformerSettings) -> None:
    """Raise one sentence for the first setting that cannot work."""
    hold_effects(settings)
    if not isinstance(settings, Wikitext2Settings):
        check_gain(settings)
    for name in ("width", "heads", "layers", "feedforward", "validation"):
        check_at_least(name, getattr(settings, name, 1), 1)
    if settings.width % settings.heads:
        raise ValueError(
            f"width {settings.width} does not divide into {settings.heads} heads; use a multiple of {settings.heads}"
        )
    check_above_zero("position_scale", settings.position_scale)
    check_training(settings)


def hold_effects(settings: TransformerSettings) -> None:
    """Keep `effects` once each and in their order; ValueError for effects that act on nothing."""
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


def check_gain(settings: ClassifierSettings) -> None:
    """ValueError for a gain that is none, or acts on nothing."""
    if not 0 < settings.gain < inf:
        raise ValueError(f"gain {settings.gain} must be a number above 0; use --attention none for no attention")
    if settings.attention == "none" and settings.gain != 1:
        raise ValueError(f"gain {settings.gain} multiplies no attention; leave it out")
