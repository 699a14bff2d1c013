"""One process at a time in a folder, or with a file to write: a second one is told so in one sentence.

The lock is one of the operating system on a folder, for a file on `.NAME.writing` beside it: it ends with the process,
however that ends, and what a killed one leaves of it is in nobody's way. Where there are no such locks (Windows, some
network file systems) nothing is locked.
"""

import errno
import glob
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
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
            with suppress(OSError):  # while it is locked, or another process would hold one that is gone
                for path in made[:1]:
                    path.rmdir()
            if lock is not None:
                os.close(lock)
    finally:
        with suppress(OSError):  # the first that is not empty ends it
            for path in made[1:]:
                path.rmdir()


@contextmanager
def writing(*files: Path) -> Iterator[None]:
    """Keeps other processes that ask for it from writing these files, and removes what killed ones left of it.

    BlockingIOError in one sentence if another process writes one of them.
    """
    with ExitStack() as stack:
        for file in dict.fromkeys(files):
            lock = file.with_name(f".{file.name}.writing")
            try:
                stack.enter_context(alone(lock))
            except BlockingIOError:
                told = f"another process is writing {file}; wait until it has ended, or name another output"
                raise BlockingIOError(told) from None
            except OSError as error:
                if error.errno is None:  # a sentence already
                    raise
                raise type(error)(error.errno, error.strerror, str(file)) from None
            stack.callback(_remove_empty, lock)
            for part in file.parent.glob(f".{glob.escape(file.name)}.*.part"):
                part.unlink(missing_ok=True)
        yield


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _locked(folder: Path) -> int | None:
    """A descriptor that holds the lock until it is closed; None where there are no locks."""
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        if fcntl is None:
            return None
        try:
            lock = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:  # the process that had it has just removed it
            continue
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
