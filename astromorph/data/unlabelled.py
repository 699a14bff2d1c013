"""The 50,000 reviews without a label of the Large Movie Review Dataset (Maas et al. 2011).

Read from the first of these that lies under the data folder: `imdb/unsupervised.parquet` (a column text),
`aclImdb/train/unsup/<id>_0.txt`, or the official archive. Each gives the same texts, in the order of their bytes, and
one digest proves it. Hundreds of them also stand among the labelled reviews: `without` leaves those out.
"""

import hashlib
import re
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow
import pyarrow.parquet
from tqdm import tqdm

from astromorph.data.imdb import ARCHIVE, FOLDER, OFFICIAL, cure
from astromorph.data.verify import require_file
from astromorph.data.words import Vocabulary, encode

PARQUET = "imdb/unsupervised.parquet"
MEMBER = re.compile(r"aclImdb/train/unsup/\d+_0\.txt")


class Edition(NamedTuple):
    number: int
    sha256: str  # of the sorted texts, see `digest`


PUBLISHED = Edition(50_000, "d3e4a4cc04be453fec3024fc96f8386711b9e20ab4f3b7294ffe2e899c9fece3")


def load_unlabelled(root: Path, vocabulary: Vocabulary, edition: Edition = PUBLISHED) -> list[np.ndarray]:
    """The unlabelled reviews under `root` as int32 arrays of word numbers.

    FileNotFoundError if there are none, ValueError if they are damaged or altered, each in one sentence.
    """
    source, texts = read_texts(root)
    texts = sorted(texts)
    if (len(texts), digest(texts)) != edition:
        raise ValueError(
            f"{source} holds {len(texts):,} unlabelled reviews that are not the {edition.number:,} published ones: "
            f"delete it and {cure(root)}"
        )
    shown = tqdm(texts, desc="encoding unlabelled reviews", unit="review", disable=None)
    return encode((text.decode() for text in shown), vocabulary)


def without(texts: Iterable[np.ndarray], *others: Iterable[np.ndarray]) -> list[np.ndarray]:
    """The texts that are in none of `others`, each of them once.

    Texts are the same if their word numbers are, so words outside the vocabulary count as equal: it leaves out a few
    too many rather than one too few.
    """
    seen = {text.tobytes() for each in others for text in each}
    kept = []
    for text in texts:
        if (content := text.tobytes()) not in seen:
            seen.add(content)
            kept.append(text)
    return kept


def read_texts(root: Path) -> tuple[Path, list[bytes]]:
    """Where the texts were found, and the texts in UTF-8."""
    if (path := root / PARQUET).exists():
        return path, list(read_parquet(path))
    if (path := root / FOLDER / "train" / "unsup").is_dir():
        return path, [file.read_bytes() for file in path.glob("*_0.txt")]
    if (path := root / ARCHIVE).exists():
        return path, list(read_archive(path))
    raise FileNotFoundError(
        f"the unlabelled reviews of IMDB are missing: {root} holds none of {PARQUET}, {FOLDER}/train/unsup/ and "
        f"{ARCHIVE}: {cure(root)}"
    )


def read_parquet(path: Path) -> Iterator[bytes]:
    try:
        texts = pyarrow.parquet.read_table(path, columns=["text"])["text"].cast(pyarrow.string())
    except (pyarrow.ArrowException, OSError, KeyError) as error:
        raise ValueError(f"{path} is no readable table of texts; copy it again, or delete it") from error
    return (str(text or "").encode() for text in texts.to_pylist())


def read_archive(path: Path) -> Iterator[bytes]:
    """Members are read in memory and only by the names that the data set has; nothing is written to disk."""
    require_file(path, OFFICIAL.archive, cure(path.parent))
    with tarfile.open(path, "r|gz") as tar:
        for member in tqdm(tar, desc="reading unlabelled reviews", unit="file", disable=None):
            if MEMBER.fullmatch(member.name) and member.isfile() and (content := tar.extractfile(member)):
                yield content.read()


def digest(texts: Iterable[bytes]) -> str:
    """sha256 over the size and the bytes of each text."""
    whole = hashlib.sha256()
    for text in texts:
        whole.update(f"{len(text)}\n".encode() + text)
    return whole.hexdigest()
