"""Memory that a training keeps between steps instead of handing it back to the system after every tensor.

The C library of Linux returns large blocks at once, and every step then pays for pages that are made anew and cleared:
a fifth to a half of the time of a small transformer's matrix products. Kept, they serve the next step.
"""

import ctypes
import sys

TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4  # names of mallopt(3) in <malloc.h> of glibc
PAD = 2**26  # bytes asked for at a time


def keep_freed_memory() -> bool:
    """For this process, from now on; whether the C library could be told (it is glibc's way)."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    choices = ((MMAP_MAX, 0), (TRIM_THRESHOLD, 2**31 - 1), (TOP_PAD, PAD))
    return all([mallopt(name, value) == 1 for name, value in choices])
