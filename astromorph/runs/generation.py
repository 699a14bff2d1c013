"""Go on with a text: one token after the other is drawn from what a trained language model expects next."""

import json
from math import inf
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from astromorph.data.pieces import END_PIECE, PIECES_FILE, UNKNOWN_PIECE, processor_of, written_out
from astromorph.data.wikitext2 import END_OF_LINE, UNKNOWN
from astromorph.data.words import readable
from astromorph.language.language_model import LanguageModel
from astromorph.runs.run_folder import RunFolder
from astromorph.runs.trained import trained_model
from astromorph.settings.checks import check_at_least, check_seed


@torch.no_grad()
def continued(model: LanguageModel, text: Tensor, count: int, seed: int = 0, temperature: float = 0.8) -> Tensor:
    """`count` tokens that follow `text`, (tokens,), drawn from p^(1/temperature); 0 takes the likeliest.

    The model reads the last tokens, as many as it was trained on.
    """
    draw, first = torch.Generator().manual_seed(seed), len(text)
    model.eval()
    for _ in range(count):
        last = model(text[None, -len(model.positions) :])[0, -1].float()
        if temperature:
            expected = (model.words.log_probabilities(last) / temperature).softmax(-1)
            following = torch.multinomial(expected, 1, generator=draw)
        else:
            following = model.words.likeliest(last[None])[0]
        text = torch.cat((text, following))
    return text[first:]


def continue_text(path: Path, text: str, count: int = 60, seed: int = 0, temperature: float = 0.8) -> str:
    """`text` and `count` tokens more by the language model in run folder `path`.

    Words between spaces, as WikiText-2 writes them ("do n't , said"); a word it does not know is <unk>. ValueError in
    one sentence if the run is no language model or `text` has no word, FileNotFoundError if it has no weights yet.
    """
    check_at_least(1, count=count)
    check_seed(seed)
    if not 0 <= temperature < inf:
        raise ValueError(f"temperature {temperature} is no number of at least 0; use one such as 0.8")
    folder = RunFolder.open(path)
    if folder.settings.kind != "language model":
        raise ValueError(f"{path} is a classifier of {folder.data_set} and goes on with no text; use a wikitext2 run")
    if not text.split():
        raise ValueError("there is no word to go on from; give a text of at least one")
    _ = folder.weights  # before the vocabulary is looked for
    names = json.loads((folder.path / "vocabulary.json").read_text(encoding="utf-8"))
    model: Any = trained_model(folder, len(names))
    in_pieces = getattr(folder.settings, "tokenisation", "word") == "bpe"
    pieces = (folder.path / PIECES_FILE).read_bytes() if in_pieces else None
    started = torch.tensor(numbered(text.split(), names, pieces))
    followed = [names[number] for number in continued(model, started, count, seed, temperature).tolist()]
    words = [*text.split(), *followed]
    if pieces is not None:
        words = written_out(pieces, [names[number] for number in started.tolist()] + followed)[1:]
    return " ".join(words).replace(f" {END_OF_LINE}", "\n")


def numbered(words: list[str], names: list[str], pieces: bytes | None) -> list[int]:
    """An end of line and `words` as the model's numbers."""
    numbers = {name: number for number, name in enumerate(names)}
    if pieces is None:
        unknown = numbers[UNKNOWN]
        return [numbers[END_OF_LINE], *(numbers.get(word, numbers.get(readable(word), unknown)) for word in words)]
    processor = processor_of(pieces)
    spelled = [[UNKNOWN_PIECE] if word == UNKNOWN else processor.encode(word) for word in words]
    return [numbers[processor.id_to_piece(number)] for number in (END_PIECE, *(n for word in spelled for n in word))]
