"""Options of a verb, read by jsonargparse from a signature or a dataclass, with errors of one sentence.

jsonargparse takes the help of an argument from its docstring; the comment behind a settings field is read
from the source here. Options are written with `-` or `_`, and lists as `--rates 0.5 1 2` or `--rates 0.5,1,2`.
"""

import argparse
import inspect
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonargparse

from astromorph.files.plain_yaml import read_yaml
from studies.shell.words import meant

LARGEST = 2**63 - 1  # whole number of an option
KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "Sequence": "a list"}
# jsonargparse: "Parser key "epochs":\n  Expected a <class 'int'>. Got value: many", and another form for unions
WRONG_TYPE = re.compile(
    r'Parser key "(?P<name>[\w.]+)":.*?Expected an? (?P<expected>.*?)(\. Got|\n.*Given) value: (?P<value>[^\n]*)',
    re.DOTALL,
)


class HelpFormatter(jsonargparse.DefaultHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """The description with its own line ends; each option with its default in the form it is typed in."""

    def _get_help_string(self, action: argparse.Action) -> str:
        if getattr(action, "_jsonargparse_preexpanded_help", False):  # it has been here already
            return action.help or ""
        parts = [action.help.rstrip(".")] if action.help else []
        if action.default not in (None, argparse.SUPPRESS) and action.nargs != 0:
            parts.append(f"default: {_typed(action.default)}".replace("%", "%%"))
        return "; ".join(parts)


def verb_parser(command: str, description: str, usage: str = "[--option value ...]") -> jsonargparse.ArgumentParser:
    """An empty parser for `command` that raises instead of exiting, and knows no abbreviations."""
    return jsonargparse.ArgumentParser(
        prog=command,
        description=description,
        exit_on_error=False,
        allow_abbrev=False,
        print_config=None,
        formatter_class=HelpFormatter,
        usage=f"{command} {usage}",
    )


def parse(parser: jsonargparse.ArgumentParser, words: Sequence[str]) -> dict[str, Any]:
    """The values of all options. ValueError or FileNotFoundError in one sentence."""
    lists = [action for action in parser._actions if isinstance(action.default, tuple | list)]
    for action in lists:
        action.metavar, action.option_strings = "VALUES", [f"--{action.dest}"]
    spelled = spell(words, [action.dest for action in lists])
    for file in given_values(spelled, "config"):
        _check_config(file, parser)
    try:
        values = parser.parse_args(spelled).as_dict()
    except argparse.ArgumentError as error:
        raise ValueError(_sentence(str(error), parser)) from error
    for action in parser._actions:
        if action.default is not None and values.get(action.dest, action.default) is None:
            raise ValueError(f"{action.dest} has no value; use one such as {_typed(action.default)}")
    _check_sizes(values)
    return values


def _check_sizes(values: Mapping[str, Any]) -> None:
    """ValueError for a whole number that no array and no file counts; seeds have a range of their own."""
    for name, value in values.items():
        numbers = value if isinstance(value, tuple | list) else [value]
        if name != "seed" and any(isinstance(each, int) and abs(each) > LARGEST for each in numbers):
            raise ValueError(f"{name} {str(value)[:60]} is too large; use numbers up to {LARGEST}")


def add_field_comments(parser: jsonargparse.ArgumentParser, settings: type) -> None:
    """Take the comment behind each field of a dataclass as the help of its option."""
    source = "".join(inspect.getsource(each) for each in reversed(settings.__mro__[:-1]))
    comments = dict(re.findall(r"^    (\w+):.*?  # (.*)$", source, re.MULTILINE))
    for action in parser._actions:
        action.help = comments.get(action.dest, action.help)


def spell(words: Sequence[str], lists: Sequence[str] = ()) -> list[str]:
    """The words with `_` in option names, and each list of values as one `--name=[...]`."""
    spelled: list[str] = []
    for word in words:
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            spelled.append(name.replace("-", "_").replace("__", "--", 1) + equals + value)
        elif spelled and spelled[-1].partition("=")[0].removeprefix("--") in lists:
            name, equals, before = spelled[-1].partition("=")
            spelled[-1] = f"{name}={before},{word}" if equals else f"{name}={word}"
        else:
            spelled.append(word)
    return [_bracketed(word) if word.partition("=")[0].removeprefix("--") in lists else word for word in spelled]


def given_names(words: Sequence[str]) -> list[str]:
    """Names of the options that appear on the command line."""
    return [word[2:].partition("=")[0] for word in spell(words) if word.startswith("--")]


def given_values(words: Sequence[str], name: str) -> list[str]:
    """Values of one option on the command line."""
    after = [words[place + 1] for place, word in enumerate(words[:-1]) if word == f"--{name}"]
    return after + [word.partition("=")[2] for word in words if word.startswith(f"--{name}=")]


def _bracketed(word: str) -> str:
    name, equals, values = word.partition("=")
    return f"{name}=[{values.strip('[]')}]" if equals else word


def _typed(value: Any) -> str:
    """A value as it is typed on the command line."""
    if isinstance(value, tuple | list):
        return " ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check_config(file: str, parser: jsonargparse.ArgumentParser) -> None:
    """A settings file must be there and be lines of `name: value` with known names."""
    if not Path(file).is_file():
        raise FileNotFoundError(f"settings file {file} does not exist; write one with lines such as `epochs: 3`")
    try:
        content = read_yaml(file)
    except ValueError as error:
        raise ValueError(f"{error}; write lines such as `epochs: 3`") from error
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise ValueError(f"{file} holds no settings; write lines such as `epochs: 3`")
    options = {action.dest: action for action in parser._actions}
    for name in content:
        if name not in options:
            raise ValueError(f"{file}: {_unknown(name, options, parser.prog)}")
    try:
        parser.parse_object(content)
    except argparse.ArgumentError as error:
        raise ValueError(f"{file}: {_sentence(str(error), parser)}") from error


def _sentence(message: str, parser: jsonargparse.ArgumentParser) -> str:
    """What jsonargparse says over several lines, as one sentence with a cure."""
    options = {action.dest: action for action in parser._actions}
    if found := WRONG_TYPE.match(message):
        if part := re.match(r"NestedArg\(key='([\w.]+)'", found["value"]):
            return _unknown(f"{found['name']}.{part[1]}", options, parser.prog)
        return _wrong_type(options.get(found["name"]), *found.group("name", "expected", "value"))
    if found := re.match(r"Option '([\w.]+)' is not accepted", message):
        return _unknown(found[1], options, parser.prog)
    if found := re.match(r"unrecognized arguments: (\S+)", message):
        word = found[1].partition("=")[0]
        if word.startswith("-"):
            return _unknown(word.lstrip("-"), options, parser.prog)
        return f"{found[1]!r} is not expected here; options are written --name value, see {parser.prog} --help"
    if found := re.match(r"argument --(\w+): expected", message):
        return f"--{found[1]} needs a value{_such_as(options[found[1]])}; see {parser.prog} --help"
    if found := re.match(r"argument (?:-\w/)?--(\w+): ignored explicit argument '(.*)'", message):
        return f"--{found[1]} takes no value; leave out {found[2]!r}, see {parser.prog} --help"
    if found := re.search(r'[Kk]ey "(\w+)" is required|arguments are required: (\w+)', message):
        verb = parser.prog.removeprefix("astromorph ")
        return f"{verb} needs a {(found[1] or found[2]).upper()}; see {parser.prog} --help"
    return f"these words are not how {parser.prog} is written; see {parser.prog} --help"


def _wrong_type(action: argparse.Action | None, name: str, expected: str, value: str) -> str:
    if choices := re.findall(r"'([\w-]+)'", expected.partition("Literal")[2]):
        return f"{name} {value!r} is not known{meant(value, choices)}; use one of {', '.join(choices)}"
    kind = next((words for kind, words in KINDS.items() if re.search(rf"\b{kind}\b", expected)), expected)
    return f"{name} {value!r} is not {kind}; use one{_such_as(action)}"


def _such_as(action: argparse.Action | None) -> str:
    default = None if action is None else action.default
    if isinstance(default, bool):
        return " of them"
    if isinstance(default, tuple | list):
        default = default[0]
    return "" if default is None else f" such as {_typed(default)}"


def _unknown(name: str, options: dict[str, Any], command: str) -> str:
    known = [option for option in options if option not in ("help", "config")]
    return f"there is no setting {name!r}{meant(name, known)}; {command} --help lists them"
