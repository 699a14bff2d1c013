"""Names chosen from a list: an unknown one gets a sentence with the known ones and the likely intention."""

from collections.abc import Iterable
from difflib import get_close_matches


def choose(what: str, word: str, known: Iterable[str]) -> str:
    """`word` if it is known. ValueError that lists the known ones otherwise."""
    names = list(known)
    if word in names:
        return word
    raise ValueError(f"there is no {what} {word!r}{meant(word, names)}; use one of {', '.join(names)}")


def first_word(command: str, what: str, words: list[str], known: Iterable[str], page: str) -> tuple[str, list[str]]:
    """The name that must follow `command`, chosen from the known ones, and the words after it.

    --help prints `page` and ends the program; nothing, or an option where the name belongs, is a ValueError.
    """
    names = list(known)
    if words and words[0] in ("-h", "--help"):
        print(page)
        raise SystemExit(0)
    if not words or words[0].startswith("-"):
        raise ValueError(f"{command} needs a {what} first; use one of {', '.join(names)}")
    return choose(what, words[0], names), words[1:]


def meant(word: str, names: Iterable[str]) -> str:
    """ " (did you mean ...?)" if a name is close or begins like it, else nothing."""
    known = list(names)
    close = get_close_matches(word, known, n=1) or [name for name in known if word and name.startswith(word)]
    return f" (did you mean {close[0]}?)" if close else ""
