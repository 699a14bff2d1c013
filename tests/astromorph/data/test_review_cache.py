"""What is kept on disk must equal what is computed, and damage must never be read."""

import numpy as np
import pytest

from astromorph.data import corpus, imdb
from astromorph.data.corpus import load_encoded_imdb
from astromorph.data.imdb import Edition, Review
from astromorph.data.words import build_vocabulary, encode

ROWS = [
    Review(split, label, number, f"{word} film of {split}, number {number}".encode())
    for split in ("train", "test")
    for label, word in (("neg", "bad bad"), ("pos", "good"))
    for number in (0, 1)
]
EDITION = Edition(2, imdb.OFFICIAL.archive, imdb.OFFICIAL.parquet, imdb.digest(ROWS))


@pytest.fixture
def root(tmp_path):
    for row in ROWS:
        path = tmp_path / "data" / "aclImdb" / row.split / row.label / f"{row.number}_1.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(row.text)
    return tmp_path / "data"


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("size", "minimum_count"), [(1000, 1), (5, 1), (1000, 3)])
def test_kept_numbers_equal_those_of_the_plain_way_for_any_vocabulary(root, tmp_path, size, minimum_count):
    reviews = imdb.load_imdb(root, EDITION)
    vocabulary = build_vocabulary(reviews.train_texts, size, minimum_count)
    for _ in ("computed", "kept"):
        encoded = load_encoded_imdb(root, size, minimum_count, tmp_path / "cache", EDITION)
        assert encoded.vocabulary == vocabulary
        assert same(encoded.train, encode(reviews.train_texts, vocabulary))
        assert same(encoded.test, encode(reviews.test_texts, vocabulary))
        assert encoded.test_labels.tolist() == [0, 0, 1, 1]
        assert encoded.train[0].dtype == np.int32
    assert len(list((tmp_path / "cache").iterdir())) == 1  # one file for every size, nothing partial


def test_second_reading_computes_nothing(root, tmp_path, monkeypatch):
    load_encoded_imdb(root, 100, 1, tmp_path, EDITION)
    monkeypatch.setattr(corpus, "encode_all", lambda *_: pytest.fail("computed again"))
    load_encoded_imdb(root, 50, 1, tmp_path, EDITION)


def test_another_tokeniser_has_another_file(monkeypatch):
    before = corpus.key(EDITION.sha256)
    monkeypatch.setattr(corpus, "SETTINGS", corpus.SETTINGS + "!")
    assert corpus.key(EDITION.sha256) != before


def test_a_damaged_file_is_made_anew_wherever_the_damage_is(root, tmp_path):
    cache = tmp_path / "cache"
    original = load_encoded_imdb(root, 100, 1, cache, EDITION)
    (path,) = cache.iterdir()
    content = path.read_bytes()
    damages = [b"", b"no archive", content[:-1], content[: len(content) // 2]]
    for place in range(0, len(content), 97):
        damages.append(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
    for damaged in damages:
        path.write_bytes(damaged)
        found = load_encoded_imdb(root, 100, 1, cache, EDITION)
        assert same(found.train, original.train) and same(found.test, original.test)
        assert found.vocabulary == original.vocabulary


def test_a_cache_that_cannot_be_written_only_warns(root, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.warns(UserWarning, match="could not be kept"):
        assert len(load_encoded_imdb(root, 100, 1, tmp_path / "file", EDITION).train) == 4


def test_a_write_cut_short_leaves_no_file(root, tmp_path, monkeypatch):
    def interrupted(file, **_):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load_encoded_imdb(root, 100, 1, tmp_path / "cache", EDITION)
    assert list((tmp_path / "cache").iterdir()) == []
