"""WikiText-2 (Merity, Xiong, Bradbury and Socher 2016): articles of Wikipedia by the word, for language models.

Three files in `wikitext-2/`, words with spaces between them and a line break at the end of a line, which is a word too
(`<eos>`); words that occur less than three times in the training part already stand as `<unk>`. CC BY-SA 3.0.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from astromorph.data.locations import fetch_command
from astromorph.data.verify import Published, read_required

FOLDER = "wikitext-2"
ADDRESS = "https://raw.githubusercontent.com/pytorch/examples/main/word_language_model/data/wikitext-2"
OFFICIAL = {
    "train": Published(10_797_148, "sha256", "9e9fa1ad55b1c2c95b08e37dd8e653f638fac2c6de904b79e813611eefbc985f"),
    "valid": Published(1_121_681, "sha256", "f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8"),
    "test": Published(1_256_449, "sha256", "d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0"),
}
END_OF_LINE = "<eos>"
UNKNOWN = "<unk>"


class NumberedText(NamedTuple):
    """The words of each part as numbers, int32 [n]; `words` by number, the most frequent of the training part first."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    words: tuple[str, ...]


def load_wikitext2(root: Path, published: Mapping[str, Published] = OFFICIAL) -> NumberedText:
    """The three parts under `root`; equally frequent words are numbered by alphabet.

    A missing or altered file, or a word that the training part lacks, is an OSError or ValueError in one sentence.
    """
    texts = {part: read_part(root, part, known) for part, known in published.items()}
    counts = Counter(texts["train"])
    words = tuple(word for _, word in sorted((-count, word) for word, count in counts.items()))
    numbers = {word: number for number, word in enumerate(words)}
    train, validation, test = (numbered(texts[part], numbers, part) for part in ("train", "valid", "test"))
    return NumberedText(train, validation, test, words)


def file_name(part: str) -> str:
    return f"wiki.{part}.tokens"


def read_part(root: Path, part: str, published: Published) -> list[str]:
    """The words of one file in order, `<eos>` at the end of each line."""
    path = root / FOLDER / file_name(part)
    cure = f"run `{fetch_command('wikitext2', root)}`, or put the file there by hand"
    lines = read_required(path, published, cure).decode().removesuffix("\n").split("\n")
    return [word for line in lines for word in (*line.split(), END_OF_LINE)]


def numbered(text: list[str], numbers: Mapping[str, int], part: str) -> np.ndarray:
    try:
        return np.fromiter((numbers[word] for word in text), np.int32, len(text))
    except KeyError as error:
        raise ValueError(
            f"the {part} part holds the word {error.args[0]!r} that the training part lacks; use files of one release"
        ) from None
