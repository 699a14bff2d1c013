"""Settings of WikiText-2."""

from dataclasses import dataclass
from typing import Literal, get_args

from astromorph.settings.checks import check_at_least
from astromorph.settings.transformers import TransformerSettings

Tokenisation = Literal["word", "bpe"]


@dataclass(frozen=True)
class Wikitext2Settings(TransformerSettings):
    """A causal language model of two decoder layers that trains in about five minutes on two cores."""

    data_set = "wikitext2"
    task = "wikitext2"
    kind = "language model"

    epochs: int = 2  # passes through the training part
    batch: int = 8  # blocks a training step
    learning_rate: float = 4e-3  # peak, after a linear warm-up; then half a cosine to zero
    width: int = 256  # model width, divisible by heads
    layers: int = 2  # decoder layers
    feedforward: int = 512  # hidden width of the position-wise layers
    position_scale: float = 27.0  # e-folding distance in tokens of the widest head at the start; the first has 1
    tokenisation: Tokenisation = "word"  # word, or bpe for byte pairs
    pieces: int = 8_000  # vocabulary of byte pairs; words are all taken
    context: int = 256  # tokens in a block of text
    stride: int = 128  # tokens by which the window moves in validation and test

    def __post_init__(self) -> None:
        super().__post_init__()
        if "sigmoid" in self.effects:
            raise ValueError(
                f"effects {' '.join(self.effects)} hold the sigmoid, which sums over all tokens at once and has no "
                "causal form; leave it out"
            )
        check_at_least(2, context=self.context)
        if not 1 <= self.stride <= self.context:
            raise ValueError(f"stride {self.stride} must lie between 1 and context {self.context}")
        check_at_least(300, pieces=self.pieces)  # 256 of them are bytes
        if self.tokenisation not in get_args(Tokenisation):
            raise ValueError(f"tokenisation {self.tokenisation!r} is not known; use word or bpe")
