"""What every training has, whatever is trained: the fields of the loop and its optimiser, and what a run is called.

A data set has a class of its own, which inherits groups of fields and states only what differs. Nobody outside this
folder asks for the type of settings: what must be known is answered here by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from astromorph import learning_rules
from astromorph.names import choose
from astromorph.settings.checks import check_above_zero, check_at_least, check_seed, check_share

Precision = Literal["auto", "float32", "bfloat16"]
Kind = Literal["classifier", "language model", "spiking"]


@dataclass(frozen=True)
class TrainingSettings:
    """Numbers of the training loop; each data set has its own defaults."""

    data_set: ClassVar[str] = ""  # by which `astromorph train` knows it
    task: ClassVar[str] = ""  # the file of astromorph/tasks that builds it
    kind: ClassVar[Kind] = "classifier"  # what is trained

    epochs: int = 5  # passes through the training part
    batch: int = 64  # examples a training step
    learning_rate: float = 2e-3  # peak, after a linear warm-up; then half a cosine to zero
    warm_up: float = 0.2  # share of all steps in which the learning rate rises
    weight_decay: float = 0.05  # of AdamW
    average: int = 0  # steps over which weights are averaged for validation and test; 0 takes the last weights
    rule: str = "backpropagation"  # how gradients are had (astromorph/learning_rules)
    threads: int = 0  # processor threads; 0 leaves the choice to torch
    precision: Precision = "auto"  # auto, float32 or bfloat16 matrix products
    compile: bool = False  # fuse elementwise work with torch.compile (needs a C++ compiler)
    seed: int = 0  # of split, order, initial weights, augmentation and dropout

    @property
    def variant_name(self) -> str:
        """The word for what is varied between runs, as in the name of a run's folder: "softmax", "learned-delays"."""
        return self.data_set

    @property
    def variant(self) -> str:
        """The same as one says it: "softmax attention", "no attention", "learned delays"."""
        return self.variant_name

    @property
    def takes_response(self) -> bool:
        """Whether the model is built from a calcium response."""
        return False

    @property
    def muon_momentum(self) -> float | None:
        """Momentum of Muon (training/muon.py); None where AdamW is the optimiser."""
        return None

    @property
    def longest_text(self) -> tuple[int, int] | None:
        """Words of the longest text that is read, and how many of them come from its beginning; None where none is."""
        return None

    @property
    def measured(self) -> Mapping[str, str]:
        """Settings that coefficients replace where they were measured: name and section of the coefficients."""
        return {}

    def __post_init__(self) -> None:
        check_at_least(1, epochs=self.epochs, batch=self.batch)
        check_above_zero(learning_rate=self.learning_rate)
        check_share(warm_up=self.warm_up)
        check_seed(self.seed)
        for name in ("weight_decay", "average", "threads"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} {getattr(self, name)} is negative; use 0 or more")
        choose("learning rule", self.rule, learning_rules.names())
