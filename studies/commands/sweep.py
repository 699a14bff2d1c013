"""Simulate a ready-made network at every point of a grid of its parameters."""

from biophys.simulation.lists import LISTS
from studies.shell.words import first_word

EXAMPLE = "--axis synapse.U_0=0.1:0.9:9 --axis stimulus.rate=1,2,5,10*Hz --seeds 5"


def run(words: list[str]) -> None:
    from biophys.ready_networks import NETWORKS

    name, rest = first_word("sweep", "network", words, NETWORKS, page(NETWORKS))
    sweep_network(name, rest)


def page(known: dict[str, str]) -> str:
    wide = max(map(len, known))
    overview = "\n".join(f"  {name:<{wide}}  {meaning}" for name, meaning in known.items())
    return f"""usage: astromorph sweep NAME --axis PATH=VALUES [--axis PATH=VALUES ...] [--option value ...]

{__doc__} The result is a
dataset with one dimension an axis. Points are kept as they finish: stopped at any moment, the same command goes on.

{LISTS}
A unit behind it holds for all, as in 1,2,5*Hz.

networks:
{overview}

example: astromorph sweep tripartite {EXAMPLE}"""


def sweep_network(name: str, words: list[str]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from astromorph.files.locks import alone
    from biophys.ready_networks import ready
    from biophys.simulation import sweep
    from biophys.simulation.grid import make_grid
    from biophys.simulation.parameters import assigned
    from biophys.simulation.recording import save
    from studies.report import sweep_figure
    from studies.shell.networks import first_parameter, listed, network_parser
    from studies.shell.outputs import claim, save_figure
    from studies.shell.parser import parse
    from studies.shell.provenance import provenance

    network = ready(name)
    usage = "--axis PATH=VALUES [--axis PATH=VALUES ...] [--option value ...]"
    parser = network_parser("sweep", network, usage, f"--axis {first_parameter(network)}", f"{name}-sweep.nc")
    parser.add_argument("--axis", action="append", default=None, metavar="PATH=VALUES", help="a parameter to vary")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, a dimension of its own if above 1")
    parser.add_argument("--seed", type=int, default=0, help="the first of them")
    parser.add_argument("--jobs", type=int, default=-1, help="processes; -1 for one a core")
    parser.add_argument("--scheduler", type=str, default=None, metavar="ADDRESS", help="of a dask cluster to run on")
    asked = parse(parser, words)
    axes, fixed = assigned(asked["axis"] or []), assigned(asked["set"] or [])
    if not axes and asked["seeds"] == 1:
        example = first_parameter(network)
        raise ValueError(f"sweep needs an axis; give one such as --axis {example}, or --seeds above 1")
    if asked["seeds"] < 1:
        raise ValueError(f"seeds {asked['seeds']} leave nothing to simulate; use at least 1")
    out, picture = asked["out"], asked["out"].with_suffix(".png")
    seeds = range(asked["seed"], asked["seed"] + asked["seeds"])
    times = {key: asked[key] for key in ("seconds", "step", "every")}
    grid = make_grid(name, axes, fixed, seeds, **times, record=listed(asked, "record"))
    with alone(sweep.parts_folder(out)):
        claim(out, picture, overwrite=asked["overwrite"] or sweep.begun(out), endings=(".nc",))
        dataset = sweep.sweep(
            grid,
            out,
            target=asked["target"],
            jobs=asked["jobs"],
            scheduler=asked["scheduler"],
            provenance=provenance(["sweep", name, *words]),
            report=lambda message: print(message, flush=True),
        )
        save(dataset, out)
        save_figure(sweep_figure.draw(dataset), picture)
        sweep.forget(out)
    print(f"wrote {out} and {picture}")
