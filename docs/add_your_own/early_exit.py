"""Stop when the likeliest class is ahead of the next one by more than a threshold."""

from torch import Tensor


class Margin:
    """threshold: of the difference of two probabilities; at 0 the first exit is taken, at 1 the last."""

    def __init__(self, threshold: float) -> None:
        if not threshold >= 0:
            raise ValueError(f"threshold {threshold} is no probability; use a number from 0 to 1")
        self.threshold = threshold

    def __call__(self, logits: Tensor) -> Tensor:
        first, second = logits.softmax(-1).topk(2).values.unbind(-1)
        ahead = first - second > self.threshold
        ahead[:, -1] = True
        return ahead.int().argmax(1)
