"""Run a trained model in Brian2 and compare the two on test inputs: the attention of a transformer as a network of
neurons and astrocytes, a spiking network as neurons and synapses with its delays.

Every finished chunk of inputs to attention is kept: stopped at any moment, the same command goes on.

example: astromorph circuit runs/digits-astromorphic-seed0 --examples 20 --out circuit.nc
example: astromorph circuit runs/spoken-digits --examples 100 --out spikes.nc
"""

from pathlib import Path

from astromorph.runs.provenance import provenance
from studies.catalogue import MODULES, study_module
from studies.shell.datasets import write_dataset
from studies.shell.outline import outline
from studies.shell.parser import parse, verb_parser
from studies.shell.run_kind import run_kind


def run(words: list[str]) -> None:
    spiking = any(run_kind(Path(word)) == "spiking" for word in words)
    name = "delayed-circuit" if spiking else "circuit"
    parser = verb_parser("astromorph circuit", __doc__ or "", "RUN [--option value ...]")
    parser.add_argument(
        "run", type=Path, help="run folder of a training with astromorphic or linear attention, or of spikes"
    )
    parser.add_argument("--out", type=Path, default=Path("circuit.nc"), help="dataset to write, and a PNG beside it")
    parser.add_argument("--overwrite", action="store_true", help="replace what --out names")
    parser.add_function_arguments(outline(f"studies.{MODULES[name]}", "simulate").simulate, skip={"run", "parts"})
    options = parse(parser, words)
    study = study_module(name)
    write_dataset(study.simulate, study, options, provenance(["circuit", *words]))
