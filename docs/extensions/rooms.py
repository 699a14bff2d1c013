"""The directive `rooms`: every package and room with its first words, and its files with the words on top of them.

What is printed is what the files say of themselves, so that it cannot go stale.
"""

import ast
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

ROOT = Path(__file__).parents[2]
PACKAGES = ("biophys", "mapping", "astromorph", "studies")


class Rooms(SphinxDirective):
    """A section a room, and in it a row a file."""

    def run(self) -> list[nodes.Node]:
        packages = [ROOT / name for name in PACKAGES]
        return [self.room(room) for package in packages for room in (package, *rooms_inside(package))]

    def room(self, room: Path) -> nodes.section:
        name = room.relative_to(ROOT).as_posix()
        section = nodes.section(ids=[name.replace("/", "-")])
        section += [nodes.title("", "", nodes.literal("", f"{name}/")), self.words(room / "__init__.py")]
        if files := [file for file in sorted(room.glob("*.py")) if file.name != "__init__.py"]:
            section += self.table(files)
        return section

    def table(self, files: list[Path]) -> nodes.table:
        widths = [nodes.colspec(colwidth=width) for width in (25, 75)]
        rows = [
            nodes.row("", *(nodes.entry("", cell) for cell in (nodes.paragraph("", "", literal), self.words(file))))
            for file in files
            for literal in (nodes.literal("", file.name),)
        ]
        return nodes.table("", nodes.tgroup("", *widths, nodes.tbody("", *rows), cols=2))

    def words(self, file: Path) -> nodes.paragraph:
        text, messages = self.parse_inline(opening(file))
        return nodes.paragraph("", "", *text, *messages)


def rooms_inside(package: Path) -> list[Path]:
    """Folders of a package that are packages, in the order of their names."""
    return [path.parent for path in sorted(package.glob("*/__init__.py"))]


def opening(file: Path) -> str:
    """The first paragraph of a module's docstring. ValueError if there is none."""
    if not (docstring := ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))):
        raise ValueError(f"{file.relative_to(ROOT)} has no docstring; say in a sentence what it is")
    return " ".join(docstring.split("\n\n")[0].split())


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("rooms", Rooms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
