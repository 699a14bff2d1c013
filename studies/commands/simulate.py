"""Simulate a ready-made network of neurons, synapses and astrocytes."""

from studies.shell.datasets import run_study
from studies.shell.words import first_word

EXPERIMENTS = {"calcium-response": "calcium of an astrocyte at a list of presynaptic rates, for `astromorph map`"}


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


def overview(known: dict[str, str]) -> str:
    """A line a network."""
    wide = max(map(len, known))
    return "\n".join(f"  {name:<{wide}}  {meaning}" for name, meaning in known.items())


def page(known: dict[str, str]) -> str:
    return f"""usage: astromorph simulate NAME [--set section.parameter=value*unit] [--option value ...]
       astromorph simulate --list

{__doc__} The result is a labelled NetCDF
dataset with units, every parameter and the seed, and a figure beside it. `astromorph simulate NAME --help` lists the
parameters and what can be recorded.

networks:
{overview(known)}

example: astromorph simulate tripartite --set stimulus.rate=5*Hz --record calcium,gliotransmitter
example: astromorph simulate calcium-response --rates 0.5 1 2 4 8 16 30 --out response.nc"""


def simulate_network(name: str, words: list[str]) -> None:
    """One network at one point of its parameters: a dataset and its figure."""
    import matplotlib

    matplotlib.use("Agg")
    import biophys
    from biophys.ready_networks import ready
    from biophys.simulation.parameters import assigned, read_values
    from studies.report import traces
    from studies.shell.networks import first_parameter, listed, network_parser
    from studies.shell.outputs import claim, save_figure
    from studies.shell.parser import parse
    from studies.shell.provenance import provenance

    network = ready(name)
    usage, example = "[--set PATH=VALUE] [--option value ...]", f"--set {first_parameter(network)}"
    parser = network_parser("simulate", network, usage, example, f"{name}.nc")
    parser.add_argument("--seed", type=int, default=0, help="of all chance events")
    asked = parse(parser, words)
    out, picture = asked["out"], asked["out"].with_suffix(".png")
    values = read_values(network.sections, assigned(asked["set"] or []))
    claim(out, picture, overwrite=asked["overwrite"], endings=(".nc",))
    options = {key: asked[key] for key in ("seconds", "step", "every", "seed", "target")}
    dataset = biophys.simulate(name, values, record=listed(asked, "record"), **options)
    dataset.attrs |= {f"provenance_{k}": v for k, v in provenance(["simulate", name, *words]).items()}
    biophys.save(dataset, out)
    save_figure(traces.draw(dataset), picture)
    print(f"wrote {out} and {picture}")
