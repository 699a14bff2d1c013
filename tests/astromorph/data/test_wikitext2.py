"""WikiText-2's loader on made-up files: what it counts, and what it refuses."""

import hashlib

import numpy as np
import pytest

from astromorph.data.verify import Published
from astromorph.data.wikitext2 import FOLDER, OFFICIAL, file_name, load_wikitext2

TEXTS = {
    "train": " \n = Calcium = \n \n the astrocyte hears the <unk> and the neuron \n \n",
    "valid": " the neuron hears \n",
    "test": " and \n \n the <unk> \n",
}


def write(root, texts=TEXTS) -> dict[str, Published]:
    (root / FOLDER).mkdir()
    published = {}
    for part, text in texts.items():
        (root / FOLDER / file_name(part)).write_text(text)
        content = text.encode()
        published[part] = Published(len(content), "sha256", hashlib.sha256(content).hexdigest())
    return published


def test_ends_of_lines_are_words_and_the_commonest_word_is_number_nought(tmp_path):
    text = load_wikitext2(tmp_path, write(tmp_path))
    told = lambda part: " ".join(text.words[number] for number in part)
    assert text.words[:3] == ("<eos>", "the", "=") and len(text.words) == len(set(text.words)) == 9
    assert told(text.train).startswith("<eos> = Calcium = <eos> <eos> the astrocyte") and len(text.train) == 16
    assert told(text.validation) == "the neuron hears <eos>" and told(text.test) == "and <eos> <eos> the <unk> <eos>"
    assert text.train.dtype == np.int32


@pytest.mark.parametrize("part", TEXTS)
def test_an_altered_or_missing_file_is_refused_in_one_sentence(part, tmp_path):
    published, file = write(tmp_path), tmp_path / FOLDER / file_name(part)
    file.write_text(TEXTS[part].replace("the", "The").replace("and", "end"))
    with pytest.raises(ValueError, match=f"wiki.{part}.tokens is altered .* run `astromorph data fetch wikitext2"):
        load_wikitext2(tmp_path, published)
    file.unlink()
    with pytest.raises(FileNotFoundError, match=f"wiki.{part}.tokens is missing"):
        load_wikitext2(tmp_path, published)


def test_a_word_that_training_lacks_is_refused(tmp_path):
    with pytest.raises(ValueError, match="the test part holds the word 'glia' that the training part lacks"):
        load_wikitext2(tmp_path, write(tmp_path, TEXTS | {"test": " glia \n"}))


def test_the_published_files_are_asked_for_by_default(tmp_path):
    write(tmp_path)
    with pytest.raises(ValueError, match=f"expected {OFFICIAL['train'].size:,} bytes with sha256 9e9fa1ad"):
        load_wikitext2(tmp_path)
