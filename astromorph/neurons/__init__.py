"""Neurons over time, a file each, and what all of them answer:

    start(batch, device=None) -> State                    at rest
    step(x, state) -> (output, State)                     x: (batch, neurons), one time step; a pure function
    forward(x) -> output                                  x: (batch, time, neurons), from rest; may be compiled

`forward` gives what `step` gives step by step, values and gradients. Output is spikes, zeros and ones, whose step has
the derivative of `surrogate.py`, or the membrane of a neuron that never fires. A neuron that fires by chance takes a
generator and says what its gradient is an estimate of.
"""

from astromorph.names import room

NEURONS = {
    "leaky-integrate-and-fire": "a membrane that leaks, fires at a threshold and is reset to zero",
    "leaky-integrator": "the same membrane without a threshold, for reading out",
}
names, named = room(__name__, "neuron", NEURONS)
