"""One page that holds a whole report: text, figures and tables in a single HTML file.

Nothing is fetched from elsewhere: figures are PNG inside the file, the one script (a click on a heading sorts a table)
is named by its digest, and a content security policy forbids everything else. Every word is escaped, and the page
reads on a phone and in the dark.
"""

import base64
import hashlib
import html
import io
import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from astromorph.files.whole_files import whole
from studies.layout import save
from studies.report.page_table import SCRIPT, Link, link, table_markup

CSS_PIXELS_PER_INCH = 96
READABLE_SHARE = 0.75  # of a figure's printed width; a narrower screen scrolls it sideways
WORTH_CONTENTS = 6  # sections from which on a page opens with a list of them

STYLE = """
:root { color-scheme: light dark; --ground: #fdfdfc; --ink: #1c1f23; --faint: #5b6570; --line: #d5d9de;
  --mark: #0b5cad; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14171a; --ink: #e4e7ea; --faint: #9aa5b1; --line: #333a41; --mark: #7db7f5; }
  .picture { filter: brightness(.9); }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem 1rem 3rem; max-width: 54rem; background: var(--ground);
  color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.2; }
h2 { font-size: 1.2rem; margin: 2.6rem 0 .4rem; padding-top: .9rem; border-top: 1px solid var(--line); }
p { max-width: 42rem; }
a { color: var(--mark); }
nav ul { columns: 18rem auto; padding-left: 1.4rem; font-size: .95rem; }
figure { margin: 1rem 0; }
.wide { overflow-x: auto; }
.picture { background: white; border-radius: 6px; padding: .5rem; width: fit-content; max-width: 100%; }
img { display: block; max-width: 100%; height: auto; }
figcaption, .files { color: var(--faint); font-size: .9rem; margin-top: .4rem; }
code { font-family: ui-monospace, monospace; font-size: .88em; overflow-wrap: anywhere; }
details { margin: .5rem 0; }
summary { cursor: pointer; color: var(--faint); font-size: .92rem; }
table { border-collapse: collapse; font-size: .92rem; margin: .4rem 0; }
th, td { text-align: left; padding: .3rem 1.1rem .3rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; font-variant-numeric: tabular-nums; }
th { font-weight: 600; }
td { overflow-wrap: anywhere; min-width: 11rem; }
.number, .short { overflow-wrap: normal; white-space: nowrap; min-width: 0; }
.number { text-align: right; }
tr > :last-child { padding-right: 0; }
th button { all: unset; cursor: pointer; }
th button:focus-visible { outline: 2px solid var(--mark); outline-offset: 2px; }
th[aria-sort] button::after { content: " \\2191"; color: var(--mark); }
th[aria-sort="descending"] button::after { content: " \\2193"; }
"""


class Picture(NamedTuple):
    """A drawn figure."""

    png: bytes
    width: float  # in pixels of a page


class Section(NamedTuple):
    """One part of a page; whatever is empty is left out.

    `text` is plain, a blank line parts paragraphs; `made` says what the figure's data come from, `command` what redraws
    it; a figure is closed once it is written (`picture` does so at once). `details` are tables folded away under their
    names, `files` what lies beside the page, `anchor` the name by which links within the page find the section.
    """

    heading: str
    text: str = ""
    figure: Figure | Picture | None = None
    caption: str = ""
    command: str = ""
    table: pd.DataFrame | None = None
    made: str = ""
    details: Mapping[str, pd.DataFrame] = {}
    files: Sequence[Link] = ()
    anchor: str = ""


def write_page(path: str | os.PathLike, title: str, sections: Sequence[Section], provenance: Mapping[str, str]) -> None:
    """Write one HTML file, whole or not at all: sections in their order, provenance as a table at the end."""
    if provenance:
        sections = [*sections, Section("How this was made", table=pairs_table(provenance))]
    named = [section._replace(anchor=section.anchor or f"part-{place}") for place, section in enumerate(sections, 1)]
    body = "\n".join(_section(section) for section in named)
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode("ascii")
    page = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'">
<title>{html.escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{html.escape(title)}</h1>
{_contents(named)}{body}
<script>{SCRIPT}</script>
</body>
</html>
"""
    with whole(path) as part:
        part.write_text(page, encoding="utf-8")


def pairs_table(pairs: Mapping[str, object]) -> pd.DataFrame:
    """Names and values as a table of two columns."""
    return pd.DataFrame({"what": list(pairs), "value": list(pairs.values())}, dtype=object)


def _contents(sections: Sequence[Section]) -> str:
    if len(sections) < WORTH_CONTENTS:
        return ""
    lines = "\n".join(f"<li>{link(Link(section.heading, '#' + section.anchor))}</li>" for section in sections)
    return f'<nav aria-label="Contents"><ul>\n{lines}\n</ul></nav>\n'


def _section(section: Section) -> str:
    paragraphs = [text.strip() for text in section.text.split("\n\n") if text.strip()]
    parts = [
        f"<h2>{html.escape(section.heading)}</h2>",
        *(f"<p>{html.escape(text)}</p>" for text in paragraphs),
        "" if section.table is None else table_markup(section.table),
        "" if section.figure is None else _figure(section.figure, section),
        *(
            f"<details><summary>{html.escape(name)}</summary>\n{table_markup(table)}\n</details>"
            for name, table in section.details.items()
        ),
        f'<p class="files">Files: {" · ".join(map(link, section.files))}</p>' if section.files else "",
    ]
    inside = "\n".join(part for part in parts if part)
    return f'<section id="{html.escape(section.anchor)}">\n{inside}\n</section>'


def picture(figure: Figure) -> Picture:
    """The figure as PNG; it is closed."""
    content = io.BytesIO()
    save(figure, content, dpi=150)
    plt.close(figure)
    return Picture(content.getvalue(), figure.get_size_inches()[0] * CSS_PIXELS_PER_INCH)


def _figure(figure: Figure | Picture, section: Section) -> str:
    png, width = picture(figure) if isinstance(figure, Figure) else figure
    data = base64.b64encode(png).decode("ascii")
    size = f"width: {width:.0f}px; min-width: {READABLE_SHARE * width:.0f}px"
    image = f'<img src="data:image/png;base64,{data}" alt="{html.escape(section.heading)}" style="{size}">'
    words = {"{}": section.caption, "Made by: <code>{}</code>": section.made}
    words["Redraw it: <code>{}</code>"] = section.command
    lines = "<br>".join(line.format(html.escape(text)) for line, text in words.items() if text)
    caption = f"\n<figcaption>{lines}</figcaption>" if lines else ""
    return f'<figure>\n<div class="wide picture">{image}</div>{caption}\n</figure>'
