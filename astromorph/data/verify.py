"""A file is what it was when it was published, or it is not read.

A digest (md5 where the publisher gave one, sha256 where we recorded one) decides; the size only explains: a
short file was cut off while it was downloaded, any other difference is an alteration. The sentence that a
user sees names the file, what was expected and how to get it.
"""

import hashlib
import io
from pathlib import Path
from typing import BinaryIO, NamedTuple


class Published(NamedTuple):
    """What is known of a file from its publisher."""

    size: int  # bytes
    algorithm: str  # "md5" or "sha256"
    digest: str  # hexadecimal

    def __str__(self) -> str:
        return f"{self.size:,} bytes with {self.algorithm} {self.digest}"


def fault_of(stream: BinaryIO, published: Published) -> str:
    """What is wrong with the content from here to the end of `stream`; empty if it is as published."""
    start = stream.tell()
    found = hashlib.file_digest(stream, published.algorithm).hexdigest()  # type: ignore[arg-type]
    size = stream.seek(0, io.SEEK_END) - start  # digesting bytes in memory does not move the position
    if found == published.digest:
        return ""
    if size < published.size:
        return f"truncated (it has {size:,} bytes)"
    return f"altered (it has {size:,} bytes and {published.algorithm} {found})"


def fault_of_file(path: Path, published: Published) -> str:
    """ "missing", "truncated ...", "altered ...", or empty if the file is as published."""
    if not path.is_file():
        return "missing"
    with path.open("rb") as stream:
        return fault_of(stream, published)


def require_file(path: Path, published: Published, cure: str) -> None:
    """Raise FileNotFoundError or ValueError unless `path` is as published; `cure` says how to get it."""
    fault = fault_of_file(path, published)
    if fault:
        kind = FileNotFoundError if fault == "missing" else ValueError
        raise kind(f"{path} is {fault}; expected {published}: {cure}")


def read_required(path: Path, published: Published, cure: str) -> bytes:
    """The content of `path`, checked after it was read, so that what is used is what was checked."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; expected {published}: {cure}")
    content = path.read_bytes()
    require_content(str(path), content, published, cure)
    return content


def require_content(name: str, content: bytes, published: Published, cure: str) -> None:
    """Raise ValueError in one sentence unless `content` is as published."""
    fault = fault_of(io.BytesIO(content), published)
    if fault:
        raise ValueError(f"{name} is {fault}; expected {published}: {cure}")
