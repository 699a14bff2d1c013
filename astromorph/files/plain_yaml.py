"""YAML as this project writes it: numbers, texts, lists and sections. Nothing else is read, and nothing is run."""

import os
from pathlib import Path
from typing import Any

import yaml


class PlainLoader(yaml.SafeLoader):
    """PyYAML's safe loader without references, by which a short file may unfold without end."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.composer.ComposerError(None, None, "references to other entries are not read", mark)
        return super().compose_node(parent, index)


def read_yaml(path: str | os.PathLike) -> Any:
    """What the file holds. ValueError with the line, where one is at fault, in one sentence without a cure."""
    try:
        return yaml.load(Path(path).read_text(encoding="utf-8"), PlainLoader)  # noqa: S506 - it is a safe one
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # also no UTF-8, a date that is none, too deep a nest
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark else ""
        raise ValueError(f"{path} is not valid YAML{place}") from error
