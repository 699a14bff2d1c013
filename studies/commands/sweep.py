"""Simulate a ready-made network at every point of a grid of its parameters."""

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
dataset with one dimension an axis. Values are a list (1,2,5*Hz), start:stop:count (0.1:0.9:9) or equal ratios
(0.1:100:7:log*Hz). Points are kept as they finish: stopped at any moment, the same command goes on.

networks:
{overview}

example: astromorph sweep tripartite {EXAMPLE}"""


def sweep_network(name: str, words: list[str]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from astromorph.files.locks import alone
    from biophys.ready_networks import ready
    from biophys.simulation.parameters import assigned, axis
    from biophys.simulation.recording import save
    from studies import sweep
    from studies.report import sweep_figure
    from studies.shell.networks import listed, network_parser, typed
    from studies.shell.outputs import claim, save_figure
    from studies.shell.parser import parse
    from studies.shell.provenance import provenance

    network = ready(name)
    usage = "--axis PATH=VALUES [--axis PATH=VALUES ...] [--option value ...]"
    parser = network_parser("sweep", network, usage, f"--axis {typed(network)}", f"{name}-sweep.nc")
    parser.add_argument("--axis", action="append", default=None, metavar="PATH=VALUES", help="a parameter to vary")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, a dimension of its own if above 1")
    parser.add_argument("--seed", type=int, default=0, help="the first of them")
    parser.add_argument("--jobs", type=int, default=-1, help="processes; -1 for one a core")
    parser.add_argument("--scheduler", type=str, default=None, metavar="ADDRESS", help="of a dask cluster to run on")
    asked = parse(parser, words)
    axes = dict(pairs := [axis(network.sections, text) for text in asked["axis"] or []])
    if len(axes) < len(pairs):
        raise ValueError("an axis is given twice; give each parameter one axis")
    fixed = assigned(network.sections, asked["set"] or [])
    for path in axes.keys() & fixed.keys():
        raise ValueError(f"{path} is both an axis and set; leave one out")
    if not axes and asked["seeds"] == 1:
        raise ValueError(f"sweep needs an axis; give one such as --axis {typed(network)}, or --seeds above 1")
    if asked["seeds"] < 1:
        raise ValueError(f"seeds {asked['seeds']} leave nothing to simulate; use at least 1")
    out, picture = asked["out"], asked["out"].with_suffix(".png")
    seeds = range(asked["seed"], asked["seed"] + asked["seeds"])
    times = asked["seconds"], asked["step"], asked["every"]
    grid = sweep.Grid(name, axes, fixed, seeds, *times, listed(asked, "record"))
    with alone(sweep.parts_folder(out)):
        claim(out, picture, overwrite=asked["overwrite"] or sweep.begun(out), endings=(".nc",))
        dataset = sweep.sweep(
            grid,
            out,
            target=asked["target"],
            jobs=asked["jobs"],
            scheduler=asked["scheduler"],
            provenance=provenance(["sweep", name, *words]),
        )
        save(dataset, out)
        save_figure(sweep_figure.draw(dataset), picture)
        sweep.forget(out)
    print(f"wrote {out} and {picture}")
