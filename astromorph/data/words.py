"""Reviews as numbers: words, and the marks that carry sentiment.

Lower case; entities read, tags and characters that are not seen dropped, accents composed with their letters; "n't"
is a word of its own (do n't, was n't), a final 's is dropped, other contractions stay whole (i'm, we've); numbers
keep their fraction and rating (1.5, 7/10); kept marks are ! and ? (a run counts once), an ellipsis, stars (**), and
emoticons (noses and repeated mouths dropped). The vocabulary is made from training texts only, the most frequent word
first, so that a smaller vocabulary is a prefix of a larger one.
"""

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

PADDING, UNKNOWN = 0, 1
RESERVED = ("<padding>", "<unknown>")  # no text yields these words
INLINE = "a|abbr|b|bdi|bdo|big|cite|code|em|font|i|ins|kbd|mark|q|s|small|span|strike|strong|sub|sup|tt|u|var|wbr"
BLOCK = (
    "article|aside|blockquote|body|br|center|dd|div|dl|dt|footer|h[1-6]|head|header|hr|html|img|li|main|nav|ol|p|pre|"
    "section|table|tbody|td|tfoot|th|thead|title|tr|ul"
)
ATTRIBUTES = r"""(?:\s+[\w:-]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>]+))*\s*/?>"""  # "<b and c>" is no tag
MARKUP = (  # patterns, and what stands in their place
    (rf"</?(?:{INLINE}){ATTRIBUTES}", ""),
    (rf"</?(?:{BLOCK}){ATTRIBUTES}|<!--.{{0,4000}}?-->|<(script|style)\b.{{0,4000}}?</\1\s*>", " "),
)
ENTITY = r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});"
HIDDEN = "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]"
TOKEN = re.compile(
    r"""(
      n't\b
    | [^\W\d_]+ (?: '(?:m|d|re|ve|ll)\b )?    # words, with a contraction other than 's
    | \d+ (?:\.\d+)? (?:/\d+)? [^\W\d_]*      # 7/10  8.5/10  1950s  3d
    | !(?!\s*!) | \?(?!\s*\?)                 # the last of a run
    | \.\.\.
    | \*+
    | [:;=] (?: [()] | [dp]\b )               # :)  ;(  =d
    | <3
    ) (?:'s\b)?                              # outside the group: dropped""",
    re.VERBOSE,
)
REPLACED = (("\u2019", "'"), ("\u02bc", "'"), ("\uff07", "'"), ("n't", " n't"), (":-", ":"), (";-", ";"))
SETTINGS = (
    f"2 {MARKUP} {ENTITY} {HIDDEN} {TOKEN.pattern} {REPLACED}"  # part of a cache's key: other words, other numbers
)


def readable(text: str) -> str:
    """What a reader sees of a text: entities as the characters they stand for, no tags, nothing that is not seen, and
    accents composed with their letters (NFC).
    """
    text = re.sub(ENTITY, lambda entity: html.unescape(entity[0]), text, flags=re.IGNORECASE)
    for pattern, left in MARKUP:
        text = re.sub(pattern, left, text, flags=re.IGNORECASE | re.DOTALL)
    return unicodedata.normalize("NFC", re.sub(HIDDEN, "", text))


def split_words(text: str) -> list[str]:
    """The words of one text, in order."""
    text = readable(text.lower())
    for written, read in REPLACED:
        text = text.replace(written, read)
    return TOKEN.findall(text)


@dataclass(frozen=True)
class Vocabulary:
    """Words by number: 0 is padding, 1 any word not listed, then from the most to the least frequent one."""

    words: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def numbers(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.words)}

    def to_list(self) -> list[str]:
        """The words in the order of their numbers."""
        return list(self.words)

    @classmethod
    def from_list(cls, words: Sequence[str]) -> "Vocabulary":
        """ValueError unless `words` begins with the reserved words and holds each word once."""
        if tuple(words[:2]) != RESERVED or len(set(words)) != len(words):
            raise ValueError(f"a vocabulary begins with {RESERVED[0]}, {RESERVED[1]} and holds each word once")
        return cls(tuple(words))

    def first(self, size: int) -> "Vocabulary":
        """The vocabulary of the `size` most frequent words (reserved words included)."""
        return Vocabulary(self.words[:size])


def build_vocabulary(texts: Iterable[str], size: int, minimum_count: int = 1) -> Vocabulary:
    """At most `size` words (reserved ones included) that occur at least `minimum_count` times in `texts`.

    Equally frequent words stand in alphabetical order. Give training texts only.
    """
    if size <= len(RESERVED):
        raise ValueError(f"vocabulary size {size} leaves no word; use at least {len(RESERVED) + 1}")
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(split_words(text))
    kept = sorted((-count, word) for word, count in counts.items() if count >= minimum_count)
    return Vocabulary(RESERVED + tuple(word for _, word in kept[: size - len(RESERVED)]))


def encode(texts: Iterable[str], vocabulary: Vocabulary) -> list[np.ndarray]:
    """One int32 array of word numbers a text; a text without any word is one unknown word."""
    numbers = vocabulary.numbers
    return [
        np.array([numbers.get(word, UNKNOWN) for word in split_words(text)] or [UNKNOWN], dtype=np.int32)
        for text in texts
    ]


def shorten(ids: np.ndarray, tokens: int, head: int) -> np.ndarray:
    """The first `head` and the last `tokens - head` numbers of `ids` [n]; all of them if n <= tokens.

    The verdict of a review stands more often at its end than in its middle.
    """
    if not 0 <= head <= tokens:
        raise ValueError(f"head {head} is not within the {tokens} tokens kept; use a number from 0 to {tokens}")
    return ids if len(ids) <= tokens else np.concatenate([ids[:head], ids[len(ids) - tokens + head :]])


def concatenated(texts: Sequence[np.ndarray], gap: int) -> np.ndarray:
    """All texts in a row (int64), `gap` times 0 behind each."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    ends = np.cumsum(lengths + gap)
    stream = np.zeros(ends[-1], np.int64)
    places = np.arange(lengths.sum()) + np.repeat(np.arange(len(texts)) * gap, lengths)
    stream[places] = np.concatenate(texts)
    return stream
