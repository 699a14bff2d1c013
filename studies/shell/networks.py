"""What `simulate` and `sweep` share: options of a ready-made network, and the help that lists its parameters."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonargparse

from biophys.simulation.network import ReadyNetwork
from biophys.simulation.quantities import typed
from studies.shell.parser import verb_parser


def network_parser(verb: str, network: ReadyNetwork, usage: str, example: str, out: str) -> jsonargparse.ArgumentParser:
    """A parser with the options that every simulation of a network has."""
    command = f"astromorph {verb} {network.name}"
    parser = verb_parser(command, f"{network}\n\nexample: {command} {example} --out {out}", usage)
    parser.add_argument(
        "--set", action="append", default=None, metavar="PATH=VALUE", help="change a parameter; may be given often"
    )
    parser.add_argument(
        "--record",
        action="append",
        default=None,
        metavar="VARIABLE",
        help="record this instead; often, or with commas",
    )
    parser.add_argument("--seconds", type=float, default=network.seconds, help="simulated time in s")
    parser.add_argument("--step", type=float, default=network.step, help="time step in s")
    parser.add_argument("--every", type=float, default=network.every, help="time between records in s")
    parser.add_argument("--target", type=str, default="auto", help="numpy, cython, cpp_standalone or auto")
    parser.add_argument("--out", type=Path, default=Path(out), help="dataset, and a PNG beside it")
    parser.add_argument("--overwrite", action="store_true", help="replace what --out names")
    return parser


def listed(parameters: Mapping[str, Any], name: str) -> list[str]:
    """Values of an option that may be given often, also as one list with commas."""
    return [word for given in parameters[name] or [] for word in given.split(",")]


def first_parameter(network: ReadyNetwork) -> str:
    """A parameter of the network with its value, as it is typed."""
    section, fields = next(iter(network.sections.items()))
    name, parameter = next(iter(fields.items()))
    return f"{section}.{name}={typed(parameter.value)}"
