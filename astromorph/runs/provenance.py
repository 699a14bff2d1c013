"""Where a result came from: command, versions, commit, machine and date, as plain text.

Collected once by who starts the work and handed down as an argument; nothing below asks for it again.
"""

import datetime
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from astromorph import __version__

PACKAGES = ("torch", "numpy", "brian2")


def provenance(command: Sequence[str] | str) -> dict[str, str]:
    """Text under the keys command, python, one a package, commit, hardware and date (UTC).

    command: the words after `astromorph` on the command line, or a call in Python as text. No package is imported to
    learn its version, and a graphics processor is named only if torch is loaded already.
    """
    return {
        "command": command if isinstance(command, str) else shlex.join(["astromorph", *command]),
        "python": platform.python_version(),
        "astromorph": __version__,
        **{name: _version(name) for name in PACKAGES},
        "commit": commit(Path(__file__)),
        "hardware": hardware(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def commit(file: Path) -> str:
    """Commit of the checkout that tracks `file`, "+changes" after it if tracked files differ; else "unknown".

    A copy of the file that merely lies inside a checkout (an installed one in `.venv`) is not tracked by it.
    """
    if _git(file, "ls-files", "--error-unmatch", file.name) is None:
        return "unknown"
    found = _git(file, "rev-parse", "HEAD")
    if found is None:
        return "unknown"
    return found + ("+changes" if _git(file, "status", "--porcelain", "--untracked-files=no") else "")


def hardware() -> str:
    """Processor, the cores this process may use and, once torch is loaded, the graphics processor."""
    parts = [f"{processor_name()}, {len(os.sched_getaffinity(0))} cores"]
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        parts.append(torch.cuda.get_device_name())
    return ", ".join(parts)


def processor_name() -> str:
    described = Path("/proc/cpuinfo")
    lines = described.read_text(encoding="utf-8").splitlines() if described.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine() or "unknown processor"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _git(file: Path, *words: str) -> str | None:
    """What git answers in the folder of `file`; None if it refuses or is not there."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(file.parent), *words], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
