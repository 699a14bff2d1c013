"""What every transformer has: its attention and its sizes."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Literal, get_args

from astromorph.settings.checks import check_above_zero, check_at_least, check_at_most, check_share
from astromorph.settings.training import TrainingSettings

Attention = Literal["softmax", "linear", "astromorphic", "none"]
Effect = Literal["calcium", "exponent", "position", "sigmoid", "feedback"]


@dataclass(frozen=True)
class Layers:
    """Attention and sizes of a transformer: these fields come first, before those of the training."""

    attention: Attention = "astromorphic"  # softmax, linear, astromorphic or none
    effects: tuple[Effect, ...] = ("calcium", "position", "feedback")  # of astromorphic attention (effects.py)
    width: int = 128  # model width, divisible by heads
    heads: int = 4  # attention heads
    layers: int = 1  # encoder layers
    feedforward: int = 256  # hidden width of the position-wise layers
    position_scale: float = 16.0  # e-folding distance in tokens of the astrocytic distance kernel
    dropout: float = 0.1  # share of features dropped for a whole input (locked dropout)


@dataclass(frozen=True)
class TransformerSettings(TrainingSettings, Layers):
    """Layers of attention and position-wise networks, and how they are trained."""

    @property
    def variant_name(self) -> str:
        return self.attention

    @property
    def variant(self) -> str:
        return f"{'no' if self.attention == 'none' else self.attention} attention"

    @property
    def takes_response(self) -> bool:
        return self.attention == "astromorphic"

    @property
    def measured(self) -> Mapping[str, str]:
        return {"position_scale": "distance_kernel"}

    def __post_init__(self) -> None:
        hold_effects(self)
        check_at_least(1, width=self.width, heads=self.heads, layers=self.layers, feedforward=self.feedforward)
        check_at_most(1000, layers=self.layers)
        check_at_most(100_000, width=self.width, heads=self.heads, feedforward=self.feedforward)
        if self.width % self.heads:
            raise ValueError(
                f"width {self.width} does not divide into {self.heads} heads; use a multiple of {self.heads}"
            )
        check_above_zero(position_scale=self.position_scale)
        check_share(dropout=self.dropout)
        super().__post_init__()


@dataclass(frozen=True)
class ClassifierSettings(TransformerSettings):
    """A transformer that classifies: what is held out of the training part, and how labels are softened."""

    gain: float = 1.0  # by which the output of attention is multiplied
    label_smoothing: float = 0.0  # share of the target spread over all classes
    validation: int = 200  # examples held out of the training part; they choose the epoch

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.gain < inf:
            raise ValueError(f"gain {self.gain} must be a number above 0; use --attention none for no attention")
        if self.attention == "none" and self.gain != 1:
            raise ValueError(f"gain {self.gain} multiplies no attention; leave it out")
        check_share(label_smoothing=self.label_smoothing)
        check_at_least(1, validation=self.validation)


def hold_effects(settings: TransformerSettings) -> None:
    """Keep `effects` once each and in their order; ValueError for effects that act on nothing."""
    known = get_args(Effect)
    for name in settings.effects:
        if name not in known:
            raise ValueError(f"effect {name!r} is not known; use some of {', '.join(known)}")
    effects = tuple(name for name in known if name in settings.effects)
    object.__setattr__(settings, "effects", effects)
    listed = " ".join(effects) or "none"
    if settings.attention != "astromorphic" and effects != type(settings).effects:
        raise ValueError(
            f"effects {listed} are not those of {settings.attention} attention; use --attention astromorphic, or "
            "leave them out"
        )
    if "calcium" in effects and "exponent" in effects:
        raise ValueError(f"effects {listed} hold two responses of calcium; leave out calcium or exponent")
    if "feedback" not in effects and ("calcium" in effects or "exponent" in effects):
        raise ValueError(
            f"effects {listed} let calcium act on nothing; add feedback, or leave out calcium and exponent"
        )
