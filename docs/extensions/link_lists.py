"""Links into the documentation of other projects, without a network: inventories made from text files.

The first line of `links/PROJECT.txt` is the root of that project's pages; every other line names an object, its role,
and its page below the root, in which a last `$` stands for the object's name. `compiled` writes the inventory that
`sphinx.ext.intersphinx` reads (version 2: four lines of head, then the compressed list).
"""

import zlib
from pathlib import Path

HEAD = (
    "# Sphinx inventory version 2\n# Project: {}\n# Version: \n# The remainder of this file is compressed using zlib.\n"
)


def compiled(lists: Path, out: Path) -> dict[str, tuple[str, str]]:
    """Writes an inventory into `out` for each list; returns `intersphinx_mapping`."""
    out.mkdir(parents=True, exist_ok=True)
    mapping = {}
    for file in sorted(lists.glob("*.txt")):
        root, *lines = file.read_text(encoding="utf-8").splitlines()
        entries = "".join(entry(file, line) for line in lines if line.strip())
        inventory = out / f"{file.stem}.inv"
        inventory.write_bytes(HEAD.format(file.stem).encode() + zlib.compress(entries.encode()))
        mapping[file.stem] = (root, str(inventory))
    return mapping


def entry(file: Path, line: str) -> str:
    """A line of an inventory: name, domain and role, priority, page, shown name."""
    match line.split():
        case [name, role, page]:
            return f"{name} py:{role} 1 {page} -\n"
    raise ValueError(f"{file.name}: {line!r} is no link; write the object, its role and its page")
