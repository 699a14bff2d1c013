"""When to stop, a file each. A model that answers again and again (after time steps, layers, or time of a query) gives
logits at every exit; what all criteria answer:

    criterion(logits) -> exits                            logits: (batch, exits, classes); exits: (batch,) integers

the first exit that is good enough for each input, the last one where none is. A higher threshold never exits earlier.
"""

from astromorph.names import room

CRITERIA = {
    "confidence": "the probability of the likeliest class reaches a threshold",
}
names, named = room(__name__, "criterion of early exit", CRITERIA)
