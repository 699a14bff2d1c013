"""Words in pieces: byte pairs (Sennrich, Haddow and Birch 2016), learned from the training part by sentencepiece.

A word is always cut in the same way, whatever stands around it, so a text in pieces is its words in pieces one after
the other; `<eos>` and `<unk>` stay whole. Characters the training part lacks are spelled in bytes: no word is lost, and
the probability of a text in pieces is one of the text.
"""

import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import sentencepiece

from astromorph.data.wikitext2 import END_OF_LINE, UNKNOWN, NumberedText

PIECES_FILE = "pieces.model"  # in the folder of a run
UNKNOWN_PIECE, END_PIECE = 0, 1  # sentencepiece's numbers of <unk> and <eos>


class TextInPieces(NamedTuple):
    """Each part in pieces, int32 [n]; `pieces` by number, the most frequent of the training part first."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    pieces: tuple[str, ...]
    model: bytes  # sentencepiece's file


def in_pieces(text: NumberedText, size: int) -> TextInPieces:
    """`text` in at most `size` pieces learned from its training part; the same text gives the same pieces.

    ValueError in one sentence if so many pieces cannot be had.
    """
    model = train_pieces(text, size)
    spelling = spelled(model, text.words)
    parts = [joined(spelling, part) for part in (text.train, text.validation, text.test)]
    processor = processor_of(model)
    counts = np.bincount(parts[0], minlength=processor.get_piece_size())
    order = np.argsort(-counts, kind="stable")
    numbers = np.empty(len(order), np.int32)
    numbers[order] = np.arange(len(order), dtype=np.int32)
    pieces = tuple(processor.id_to_piece(int(number)) for number in order)
    train, validation, test = (numbers[part] for part in parts)
    return TextInPieces(train, validation, test, pieces, model)


def train_pieces(text: NumberedText, size: int) -> bytes:
    """The model of at most `size` pieces, as sentencepiece stores it."""
    written = io.BytesIO()
    lines = np.split(text.train, np.flatnonzero(text.train == text.words.index(END_OF_LINE)) + 1)
    special = (END_OF_LINE, UNKNOWN)
    sentences = (" ".join(word for word in map(text.words.__getitem__, line) if word not in special) for line in lines)
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=filter(None, sentences),
            model_writer=written,
            model_type="bpe",
            vocab_size=size,
            hard_vocab_limit=False,
            byte_fallback=True,
            character_coverage=1.0,
            normalization_rule_name="identity",
            split_digits=False,
            max_sentence_length=1_000_000,
            unk_id=UNKNOWN_PIECE,
            eos_id=END_PIECE,
            eos_piece=END_OF_LINE,
            bos_id=-1,
            pad_id=-1,
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise ValueError(
            f"{size} pieces cannot be learned from this text, which has too few words or characters; use another number"
        ) from error
    return written.getvalue()


def processor_of(model: bytes) -> sentencepiece.SentencePieceProcessor:
    return sentencepiece.SentencePieceProcessor(model_proto=model)


def spelled(model: bytes, words: Sequence[str]) -> list[np.ndarray]:
    """Each word in sentencepiece's numbers."""
    whole = {END_OF_LINE: [END_PIECE], UNKNOWN: [UNKNOWN_PIECE]}
    cut = processor_of(model).encode(list(words))
    return [np.array(whole.get(word, pieces), np.int32) for word, pieces in zip(words, cut, strict=True)]


def joined(spelling: Sequence[np.ndarray], text: np.ndarray) -> np.ndarray:
    """The pieces of the words of `text` in order."""
    lengths = np.fromiter(map(len, spelling), np.int64, len(spelling))
    starts = np.concatenate(([0], lengths.cumsum()[:-1]))
    taken = lengths[text]
    ends = taken.cumsum()
    inside = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - taken, taken)
    return np.concatenate(spelling)[np.repeat(starts[text], taken) + inside]


def written_out(model: bytes, pieces: Sequence[str]) -> list[str]:
    """The words that a row of pieces (their names, not numbers) spells."""
    processor, words = processor_of(model), []
    open_pieces: list[str] = []
    for piece in (*pieces, END_OF_LINE):
        if piece in (END_OF_LINE, UNKNOWN):
            words += processor.decode_pieces(open_pieces).split() + [piece]
            open_pieces = []
        else:
            open_pieces.append(piece)
    return words[:-1]
