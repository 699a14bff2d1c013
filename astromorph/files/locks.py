"""One process at a time in a folder: a second one is told so in one sentence.

The lock is one of the operating system on the folder itself: there is no file to forget, and it ends with the process,
however that ends. Where there are no such locks (Windows, some network file systems) nothing is locked.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

TAKEN = (errno.EAGAIN, errno.EACCES)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keeps other processes out of `folder`, which is made if need be and removed afterwards if it is empty.

    BlockingIOError in one sentence if another process is in it. What killed processes left half written is removed.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file; name another output")
    try:
        lock = _locked(folder)
        try:
            for part in folder.glob(".*.part"):
                part.unlink(missing_ok=True)
            yield
        finally:
            if lock is not None:
                os.close(lock)
    finally:
        with suppress(OSError):  # the first that is not empty ends it
            for path in made:
                path.rmdir()


def _locked(folder: Path) -> int | None:
    """A descriptor that holds the lock until it is closed; None where there are no locks."""
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        if fcntl is None:
            return None
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(lock), os.stat(folder)):
                    return lock
            os.close(lock)  # the process that had it has removed the folder meanwhile
        except OSError as error:
            os.close(lock)
            if error.errno not in TAKEN:
                return None
            raise BlockingIOError(
                f"another process is at work in {folder}; wait until it has ended, or name another output"
            ) from None
