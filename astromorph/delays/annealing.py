"""How the width of the delay kernel shrinks over training: wide to find a delay, narrow to keep it."""


def annealed_width(epoch: int, epochs: int, start: float, end: float = 0.5) -> float:
    """Width in time steps for `epoch` (from 0): geometric from `start` to `end` over a quarter of `epochs`, then `end`.

    Hammouamri, Khalfaoui-Hassani and Masquelier (2024) start at half the longest delay and end at 0.5.

    Raises:
        ValueError: a width is not positive, or the epoch does not lie in 0..epochs.
    """
    if min(start, end) <= 0:
        raise ValueError(f"widths {start} and {end} cannot be joined geometrically; give two above zero")
    if not 0 <= epoch <= epochs:
        raise ValueError(f"epoch {epoch} does not lie in 0..{epochs}; count from zero")
    progress = min(1.0, 4 * epoch / max(epochs, 1))
    return start * (end / start) ** progress
