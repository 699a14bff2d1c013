"""Files of the repository that are pages here as well: their links lead where they led from their own folder."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

ROOT = Path(__file__).parents[2]
PAGES = {"CHANGES.md": "changes.md", "studies/claims.md": "claims.md", "studies/results/README.md": "results.md"}


def follow(app: "Sphinx", included: Path, parent: str, content: list[str]) -> None:
    folder = (Path(app.srcdir) / included).parent

    def target(match: re.Match[str]) -> str:
        place = os.path.relpath(folder / match[1], ROOT)
        return f"]({PAGES.get(place) or os.path.relpath(ROOT / place, app.srcdir)})"

    content[0] = re.sub(r"\]\((?!\w+:|#)([^)]+)\)", target, content[0])


def setup(app: "Sphinx") -> "ExtensionMetadata":
    app.connect("include-read", follow)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
