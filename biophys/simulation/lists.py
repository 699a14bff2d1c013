"""Lists of numbers as they are typed: in questions of `astromorph patterns`, and for the axes of a sweep."""

from typing import Any

import numpy as np

LISTS = """A list is 8,12,16; or 8:16 (each whole number); or 20:50:7 (start:stop:count, evenly spaced); or
100:10000:5:log (in equal ratios)."""
LONGEST = 1_000_000


def read_numbers(text: str, name: str, *, counts: bool = False, most: int = LONGEST) -> list[float | int]:
    """The numbers that `text` spells, see LISTS: to 12 digits, as 0.1:0.9:9 means 0.3, not 0.30000000000000004.

    counts: whether spaced numbers are rounded to whole ones. most: how many there may be, asked before they are made.
    ValueError, naming `name`, for what is no list of numbers.
    """
    start, *rest = text.split(":")
    try:
        if not rest:
            values: Any = [float(word) for word in text.split(",")]
        elif len(rest) == 1:
            values = range(int(start), min(int(rest[0]), int(start) + most) + 1)
        else:
            spaced: dict[tuple[str, ...], Any] = {(): np.linspace, ("log",): np.geomspace}
            values = spaced[tuple(rest[2:])](float(start), float(rest[0]), min(int(rest[1]), most + 1))
            values = np.rint(values) if counts else values
        if not len(values) or not np.all(np.isfinite(values)):
            raise ValueError("no number")
    except (ValueError, KeyError) as error:
        raise ValueError(
            f"{name}={text} is no list of numbers; write 8,12,16 or 8:16 or start:stop:count, or start:stop:count:log "
            "with ends above 0"
        ) from error
    if len(values) > most:
        raise ValueError(f"{name}={text} holds more than {most} numbers; use fewer")
    return [int(value) if value == int(value) else float(f"{value:.12g}") for value in values]
