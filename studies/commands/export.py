"""Write the model of a finished run into a folder of its own, to share: settings, weights, vocabulary, results.

--half keeps 16 bits of every weight, which halves the file. `AstromorphicClassifier.from_pretrained(DIR)`, `evaluate`
and `circuit` read such a folder like a run.

--nir writes a spiking network as a file that other libraries of spiking networks read (NIR), instead of a folder.

example: astromorph export runs/imdb --half --out imdb-small
example: astromorph export runs/spoken-digits --nir spoken-digits.nir
"""

from pathlib import Path

import mapping
from studies.shell.parser import parse, verb_parser


def run(words: list[str]) -> None:
    parser = verb_parser("astromorph export", __doc__ or "", "RUN (--out DIR [--half] | --nir FILE) [--overwrite]")
    add = parser.add_argument
    add("run", type=Path, help="folder of a finished run, or the name of a shipped model")
    add("--out", type=Path, default=None, metavar="DIR", help="folder to write")
    add("--nir", type=Path, default=None, metavar="FILE", help="NIR file to write, of a spiking network")
    add("--half", action="store_true", help="weights in 16 instead of 32 bits")
    add("--overwrite", action="store_true", help="replace what is there")
    options = parse(parser, words)
    if (options["out"] is None) == (options["nir"] is None):
        raise ValueError("an export goes to one place; give either --out DIR or --nir FILE")
    if options["nir"] is not None:
        write_nir(options["run"], options["nir"], options["overwrite"])
        return
    from astromorph import AstromorphicClassifier
    from astromorph.runs.run_folder import RunFolder

    summary = RunFolder.open(options["run"]).summary()
    model = AstromorphicClassifier.from_pretrained(options["run"])
    model.provenance |= {"test_accuracy": f"{summary['test_accuracy']:.4f}"}
    model.save_pretrained(options["out"], half=options["half"], overwrite=options["overwrite"])
    size = sum(file.stat().st_size for file in options["out"].iterdir())
    print(f"test accuracy of the run {summary['test_accuracy']:.4f}; {size / 1e6:.1f} MB")
    print(f"wrote {options['out']}")


def write_nir(run: Path, file: Path, overwrite: bool) -> None:
    from studies.shell.outputs import claim

    with claim(file, overwrite=overwrite, endings=(".nir", ".h5")):
        layers, dt, _ = mapping.to_nir(run, file)
    sizes = " - ".join(str(size) for size in (layers[0].weight.shape[1], *(len(each.weight) for each in layers)))
    print(f"{sizes} neurons, time step {dt:g} s; {file.stat().st_size / 1e6:.1f} MB")
    print(f"wrote {file}")
