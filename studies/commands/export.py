"""Write the model of a finished run into a folder of its own, to share: settings, weights, vocabulary, results.

--half keeps 16 bits of every weight, which halves the file. `AstromorphicClassifier.from_pretrained(DIR)`, `evaluate`
and `circuit` read such a folder like a run.

example: astromorph export runs/imdb --half --out imdb-small
"""

from pathlib import Path

from studies.commands.parser import parse, verb_parser


def run(words: list[str]) -> None:
    parser = verb_parser("astromorph export", __doc__ or "", "RUN --out DIR [--half] [--overwrite]")
    add = parser.add_argument
    add("run", type=Path, help="folder of a finished run, or the name of a shipped model")
    add("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    add("--half", action="store_true", help="weights in 16 instead of 32 bits")
    add("--overwrite", action="store_true", help="replace the model in the output folder")
    asked = parse(parser, words)
    from astromorph import AstromorphicClassifier
    from astromorph.run_folder import RunFolder

    summary = RunFolder.open(asked["run"]).summary()
    model = AstromorphicClassifier.from_pretrained(asked["run"])
    model.provenance |= {"test_accuracy": f"{summary['test_accuracy']:.4f}"}
    model.save_pretrained(asked["out"], half=asked["half"], overwrite=asked["overwrite"])
    size = sum(file.stat().st_size for file in asked["out"].iterdir())
    print(f"test accuracy of the run {summary['test_accuracy']:.4f}; {size / 1e6:.1f} MB")
    print(f"wrote {asked['out']}")
