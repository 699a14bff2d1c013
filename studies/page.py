"""One page that holds a whole report: text, figures and tables in a single HTML file.

Nothing is fetched from elsewhere (figures are PNG inside the file, and a content security policy forbids any
request), every word is escaped, and the page reads on a phone and in the dark.
"""

import base64
import html
import io
import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from astromorph.whole_files import whole

CSS_PIXELS_PER_INCH = 96
READABLE_SHARE = 0.75  # of a figure's printed width; a narrower screen scrolls it sideways

STYLE = """
:root { color-scheme: light dark; --ground: #fdfdfc; --ink: #1c1f23; --faint: #5b6570; --line: #d5d9de; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14171a; --ink: #e4e7ea; --faint: #9aa5b1; --line: #333a41; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem 1rem 3rem; max-width: 54rem; background: var(--ground);
  color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; }
h2 { font-size: 1.2rem; margin: 2.6rem 0 .4rem; padding-top: .9rem; border-top: 1px solid var(--line); }
p { max-width: 42rem; }
figure { margin: 1rem 0; }
.wide { overflow-x: auto; }
.picture { background: white; border-radius: 6px; padding: .5rem; width: fit-content; max-width: 100%; }
img { display: block; max-width: 100%; height: auto; }
figcaption { color: var(--faint); font-size: .9rem; margin-top: .4rem; }
code { font-family: ui-monospace, monospace; font-size: .88em; overflow-wrap: anywhere; }
table { border-collapse: collapse; font-size: .92rem; }
th, td { text-align: left; padding: .3rem 1.1rem .3rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; font-variant-numeric: tabular-nums; }
th { font-weight: 600; }
td:last-child { overflow-wrap: anywhere; min-width: 5rem; padding-right: 0; }
"""


class Section(NamedTuple):
    """One part of a page; whatever is empty is left out.

    `text` is plain, a blank line parts paragraphs; `command` is what redraws the figure; a figure is closed
    once it is written.
    """

    heading: str
    text: str = ""
    figure: Figure | None = None
    caption: str = ""
    command: str = ""
    table: pd.DataFrame | None = None


def write_page(path: str | os.PathLike, title: str, sections: Sequence[Section], provenance: Mapping[str, str]) -> None:
    """Write one HTML file, whole or not at all: sections in their order, provenance as a table at the end."""
    made = pd.DataFrame({"what": list(provenance), "value": list(provenance.values())}, dtype=str)
    if provenance:
        sections = [*sections, Section("How this was made", table=made)]
    body = "\n".join(_section(section) for section in sections)
    page = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{html.escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{html.escape(title)}</h1>
{body}
</body>
</html>
"""
    with whole(path) as part:
        part.write_text(page, encoding="utf-8")


def _section(section: Section) -> str:
    paragraphs = [text.strip() for text in section.text.split("\n\n") if text.strip()]
    parts = [
        f"<h2>{html.escape(section.heading)}</h2>",
        *(f"<p>{html.escape(text)}</p>" for text in paragraphs),
        "" if section.table is None else _table(section.table),
        "" if section.figure is None else _figure(section.figure, section),
    ]
    return "<section>\n" + "\n".join(part for part in parts if part) + "\n</section>"


def _figure(figure: Figure, section: Section) -> str:
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=150)
    width = figure.get_size_inches()[0] * CSS_PIXELS_PER_INCH
    plt.close(figure)
    data = base64.b64encode(picture.getvalue()).decode("ascii")
    size = f"width: {width:.0f}px; min-width: {READABLE_SHARE * width:.0f}px"
    image = f'<img src="data:image/png;base64,{data}" alt="{html.escape(section.heading)}" style="{size}">'
    caption = html.escape(section.caption)
    if section.command:
        caption += f"<br>Redraw it: <code>{html.escape(section.command)}</code>"
    caption = f"\n<figcaption>{caption.strip()}</figcaption>" if caption else ""
    return f'<figure>\n<div class="wide picture">{image}</div>{caption}\n</figure>'


def _table(table: pd.DataFrame) -> str:
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in table.columns)
    rows = (
        "".join(f"<td>{html.escape(str(value))}</td>" for value in row)
        for row in table.itertuples(index=False, name=None)
    )
    lines = "\n".join(f"<tr>{row}</tr>" for row in rows)
    return f'<div class="wide"><table>\n<tr>{head}</tr>\n{lines}\n</table></div>'
