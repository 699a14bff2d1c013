"""The tokeniser by example, the vocabulary by its definition, shortening by its closed form."""

import re
import unicodedata
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from astromorph.data.words import RESERVED, TOKEN, Vocabulary, build_vocabulary, encode, shorten, split_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's NOT good!!!", "it not good !"),
        ("Don't; I can't, won't", "do n't i ca n't wo n't"),
        ("I\u2019m sure they've seen Hitchcock's films", "i'm sure they've seen hitchcock films"),
        ("a<br /><br />b<br>c", "a b c"),
        ("7/10, 8.5/10 or 1.5 of the 1950's and 1960s", "7/10 8.5/10 or 1.5 of the 1950 and 1960s"),
        ("What?!? Well... **** :-) ;-( =D :)))", "what ? ! ? well ... **** :) ;( =d :)"),
        ("_really_ well-made caf\u00e9 (\u201cgreat\u201d)", "really well made caf\u00e9 great"),
        ("note: dreadful", "note dreadful"),
        ("", ""),
        ("a su\u00adperb fi\u200blm, do\u2060n't\ufeff", "a superb film do n't"),
        ("cafe\u0301 NAI\u0308VE, a\u200b\u0301", "caf\u00e9 na\u00efve \u00e1"),
        ("<p>A <b>superb</b> film,</p><p>I <i class='x'>lo</i>ved it!</p>", "a superb film i loved it !"),
        ('<a href="https://b.c/d?e=f">link</a><hr/><!-- note -->end<script>x</script><H1>so', "link end so"),
        (
            "Tom &amp; Jerry&#39;s &quot;best&quot;&nbsp;film, caf&eacute; su&shy;perb",
            "tom jerry best film café superb",
        ),
        ("AT&T; &c. a &lt;br /&gt;b", "at t c a b"),
        ("I <3 a <b and c> d <spoiler> e", "i <3 a b and c d spoiler e"),
    ],
)
def test_words_of_a_sentence(text, words):
    assert split_words(text) == words.split()


@given(st.text(max_size=60))
def test_any_text_gives_words_without_space_that_are_no_reserved_word(text):
    for word in split_words(text):
        assert word and not any(letter.isspace() for letter in word) and word not in RESERVED


def before(text):
    """The cleaning of version 0.5, with which the vocabularies of shipped models were made."""
    text = re.sub(r"<br\s*/?>", " ", text.lower())
    for written, read in (("\u2019", "'"), ("n't", " n't"), (":-", ":"), (";-", ";")):
        text = text.replace(written, read)
    return TOKEN.findall(text)


@given(st.text(st.characters(max_codepoint=127, exclude_characters="&"), max_size=80))
@example("A film (1950s) that isn't 7/10 -- <br /><br />it's *** :-) 3 < 4 > 2 <3 <sigh>... What?! R&D")
def test_in_plain_ascii_words_are_what_they_were(text):
    assume(not re.search(r"<[a-z/!]", text.lower().replace("<br", "").replace("<sigh", "")))
    assert split_words(text) == before(text)


@given(
    st.text("abe n't!\u00e9", max_size=30),
    st.sampled_from("\u00ad\u200b\u200c\u200d\u2060\ufeff\u200e\ufe0f"),
    st.data(),
)
def test_what_is_not_seen_is_not_read_and_accents_are_composed(text, hidden, data):
    place = data.draw(st.integers(0, len(text)))
    assert split_words(text[:place] + hidden + text[place:]) == split_words(text)
    assert split_words(unicodedata.normalize("NFD", text)) == split_words(text)


def test_a_long_text_of_tags_that_never_end_is_read_in_no_time():
    assert split_words("<!-- <script " * 3000)[-1] == "script"


TEXTS = ["b a a", "c b a zebra", "apple b"]  # a 3, b 3, then apple, c, zebra once


def test_vocabulary_counts_breaks_ties_by_the_alphabet_and_obeys_both_limits():
    assert build_vocabulary(TEXTS, 100).words == (*RESERVED, "a", "b", "apple", "c", "zebra")
    assert build_vocabulary(TEXTS, 100, minimum_count=2).words == (*RESERVED, "a", "b")
    assert build_vocabulary(TEXTS, 3).words == (*RESERVED, "a")
    with pytest.raises(ValueError, match="size 2 leaves no word"):
        build_vocabulary(TEXTS, 2)


@given(st.lists(st.text("ab c!", max_size=12), min_size=1, max_size=8), st.integers(3, 8), st.integers(1, 3))
def test_encoding_looks_every_word_up(texts, size, minimum_count):
    vocabulary = build_vocabulary(texts, size, minimum_count)
    counts = Counter(word for text in texts for word in split_words(text))
    assert len(vocabulary) == min(size, 2 + sum(count >= minimum_count for count in counts.values()))
    for text, numbers in zip(texts, encode(texts, vocabulary), strict=True):
        words = [word if word in vocabulary.words else RESERVED[1] for word in split_words(text)]
        assert [vocabulary.words[number] for number in numbers] == (words or [RESERVED[1]])


def test_vocabulary_survives_a_list_and_refuses_what_is_none():
    vocabulary = build_vocabulary(TEXTS, 5)
    assert Vocabulary.from_list(vocabulary.to_list()) == vocabulary
    for wrong in (["a", "b"], [*RESERVED, "a", "a"], []):
        with pytest.raises(ValueError, match="begins with <padding>, <unknown>"):
            Vocabulary.from_list(wrong)


@given(st.integers(1, 60), st.integers(1, 40), st.data())
def test_shortening_keeps_head_and_tail(length, tokens, data):
    head = data.draw(st.integers(0, tokens))
    kept = shorten(np.arange(length), tokens, head).tolist()
    if length <= tokens:
        assert kept == list(range(length))
    else:
        assert kept == [*range(head), *range(length - (tokens - head), length)]


def test_a_head_beyond_the_tokens_is_refused():
    with pytest.raises(ValueError, match="head 5 is not within the 4 tokens"):
        shorten(np.arange(9), 4, 5)
