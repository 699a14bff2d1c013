"""TERM and HUP end a command as Ctrl-C does, with what was finished kept, and nothing is left computing behind it.

`timeout`, batch systems and a terminal that closes send them. The processes that the command has started are asked to
end at once, and made to after a moment if they do not.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
GRACE = 2.0  # seconds until what does not end is killed
AGAIN = 1.0  # seconds in which a second signal is the first one's echo: `timeout` sends it to the group as well
TIDIES = b"resource_tracker"  # of joblib: ends by itself, after it has removed what others have left

Started = tuple[int, str]  # a process: its number, and when it began, as a number may be given again


@contextmanager
def interruptible() -> Iterator[Callable[[], int | None]]:
    """Signals raise KeyboardInterrupt in the block; gives a call that tells which one came. What the process was told
    to ignore, as by nohup, it still does.
    """
    received: list[tuple[int, float]] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if received and now - received[-1][1] < AGAIN:
            return
        received.append((number, now))
        begun = descendants()
        send(begun, signal.SIGTERM)
        later = threading.Timer(GRACE, send, (begun, signal.SIGKILL))
        later.daemon = True
        later.start()
        raise KeyboardInterrupt

    before = {each: signal.getsignal(each) for each in SIGNALS}
    taken = [each for each in SIGNALS if before[each] is signal.SIG_DFL]
    for each in taken:
        signal.signal(each, interrupt)
    try:
        yield lambda: received[0][0] if received else None
    finally:
        for each in taken:
            signal.signal(each, before[each])


def end_all(grace: float = GRACE) -> None:
    """Ends every process that this one has started, and theirs."""
    left = descendants()
    send(left, signal.SIGTERM)
    until = time.monotonic() + grace
    while (left := [each for each in left if runs(each)]) and time.monotonic() < until:
        time.sleep(0.02)
    send(left, signal.SIGKILL)


def send(processes: Collection[Started], number: int) -> None:
    """Those that have ended meanwhile are left alone."""
    for process in processes:
        with suppress(ProcessLookupError, PermissionError):
            if runs(process):
                os.kill(process[0], number)


def descendants() -> list[Started]:
    """The processes under this one that compute, parents first; none where there is no /proc."""
    children: dict[int, list[Started]] = {}
    for number in (int(name) for name in os.listdir("/proc") if name.isdigit()) if os.path.isdir("/proc") else ():
        if status := _status(number):
            children.setdefault(int(status[1]), []).append((number, status[19]))
    found, waiting = [], [os.getpid()]
    while waiting:
        below = children.get(waiting.pop(0), [])
        found += below
        waiting += [number for number, _ in below]
    return [each for each in found if not _tidies(each[0])]


def runs(process: Started) -> bool:
    status = _status(process[0])
    return status is not None and status[19] == process[1] and status[0] not in "ZX"


def _status(number: int) -> list[str] | None:
    """What /proc says of a process, from its state on: state, parent, ..., at 19 its beginning; None if it is gone."""
    try:
        return Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None


def _tidies(number: int) -> bool:
    try:
        return TIDIES in Path(f"/proc/{number}/cmdline").read_bytes()
    except OSError:
        return False
