"""How many reviews and images a second does the project train on, and how many does a plain PyTorch loop?

The project's own epoch (astromorph/training/loop.py) runs on its text classifier and its image classifier with
each attention, in float32 and in bfloat16. Beside each stands the loop that most people would write:
nn.TransformerEncoderLayer of the same size in float32, AdamW as it comes; reviews in random order padded to
the longest of their batch, images through the same convolutions as ours. For reviews two more rows say where
the difference lies: the same with the project's length buckets (what padding costs), and that without dropout
(PyTorch's layer draws a random number for every activation and every attention weight, the project one for a
feature of a review). All share one process and take turns; the median of the turns counts. Before anything is timed,
the project's models are compared in bfloat16 with themselves in float32.

The reviews are synthetic: random words, and lengths from the log-normal law with the moments of IMDB's 25,000
training reviews as astromorph/data/words.py splits them (mean log 5.254, deviation 0.642; real mean 237
words, law 235), cut at the settings' tokens. So are the images: noise. Good for speed, of no use for accuracy.
Replacing words by the unknown word and moving images are left out.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from statistics import median
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor, nn

from astromorph.data.batches import pad
from astromorph.settings import Cifar10Settings, ClassifierSettings, ImdbSettings, Settings
from astromorph.settings.checks import check_seed
from astromorph.tasks import Batch, Task, build_model
from astromorph.tasks.imdb import padded_widths, text_batches
from astromorph.training.allocator import keep_freed_memory
from astromorph.training.hardware import Processor
from astromorph.training.loop import begin, one_epoch
from studies.benches.comparison import (
    OTHERS,
    OURS,
    refuse_different,
    refuse_few,
    refuse_unknown,
    say_how_long,
    take_turns,
)
from studies.benches.plain_images import IMAGES_OF_AN_EPOCH, PlainImageClassifier, plain_encoder, synthetic_images
from studies.figure import paper_style
from studies.numerals import counted
from studies.threads import processor_threads

MEAN_LOG, LOG_DEVIATION, SHORTEST = 5.254, 0.642, 10
MODES = ("float32", "bfloat16", "compiled")
ATTENTIONS = ("softmax", "linear", "astromorphic")
PLAIN = "plain PyTorch"
BUCKETS, NO_DROPOUT = f"{PLAIN}, length buckets", f"{PLAIN}, length buckets, no dropout"
EXAMPLES = {"reviews": 22_500, "images": IMAGES_OF_AN_EPOCH}  # of an epoch, without those held out
TOLERANCE = 0.1  # of the largest answer of a model in bfloat16
ROWS_OF_PLAIN, WARM = {"reviews": 3, "images": 1}, {"reviews": 3, "images": 1}  # loops, batches that do not count
EIGHTH = 8  # parts of a batch of images, of which one tells how long it will take
FEW = 8  # examples on which models are compared


class Row(NamedTuple):
    unit: str  # reviews or images
    model: str
    mode: str


class Loop:
    """Trains on all batches when called, and says for how many seconds.

    Begun on a few of them, which do not count: compile_seconds is what a loop that is compiled takes longer for these
    than once more (0 for the others).
    """

    def __init__(
        self, run: Callable[[Sequence[Batch]], float], batches: Sequence[Batch], compiled: bool = False
    ) -> None:
        self.run, self.batches = run, batches
        few = warming(batches)
        first = run(few)
        self.compile_seconds = max(first - run(few), 0.0) if compiled else 0.0

    def __call__(self) -> float:
        return self.run(self.batches)


class PlainClassifier(nn.Module):
    """The usual PyTorch classifier of the same size."""

    def __init__(self, settings: ImdbSettings) -> None:
        super().__init__()
        self.words = nn.Embedding(settings.vocabulary, settings.width)
        self.positions = nn.Embedding(settings.tokens, settings.width)
        self.encoder = plain_encoder(settings)
        self.classify = nn.Linear(settings.width, 2)

    def forward(self, words: Tensor, keep: Tensor) -> Tensor:
        tokens = self.words(words) + self.positions(torch.arange(words.shape[1]))
        tokens = self.encoder(tokens, src_key_padding_mask=~keep)
        return self.classify((tokens * keep.unsqueeze(-1)).sum(1) / keep.sum(1, keepdim=True))


def bench(
    steps: int = 6,
    image_steps: int = 1,
    *,
    repeats: int = 3,
    threads: int = 2,
    seed: int = 0,
    modes: Sequence[str] | None = None,
    settings: ImdbSettings = ImdbSettings(),  # noqa: B008 - frozen
    image_settings: Cifar10Settings = Cifar10Settings(),  # noqa: B008 - frozen
) -> pd.DataFrame:
    """Reviews and images a second of the project with each attention and mode, and of the plain loops.

    Args:
        steps: batches of reviews in a turn; 0 leaves reviews out.
        image_steps: batches of images in a turn; 0 leaves images out.
        repeats: turns of each, after one of a few batches that does not count; their median is reported.
        threads: processor threads.
        seed: of the synthetic reviews and images and the weights.
        modes: float32, bfloat16, and compiled (which is in bfloat16 too), or some of them; by default float32 and,
            where the processor multiplies in it, bfloat16.
        settings: size of the text model and batch; attention is set here.
        image_settings: the same of the image model.

    Returns the columns unit, model, mode, examples_per_second, slowest, fastest, ratio_to_plain (of the same unit),
    epoch_seconds (of 22,500 reviews or 45,000 images), compile_seconds (which no epoch contains; 0 if not compiled).
    """
    check_seed(seed)
    refuse_few(0, steps=steps, image_steps=image_steps)
    refuse_few(repeats=repeats, threads=threads)
    if not steps + image_steps:
        raise ValueError("steps 0 and image_steps 0 leave nothing to time; use at least 1 of either")
    modes = modes_of_this_processor() if modes is None else modes
    refuse_unknown("mode", modes, MODES)
    torch.manual_seed(seed)
    keep_freed_memory()  # for the plain loops too: they share the process
    counts = {"reviews": steps * settings.batch, "images": image_steps * image_settings.batch}
    with processor_threads(threads):
        taken = expected_seconds({"reviews": steps, "images": image_steps}, repeats, modes, settings, image_settings)
        models = sum(ROWS_OF_PLAIN[unit] + len(ATTENTIONS) * len(modes) for unit, count in counts.items() if count)
        say_how_long(taken, f"{models} models, {counted(repeats, 'turn')} each", threads)
        timed = timed_reviews(steps, settings, modes, seed) if steps else {}
        timed |= timed_images(image_steps, image_settings, modes, seed) if image_steps else {}
        seconds = take_turns(timed, repeats, warm=0, shown=True)  # they are warm already
    rates = {row: [counts[row.unit] / each for each in turns] for row, turns in seconds.items()}
    return pd.DataFrame(
        {
            **row._asdict(),
            "examples_per_second": median(turns),
            "slowest": min(turns),
            "fastest": max(turns),
            "ratio_to_plain": median(turns) / median(rates[Row(row.unit, PLAIN, "float32")]),
            "epoch_seconds": EXAMPLES[row.unit] / median(turns),
            "compile_seconds": timed[row].compile_seconds,
        }
        for row, turns in rates.items()
    )


def modes_of_this_processor() -> tuple[str, ...]:
    """In which training itself would run here."""
    return MODES[:2] if torch.ops.mkldnn._is_mkldnn_bf16_supported() else MODES[:1]


def expected_seconds(
    steps: Mapping[str, int],
    repeats: int,
    modes: Sequence[str],
    settings: ImdbSettings,
    image_settings: Cifar10Settings,
) -> float:
    """Of all turns, from a step of the plain loop with a batch of reviews and with an eighth of a batch of images.

    Ours take about as long for images and half as long for reviews, a compiler about a minute a model.
    """
    total = 0.0
    if steps["reviews"]:
        (batch,) = random_batches(*synthetic_reviews(settings.batch, settings, 0), settings.batch)
        loop = plain(PlainClassifier(settings), [Batch(tuple(each[:2] for each in batch.inputs), batch.labels[:2])])
        rows = ROWS_OF_PLAIN["reviews"] + len(ATTENTIONS) * len(modes) / 2
        total += rows * loop.run([batch]) * (steps["reviews"] * repeats + WARM["reviews"])
    if steps["images"]:
        loop = plain(
            PlainImageClassifier(image_settings), synthetic_images(1, max(2, image_settings.batch // EIGHTH), 0)
        )
        rows = ROWS_OF_PLAIN["images"] + len(ATTENTIONS) * len(modes)
        total += rows * loop() * EIGHTH * (steps["images"] * repeats + WARM["images"])
    return total + 60 * len(ATTENTIONS) * modes.count("compiled") * sum(count > 0 for count in steps.values())


def timed_reviews(steps: int, settings: ImdbSettings, modes: Sequence[str], seed: int) -> dict[Row, Loop]:
    texts, labels = synthetic_reviews(steps * settings.batch, settings, seed)
    buckets = list(text_batches(texts, labels, padded_widths(settings.tokens), settings.batch, seed, 1))
    without = replace(settings, dropout=0.0)
    timed = {
        Row("reviews", PLAIN, "float32"): plain(
            PlainClassifier(settings), random_batches(texts, labels, settings.batch)
        ),
        Row("reviews", BUCKETS, "float32"): plain(PlainClassifier(settings), buckets),
        Row("reviews", NO_DROPOUT, "float32"): plain(PlainClassifier(without), buckets),
    }
    return timed | ours("reviews", settings, modes, buckets)


def timed_images(steps: int, settings: Cifar10Settings, modes: Sequence[str], seed: int) -> dict[Row, Loop]:
    batches = synthetic_images(steps, settings.batch, seed)
    timed = {Row("images", PLAIN, "float32"): plain(PlainImageClassifier(settings), batches)}
    return timed | ours("images", settings, modes, batches)


def ours(unit: str, settings: ClassifierSettings, modes: Sequence[str], batches: Sequence[Batch]) -> dict[Row, Loop]:
    return {
        Row(unit, attention, mode): project(replace(settings, attention=attention), mode, batches)  # type: ignore[arg-type]
        for attention, mode in product(ATTENTIONS, modes)
    }


def synthetic_reviews(count: int, settings: ImdbSettings, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Random words (int64, one array a review) and labels 0 or 1."""
    chance = np.random.default_rng(seed)
    lengths = chance.lognormal(MEAN_LOG, LOG_DEVIATION, count).round()
    lengths = np.clip(lengths, min(SHORTEST, settings.tokens), settings.tokens).astype(int)
    return [chance.integers(2, settings.vocabulary, n) for n in lengths], chance.integers(0, 2, count)


def random_batches(texts: Sequence[np.ndarray], labels: np.ndarray, size: int) -> list[Batch]:
    """Batches in the order given, padded to their longest review."""
    return [
        Batch(pad(texts[start : start + size], 1), torch.from_numpy(labels[start : start + size]))
        for start in range(0, len(texts), size)
    ]


def plain(model: nn.Module, batches: Sequence[Batch]) -> Loop:
    """The loop of a first tutorial, on float32."""
    model.train()
    optimiser = torch.optim.AdamW(model.parameters())

    def run(chosen: Sequence[Batch]) -> float:
        start = time.perf_counter()
        for inputs, labels in chosen:
            loss = F.cross_entropy(model(*inputs), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return time.perf_counter() - start

    return Loop(run, batches)


def project(settings: Settings, mode: str, batches: Sequence[Batch]) -> Loop:
    """The project's epoch on the given batches, in the given mode. ValueError if results are not those in float32."""
    model = build_model(settings, None, getattr(settings, "vocabulary", None))
    settings = replace(settings, compile=mode == "compiled", average=0)
    processor = Processor(torch.device("cpu"), mode != "float32")
    compare_results(f"{settings.variant_name} in {mode}", model, processor, few_examples(batches))
    training = begin(settings, task_of(model, batches), processor)

    def run(chosen: Sequence[Batch]) -> float:
        return one_epoch(1, training._replace(task=task_of(model, chosen)))["seconds"]

    return Loop(run, batches, mode == "compiled")


def compare_results(what: str, model: nn.Module, processor: Processor, batch: Batch) -> None:
    """ValueError unless a model, before a compiler fuses it, answers as in float32."""
    model.eval()
    with torch.no_grad():
        exact = model(*batch.inputs).double().numpy()
        with processor.precision():
            result = model(*batch.inputs).double().numpy()
    refuse_different(what, result, exact, TOLERANCE)


def few_examples(batches: Sequence[Batch]) -> Batch:
    """The first of the narrowest batch."""
    inputs, labels = min(batches, key=lambda batch: batch.inputs[0].shape[1])
    return Batch(tuple(each[:FEW] for each in inputs), labels[:FEW])


def task_of(model: nn.Module, batches: Sequence[Batch]) -> Task:
    """Training on `batches`; validation, which is not timed, on one example."""
    inputs, labels = batches[0]
    one = Batch(tuple(each[:1] for each in inputs), labels[:1])
    return Task(
        model=model,
        training=lambda epoch: batches,
        validation=lambda: [one],
        test=lambda: [one],
        steps=len(batches),
        examples=sum(len(batch.labels) for batch in batches),
        unit="examples",
        class_names=tuple(map(str, range(10))),
    )


def warming(batches: Sequence[Batch]) -> list[Batch]:
    """The narrowest, a middle and the widest batch, or one of images, all alike: enough for caches and a compiler."""
    ordered = sorted(batches, key=lambda batch: batch.inputs[0].shape[1])
    several = ordered[0].inputs[0].shape != ordered[-1].inputs[0].shape
    return [ordered[0], ordered[len(ordered) // 2], ordered[-1]] if several else ordered[:1]


def draw(frame: pd.DataFrame) -> Figure:
    """Reviews and images a second, a bar a model and mode; whiskers from the slowest to the fastest turn."""
    units = frame.groupby("unit", sort=False)
    with paper_style():
        figure, panels = plt.subplots(
            units.ngroups, figsize=(7.2, 0.7 * units.ngroups + 0.28 * len(frame)), squeeze=False,
            height_ratios=units.size().tolist(),
        )  # fmt: skip
        for axes, (unit, rows) in zip(panels[:, 0], units, strict=True):
            rates = rows.examples_per_second
            colors = [OTHERS if name.startswith(PLAIN) else OURS for name in rows.model]
            labels = [f"{name} ({mode})" for name, mode in zip(rows.model, rows["mode"], strict=True)]
            spread = np.array([rates - rows.slowest, rows.fastest - rates])
            axes.barh(np.arange(len(rows)), rates, color=colors, xerr=spread, ecolor="0.2", capsize=2)
            axes.set_yticks(np.arange(len(rows)), labels)
            axes.invert_yaxis()
            axes.set(xlabel=f"{unit} a second in training")
    return figure
