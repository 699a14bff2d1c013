"""The word that follows a verb on the command line, chosen from a list, and how such a list is shown."""

from collections.abc import Iterable, Mapping

from astromorph.names import choose, meant

__all__ = ["choose", "first_word", "meant"]


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


def overview(known: Mapping[str, str]) -> str:
    """A line for each name: the name and what it means."""
    wide = max(map(len, known))
    return "\n".join(f"  {name:<{wide}}  {meaning}" for name, meaning in known.items())
