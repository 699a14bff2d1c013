"""Brian2's log of its work, `brian_debug_*.log` in the temporary folder, which stays there when a process is killed.

Nothing is logged here: the file goes as soon as Brian2 has made it. ASTROMORPH_DEBUG=1 leaves it to Brian2 and its
preferences (`logging.*`), as does a program that has imported Brian2 before biophys.
"""

import logging
import os
from contextlib import suppress

from brian2 import BrianLogger

import biophys


def drop_debug_log() -> None:
    """Close and remove the log, unless somebody wants it."""
    handler, file = BrianLogger.file_handler, BrianLogger.tmp_log
    if handler is None or file is None or biophys.BRIAN2_CAME_FIRST or os.environ.get("ASTROMORPH_DEBUG") == "1":
        return
    logging.getLogger("brian2").removeHandler(handler)
    handler.close()
    with suppress(OSError):
        os.remove(file)
    BrianLogger.file_handler, BrianLogger.tmp_log = logging.NullHandler(), None
