"""CIFAR-10: 50,000 training and 10,000 test colour photographs of 32 x 32 pixels in ten classes.

A. Krizhevsky, "Learning multiple layers of features from tiny images", University of Toronto 2009. The data
come as pickles, and unpickling can run any code: each file's published md5 is checked before it is unpickled,
and the unpickler knows nothing but NumPy's arrays. Read from `cifar-10-batches-py/`, else from the official
archive `cifar-10-python.tar.gz`, in memory.
"""

import io
import pickle
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy._core.multiarray import _reconstruct  # type: ignore[attr-defined]

from astromorph.data.images import Images
from astromorph.data.locations import fetch_command
from astromorph.data.verify import Published, read_required, require_content, require_file

FOLDER, ARCHIVE = "cifar-10-batches-py", "cifar-10-python.tar.gz"
ADDRESS = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
TRAIN, TEST, NAMES = [f"data_batch_{number}" for number in range(1, 6)], "test_batch", "batches.meta"


class Edition(NamedTuple):
    """What the published data set is known by."""

    archive: Published
    files: Mapping[str, Published]


OFFICIAL = Edition(
    archive=Published(170_498_071, "md5", "c58f30108f718f92721af3b95e74349a"),
    files={
        "data_batch_1": Published(31_035_704, "md5", "c99cafc152244af753f735de768cd75f"),
        "data_batch_2": Published(31_035_320, "md5", "d4bba439e000b95fd0a9bffe97cbabec"),
        "data_batch_3": Published(31_035_999, "md5", "54ebc095f3ab1f0389bbae665268c751"),
        "data_batch_4": Published(31_035_696, "md5", "634d18415352ddfa80567beed471001a"),
        "data_batch_5": Published(31_035_623, "md5", "482c414d41f54cd18b22e5b47cb7c3cb"),
        "test_batch": Published(31_035_526, "md5", "40351d587109b95175f43aff81a1287e"),
        "batches.meta": Published(158, "md5", "5ff9c542aee3614f3951f8cda6e48888"),
    },
)


class ArraysOnly(pickle.Unpickler):
    """An unpickler that builds NumPy arrays and plain values, and refuses every other name."""

    KNOWN = {
        ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.KNOWN:
            raise ValueError(f"a CIFAR-10 batch asks for {module}.{name}, which is no array; do not trust this file")
        return self.KNOWN[module, name]


def load_cifar10(root: Path, edition: Edition = OFFICIAL) -> Images:
    """Read the images under `root`; a missing or altered file is an OSError or ValueError in one sentence."""
    contents = read_folder(root, edition) if (root / FOLDER).is_dir() else read_archive(root, edition)
    batches = {name: unpickle(content) for name, content in contents.items()}
    images, labels = zip(*(images_of(batches[name]) for name in TRAIN), strict=True)
    names = tuple(name.decode() for name in batches[NAMES][b"label_names"])
    return Images(np.concatenate(images), np.concatenate(labels), *images_of(batches[TEST]), names)


def unpickle(content: bytes) -> dict[bytes, Any]:
    return ArraysOnly(io.BytesIO(content), encoding="bytes").load()


def images_of(batch: dict[bytes, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 [n, 3, 32, 32] (red, green, blue planes) and labels int64 [n] of one batch."""
    return batch[b"data"].reshape(-1, 3, 32, 32), np.array(batch[b"labels"], dtype=np.int64)


def read_folder(root: Path, edition: Edition) -> dict[str, bytes]:
    again = f"delete {root / FOLDER} and {cure(root)}"
    return {name: read_required(root / FOLDER / name, known, again) for name, known in edition.files.items()}


def read_archive(root: Path, edition: Edition) -> dict[str, bytes]:
    """Members are read in memory and only by the names that the data set has; nothing is written to disk."""
    path, contents = root / ARCHIVE, {}
    require_file(path, edition.archive, cure(root))
    with tarfile.open(path, "r|gz") as tar:
        for member in tar:
            folder, _, name = member.name.rpartition("/")
            if folder == FOLDER and name in edition.files and member.isfile() and (file := tar.extractfile(member)):
                contents[name] = file.read()
                require_content(f"{path} ({member.name})", contents[name], edition.files[name], cure(root))
    lacking = [name for name in edition.files if name not in contents]
    if lacking:
        raise ValueError(f"{path} does not hold {FOLDER}/{lacking[0]}: {cure(root)}")
    return contents


def cure(root: Path) -> str:
    return f"run `{fetch_command('cifar10', root)}`, or download {ADDRESS} into {root}"
