"""The Large Movie Review Dataset: 25,000 training and 25,000 test reviews, half of them favourable.

A. L. Maas et al., "Learning word vectors for sentiment analysis", ACL 2011. Reviews with at most 4 of 10
stars are label 0, those with at least 7 are label 1; no film is in both splits. Reviews of a film share its names, so
a validation part must share no film with the training part either: the films of training reviews are read too. Three
forms of the same data are read, the first of these that lies under the data folder:

* `imdb/imdb.parquet`: one table with the columns split, label, rating, id, movie, text;
* `aclImdb/{train,test}/{neg,pos}/<id>_<rating>.txt`: the extracted archive, with `train/urls_{neg,pos}.txt`, a line
  for each id that names its film;
* `aclImdb_v1.tar.gz`: the official archive, read without being extracted.

Each gives the same reviews in the same order (split, label, id number), and one digest over all of them
proves it.
"""

import hashlib
import os
import re
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow
import pyarrow.parquet
from tqdm import tqdm

from astromorph.data.locations import fetch_command
from astromorph.data.verify import Published, fault_of_file, require_file

PARQUET, FOLDER, ARCHIVE = "imdb/imdb.parquet", "aclImdb", "aclImdb_v1.tar.gz"
ADDRESS = "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"
MEMBER = re.compile(r"aclImdb/(train|test)/(neg|pos)/(\d+)_(\d+)\.txt")
FILMS = "train/urls_{}.txt"  # of a label
FILM = re.compile(r"tt\d+")
LABELS = {"neg": 0, "pos": 1}
COLUMNS = {
    "split": pyarrow.string(),
    "label": pyarrow.int64(),
    "rating": pyarrow.int64(),
    "id": pyarrow.int64(),
    "movie": pyarrow.string(),
    "text": pyarrow.string(),
}
GROUPS = [(split, label) for split in ("train", "test") for label in LABELS]


class Edition(NamedTuple):
    """What the published data set is known by."""

    per_class: int  # reviews of one label in one split
    archive: Published  # the official archive
    parquet: Published  # the prepared table (another writer may store the same reviews in other bytes)
    sha256: str  # of ids and texts in order, see `digest`
    films: str | None = None  # sha256 of the films of the training reviews in order; None: any


OFFICIAL = Edition(
    per_class=12_500,
    archive=Published(84_125_825, "md5", "7c2ac02c03563afcf9b574c7e56c153a"),
    parquet=Published(18_370_734, "sha256", "b71af8f4962e4da0b9e275e6fdf46aa5047f270e7a62f529ed192a62688b50e4"),
    sha256="317588ba93525c64c7eee2b04d236b6a72508c61aded7b199a20f1f435edffa9",
    films="0d2d0154ece2472f59b105ff503c81fe87a4e4db9ccc5a3d406797d00de5116e",
)


@dataclass(frozen=True)
class Reviews:
    """Texts and labels (0 unfavourable, 1 favourable; int64 [n]) of both splits."""

    train_texts: list[str]
    train_labels: np.ndarray
    train_films: np.ndarray  # int64 [n], a number for each film
    test_texts: list[str]
    test_labels: np.ndarray
    sha256: str  # of all ids and texts, the same for every form of the data


class Review(NamedTuple):
    split: str
    label: str  # "neg" or "pos"
    number: int
    text: bytes  # UTF-8, as published
    film: str = ""  # if the form of the data has it beside the review


def load_imdb(root: Path, edition: Edition = OFFICIAL) -> Reviews:
    """Read the reviews under `root`; if missing or altered, an OSError or ValueError in one sentence."""
    source = find_imdb(root, edition)
    read = {PARQUET: read_parquet, FOLDER: read_folder, ARCHIVE: read_archive}[str(source.relative_to(root))]
    return in_order(read(source, edition), source, edition)


def find_imdb(root: Path, edition: Edition = OFFICIAL) -> Path:
    """The form of the data set that lies under `root`."""
    for name in (PARQUET, FOLDER, ARCHIVE):
        if (root / name).exists():
            return root / name
    raise FileNotFoundError(
        f"IMDB is missing: {root} holds none of {PARQUET}, {FOLDER}/ and {ARCHIVE} ({edition.archive}): {cure(root)}"
    )


def proven_digest(root: Path, edition: Edition = OFFICIAL) -> str | None:
    """The data set's digest if one file's digest proves it (official archive, known table), else None."""
    source = find_imdb(root, edition)
    known = {PARQUET: edition.parquet, ARCHIVE: edition.archive}.get(str(source.relative_to(root)))
    return edition.sha256 if known and not fault_of_file(source, known) else None


def cure(root: Path) -> str:
    return f"run `{fetch_command('imdb', root)}`, or download {ADDRESS} into {root}"


def read_parquet(path: Path, edition: Edition) -> Iterator[Review]:
    again = f"expected {edition.parquet}: copy it again, or delete it and {cure(path.parents[1])}"
    try:
        table = pyarrow.parquet.read_table(path)
        lacking = [name for name in COLUMNS if name not in table.column_names]
        if lacking:
            raise ValueError(f"{path} lacks the column {lacking[0]!r}; {again}")
        table = table.select(list(COLUMNS)).cast(pyarrow.schema(COLUMNS.items()))
    except (pyarrow.ArrowException, OSError) as error:
        size = path.stat().st_size if path.is_file() else 0
        raise ValueError(f"{path} is no readable table of reviews (it has {size:,} bytes); {again}") from error
    empty = [name for name in COLUMNS if table[name].null_count]
    if empty:
        raise ValueError(f"{path} has an empty field in the column {empty[0]!r}; {again}")
    names = dict(enumerate(LABELS))
    for split, label, _, number, film, text in zip(*(table[name].to_pylist() for name in COLUMNS), strict=True):
        yield Review(split, names.get(label, str(label)), number, text.encode(), film)


def read_folder(folder: Path, edition: Edition) -> Iterator[Review]:
    progress = tqdm(total=4 * edition.per_class, desc="reading reviews", unit="review", disable=None)
    with progress:
        for label in LABELS:
            if (films := folder / FILMS.format(label)).is_file():
                yield Review("films", label, 0, films.read_bytes())
        for split, label in GROUPS:
            inside = folder / split / label
            if not inside.is_dir():
                raise FileNotFoundError(f"{inside} is missing; delete {folder} and {cure(folder.parent)}")
            for name in os.listdir(inside):
                match = MEMBER.fullmatch(f"aclImdb/{split}/{label}/{name}")
                if match:
                    with open(f"{inside}/{name}", "rb") as file:
                        yield Review(split, label, int(match[3]), file.read())
                    progress.update()


def read_archive(path: Path, edition: Edition) -> Iterator[Review]:
    """Members are read in memory and only by the names that the data set has; nothing is written to disk."""
    require_file(path, edition.archive, cure(path.parent))
    progress = tqdm(total=4 * edition.per_class, desc="reading reviews", unit="review", disable=None)
    with progress, tarfile.open(path, "r|gz") as tar:
        films = {f"aclImdb/{FILMS.format(label)}": label for label in LABELS}
        for member in tar:
            if member.name in films and member.isfile() and (content := tar.extractfile(member)):
                yield Review("films", films[member.name], 0, content.read())
            match = MEMBER.fullmatch(member.name)
            if match and member.isfile() and (content := tar.extractfile(member)):
                yield Review(match[1], match[2], int(match[3]), content.read())
                progress.update()


def in_order(reviews: Iterable[Review], source: Path, edition: Edition) -> Reviews:
    """Sort by split, label and number, and check that nothing is missing, double or altered."""
    groups: dict[tuple[str, str], list[Review]] = {group: [] for group in GROUPS}
    for review in reviews:
        groups.setdefault((review.split, review.label), []).append(review)
    listed = {label: groups.pop(("films", label), []) for label in LABELS}
    for (split, label), members in groups.items():
        expected = edition.per_class if (split, label) in GROUPS else 0
        if len(members) != expected:
            raise ValueError(
                f"{source} holds {len(members):,} {split} reviews of label {label}, expected {expected:,}: "
                f"delete it and {cure(root_of(source))}"
            )
        members.sort(key=lambda review: review.number)
    found = digest([review for group in GROUPS for review in groups[group]])
    if found != edition.sha256:
        raise ValueError(
            f"{source} holds altered reviews (sha256 {found} over all of them, expected {edition.sha256}): "
            f"delete it and {cure(root_of(source))}"
        )
    texts = {split: [r.text.decode() for label in LABELS for r in groups[split, label]] for split in ("train", "test")}
    labels = np.repeat(np.array([0, 1]), edition.per_class)
    films = [film for label in LABELS for film in films_of(groups["train", label], listed[label])]
    if edition.films not in (None, hashlib.sha256("\n".join(films).encode()).hexdigest()):
        raise ValueError(
            f"{source} does not name the films of the training reviews as published ({FILMS.format('neg')} and "
            f"{FILMS.format('pos')} of the archive): delete it and {cure(root_of(source))}"
        )
    numbers = np.unique(films, return_inverse=True)[1]
    return Reviews(texts["train"], labels, numbers, texts["test"], labels.copy(), found)


def films_of(reviews: Sequence[Review], listed: Sequence[Review]) -> list[str]:
    """The film of each review: named beside it, else in the line of the list that its number gives, else its own."""
    lines = listed[0].text.decode(errors="replace").split("\n") if listed else []
    named = dict(enumerate(match[0] if (match := FILM.search(line)) else line for line in lines))
    return [review.film or named.get(review.number, f"{review.label} {review.number}") for review in reviews]


def root_of(source: Path) -> Path:
    return source.parents[1] if source.name == Path(PARQUET).name else source.parent


def digest(reviews: Iterable[Review]) -> str:
    """sha256 over the lines `split label number size` and the bytes of each review."""
    whole = hashlib.sha256()
    for split, label, number, text, _ in reviews:
        whole.update(f"{split} {label} {number} {len(text)}\n".encode() + text)
    return whole.hexdigest()
