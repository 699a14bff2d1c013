"""Tables of a page: what each cell shows, the number it is sorted by, and the script that sorts.

A column is one of numbers if each of its cells begins with one ("96.3 ± 0.6 %", "12,345", "−1e-5"); it is then sorted
by these, any other by its words. Cells without a value come last either way, and equal rows keep their order.
"""

import html
import math
import re
from numbers import Integral, Real
from typing import Any, NamedTuple

import pandas as pd

DIGITS = r"(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)"
NUMBER = re.compile(rf"([-+\u2212]?{DIGITS}(?:e[-+]?\d+)?)(?=$|[\s%±])", re.IGNORECASE)
SHORT = 20  # letters
SCRIPT = """
for (const table of document.querySelectorAll("table")) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  const sort = (place, sign) => {
    const key = row => {
      const cell = row.cells[place];
      return cell.dataset.number ? Number(cell.dataset.number) : cell.textContent;
    };
    const compare = (a, b) => {
      const [one, other] = [key(a), key(b)];
      if (one === "" || other === "") return (one === "") - (other === "");
      return sign * (typeof one === "number" ? one - other : one.localeCompare(other, "en", {numeric: true}));
    };
    body.append(...[...body.rows].sort(compare));
  };
  heads.forEach((head, place) => head.querySelector("button")?.addEventListener("click", () => {
    const order = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
    for (const each of heads) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", order);
    sort(place, order === "ascending" ? 1 : -1);
  }));
}
"""


class Link(NamedTuple):
    """Words that lead to an address: a file beside the page, or "#anchor" within it."""

    words: str
    address: str

    def __str__(self) -> str:
        return self.words


def link(target: Link) -> str:
    return f'<a href="{html.escape(target.address)}">{html.escape(target.words)}</a>'


def table_markup(table: pd.DataFrame) -> str:
    """A table whose headings are buttons where there is something to sort."""
    columns = [column_markup(str(name), list(values)) for name, values in table.items()]
    head, *rows = (f"<tr>{''.join(cells)}</tr>" for cells in zip(*columns, strict=True))
    lines = "\n".join(rows)
    return f'<div class="wide"><table>\n<thead>{head}</thead>\n<tbody>\n{lines}\n</tbody>\n</table></div>'


def column_markup(name: str, values: list[Any]) -> list[str]:
    """The heading and the cells of a column."""
    numbers = column_numbers(values)
    kind, heading = kind_of(values, numbers), html.escape(name)
    if len(values) > 1:
        heading = f'<button type="button">{heading}</button>'
    cells = [f"{kind.format('th')}>{heading}</th>"]
    for value, number in zip(values, numbers, strict=True):
        key = "" if number is None else f' data-number="{repr(number).replace("inf", "Infinity")}"'
        cells.append(f"{kind.format('td')}{key}>{shown(value)}</td>")
    return cells


def kind_of(values: list[Any], numbers: list[float | None]) -> str:
    """The opening of a cell's tag: numbers and short words stay on one line, longer ones may break."""
    if any(number is not None for number in numbers):
        return '<{} class="number"'
    return "<{}" if any(len(str(value)) > SHORT for value in values) else '<{} class="short"'


def shown(value: Any) -> str:
    """A cell as markup: numbers to six digits, nothing for what is missing."""
    if isinstance(value, Link):
        return link(value)
    if isinstance(value, bool) or not isinstance(value, Real):
        return "" if value is None or value is pd.NA else html.escape(str(value))
    if isinstance(value, Integral):
        return f"{int(value):,}"
    return "" if math.isnan(value) else f"{float(value):.6g}"


def column_numbers(values: list[Any]) -> list[float | None]:
    """The number of each cell, None for empty ones; all None unless every cell that is not empty has one."""
    numbers = [number_of(value) if shown(value) else None for value in values]
    of_words = any(number is None and shown(value) for number, value in zip(numbers, values, strict=True))
    return [None] * len(values) if of_words else numbers


def number_of(value: Any) -> float | None:
    """The number a cell begins with: 96.3 of "96.3 ± 0.6 %"; None of "5b2ad76" and "2026-11-21"."""
    if isinstance(value, bool):
        return None
    if isinstance(value, Real):
        return float(value)
    found = NUMBER.match(str(value).strip().replace("\u00a0", " "))
    return float(found[1].replace(",", "").replace("\u2212", "-")) if found else None
