"""The unlabelled reviews: three forms of the same texts, none that is known already, and faults told in a sentence."""

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from astromorph.data.unlabelled import PARQUET, Edition, digest, load_unlabelled, without
from astromorph.data.words import build_vocabulary, encode

TEXTS = ["a good film", "bad, bad!", "an odd film", "a good film"]
EDITION = Edition(4, digest(sorted(text.encode() for text in TEXTS)))
VOCABULARY = build_vocabulary(TEXTS, 100)


def table(root, texts=TEXTS):
    path = root / PARQUET
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.table({"id": range(len(texts)), "text": texts}), path)
    return root


def folder(root):
    for number, text in enumerate(reversed(TEXTS)):
        path = root / "aclImdb" / "train" / "unsup" / f"{number}_0.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize("form", [table, folder])
def test_every_form_gives_the_same_texts_in_the_same_order(form, tmp_path):
    found = load_unlabelled(form(tmp_path), VOCABULARY, EDITION)
    wanted = encode(sorted(TEXTS), VOCABULARY)
    assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))


def test_texts_known_already_are_left_out_and_each_is_kept_once():
    texts = encode(TEXTS, VOCABULARY)
    kept = without(texts, encode(["Bad bad!"], VOCABULARY), [])
    assert [text.tolist() for text in kept] == [texts[0].tolist(), texts[2].tolist()]


@pytest.mark.parametrize("texts", [TEXTS[:3], [*TEXTS[:3], "a good film."]])
def test_altered_texts_are_refused(texts, tmp_path):
    with pytest.raises(ValueError, match="unlabelled reviews that are not the 4 published ones"):
        load_unlabelled(table(tmp_path, texts), VOCABULARY, EDITION)


def test_damage_and_absence_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="unlabelled reviews of IMDB are missing"):
        load_unlabelled(tmp_path, VOCABULARY, EDITION)
    (table(tmp_path) / PARQUET).write_bytes(b"PAR1")
    with pytest.raises(ValueError, match="no readable table"):
        load_unlabelled(tmp_path, VOCABULARY, EDITION)
