"""When to stop, a file each. A model that answers again and again (after time steps, layers, or time of a query) gives
logits at every exit; what all criteria answer:

    criterion(logits) -> exits                            logits: (batch, exits, classes); exits: (batch,) integers

the first exit that is good enough for each input, the last one where none is. A higher threshold never exits earlier.
"""

from typing import Any

from astromorph.names import choose, part

CRITERIA = {
    "confidence": "the probability of the likeliest class reaches a threshold",
}


def names() -> dict[str, str]:
    """The criteria and a sentence about each."""
    return dict(CRITERIA)


def named(name: str) -> Any:
    """The class of a criterion, built from its threshold. ValueError with the known ones if there is none."""
    return part(__name__, choose("criterion of early exit", name, CRITERIA))
