"""Every study and every benchmark: adding one is one file, studies/SUBJECT/NAME.py, and one line here."""

import importlib
from collections.abc import Collection
from types import ModuleType

from studies.shell.outputs import without_screen

STUDIES = {  # what `astromorph study` answers, by subject
    "physiology": {
        "calcium-regimes": "where calcium rests and where it oscillates: equilibria, Hopf points, cycles",
        "rate-response": "calcium against presynaptic rate, for amplitude- and frequency-modulated astrocytes",
        "release-rate": "release against presynaptic rate, with and without gliotransmission",
        "gap-junction-synchrony": "synchrony of astrocytes against their coupling, and the speed of a wave",
        "process-length": "length constant of IP3 along an astrocytic process against sqrt(D/k)",
        "self-repair": "how a neuron that lost most of its synapses recovers",
        "stdp-window": "change of weight against the lag of two spikes",
    },
    "patterns": {
        "false-match": "how often a random pattern sets off a segment (Figures 4A and 5): exact theory",
        "missed-match": "how often a noisy pattern fails to (Figure 4B): exact theory",
        "union-property": "false matches of many patterns kept in one set (Figure 7): exact theory",
        "nmda-threshold": "the threshold that tells patterns from noise (Figure 6): exact theory",
        "pattern-sampling": "the same questions by drawing patterns and counting, against theory",
        "union-capacity": "scaling law: how many patterns a segment holds at a given error",
        "threshold-scaling": "scaling law: the threshold that a given error needs",
    },
    "dendrites": {
        "nmda-segment": "the simulated segment: bistability, plateaus, summation",
        "segment-detection": "the simulated segment as a pattern detector, beside the theory",
        "segment-physiology": "which conductances give the thresholds that theory asks for",
        "permuted-mnist": "tasks learned one after the other: active dendrites against a plain network",
    },
    "delays": {
        "delay-coincidence": "whether delays that follow spikes find the pattern that a neuron keeps hearing",
        "delay-learning": "a spiking network without delays, with fixed random ones, and with learned ones",
    },
    "attention": {
        "attention-ablation": "what each effect of the astrocyte buys: ablations, gain-matched linear, no attention",
        "physiology-accuracy": "from IP3 degradation and SERCA uptake to test accuracy, beside a control of gain alone",
    },
    "circuits": {
        "spiking-attention": "a trained run's attention with spiking neurons: error, accuracy, early answers",
        "circuit-error": "how long a circuit must see each token until its attention is exact",
    },
}
EXPERIMENTS = {"calcium-response": "calcium of an astrocyte at a list of presynaptic rates, for `astromorph map`"}
OF_OTHER_VERBS = {  # modules that draw the datasets of `astromorph simulate`, `sweep` and `circuit`
    "calcium-response": "physiology.calcium_response",
    "traces": "report.traces",
    "sweep": "report.sweep_figure",
    "circuit": "circuits.circuit",
    "delayed-circuit": "delays.delayed_circuit",
}
QUESTIONS = {name: question for subject in STUDIES.values() for name, question in subject.items()}
MODULES = {
    name: f"{subject}.{name.replace('-', '_')}" for subject, names in STUDIES.items() for name in names
} | OF_OTHER_VERBS


BENCHES = {  # what a benchmark times, and the columns by which `astromorph plot` knows its table
    "attention": ("time and memory of attention against tokens", "precision causal tokens mechanism seconds"),
    "training": ("reviews and images trained on in a second", "unit model mode examples_per_second"),
    "sweep": ("a parameter study, beside a script for each point", "method target seconds a_point ratio"),
    "synapses": ("synapses that a network steps in a second", "implementation synapses synapse_steps_per_second"),
    "patterns": ("patterns drawn and compared in a second", "method processes comparisons per_second"),
    "delays": ("learned delays, beside dense convolutions", "longest stage against dense_seconds part_of_memory"),
    "startup": ("imports and help, beside an empty interpreter", "subject seconds cpu_seconds ratio_to_empty"),
}
TABLES = {  # module that draws a table, and the columns by which it is known
    "report.accuracy_table": "data_set attention seed test_accuracy",
    **{f"benches.{name}": columns for name, (_, columns) in BENCHES.items()},
}


def study_module(name: str) -> ModuleType:
    """The module of a study, or of what draws the datasets of another verb; KeyError for any other name."""
    return _drawing(MODULES[name])


def bench_module(name: str) -> ModuleType:
    return _drawing(f"benches.{name}")


def table_module(columns: Collection[str]) -> ModuleType | None:
    """The module that draws a table with these columns; None if no command writes such a table."""
    known = (module for module, needed in TABLES.items() if set(needed.split()) <= set(columns))
    return next(map(_drawing, known), None)


def _drawing(module: str) -> ModuleType:
    without_screen()
    return importlib.import_module(f"studies.{module}")
