"""Ask a question: simulate or compute what answers it, and draw it."""

from studies.shell.datasets import run_study
from studies.shell.words import first_word

NAMES = {
    "calcium-regimes": "where calcium rests and where it oscillates: equilibria, Hopf points, cycles",
    "rate-response": "calcium against presynaptic rate, for amplitude- and frequency-modulated astrocytes",
    "release-rate": "release against presynaptic rate, with and without gliotransmission",
    "gap-junction-synchrony": "synchrony of astrocytes against their coupling, and the speed of a wave",
    "process-length": "length constant of IP3 along an astrocytic process against sqrt(D/k)",
    "self-repair": "how a neuron that lost most of its synapses recovers",
    "stdp-window": "change of weight against the lag of two spikes",
    "delay-coincidence": "whether delays that follow spikes find the pattern that a neuron keeps hearing",
    "false-match": "how often a random pattern sets off a segment (Figures 4A and 5): exact theory",
    "missed-match": "how often a noisy pattern fails to (Figure 4B): exact theory",
    "union-property": "false matches of many patterns kept in one set (Figure 7): exact theory",
    "nmda-threshold": "the threshold that tells patterns from noise (Figure 6): exact theory",
    "pattern-sampling": "the same questions by drawing patterns and counting, against theory",
    "union-capacity": "scaling law: how many patterns a segment holds at a given error",
    "threshold-scaling": "scaling law: the threshold that a given error needs",
    "nmda-segment": "the simulated segment: bistability, plateaus, summation",
    "segment-detection": "the simulated segment as a pattern detector, beside the theory",
    "segment-physiology": "which conductances give the thresholds that theory asks for",
    "attention-ablation": "what each effect of the astrocyte buys: ablations, gain-matched linear, no attention",
    "physiology-accuracy": "from IP3 degradation and SERCA uptake to test accuracy, beside a control of gain alone",
    "delay-learning": "a spiking network without delays, with fixed random ones, and with learned ones",
    "permuted-mnist": "tasks learned one after the other: active dendrites against a plain network",
    "spiking-attention": "a trained run's attention with spiking neurons: error, accuracy, early answers",
    "circuit-error": "how long a circuit must see each token until its attention is exact",
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
