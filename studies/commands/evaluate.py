"""Measure the test accuracy of a trained run again, from its weights, or ask it about one text or image.

Without --text and --image the test set is read: right answers by class, calibration, accuracy; --out draws learning
curves, confusion and calibration; --voter asks one of the two that vote in a run with --ngrams. With --text:
probabilities of the classes, and the weight attention gives each word; a language model goes on with the text.

example: astromorph evaluate runs/digits-astromorphic-seed0 --out digits.png
example: astromorph evaluate runs/imdb-astromorphic-seed0 --text "Slow, but what an ending!" --out words.png
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studies.shell.outputs import FIGURE_ENDINGS, claim, save_figure, without_screen
from studies.shell.parser import parse, verb_parser
from studies.shell.run_kind import run_kind

if TYPE_CHECKING:
    from astromorph import AstromorphicClassifier
    from studies.report.page import Section

PAGE_ENDING = ".html"
SHOWN_WORDS = 20
USAGE = 'RUN [--text "..." | --image FILE | --voter NAME] [--out FILE.png|FILE.html] [--data DIR] [--overwrite]'


def run(words: list[str]) -> None:
    parser = verb_parser("astromorph evaluate", __doc__ or "", USAGE)
    add = parser.add_argument
    add("run", type=Path, help="run folder, or one that save_pretrained wrote")
    add("--text", type=str, default=None, help="a text to classify instead of the test set")
    add("--image", type=Path, default=None, metavar="FILE", help="a PNG or JPEG to classify instead of the test set")
    voters = ("both", "reader", "attention")
    add(
        "--voter",
        choices=voters,
        default="both",
        help="who answers, in a run with --ngrams: the reader, attention or both",
    )
    add("--out", type=Path, default=None, metavar="FILE", help="figure (.png, .pdf, .svg) or page (.html) to write")
    add("--data", type=Path, default=None, metavar="DIR", help="where data sets lie; not needed for --text and --image")
    add("--overwrite", action="store_true", help="replace what --out names")
    options = parse(parser, words)
    out = options["out"]
    if options["text"] is not None:
        options["text"] = as_typed(options["text"])
    if options["text"] is not None and options["image"] is not None:
        raise ValueError("--text and --image are two questions; ask one at a time")
    if options["voter"] != "both" and (options["text"] is not None or options["image"] is not None):
        raise ValueError(f"--voter {options['voter']} is for the test set; leave it out")
    if options["image"] is not None and out is not None:
        raise ValueError("an image has no figure to write; leave --out out")
    written = [] if out is None else [out]
    with claim(*written, overwrite=options["overwrite"], endings=(*FIGURE_ENDINGS, PAGE_ENDING)):
        section = _answer(options)
        if section is not None:
            _save(section, out, words)


def _answer(options: Mapping[str, Any]) -> "Section | None":
    """Prints the answer; what --out asks to be drawn of it."""
    run, text, drawn = options["run"], options["text"], options["out"] is not None
    if options["image"] is not None:
        _image(run, options["image"])
    elif text is None:
        return _test_set(run, options["data"], options["voter"], drawn)
    elif run_kind(run) != "language model":
        return _text(run, text, drawn)
    elif drawn:
        raise ValueError("a text gone on with has no figure to write; leave --out out")
    else:
        from astromorph.runs.generation import continue_text

        print(continue_text(run, text))
    return None


def as_typed(text: str) -> str:
    """A text from the command line as UTF-8, if its bytes are that, whatever the locale takes them for."""
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeError:
        return text


def _test_set(path: Path, data: Path | None, voter: str, drawn: bool) -> "Section | None":
    from astromorph.data.locations import data_root
    from astromorph.runs.run_folder import RunFolder

    folder = RunFolder.open(path)
    root = data_root(data)
    if drawn:
        folder.metrics()  # what is missing is said before the test set is read
    from astromorph.runs.trained import evaluate_run

    result = evaluate_run(folder, root, voter)
    for number, (name, row) in enumerate(zip(result["class_names"], result["confusion"], strict=True)):
        print(f"{name}: {row[number]:,} of {sum(row):,} correct")
    calibration = result["calibration"]
    print(f"expected calibration error {calibration.expected_calibration_error:.4f} ({len(calibration.answers)} bins)")
    found = "" if voter == "both" else f"{voter} alone, "
    found += f"test accuracy {result['test_accuracy']:.4f}, test loss {result['test_loss']:.4f}"
    found += "".join(
        f", {name.replace('_', ' ')} {value:.2f}" for name, value in result.items() if name.startswith("perplexity")
    )
    print(f"{folder.path}: {found}")
    if not drawn:
        return None
    without_screen()
    from studies.report import run_sheet
    from studies.report.page import Section

    return Section(folder.path.name, found, run_sheet.draw(folder, result), run_sheet.CAPTION)


def _text(path: Path, text: str, drawn: bool) -> "Section | None":
    from astromorph.runs.pretrained import AstromorphicClassifier

    classifier = AstromorphicClassifier.from_pretrained(path)
    read = classifier.attention_weights(text)
    probabilities = classifier.predict([text])[0].tolist()
    without_screen()
    from studies.attention import word_weights
    from studies.report.page import Section

    _print_probabilities(classifier, probabilities)
    table = word_weights.table(read)
    shown = word_weights.printed(table.head(SHOWN_WORDS))
    print(f"\nweight that attention gives each word (equal shares: 1 would be {1 / len(table):.4f} each)")
    print(shown.to_string(index=False))
    rest = table.weight[SHOWN_WORDS:]
    left = f"{len(rest)} other words {rest.sum():.4f}; " if len(rest) else ""
    print(f"{left}all {len(table)} words {table.weight.sum():.4f}, mean over heads and queries of the last layer")
    if not drawn:
        return None
    figure = word_weights.draw(read, probabilities, classifier.class_names)
    return Section("Words and their weights", text, figure, word_weights.CAPTION, table=shown)


def _image(path: Path, file: Path) -> None:
    from astromorph.data.image_file import read_picture
    from astromorph.runs.pretrained import AstromorphicClassifier

    classifier = AstromorphicClassifier.from_pretrained(path)
    picture = read_picture(file, classifier.data_set)
    print(picture.told)
    _print_probabilities(classifier, classifier.predict(picture.pixels[None])[0].tolist())


def _print_probabilities(classifier: "AstromorphicClassifier", probabilities: list[float]) -> None:
    ranked = sorted(zip(probabilities, classifier.class_names, strict=True), reverse=True)
    width = max(map(len, classifier.class_names))
    for probability, name in ranked:
        print(f"{name:<{width}}  {100 * probability:5.1f} %")


def _save(section: "Section", out: Path, words: list[str]) -> None:
    """As a page, or the figure alone."""
    if out.suffix == PAGE_ENDING:
        from astromorph.runs.provenance import provenance
        from studies.report.page import write_page

        write_page(out, "Evaluation of a trained run", [section], provenance(["evaluate", *words]))
    else:
        from matplotlib.figure import Figure

        assert isinstance(section.figure, Figure)
        save_figure(section.figure, out)
    print(f"wrote {out}")
