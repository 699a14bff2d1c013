"""Three forms of one small data set, written here, must read alike; damage must be named."""

import hashlib
import io
import tarfile
from pathlib import Path

import numpy as np
import pandas
import pytest

from astromorph.data import imdb
from astromorph.data.imdb import Edition, Review, load_imdb
from astromorph.data.verify import Published

# ids whose order as numbers (2 before 10) differs from their order as names; texts with odd bytes
NUMBERS = [0, 10, 2]
TEXTS = ["caf\u00e9\x85 <br /><br />great!", " leading and trailing \n", "line\r\nends \u201cquoted\u201d"]
ROWS = [
    Review(split, label, number, f"{text} {split} {label}".encode())
    for split in ("test", "train")
    for label in ("pos", "neg")
    for number, text in zip(NUMBERS, TEXTS, strict=True)
]
FILMS = {  # of a label, a line for each number: two reviews of one film, one of another, which both labels share
    "neg": ["tt0000003", "tt0000008", "tt0000003", *["tt0000009"] * 7, "tt0000001"],
    "pos": ["tt0000001", "tt0000008", "tt0000002", *["tt0000009"] * 7, "tt0000002"],
}
IN_ORDER = sorted(ROWS, key=lambda row: (row.split != "train", row.label, row.number))


def file_name(row: Review) -> str:
    return f"aclImdb/{row.split}/{row.label}/{row.number}_{9 if row.label == 'pos' else 2}.txt"


def film_list(label: str) -> bytes:
    return "".join(f"http://www.imdb.com/title/{film}/usercomments\n" for film in FILMS[label]).encode()


def write_folder(root: Path) -> None:
    for label in FILMS:
        path = root / "aclImdb" / imdb.FILMS.format(label)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(film_list(label))
    for row in ROWS:
        path = root / file_name(row)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(row.text)


def write_parquet(root: Path, rows: list[Review] = ROWS, **changed: object) -> Path:
    table = pandas.DataFrame(
        {
            "split": pandas.Categorical([row.split for row in rows]),
            "label": np.array([row.label == "pos" for row in rows], dtype=np.int8),
            "rating": np.array([9 if row.label == "pos" else 2 for row in rows], dtype=np.int8),
            "id": np.array([row.number for row in rows], dtype=np.int32),
            "movie": [FILMS[row.label][row.number] for row in rows],
            "text": [row.text.decode() for row in rows],
        }
        | changed
    )
    path = root / imdb.PARQUET
    path.parent.mkdir()
    table.to_parquet(path)
    return path


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def write_archive(root: Path, rows: list[Review] = ROWS) -> Published:
    path = root / imdb.ARCHIVE
    with tarfile.open(path, "w:gz") as tar:
        add(tar, "aclImdb/README", b"about")
        add(tar, "aclImdb/train/unsup/0_0.txt", b"no label")
        add(tar, "../aclImdb/train/pos/77_9.txt", b"climbs out")
        for label in FILMS:
            add(tar, f"aclImdb/{imdb.FILMS.format(label)}", film_list(label))
        add(tar, "/aclImdb/train/pos/78_9.txt", b"absolute")
        add(tar, "aclImdb/train/pos/../../../79_9.txt", b"climbs out inside")
        link = tarfile.TarInfo("aclImdb/train/pos/80_9.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(link)
        for row in rows:
            add(tar, file_name(row), row.text)
    return published(path)


def published(path: Path) -> Published:
    content = path.read_bytes()
    return Published(len(content), "md5", hashlib.md5(content).hexdigest())


def edition(archive: Published = imdb.OFFICIAL.archive) -> Edition:
    films = "\n".join(FILMS[row.label][row.number] for row in IN_ORDER[:6])
    sha256 = hashlib.sha256(films.encode()).hexdigest()
    return Edition(3, archive, imdb.OFFICIAL.parquet, imdb.digest(IN_ORDER), sha256)


def test_the_three_forms_give_the_same_reviews_in_the_order_of_split_label_and_number(tmp_path):
    roots = [tmp_path / form for form in ("parquet", "folder", "archive")]
    for root in roots:
        root.mkdir()
    write_parquet(roots[0])
    write_folder(roots[1])
    known = edition(write_archive(roots[2]))
    for root in roots:
        reviews = load_imdb(root, known)
        assert [text.encode() for text in reviews.train_texts] == [row.text for row in IN_ORDER[:6]]
        assert [text.encode() for text in reviews.test_texts] == [row.text for row in IN_ORDER[6:]]
        assert reviews.train_labels.tolist() == reviews.test_labels.tolist() == [0, 0, 0, 1, 1, 1]
        assert reviews.train_labels.dtype == np.int64
        assert reviews.train_films.tolist() == [2, 2, 0, 0, 1, 1]  # ids 0, 2 and 10 of either label
        assert reviews.sha256 == known.sha256
    assert sorted(path.name for path in tmp_path.rglob("*")) == sorted(
        [root.name for root in roots]
        + ["imdb", "imdb.parquet", imdb.ARCHIVE, "aclImdb", "train", "test", "pos", "neg", "pos", "neg"]
        + ["urls_neg.txt", "urls_pos.txt"]
        + [Path(file_name(row)).name for row in ROWS]
    )  # reading the archive wrote nothing


def test_parquet_stands_before_folder_and_folder_before_archive(tmp_path):
    write_archive(tmp_path)
    assert imdb.find_imdb(tmp_path) == tmp_path / imdb.ARCHIVE
    write_folder(tmp_path)
    assert imdb.find_imdb(tmp_path) == tmp_path / "aclImdb"
    write_parquet(tmp_path)
    assert imdb.find_imdb(tmp_path) == tmp_path / imdb.PARQUET


def test_a_missing_data_set_says_what_is_wanted_and_how_to_get_it(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        load_imdb(tmp_path)
    sentence = str(caught.value)
    for part in ("aclImdb_v1.tar.gz", "84,125,825", "7c2ac02c03563afcf9b574c7e56c153a", f"--data {tmp_path}"):
        assert part in sentence
    assert "\n" not in sentence


def test_a_truncated_and_an_altered_archive_are_refused_before_they_are_opened(tmp_path, monkeypatch):
    known = edition(write_archive(tmp_path))
    monkeypatch.setattr(tarfile, "open", lambda *_, **__: pytest.fail("opened"))
    path = tmp_path / imdb.ARCHIVE
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    with pytest.raises(ValueError, match=rf"truncated \(it has {len(content) - 1:,} bytes\); expected"):
        load_imdb(tmp_path, known)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ValueError, match=f"altered .* expected {len(content):,} bytes with md5 .*data fetch imdb"):
        load_imdb(tmp_path, known)


def test_a_review_too_few_and_an_altered_letter_are_noticed_in_a_folder(tmp_path):
    write_folder(tmp_path)
    review = tmp_path / file_name(ROWS[0])
    original = review.read_bytes()
    review.write_bytes(original.replace(b"great", b"dread"))
    with pytest.raises(ValueError, match="altered reviews .*sha256.*delete it and run `astromorph data fetch"):
        load_imdb(tmp_path, edition())
    review.unlink()
    with pytest.raises(ValueError, match="holds 2 test reviews of label pos, expected 3"):
        load_imdb(tmp_path, edition())
    review.write_bytes(original)
    assert len(load_imdb(tmp_path, edition()).test_texts) == 6


@pytest.mark.parametrize("content", [None, b"", b"\xff\x00", b"http://www.imdb.com/title/tt0000007/\n" * 11])
def test_films_that_are_not_those_published_are_noticed_in_a_folder(tmp_path, content):
    write_folder(tmp_path)
    path = tmp_path / "aclImdb" / imdb.FILMS.format("pos")
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match="does not name the films of the training reviews as published .*delete it"):
        load_imdb(tmp_path, edition())


def test_a_folder_without_one_of_its_parts_is_named(tmp_path):
    (tmp_path / "aclImdb" / "train" / "neg").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=r"train/pos is missing"):
        load_imdb(tmp_path, edition())


def test_a_truncated_parquet_file_is_one_sentence(tmp_path):
    path = write_parquet(tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"no readable table .*expected 18,370,734 bytes with sha256") as caught:
        load_imdb(tmp_path, edition())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"text": ["x"] * 12}, "altered reviews"),
        ({"text": ["x"] * 11 + [None]}, "empty field in the column 'text'"),
        ({"id": ["one"] * 12}, "no readable table"),
        ({"label": np.full(12, 7)}, "expected 3"),
        ({"split": ["dev"] * 12}, "expected 3"),
        ({"id": np.zeros(12, int)}, "altered reviews"),
        ({"movie": ["tt0000001"] * 12}, "does not name the films"),
    ],
)
def test_a_parquet_file_with_other_content_is_refused(tmp_path, change, sentence):
    write_parquet(tmp_path, **change)
    with pytest.raises(ValueError, match=sentence):
        load_imdb(tmp_path, edition())


def test_a_parquet_file_without_a_column_is_refused(tmp_path):
    path = write_parquet(tmp_path)
    pandas.read_parquet(path).drop(columns="rating").to_parquet(path)
    with pytest.raises(ValueError, match="lacks the column 'rating'"):
        load_imdb(tmp_path, edition())


def test_only_a_checked_file_proves_the_digest_without_being_read(tmp_path):
    known = edition(write_archive(tmp_path))
    assert imdb.proven_digest(tmp_path, known) == known.sha256
    assert imdb.proven_digest(tmp_path, edition()) is None  # another md5 is published
    write_folder(tmp_path)
    assert imdb.proven_digest(tmp_path, known) is None  # the folder comes first and must be read
