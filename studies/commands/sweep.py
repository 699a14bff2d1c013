"""Simulate a ready-made network at every point of a grid of its parameters."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from biophys.simulation.lists import LISTS
from studies.catalogue import study_module
from studies.shell.datasets import write_dataset
from studies.shell.words import first_word, overview

if TYPE_CHECKING:
    import xarray as xr

    from biophys.simulation.grid import Grid
    from biophys.simulation.network import ReadyNetwork

EXAMPLE = "--axis synapse.U_0=0.1:0.9:9 --axis stimulus.rate=1,2,5,10*Hz --seeds 5"


def run(words: list[str]) -> None:
    from biophys.ready_networks import NETWORKS

    name, rest = first_word("sweep", "network", words, NETWORKS, page(NETWORKS))
    sweep_network(name, rest)


def page(known: dict[str, str]) -> str:
    return f"""usage: astromorph sweep NAME --axis PATH=VALUES [--axis PATH=VALUES ...] [--option value ...]

{__doc__} The result is a
dataset with one dimension an axis. Points are kept as they finish: stopped at any moment, the same command goes on.

{LISTS}
A unit behind it holds for all, as in 1,2,5*Hz.

networks:
{overview(known)}

example: astromorph sweep tripartite {EXAMPLE}"""


def sweep_network(name: str, words: list[str]) -> None:
    from astromorph.runs.provenance import provenance
    from biophys.ready_networks import ready
    from biophys.simulation.sweep import sweep
    from studies.shell.networks import first_parameter, network_parser
    from studies.shell.parser import parse

    network = ready(name)
    usage = "--axis PATH=VALUES [--axis PATH=VALUES ...] [--option value ...]"
    parser = network_parser("sweep", network, usage, f"--axis {first_parameter(network)}", f"{name}-sweep.nc")
    parser.add_argument("--axis", action="append", default=None, metavar="PATH=VALUES", help="a parameter to vary")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, a dimension of its own if above 1")
    parser.add_argument("--seed", type=int, default=0, help="the first of them")
    parser.add_argument("--jobs", type=int, default=-1, help="processes; -1 for one a core")
    parser.add_argument("--scheduler", type=str, default=None, metavar="ADDRESS", help="of a dask cluster to run on")
    options = parse(parser, words)
    grid = grid_of(network, options)
    where = {key: options[key] for key in ("target", "jobs", "scheduler")}
    made_by = provenance(["sweep", name, *words])

    def points(parts: Path) -> "xr.Dataset":  # which keeps the provenance of its beginning
        return sweep(grid, options["out"], **where, provenance=made_by, report=lambda plan: print(plan, flush=True))

    outputs = {key: options[key] for key in ("out", "overwrite")}
    write_dataset(points, study_module("sweep"), outputs, {})


def grid_of(network: "ReadyNetwork", options: dict[str, Any]) -> "Grid":
    """The points that the options ask for. ValueError in one sentence if there are none."""
    from biophys.simulation.grid import make_grid
    from biophys.simulation.parameters import assigned
    from studies.shell.networks import first_parameter, listed

    axes, fixed = assigned(options["axis"] or []), assigned(options["set"] or [])
    if not axes and options["seeds"] == 1:
        example = first_parameter(network)
        raise ValueError(f"sweep needs an axis; give one such as --axis {example}, or --seeds above 1")
    if options["seeds"] < 1:
        raise ValueError(f"seeds {options['seeds']} leave nothing to simulate; use at least 1")
    seeds = range(options["seed"], options["seed"] + options["seeds"])
    times = {key: options[key] for key in ("seconds", "step", "every")}
    return make_grid(network.name, axes, fixed, seeds, **times, record=listed(options, "record"))
