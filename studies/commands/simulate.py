"""Drive a tripartite synapse at a list of presynaptic rates and record how its astrocyte answers."""

from studies.commands.datasets import run_study
from studies.commands.words import first_word

NAMES = ("calcium-response",)
HELP = f"""usage: astromorph simulate {" | ".join(NAMES)} [--option value ...]

{__doc__} The result is a NetCDF dataset
with units, parameters and seed; `astromorph map` fits it.

example: astromorph simulate calcium-response --rates 0.5 1 2 4 8 16 30 --out response.nc"""


def run(words: list[str]) -> None:
    name, rest = first_word("simulate", "simulation", words, NAMES, HELP)
    run_study("simulate", name, rest)
