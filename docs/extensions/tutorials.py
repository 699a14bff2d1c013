"""The tutorials as sphinx-gallery reads them.

A tutorial is a script in the percent format with texts in Markdown, so that editors run it cell by cell and jupytext
opens it as a notebook. The gallery wants its title and first words as a docstring and texts in reStructuredText. What
the texts use of Markdown is little: one title, emphasis, `code`, $mathematics$, and indented lines of a shell.
"""

import hashlib
import re
from pathlib import Path

CELL = re.compile(r"^# %%( \[markdown\])?\n", re.MULTILINE)
PACKAGES = ("astromorph", "biophys", "mapping", "studies")


def written(tutorials: Path, out: Path, header: str) -> None:
    """Writes each tutorial as a script of the gallery into `out`, and the head of the gallery's first page.

    The last line, which the gallery leaves out, is a digest of the packages: it runs a script again when they change.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "GALLERY_HEADER.rst").write_text(header, encoding="utf-8")
    digest = digest_of(tutorials.parents[1])
    for file in sorted(tutorials.glob("*.py")):
        script = converted(file.read_text(encoding="utf-8")) + f'\n# sphinx_gallery_packages = "{digest}"\n'
        (out / file.name).write_text(script, encoding="utf-8")


def digest_of(root: Path) -> str:
    """Digest of the sources of the packages."""
    sources = (file for package in PACKAGES for file in (root / package).rglob("*") if file.suffix in (".py", ".cpp"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(sources))).hexdigest()


def converted(source: str) -> str:
    """The script of the gallery for a script in the percent format; ValueError if it begins with no title."""
    before, *cells = CELL.split(source)
    if before.strip() or not cells or not cells[0] or not cells[1].startswith("# # "):
        raise ValueError("a tutorial begins with a cell of Markdown that holds its title")
    title, _, opening = uncommented(cells[1]).removeprefix("# ").partition("\n")
    script = [f'r"""\n{title}\n{"=" * len(title)}\n\n{restructured(opening).strip()}\n"""\n']
    for markdown, text in zip(cells[2::2], cells[3::2], strict=True):
        script.append(commented(restructured(uncommented(text))) if markdown else text.strip("\n") + "\n")
    return "\n".join(script)


def uncommented(text: str) -> str:
    return re.sub(r"^# ?", "", text, flags=re.MULTILINE)


def commented(text: str) -> str:
    return "# %%\n" + "".join(f"# {line}".rstrip() + "\n" for line in text.strip().splitlines())


def restructured(markdown: str) -> str:
    """Mathematics and code blocks of Markdown as reStructuredText; `code` is the default role of these pages."""
    text = re.sub(r"\$\$(.+?)\$\$", equation, markdown, flags=re.DOTALL)
    text = re.sub(r"\$(.+?)\$", r":math:`\1`", text, flags=re.DOTALL)
    return re.sub(r":\n\n(?=    )", "::\n\n", text)


def equation(match: re.Match[str]) -> str:
    lines = match[1].strip().splitlines()
    return "\n.. math::\n\n" + "".join(f"   {line.strip()}\n" for line in lines)
