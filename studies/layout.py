"""Room for every word of a figure: what leaves the page or lies on other words is wrapped, or moved aside.

A figure is looked at when it has been saved, and saved again where that mended it: one without a fault stays as it was
drawn, to the pixel.
"""

import io
import textwrap
from collections.abc import Sequence
from itertools import chain, combinations
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

PASSES = 4  # each makes room for what the one before has moved
TOUCHING = 1.0  # pixels that do not count


def save(figure: Figure, target: Path | io.BytesIO, kind: str = "png", dpi: float | None = None) -> None:
    """Write a figure as `kind` (png, pdf or svg), its words on the page and beside each other."""
    resolution = dpi or figure.dpi
    figure.savefig(target, format=kind, dpi=resolution)
    if kind != "png" or resolution != figure.dpi:  # words lie where other pixels have them
        figure.draw_without_rendering()
    if make_room(figure):
        if isinstance(target, io.BytesIO):
            target.seek(0)
            target.truncate()
        figure.savefig(target, format=kind, dpi=resolution)


def make_room(figure: Figure) -> bool:
    """Titles and labels in more lines, legends beside their panels, powers of ten in the labels, of a figure that has
    been drawn; only where words have no room. Whether that has changed the figure.
    """
    changed = False
    for _ in range(PASSES):
        steps = chain(_legends(figure), _powers(figure), _repeats(figure), _words(figure)) if faults(figure) else ()
        if not [step for step in steps if step]:
            break
        changed = True
        figure.draw_without_rendering()
    return changed


def faults(figure: Figure) -> list[Text | Legend]:
    """Words and legends of a figure that has been drawn which leave the page or lie on others."""
    outer = _outer(figure)
    return [*(each for each in outer if _crowded(each, outer)), *_twice(figure)]


def _legends(figure: Figure) -> Sequence[bool]:
    """Legends that outgrow their panel stand to its right, in as many columns as they need."""
    moved, outer = [], _outer(figure)
    for axes in figure.axes:
        legend, panel = axes.get_legend(), axes.bbox
        if legend is None or legend not in outer or legend.get_bbox_to_anchor().x0 > panel.x1:
            continue
        box = legend.get_window_extent()
        if _crowded(legend, outer) and (box.height > panel.height or box.width > panel.width):
            columns = -(-box.height // panel.height)
            handles = [each for each in legend.legend_handles if each is not None]
            words = [text.get_text() for text in legend.get_texts()]
            place: dict[str, Any] = {
                "loc": "upper left",
                "bbox_to_anchor": (1.02, 1.0),
                "borderaxespad": 0,
                "columnspacing": 1,
            }
            title = legend.get_title().get_text() or None
            axes.legend(handles, words, title=title, ncols=int(columns), **place)
            moved.append(True)
    return moved


def _powers(figure: Figure) -> Sequence[bool]:
    """A power of ten that is printed over words stands in the label of its axis."""
    moved, outer = [], _outer(figure)
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            power = axis.get_offset_text()
            if power in outer and _crowded(power, outer):
                axis.set_label_text(f"{axis.get_label_text()} × {power.get_text().lstrip('×')}".strip())
                power.set_visible(False)
                moved.append(True)
    return moved


def _repeats(figure: Figure) -> Sequence[bool]:
    """Of notes that say the same in the same place one is left."""
    hidden = _twice(figure)
    for note in hidden:
        note.set_visible(False)
    return [True] * len(hidden)


def _twice(figure: Figure) -> list[Annotation]:
    """Notes on which another one of the same words and colour lies."""
    notes = [note for note in figure.findobj(Annotation) if note.get_visible() and note.get_text().strip()]
    alike = [
        (one, other)
        for one, other in combinations(notes, 2)
        if (one.get_text(), one.get_color()) == (other.get_text(), other.get_color())
        and one.get_window_extent().padded(-TOUCHING).overlaps(other.get_window_extent())
    ]
    return list(dict.fromkeys(other for _, other in alike))


def _words(figure: Figure) -> Sequence[bool]:
    """Titles and labels that leave the page or meet others are wrapped to the width (or height) of their panel."""
    outer, page = _outer(figure), figure.bbox
    wrapped = []
    for axes in figure.axes:
        titles = (axes._left_title, axes.title, axes._right_title)  # type: ignore[attr-defined]
        lengths = {
            **dict.fromkeys(titles, _until(axes, figure)),
            axes.xaxis.label: axes.bbox.width,
            axes.yaxis.label: axes.bbox.height,
        }
        wrapped += [_wrap(text, room) for text, room in lengths.items() if text in outer and _crowded(text, outer)]
    title = figure._suptitle  # type: ignore[attr-defined]
    if title is not None and title.get_window_extent().width > page.width:
        wrapped.append(_wrap(title, page.width * 0.97))
    return wrapped


def _until(axes: Axes, figure: Figure) -> float:
    """Pixels from the left of a panel to what is right of it."""
    row = [other for other in figure.axes if other.bbox.x0 > axes.bbox.x1 and _share_a_row(other.bbox, axes.bbox)]
    ends = [box.x0 for box in (other.get_tightbbox() for other in row) if box is not None]
    return min([figure.bbox.x1, *ends]) - axes.bbox.x0 - 4 * TOUCHING


def _share_a_row(one: Bbox, other: Bbox) -> bool:
    return one.y0 < other.y1 and other.y0 < one.y1


def _outer(figure: Figure) -> list[Text | Legend]:
    """Titles, labels, powers of ten and legends that are shown."""
    texts = [figure._suptitle, figure._supxlabel]  # type: ignore[attr-defined]
    for axes in figure.axes:
        texts += [axes._left_title, axes.title, axes._right_title]  # type: ignore[attr-defined]
        if axes.axison:
            for axis in (axes.xaxis, axes.yaxis):
                texts += [axis.label, axis.get_offset_text()]
    shown = [text for text in texts if text is not None and text.get_visible() and text.get_text().strip()]
    legends = [legend for legend in figure.findobj(Legend) if legend.get_visible()]
    return [*shown, *legends]


def _crowded(one: Text | Legend, others: Sequence[Text | Legend]) -> bool:
    """Whether a text or legend leaves the page, or lies on another."""
    figure = one.get_figure(root=True)
    assert figure is not None
    box, page = one.get_window_extent(), figure.bbox
    if box.x0 < -TOUCHING or box.y0 < -TOUCHING or box.x1 > page.x1 + TOUCHING or box.y1 > page.y1 + TOUCHING:
        return True
    inner = box.padded(-TOUCHING)
    return any(inner.overlaps(other.get_window_extent().padded(-TOUCHING)) for other in others if other is not one)


def _wrap(text: Text, room: float) -> bool:
    """The text in lines of at most `room` pixels; whether that has changed it."""
    box, words = text.get_window_extent(), text.get_text()
    long = box.height if text.get_rotation() == 90 else box.width
    letters = int(max(map(len, words.splitlines())) * room / long)
    indent = len(words) - len(words.lstrip("ABCDEFGHabcdefgh ")) if words[1:3] == "  " else 0
    if long <= room or letters < 8 or "$" in words:
        return False
    text.set_text(textwrap.fill(" ".join(words.split("\n")), letters, subsequent_indent=" " * indent))
    return text.get_text() != words
