"""How many reviews a second does the project train on, and how many does a plain PyTorch loop?

The project's own epoch (astromorph/training.py) runs on its text classifier with each attention: in
float32, in bfloat16, and compiled. Beside it stands the loop that most people would write:
nn.TransformerEncoderLayer of the same size in float32, AdamW as it comes, reviews in random order padded to
the longest of their batch. Two more rows say where the difference lies: the same with the project's length
buckets (what padding costs), and that without dropout (PyTorch's layer draws a random number for every
activation and every attention weight, the project one for a feature of a review). All share one process and
take turns; the median of the turns counts.

The reviews are synthetic: random words, and lengths from the log-normal law with the moments of IMDB's 25,000
training reviews as astromorph/data/words.py splits them (mean log 5.254, deviation 0.642; real mean 237
words, law 235), cut at the settings' tokens. Good for speed, of no use for accuracy. Replacing words by the
unknown word is left out.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import median

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor, nn
from tqdm import tqdm

from astromorph.averaging import AveragedWeights
from astromorph.data.batches import pad
from astromorph.hardware import Processor
from astromorph.models.text_classifier import TextClassifier
from astromorph.settings import CalciumResponse, ImdbSettings
from astromorph.tasks import Batch, Task
from astromorph.tasks.imdb import padded_widths, text_batches
from astromorph.tasks.mechanisms import encoder_layers
from astromorph.training import compiled, one_epoch
from studies.threads import processor_threads

MEAN_LOG, LOG_DEVIATION, SHORTEST = 5.254, 0.642, 10
MODES = ("float32", "bfloat16", "compiled")
ATTENTIONS = ("softmax", "linear", "astromorphic")
PLAIN = "plain PyTorch"
BUCKETS, NO_DROPOUT = f"{PLAIN}, length buckets", f"{PLAIN}, length buckets, no dropout"
EPOCH_REVIEWS = 22_500  # the training part of IMDB without the reviews held out
Timed = Callable[[], float]  # trains on all reviews once, returns seconds


class PlainClassifier(nn.Module):
    """The usual PyTorch classifier of the same size."""

    def __init__(self, settings: ImdbSettings) -> None:
        super().__init__()
        self.words = nn.Embedding(settings.vocabulary, settings.width)
        self.positions = nn.Embedding(settings.tokens, settings.width)
        layer = nn.TransformerEncoderLayer(
            settings.width, settings.heads, settings.feedforward, settings.dropout, batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, settings.layers, enable_nested_tensor=False)
        self.classify = nn.Linear(settings.width, 2)

    def forward(self, words: Tensor, keep: Tensor) -> Tensor:
        tokens = self.words(words) + self.positions(torch.arange(words.shape[1]))
        tokens = self.encoder(tokens, src_key_padding_mask=~keep)
        return self.classify((tokens * keep.unsqueeze(-1)).sum(1) / keep.sum(1, keepdim=True))


def bench(
    steps: int = 40,
    *,
    repeats: int = 3,
    threads: int = 2,
    seed: int = 0,
    modes: Sequence[str] = MODES,
    settings: ImdbSettings = ImdbSettings(),  # noqa: B008 - frozen
) -> pd.DataFrame:
    """Reviews a second of the project with each attention and mode, and of the plain loop.

    Args:
        steps: batches of a turn.
        repeats: turns of each, after one of a few batches that does not count; their median is reported.
        threads: processor threads.
        seed: of the synthetic reviews and the weights.
        modes: float32, bfloat16, and compiled (which is in bfloat16 too), or some of them.
        settings: size of model and batch; attention, seed and compile are set here.

    Returns the columns model, mode, reviews_per_second, slowest, fastest, ratio_to_plain, epoch_seconds (of
    the 22,500 reviews of an IMDB epoch).
    """
    for name, count in {"steps": steps, "repeats": repeats, "threads": threads}.items():
        if count < 1:
            raise ValueError(f"{name} {count} leaves nothing to time; use at least 1")
    for mode in modes:
        if mode not in MODES:
            raise ValueError(f"mode {mode!r} is not known; use some of {', '.join(MODES)}")
    torch.manual_seed(seed)
    texts, labels = synthetic_reviews(steps * settings.batch, settings, seed)
    with processor_threads(threads):
        timed = {(PLAIN, "float32"): plain(settings, random_batches(texts, labels, settings.batch))}
        buckets = list(text_batches(texts, labels, padded_widths(settings.tokens), settings.batch, seed, 1))
        timed[BUCKETS, "float32"] = plain(settings, buckets)
        timed[NO_DROPOUT, "float32"] = plain(replace(settings, dropout=0.0), buckets)
        for attention, mode in product(ATTENTIONS, modes):
            timed[attention, mode] = project(settings, attention, mode, buckets)
        turns = [key for _ in range(repeats) for key in timed]
        rates: dict[tuple[str, str], list[float]] = {key: [] for key in timed}
        for key in tqdm(turns, unit="turn", disable=None):
            rates[key].append(len(texts) / timed[key]())
    return summarised(rates)


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


def plain(settings: ImdbSettings, batches: Sequence[Batch]) -> Timed:
    """The loop of a first tutorial, on float32."""
    model = PlainClassifier(settings).train()
    optimiser = torch.optim.AdamW(model.parameters())

    def run(chosen: Sequence[Batch] = batches) -> float:
        start = time.perf_counter()
        for (words, keep), labels in chosen:
            loss = F.cross_entropy(model(words, keep), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return time.perf_counter() - start

    run(warming(batches))
    return run


def project(settings: ImdbSettings, attention: str, mode: str, batches: Sequence[Batch]) -> Timed:
    """The project's epoch on the given batches, in the given mode, warmed up (and compiled)."""
    settings = replace(settings, attention=attention)  # type: ignore[arg-type]
    layers = encoder_layers(settings, CalciumResponse(), settings.tokens)
    size = (settings.vocabulary, settings.tokens, settings.width)
    model = TextClassifier(*size, 2, layers, settings.dropout)
    forward = compiled(model) if mode == "compiled" else model
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=settings.weight_decay, fused=True)
    processor = Processor(torch.device("cpu"), mode != "float32")

    def run(chosen: Sequence[Batch] = batches) -> float:
        task = task_of(model, chosen)
        return one_epoch(1, settings, task, forward, optimiser, processor, AveragedWeights(model, 0))["seconds"]

    run(warming(batches))
    return run


def task_of(model: nn.Module, batches: Sequence[Batch]) -> Task:
    """Training on `batches`; validation, which is not timed, on one review."""
    (words, keep), labels = batches[0]
    one = Batch((words[:1], keep[:1]), labels[:1])
    return Task(
        model=model,
        training=lambda epoch: batches,
        validation=lambda: [one],
        test=lambda: [one],
        steps=len(batches),
        examples=sum(len(batch.labels) for batch in batches),
        unit="reviews",
        class_names=("unfavourable", "favourable"),
    )


def warming(batches: Sequence[Batch]) -> list[Batch]:
    """The narrowest, a middle and the widest batch: enough for caches and a compiler of variable shapes."""
    ordered = sorted(batches, key=lambda batch: batch.inputs[0].shape[1])
    return [ordered[0], ordered[len(ordered) // 2], ordered[-1]]


def summarised(rates: dict[tuple[str, str], list[float]]) -> pd.DataFrame:
    """A row a model and mode."""
    plain_rate = median(rates[PLAIN, "float32"])
    return pd.DataFrame(
        {
            "model": model,
            "mode": mode,
            "reviews_per_second": median(turns),
            "slowest": min(turns),
            "fastest": max(turns),
            "ratio_to_plain": median(turns) / plain_rate,
            "epoch_seconds": EPOCH_REVIEWS / median(turns),
        }
        for (model, mode), turns in rates.items()
    )


def draw(frame: pd.DataFrame) -> Figure:
    """Reviews a second, a bar a model and mode; whiskers from the slowest to the fastest turn."""
    with plt.style.context(Path(__file__).with_name("figures.mplstyle")):
        figure, axes = plt.subplots(figsize=(7.2, 0.6 + 0.28 * len(frame)))
        rates = frame.reviews_per_second
        colors = ["0.6" if name.startswith(PLAIN) else "#0072B2" for name in frame.model]
        labels = [f"{name} ({mode})" for name, mode in zip(frame.model, frame["mode"], strict=True)]
        spread = np.array([rates - frame.slowest, frame.fastest - rates])
        axes.barh(np.arange(len(frame)), rates, color=colors, xerr=spread, ecolor="0.2", capsize=2)
        axes.set_yticks(np.arange(len(frame)), labels)
        axes.invert_yaxis()
        axes.set(xlabel="reviews a second", title="Training on reviews of IMDB's lengths")
    return figure
