"""WikiText-2 (Merity et al. 2016): which word comes next? By the word, or in byte pairs.

Training reads blocks of `context` tokens, cut anew from another place every epoch. Validation and test read with a
window that moves by `stride`: every token is scored once, with at least context - stride tokens before it but at the
beginning; an end of line stands before the first token. The epoch is chosen by its loss on the validation part.

Perplexity per token is exp(total cross-entropy / tokens), per word exp(total / words), ends of lines counted as words:
the second can be compared between ways of cutting words. Before training the model is tried for leaks (`leak.py`).
"""

import math
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from astromorph.data.pieces import PIECES_FILE, in_pieces
from astromorph.data.wikitext2 import END_OF_LINE, load_wikitext2
from astromorph.files.whole_files import whole
from astromorph.language.from_settings import build_model
from astromorph.language.leak import refuse_leak
from astromorph.settings import CalciumResponse, Wikitext2Settings
from astromorph.tasks.task import Batch, Judgement, Task

WINDOWS = 32  # read at once in validation and test


class Corpus(NamedTuple):
    """Tokens by number, (n,), of each part, how many words validation and test have, and the tokens' names."""

    train: Tensor
    validation: Tensor
    test: Tensor
    words: dict[str, int]
    names: tuple[str, ...]
    pieces: bytes | None = None  # sentencepiece's file


def build(settings: Wikitext2Settings, response: CalciumResponse | None, root: Path) -> Task:
    """The task with the text under `root`."""
    corpus = read(settings, root)
    end = corpus.names.index(END_OF_LINE)
    model = build_model(settings, response, len(corpus.names))
    model.words.start_from(torch.bincount(corpus.train, minlength=len(corpus.names)))
    blocks = len(corpus.train) // settings.context
    sizes = {part: (len(getattr(corpus, part)), words) for part, words in corpus.words.items()}

    def prepare(folder: Path) -> None:
        refuse_leak(model, corpus.train[: settings.context].to(model.positions.device), len(corpus.names))
        if corpus.pieces is not None:
            with whole(folder / PIECES_FILE) as part:
                part.write_bytes(corpus.pieces)

    return Task(
        model=model,
        training=lambda epoch: training_blocks(corpus.train, settings, epoch),
        validation=lambda: windows(corpus.validation, end, settings.context, settings.stride),
        test=lambda: windows(corpus.test, end, settings.context, settings.stride),
        steps=math.ceil(blocks / settings.batch),
        examples=blocks,
        unit="blocks",
        class_names=(),
        words=list(corpus.names),
        loss=lambda losses, labels: losses.mean(),
        judge=lambda judged, labels: Judgement(*judged),
        chosen_by="loss",
        prepare=prepare,
        further=partial(perplexities, sizes),
    )


def read(settings: Wikitext2Settings, root: Path) -> Corpus:
    text = load_wikitext2(root)
    words = {"validation": len(text.validation), "test": len(text.test)}
    cut = in_pieces(text, settings.pieces) if settings.tokenisation == "bpe" else None
    train, validation, test = (torch.from_numpy(part).long() for part in (cut or text)[:3])
    names, pieces = (text.words, None) if cut is None else (cut.pieces, cut.model)
    return Corpus(train, validation, test, words, names, pieces)


def training_blocks(text: Tensor, settings: Wikitext2Settings, epoch: int) -> Iterator[Batch]:
    """Blocks of `context` tokens side by side, in an order and from a place drawn anew for every epoch.

    Each token is at most once what is to be told; what does not fill a block is left out until another epoch.
    """
    draw = torch.Generator().manual_seed(settings.seed * 100_003 + epoch)
    blocks = len(text) // settings.context
    if not blocks:
        raise ValueError(f"the training part has {len(text)} tokens, fewer than a context of {settings.context}")
    first = int(torch.randint(0, len(text), (1,), generator=draw))
    round_about = text.roll(-first)  # the end of the text is followed by its beginning
    told = round_about[: blocks * settings.context].view(blocks, -1)
    read = text.roll(1 - first)[: blocks * settings.context].view(blocks, -1)
    for chosen in torch.randperm(blocks, generator=draw).split(settings.batch):
        yield batch(read[chosen], told[chosen])


def windows(text: Tensor, end: int, context: int, stride: int) -> Iterator[Batch]:
    """Windows of at most `context` tokens, and as labels what follows the last of them that no window before told."""
    read = torch.cat((text.new_tensor([end]), text[:-1]))
    first = min(context, len(text))
    yield batch(read[None, :first], text[None, :first])
    ends = range(context + stride, len(text) + 1, stride)
    for some in (ends[at : at + WINDOWS] for at in range(0, len(ends), WINDOWS)):
        place = torch.tensor(some)[:, None] + torch.arange(-context, 0)
        yield batch(read[place], text[place[:, -stride:]])
    left = (len(text) - first) % stride
    if left:
        yield batch(read[None, -context:], text[None, -left:])


def batch(read: Tensor, told: Tensor) -> Batch:
    """The model is given what it has to tell, and answers with how well it told it (`LanguageModel`)."""
    return Batch((read, told), told)


def perplexities(
    parts: Mapping[str, tuple[int, int]], loss: float, accuracy: float, part: str = "test"
) -> dict[str, float]:
    """Of a part with so many tokens and words, from its mean cross-entropy `loss` a token."""
    tokens, words = parts[part]
    exponential = lambda nats: math.exp(min(nats, 700.0))
    return {"perplexity_per_token": exponential(loss), "perplexity_per_word": exponential(loss * tokens / words)}
