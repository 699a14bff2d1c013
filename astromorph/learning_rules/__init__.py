"""Learning rules, a file each: how gradients are had. The loop (astromorph/training/loop.py) clips, steps and averages
for all alike. What all rules answer:

    Rule(model)                                           ValueError in one sentence if the model lacks what it needs
    rule(forward, inputs, labels, loss) -> Tensor         fills `.grad` of what learns, returns the loss, detached

`forward(*inputs)` runs the model on a batch; loss(output, labels) is the mean over it.
"""

from typing import Any

from astromorph.names import choose, part

LEARNING_RULES = {
    "backpropagation": "the chain rule, through time where the model has time",
}


def names() -> dict[str, str]:
    """The rules and a sentence about each."""
    return dict(LEARNING_RULES)


def named(name: str) -> Any:
    """The class of a rule. ValueError with the known ones if there is none of this name."""
    return part(__name__, choose("learning rule", name, LEARNING_RULES))
