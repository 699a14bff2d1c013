"""Fetch a data set from its publisher, check the files at hand against their published checksums, or prepare them."""

from pathlib import Path

from studies.shell.parser import parse, verb_parser
from studies.shell.words import choose, first_word

ACTIONS = {
    "fetch": "download a data set unless it lies there intact",
    "check": "print a line per file: intact, or what is wrong",
    "prepare": "compute what a training reads of it: spoken-digits through a model of the cochlea",
}
SETS = ("imdb", "cifar10", "wikitext2", "mnist", "digits", "spoken-digits", "shd", "ssc")
HELP = f"""usage: astromorph data fetch|check|prepare {"|".join(SETS)} [--data DIR]

{__doc__}
They lie under --data DIR, else under the folder that ASTROMORPH_DATA names, else in the user's cache folder.

example: astromorph data fetch cifar10 --data datasets"""


def run(words: list[str]) -> None:
    action, rest = first_word("data", "action", words, ACTIONS, HELP)
    command = f"astromorph data {action}"
    parser = verb_parser(command, f"{ACTIONS[action]}\n\nexample: {command} cifar10", f"{'|'.join(SETS)} [--data DIR]")
    parser.add_argument("name", type=str, help="data set")
    parser.add_argument("--data", type=Path, default=None, metavar="DIR", help="where data sets lie")
    options = parse(parser, rest)
    name = choose("data set", options["name"], SETS)
    from astromorph.data.locations import data_root

    root = data_root(options["data"])
    if action == "fetch":
        from astromorph.data.fetch import fetch

        print(f"{name} is at {fetch(name, root)}")
    elif action == "prepare":
        require(name, root)
        print(f"{name} is ready in {root}")
    else:
        from astromorph.data.fetch import check

        files = check(name, root)
        for file, status in files:
            print(f"{file}: {status}", flush=True)
        refuse_faults(name, root, files)


def require(name: str, root: Path) -> None:
    """Raise one sentence with the cure unless every file of the data set is as published.

    Spoken digits become spikes here, once. A task that draws its own examples has no files.
    """
    from astromorph.data.fetch import check

    if name not in SETS:
        return
    if name == "spoken-digits":
        from studies.delays.prepared_digits import prepare

        prepare(root)
    refuse_faults(name, root, check(name, root))


def refuse_faults(name: str, root: Path, files: list[tuple[Path, str]]) -> None:
    """`files` and their status as astromorph.data.fetch.check gives them; ValueError for the first fault."""
    from astromorph.data.fetch import INTACT
    from astromorph.data.locations import fetch_command

    for file, status in files:
        if status.startswith(str(file)):  # a sentence already
            raise ValueError(status)
        if status != INTACT:
            cure = "install astromorph again" if name == "digits" else f"run `{fetch_command(name, root)}`"
            raise ValueError(f"{file} is {status}: {cure}")
