"""Measure the test accuracy of a trained run again, from its weights.

example: astromorph evaluate runs/digits-astromorphic-seed0
"""

from pathlib import Path

from studies.commands.parser import parse, verb_parser


def run(words: list[str]) -> None:
    parser = verb_parser("astromorph evaluate", __doc__ or "", "RUN [--data DIR]")
    parser.add_argument("run", type=Path, help="run folder")
    parser.add_argument("--data", type=Path, default=None, metavar="DIR", help="where data sets lie")
    asked = parse(parser, words)
    from astromorph.data.locations import data_root
    from astromorph.run_folder import RunFolder

    folder = RunFolder.open(asked["run"])
    root = data_root(asked["data"])
    from astromorph.evaluation import evaluate_run

    result = evaluate_run(folder, root)
    for number, (name, row) in enumerate(zip(result["class_names"], result["confusion"], strict=True)):
        print(f"{name}: {row[number]:,} of {sum(row):,} correct")
    print(f"{folder.path}: test accuracy {result['test_accuracy']:.4f}, test loss {result['test_loss']:.4f}")
