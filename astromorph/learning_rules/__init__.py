"""Learning rules, a file each: how gradients are had. The loop (astromorph/training/loop.py) clips, steps and averages
for all alike. What all rules answer:

    Rule(model)                                           ValueError in one sentence if the model lacks what it needs
    rule(forward, inputs, labels, loss) -> Tensor         fills `.grad` of what learns, returns the loss, detached

`forward(*inputs)` runs the model on a batch; loss(output, labels) is the mean over it.
"""

from astromorph.names import room

LEARNING_RULES = {
    "backpropagation": "the chain rule, through time where the model has time",
}
names, named = room(__name__, "learning rule", LEARNING_RULES)
