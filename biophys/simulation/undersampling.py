"""Whether records follow what they record: a variable that fades within its time constant is lost between rarer ones.

The time constant of a variable is that of its own decay, which the network declares by its parameters (`fades`).
"""

import math
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from brian2 import get_dimensions, second

from biophys.simulation.network import ReadyNetwork, chosen
from biophys.simulation.parameters import Values

RECORDS_EACH = 5  # records within a time constant, which show a peak to a tenth


def time_constant(fades: str, values: Values) -> float:
    """Seconds, the shortest of all copies; infinite for a rate of 0 and for a variable that declares none.

    fades: paths of parameters joined by * and /, that give a time or a rate: "neuron.tau_e", "synapse.Omega_c".
    """
    measure: Any = None
    for sign, path in re.findall(r"([*/]?)(\w+\.\w+)", fades):
        section, name = path.split(".")
        value = values[section][name]
        measure = value if measure is None else measure / value if sign == "/" else measure * value
    if measure is None:
        return math.inf
    plain = np.asarray(measure, float)
    if get_dimensions(measure) is get_dimensions(second):
        return float(plain.min())
    return 1 / float(plain.max()) if plain.max() > 0 else math.inf


def undersampled(network: ReadyNetwork, values: Values, step: float, every: float, record: Sequence[str] = ()) -> str:
    """A sentence that names variables recorded too rarely to follow them, and the cure; empty if there are none.

    values: by section and name, as of `merged`. step and every in s.
    """
    times = {name: time_constant(each.fades, values) for name, each in chosen(network, record).items()}
    missed = {name: time for name, time in sorted(times.items(), key=lambda one: one[1]) if time * (1 + 1e-9) < every}
    if not missed:
        return ""
    each = [f"{name} ({time:.3g} s, {network.records[name].fades})" for name, time in missed.items()]
    listed = f"{', '.join(each[:-1])} and {each[-1]}" if each[1:] else each[0]
    return (
        f"every {every:g} s is longer than the time constant of {listed}, so peaks are missed; use "
        f"{_cure(min(missed.values()), step)}"
    )


def warn_undersampled(sentence: str) -> Mapping[str, str]:
    """Warns, once, and returns the attribute that a dataset keeps of it; nothing for an empty sentence."""
    if not sentence:
        return {}
    warnings.warn_explicit(sentence, UserWarning, "measurement", 1)
    return {"undersampled": sentence}


def _cure(time: float, step: float) -> str:
    if time * (1 + 1e-9) >= step:
        return f"--every {max(1, math.floor(time / RECORDS_EACH / step + 1e-9)) * step:.6g}"
    digit = 10.0 ** math.floor(math.log10(time / 2))
    fitting = f"{math.floor(time / 2 / digit + 1e-9) * digit:.6g}"
    return f"--step {fitting} --every {fitting}"
