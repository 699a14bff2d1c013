"""Ask a question: simulate or compute what answers it, and draw it."""

from studies.commands.datasets import run_study
from studies.commands.words import first_word

NAMES = {
    "calcium-regimes": "where calcium rests and where it oscillates: equilibria, Hopf points, cycles",
    "rate-response": "calcium against presynaptic rate, for amplitude- and frequency-modulated astrocytes",
    "release-rate": "release against presynaptic rate, with and without gliotransmission",
    "gap-junction-synchrony": "synchrony of astrocytes against their coupling, and the speed of a wave",
    "process-length": "length constant of IP3 along an astrocytic process against sqrt(D/k)",
    "self-repair": "how a neuron that lost most of its synapses recovers",
    "stdp-window": "change of weight against the lag of two spikes",
    "union-property": "false matches of many patterns kept in one set: exact theory",
    "nmda-threshold": "the threshold of a dendritic segment that tells patterns from noise: exact theory",
}
WIDTH = max(map(len, NAMES)) + 2
HELP = f"""usage: astromorph study NAME [--option value ...]

{__doc__} The result is a dataset and a figure beside it.

studies:
{"".join(f"  {name:<{WIDTH}}{meaning}{chr(10)}" for name, meaning in NAMES.items())}
example: astromorph study union-property --threshold 12 --out union.nc"""


def run(words: list[str]) -> None:
    name, rest = first_word("study", "study", words, NAMES, HELP)
    run_study("study", name, rest)
