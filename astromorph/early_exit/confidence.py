"""Stop when the running confidence is above a threshold (Li, Jones and Furber 2023, "Dynamic Confidence", ICCV, arXiv
2303.10276): c_t = max softmax(o_t / α), the first t with c_t > θ, where o_t is the output summed up to exit t.
"""

from torch import Tensor


class Confidence:
    """threshold θ: at 0 the first exit is taken, at 1 or above the last; smoothing α of the logits, above 0."""

    def __init__(self, threshold: float, smoothing: float = 1.0) -> None:
        if not threshold >= 0:
            raise ValueError(f"threshold {threshold} is no probability; use a number from 0 to 1")
        if not smoothing > 0:
            raise ValueError(f"smoothing {smoothing} divides logits; use a number above 0")
        self.threshold, self.smoothing = threshold, smoothing

    def __call__(self, logits: Tensor) -> Tensor:
        """logits: (batch, exits, classes), of the output up to each exit; the exit that is taken, (batch,)."""
        sure = (logits / self.smoothing).softmax(-1).amax(-1) > self.threshold
        sure[:, -1] = True
        return sure.int().argmax(1)
