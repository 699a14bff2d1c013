"""The reviews as word numbers, kept on disk, so that only the first run has to read and split them.

What is kept depends on the texts and the tokeniser alone, and both are in the file's name: all words of the
training texts, from the most to the least frequent, with their counts, and all texts by these numbers. A
smaller vocabulary is a prefix of that list, so any size is cut from the same file. A file that cannot be read
is made anew.
"""

import hashlib
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from astromorph.data.imdb import OFFICIAL, Edition, Reviews, load_imdb, proven_digest
from astromorph.data.locations import cache_folder
from astromorph.data.words import RESERVED, SETTINGS, UNKNOWN, Vocabulary, build_vocabulary, encode
from astromorph.files.whole_files import whole

LAYOUT = "2"  # raise it when the arrays of the file change their meaning
ARRAYS = (
    "words", "counts", "train", "train_lengths", "train_labels", "train_films", "test", "test_lengths", "test_labels",
)  # fmt: skip


@dataclass(frozen=True)
class EncodedReviews:
    """Reviews as int32 arrays of word numbers, labels int64 [n] (1 favourable), films [n], and the words."""

    train: list[np.ndarray]
    train_labels: np.ndarray
    train_films: np.ndarray
    test: list[np.ndarray]
    test_labels: np.ndarray
    vocabulary: Vocabulary


def load_encoded_imdb(
    root: Path, size: int, minimum_count: int = 1, cache: Path | None = None, edition: Edition = OFFICIAL
) -> EncodedReviews:
    """IMDB under `root` with the vocabulary `build_vocabulary(training texts, size, minimum_count)`.

    `cache` is the folder of the kept file (default: the user's cache folder). Errors: those of `load_imdb`.
    """
    cache = cache_folder() if cache is None else cache
    digest, reviews = proven_digest(root, edition), None
    if digest is None:
        reviews = load_imdb(root, edition)
        digest = reviews.sha256
    path = cache / f"imdb-words-{key(digest)}.npz"
    kept = read_kept(path)
    if kept is None:
        kept = encode_all(reviews or load_imdb(root, edition))
        keep(path, kept)
    return with_vocabulary(kept, size, minimum_count)


def key(digest: str) -> str:
    return hashlib.sha256(f"{LAYOUT} {SETTINGS} {digest}".encode()).hexdigest()[:16]


def encode_all(reviews: Reviews) -> dict[str, np.ndarray]:
    """The arrays of the file: the full vocabulary and every text."""
    shown = lambda texts, title: tqdm(texts, desc=title, unit="review", disable=None)
    vocabulary = build_vocabulary(shown(reviews.train_texts, "counting words"), size=2**31 - 1)
    train = encode(shown(reviews.train_texts, "encoding training reviews"), vocabulary)
    test = encode(shown(reviews.test_texts, "encoding test reviews"), vocabulary)
    return {
        "words": np.frombuffer("\n".join(vocabulary.words).encode(), np.uint8),  # plain bytes: no pickle
        "counts": np.bincount(np.concatenate(train), minlength=len(vocabulary)),
        "train": np.concatenate(train),
        "train_lengths": lengths_of(train),
        "train_labels": reviews.train_labels,
        "train_films": reviews.train_films,
        "test": np.concatenate(test),
        "test_lengths": lengths_of(test),
        "test_labels": reviews.test_labels,
    }


def lengths_of(texts: Sequence[np.ndarray]) -> np.ndarray:
    return np.fromiter(map(len, texts), np.int64, len(texts))


def with_vocabulary(kept: Mapping[str, np.ndarray], size: int, minimum_count: int) -> EncodedReviews:
    """Cut the full vocabulary to `size` words that occur `minimum_count` times; rarer ones become unknown."""
    if size <= len(RESERVED):
        raise ValueError(f"vocabulary size {size} leaves no word; use at least {len(RESERVED) + 1}")
    frequent = int(np.count_nonzero(kept["counts"][len(RESERVED) :] >= minimum_count)) + len(RESERVED)
    words = kept["words"].tobytes().decode().split("\n")[: min(size, frequent)]

    def part(split: str) -> tuple[list[np.ndarray], np.ndarray]:
        numbers = np.where(kept[split] < len(words), kept[split], np.int32(UNKNOWN))
        return np.split(numbers, np.cumsum(kept[f"{split}_lengths"])[:-1]), kept[f"{split}_labels"]

    return EncodedReviews(*part("train"), kept["train_films"], *part("test"), Vocabulary(tuple(words)))


def read_kept(path: Path) -> dict[str, np.ndarray] | None:
    """The arrays of the file; None if there is none or it is damaged (each array carries a checksum)."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:
                return None
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in ARRAYS}
    except Exception:  # damage shows in many ways, and whatever it is, the file is made anew
        return None


def keep(path: Path, kept: Mapping[str, np.ndarray]) -> None:
    """Write the file whole or not at all; where that is impossible, warn: it only costs time next time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as part, part.open("wb") as file:
            np.savez(file, **kept)  # type: ignore[arg-type]
    except OSError as error:
        warnings.warn(f"the encoded reviews could not be kept at {path} ({error})", stacklevel=2)
