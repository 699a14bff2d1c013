"""Settings of IMDB."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from astromorph.settings.checks import check_at_least, check_share
from astromorph.settings.transformers import ClassifierSettings

Pooling = Literal["mean", "max"]


@dataclass(frozen=True)
class ImdbSettings(ClassifierSettings):
    """The paper's size (Mia et al. 2025, Table S1): one layer, width 128, four heads, 400 tokens."""

    data_set = "imdb"
    task = "imdb"

    dropout: float = 0.5  # share of features dropped for a whole review (locked dropout)
    label_smoothing: float = 0.1  # share of the target spread over all classes
    validation: int = 2_500  # reviews at least, of whole films, held out of the training part; they choose the epoch
    tokens: int = 400  # longest review; longer ones keep their beginning and their end
    first_tokens: int = 100  # how many of `tokens` come from the beginning of a longer review
    token_delay: int = 0  # longest learned delay of a head's keys and values, in tokens; 0: none (token_delays.py)
    vocabulary: int = 30_000  # most frequent words of the training part
    pretrain: int = 0  # unlabelled reviews from which, with the labelled ones, word vectors are learned first
    phrase: int = 1  # neighbouring words that a convolution joins before attention, an odd number; 1 for none
    pooling: Pooling = "mean"  # over the words of a review: mean, or max for the largest of each feature
    ngrams: int = 0  # most frequent pairs of words, and as many triples, by which a linear reader votes too; 0: no vote
    unlabelled: int = 0  # reviews without a label to learn from as well (self_training.py); needs ngrams
    segments: int = 1  # pieces in which a review is read, one after the other, with a memory handed on (RMAAT)
    memory: int = 8  # memory tokens between segments
    retention: float = 0.719  # how much less of the memory each further segment keeps (mapping/retention.py)
    word_dropout: float = 0.4  # share of the words of a review that an epoch of training leaves out

    @property
    def longest_text(self) -> tuple[int, int]:
        return self.tokens, self.first_tokens

    @property
    def measured(self) -> Mapping[str, str]:
        return {**super().measured, **({"retention": "retention"} if self.segments > 1 else {})}

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.first_tokens <= self.tokens:
            raise ValueError(f"first_tokens {self.first_tokens} must lie between 0 and tokens {self.tokens}")
        check_at_least(100, vocabulary=self.vocabulary)
        check_at_least(1, segments=self.segments, memory=self.memory)
        if self.segments > self.tokens:
            raise ValueError(f"segments {self.segments} are more than tokens {self.tokens}; use fewer segments")
        if not 0 < self.retention <= 1:
            raise ValueError(f"retention {self.retention} is a ratio; use a number above 0, at most 1")
        check_share(word_dropout=self.word_dropout)
        check_at_least(0, ngrams=self.ngrams, unlabelled=self.unlabelled)
        check_at_least(0, pretrain=self.pretrain, token_delay=self.token_delay)
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
