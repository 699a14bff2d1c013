"""Learned delays: a layer whose every connection has a weight and a delay, and its integer form for inference.

`Delays` is trained (Hammouamri, Khalfaoui-Hassani and Masquelier 2024), with one delay per synapse, per axon or per
dendrite; `Delays.rounded()` is an `IntegerDelays`, which runs whole sequences, single steps or single spikes.
`delayed` is the function inside the layer, `delayed_slowly` the same with one tap per step of delay.
"""

from astromorph.delays.annealing import annealed_width
from astromorph.delays.connections import delayed
from astromorph.delays.integer import IntegerDelays, Scheduled
from astromorph.delays.kernels import gaussian, triangular
from astromorph.delays.layer import Delays
from astromorph.delays.reference import delayed_slowly

__all__ = [
    "Delays",
    "IntegerDelays",
    "Scheduled",
    "annealed_width",
    "delayed",
    "delayed_slowly",
    "gaussian",
    "triangular",
]
