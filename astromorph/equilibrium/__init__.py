"""Ways to bring a network to rest, a file each. They know no network, only a step; what all answer:

    way(step, start, tolerance=1e-6, steps=1000) -> Settled     state, residual, steps and whether it settled

step(state) -> state is one round of the dynamics; state is a tensor. A state is at rest where a round changes no entry
by more than `tolerance`; one that is not at rest after `steps` rounds is reported, never silent.
"""

from astromorph.names import room

WAYS = {
    "fixed-point": "round after round, all units at once",
}
names, named = room(__name__, "way to rest", WAYS)
