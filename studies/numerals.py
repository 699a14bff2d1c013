"""Numbers in captions and titles, with the right form of what they count."""


def counted(number: int, what: str) -> str:
    """`1 cell`, `2 branches`, `2 epochs`, `2,000 cells`."""
    hissing = what.endswith(("s", "nch", "tch"))
    return f"{number:,} {what}" + ("" if number == 1 else "es" if hissing else "s")


def span(lowest: float, highest: float, form: str = ".3g") -> str:
    """`2 to 3`, or one number where both are written alike."""
    low, high = format(lowest, form), format(highest, form)
    return low if low == high else f"{low} to {high}"
