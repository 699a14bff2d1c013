"""Which words does attention take up? One text, its words shaded by their weights.

What a weight is, and that it is no explanation of the decision, is said in astromorph/runs/attention_weights.py. Shades
compare words with an equal share, 1 / number of words.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize

from astromorph.runs.pretrained import WordWeights
from studies.figure import paper_style

WIDTH, MARGIN, LINE, TOP, BOTTOM = 7.2, 0.12, 0.27, 0.42, 0.6  # inches; TOP: title, BOTTOM: scale
POINTS, LONGEST = 10, 40  # size of the words, letters shown of one
CAPTION = (
    "The mean over heads and queries of the last attention layer. It says what attention takes up, which does not "
    "explain the decision. Words in italics are not in the vocabulary."
)
SHADES = LinearSegmentedColormap.from_list("shades", ["white", "#F6C88F", "#E08214"])


def table(read: WordWeights) -> pd.DataFrame:
    """A row a word, the heaviest first: place in the text from 1, word, weight, and weight in equal shares."""
    rows = pd.DataFrame(
        {
            "place": range(1, len(read.words) + 1),
            "word": read.words,
            "weight": read.weights.tolist(),
            "equal_shares": (read.weights * len(read.words)).tolist(),
            "known": read.known,
        }
    )
    return rows.sort_values(["weight", "place"], ascending=[False, True], ignore_index=True)


def printed(rows: pd.DataFrame) -> pd.DataFrame:
    """The table for a reader."""
    return pd.DataFrame(
        {
            "place": rows.place,
            "word": rows.word.where(rows.known, rows.word + " (not in the vocabulary)"),
            "weight": rows.weight.map("{:.4f}".format),
            "equal shares": rows.equal_shares.map("{:.2f}".format),
        }
    )


def draw(read: WordWeights, probabilities: Sequence[float], class_names: Sequence[str]) -> plt.Figure:
    """The words in their order, line by line; those outside the vocabulary in italics."""
    shares = (read.weights * len(read.words)).tolist()
    read = read._replace(words=[word if len(word) <= LONGEST else word[: LONGEST - 1] + "…" for word in read.words])
    scale = ScalarMappable(Normalize(0, max(max(shares), 1)), SHADES)
    with paper_style({"figure.constrained_layout.use": False}):
        lines = broken(read)
        height = TOP + LINE * len(lines) + BOTTOM
        figure = plt.figure(figsize=(WIDTH, height))
        for number, line in enumerate(lines):
            for place, left in line:
                figure.text(
                    left / WIDTH,
                    1 - (TOP + LINE * (number + 0.5)) / height,
                    read.words[place],
                    size=POINTS,
                    style="normal" if read.known[place] else "italic",
                    va="center_baseline",
                    bbox={"facecolor": scale.to_rgba(shares[place]), "edgecolor": "none", "pad": 2.2},
                )
        answers = ", ".join(
            f"{name} {100 * share:.1f} %" for name, share in zip(class_names, probabilities, strict=True)
        )
        figure.text(
            MARGIN / WIDTH, 1 - 0.2 / height, f"Weight attention gives each word · {answers}", size=10, va="center"
        )
        bar = figure.add_axes(((MARGIN + 0.08) / WIDTH, 0.28 / height, 2.6 / WIDTH, 0.1 / height))
        figure.colorbar(scale, bar, orientation="horizontal", ticks=plt.MaxNLocator(4))
        bar.tick_params(labelsize=7)
        note = "weight over that of equal attention\n(1: as if all words had the same weight)"
        figure.text(2.95 / WIDTH, 0.27 / height, note, size=7.5, va="center")
    return figure


def broken(read: WordWeights) -> list[list[tuple[int, float]]]:
    """Lines of words that fit the figure: (place, left end in inches)."""
    ruler = plt.figure(figsize=(WIDTH, 1))
    renderer = ruler.canvas.get_renderer()  # type: ignore[attr-defined]
    lines: list[list[tuple[int, float]]] = [[]]
    left = MARGIN
    for place, word in enumerate(read.words):
        text = ruler.text(0, 0, word, size=POINTS, style="normal" if read.known[place] else "italic")
        wide = text.get_window_extent(renderer).width / ruler.dpi
        if lines[-1] and left + wide > WIDTH - MARGIN:
            lines.append([])
            left = MARGIN
        lines[-1].append((place, left))
        left += wide + 0.09
    plt.close(ruler)
    return lines
