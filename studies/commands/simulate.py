"""Simulate a ready-made network of neurons, synapses and astrocytes."""

from functools import partial

from studies.catalogue import EXPERIMENTS, study_module
from studies.shell.datasets import run_study, write_dataset
from studies.shell.words import first_word, overview


def run(words: list[str]) -> None:
    from biophys.ready_networks import NETWORKS

    known = EXPERIMENTS | NETWORKS
    if words == ["--list"]:
        print(overview(known))
        return
    name, rest = first_word("simulate", "network", words, known, page(known))
    if name in EXPERIMENTS:
        run_study("simulate", name, rest)
    else:
        simulate_network(name, rest)


def page(known: dict[str, str]) -> str:
    return f"""usage: astromorph simulate NAME [--set section.parameter=value*unit] [--option value ...]
       astromorph simulate --list

{__doc__} The result is a labelled NetCDF
dataset with units, every parameter and the seed, and a figure beside it. `astromorph simulate NAME --help` lists the
parameters and what can be recorded.

networks:
{overview(known)}

example: astromorph simulate tripartite --set 'stimulus.rate=5*Hz' --record calcium,gliotransmitter --every 0.0025
example: astromorph simulate calcium-response --rates 0.5 1 2 4 8 16 30 --out response.nc"""


def simulate_network(name: str, words: list[str]) -> None:
    """One network at one point of its parameters: a dataset and its figure."""
    import biophys
    from astromorph.runs.provenance import provenance
    from biophys.ready_networks import ready
    from biophys.simulation.parameters import assigned, read_values
    from studies.shell.networks import first_parameter, listed, network_parser
    from studies.shell.parser import parse

    network = ready(name)
    usage, example = "[--set PATH=VALUE] [--option value ...]", f"--set {first_parameter(network)}"
    parser = network_parser("simulate", network, usage, example, f"{name}.nc")
    parser.add_argument("--seed", type=int, default=0, help="of all chance events")
    options = parse(parser, words)
    values = read_values(network.sections, assigned(options.pop("set") or []))
    options["record"] = listed(options, "record")
    simulate = partial(biophys.simulate, name, values)
    write_dataset(simulate, study_module("traces"), options, provenance(["simulate", name, *words]))
