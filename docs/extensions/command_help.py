"""The directive `command-help VERB ...`: what `astromorph VERB ... --help` prints."""

import contextlib
import io
import os

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from studies.command_line import main


class CommandHelp(SphinxDirective):
    """A literal block; the arguments are the words of the command."""

    optional_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        text = printed([*" ".join(self.arguments).split(), "--help"])
        return [nodes.literal_block(text, text, language="text")]


def printed(words: list[str]) -> str:
    """What a command prints, 100 characters wide. ValueError if it fails."""
    os.environ["COLUMNS"] = "100"
    with contextlib.redirect_stdout(io.StringIO()) as output:
        if status := main(words):
            raise ValueError(f"astromorph {' '.join(words)} ends with status {status}")
    return output.getvalue().strip()


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
