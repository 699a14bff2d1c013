"""How many reviews and images a second does the project train on, and how many does a plain PyTorch loop?

The project's own epoch (astromorph/training/loop.py) runs on its text classifier and its image classifier with
each attention, in float32 and in bfloat16. Beside each stands the loop that most people would write:
nn.TransformerEncoderLayer of the same size in float32, AdamW as it comes; reviews in random order padded to
the longest of their batch, images through the same convolutions as ours. For reviews two more rows say where
the difference lies: the same with the project's length buckets (what padding costs), and that without dropout
(PyTorch's layer draws a random number for every activation and every attention weight, the project one for a
feature of a review). All share one process and take turns; the median of the turns counts.

The reviews are synthetic: random words, and lengths from the log-normal law with the moments of IMDB's 25,000
training reviews as astromorph/data/words.py splits them (mean log 5.254, deviation 0.642; real mean 237
words, law 235), cut at the settings' tokens. So are the images: noise. Good for speed, of no use for accuracy.
Replacing words by the unknown word and moving images are left out.
"""

import time
from collections.abc import Callable, Sequence
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
from studies.benches.comparison import OTHERS, OURS, refuse_few, refuse_unknown, take_turns
from studies.benches.plain_images import IMAGES_OF_AN_EPOCH, PlainImageClassifier, plain_encoder, synthetic_images
from studies.figure import paper_style
from studies.threads import processor_threads

MEAN_LOG, LOG_DEVIATION, SHORTEST = 5.254, 0.642, 10
MODES = ("float32", "bfloat16", "compiled")
ATTENTIONS = ("softmax", "linear", "astromorphic")
PLAIN = "plain PyTorch"
BUCKETS, NO_DROPOUT = f"{PLAIN}, length buckets", f"{PLAIN}, length buckets, no dropout"
EXAMPLES = {"reviews": 22_500, "images": IMAGES_OF_AN_EPOCH}  # of an epoch, without those held out
Timed = Callable[[], float]  # trains on all batches once, returns seconds


class Row(NamedTuple):
    unit: str  # reviews or images
    model: str
    mode: str


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
    steps: int = 40,
    image_steps: int = 4,
    *,
    repeats: int = 3,
    threads: int = 2,
    seed: int = 0,
    modes: Sequence[str] = ("float32", "bfloat16"),
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
        modes: float32, bfloat16, and compiled (which is in bfloat16 too), or some of them.
        settings: size of the text model and batch; attention is set here.
        image_settings: the same of the image model.

    Returns the columns unit, model, mode, examples_per_second, slowest, fastest, ratio_to_plain (of the same unit),
    epoch_seconds (of 22,500 reviews or 45,000 images).
    """
    check_seed(seed)
    refuse_few(0, steps=steps, image_steps=image_steps)
    refuse_few(repeats=repeats, threads=threads)
    if not steps + image_steps:
        raise ValueError("steps 0 and image_steps 0 leave nothing to time; use at least 1 of either")
    refuse_unknown("mode", modes, MODES)
    torch.manual_seed(seed)
    keep_freed_memory()  # for the plain loops too: they share the process
    with processor_threads(threads):
        timed = timed_reviews(steps, settings, modes, seed) if steps else {}
        timed |= timed_images(image_steps, image_settings, modes, seed) if image_steps else {}
        seconds = take_turns(timed, repeats, warm=0, shown=True)  # they are warm already
    counts = {"reviews": steps * settings.batch, "images": image_steps * image_settings.batch}
    rates = {row: [counts[row.unit] / each for each in turns] for row, turns in seconds.items()}
    return pd.DataFrame(
        {
            **row._asdict(),
            "examples_per_second": median(turns),
            "slowest": min(turns),
            "fastest": max(turns),
            "ratio_to_plain": median(turns) / median(rates[Row(row.unit, PLAIN, "float32")]),
            "epoch_seconds": EXAMPLES[row.unit] / median(turns),
        }
        for row, turns in rates.items()
    )


def timed_reviews(steps: int, settings: ImdbSettings, modes: Sequence[str], seed: int) -> dict[Row, Timed]:
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


def timed_images(steps: int, settings: Cifar10Settings, modes: Sequence[str], seed: int) -> dict[Row, Timed]:
    batches = synthetic_images(steps, settings.batch, seed)
    timed = {Row("images", PLAIN, "float32"): plain(PlainImageClassifier(settings), batches)}
    return timed | ours("images", settings, modes, batches)


def ours(unit: str, settings: ClassifierSettings, modes: Sequence[str], batches: Sequence[Batch]) -> dict[Row, Timed]:
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


def plain(model: nn.Module, batches: Sequence[Batch]) -> Timed:
    """The loop of a first tutorial, on float32."""
    model.train()
    optimiser = torch.optim.AdamW(model.parameters())

    def run(chosen: Sequence[Batch] = batches) -> float:
        start = time.perf_counter()
        for inputs, labels in chosen:
            loss = F.cross_entropy(model(*inputs), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return time.perf_counter() - start

    run(warming(batches))
    return run


def project(settings: Settings, mode: str, batches: Sequence[Batch]) -> Timed:
    """The project's epoch on the given batches, in the given mode, warmed up (and compiled)."""
    model = build_model(settings, None, getattr(settings, "vocabulary", None))
    settings = replace(settings, compile=mode == "compiled", average=0)
    processor = Processor(torch.device("cpu"), mode != "float32")
    training = begin(settings, task_of(model, batches), processor)

    def run(chosen: Sequence[Batch] = batches) -> float:
        return one_epoch(1, training._replace(task=task_of(model, chosen)))["seconds"]

    run(warming(batches))
    return run


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
    """The narrowest, a middle and the widest batch: enough for caches and a compiler of variable shapes."""
    ordered = sorted(batches, key=lambda batch: batch.inputs[0].shape[1])
    return [ordered[0], ordered[len(ordered) // 2], ordered[-1]]


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
