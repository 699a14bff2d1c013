"""A small data set in CIFAR-10's own format, written here; a trap in a batch must never spring."""

import hashlib
import io
import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest

from astromorph.data import cifar10
from astromorph.data.cifar10 import Edition, load_cifar10
from astromorph.data.verify import Published

COUNT = 4  # images a batch
PIXELS = {name: np.random.default_rng(place).integers(0, 256, (COUNT, 3072), dtype=np.uint8)
          for place, name in enumerate([*cifar10.TRAIN, cifar10.TEST])}  # fmt: skip


def contents() -> dict[str, bytes]:
    files = {name: {b"labels": [3, 1, 4, 1], b"data": pixels} for name, pixels in PIXELS.items()}
    files[cifar10.NAMES] = {b"label_names": [b"airplane", b"automobile"]}
    return {name: pickle.dumps(content, protocol=3) for name, content in files.items()}


def known(content: bytes) -> Published:
    return Published(len(content), "md5", hashlib.md5(content).hexdigest())


def write_folder(root: Path, files: dict[str, bytes]) -> Edition:
    (root / cifar10.FOLDER).mkdir()
    for name, content in files.items():
        (root / cifar10.FOLDER / name).write_bytes(content)
    return Edition(cifar10.OFFICIAL.archive, {name: known(content) for name, content in files.items()})


def write_archive(root: Path, files: dict[str, bytes]) -> Edition:
    with tarfile.open(root / cifar10.ARCHIVE, "w:gz") as tar:
        traps = {
            f"../{cifar10.FOLDER}/test_batch": b"x",
            f"{cifar10.FOLDER}/../test_batch": b"x",
            "test_batch": b"x",
        }
        inside = {f"{cifar10.FOLDER}/{name}": content for name, content in files.items()}
        for name, content in (traps | inside | {f"{cifar10.FOLDER}/readme.html": b"x"}).items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    archive = known((root / cifar10.ARCHIVE).read_bytes())
    return Edition(archive, {name: known(content) for name, content in files.items()})


@pytest.mark.parametrize("write", [write_folder, write_archive])
def test_both_forms_give_every_pixel_in_its_place(tmp_path, write):
    images = load_cifar10(tmp_path, write(tmp_path, contents()))
    assert images.train_images.shape == (5 * COUNT, 3, 32, 32) and images.test_images.shape == (
        COUNT,
        3,
        32,
        32,
    )
    assert images.train_images.dtype == np.uint8 and images.train_labels.dtype == np.int64
    # byte 1024 c + 32 row + column of image i of batch b (Krizhevsky's page on the format)
    assert images.train_images[2 * COUNT + 1, 2, 5, 7] == PIXELS["data_batch_3"][1, 2 * 1024 + 5 * 32 + 7]
    assert np.array_equal(images.test_images.reshape(COUNT, -1), PIXELS["test_batch"])
    assert images.train_labels.tolist() == [3, 1, 4, 1] * 5
    assert images.class_names == ("airplane", "automobile")
    assert len(list(tmp_path.iterdir())) == 1  # nothing was extracted


class Trap:
    """Unpickled by Python's own unpickler, this makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("write", [write_folder, write_archive])
def test_an_altered_batch_is_refused_before_it_is_unpickled(tmp_path, write, monkeypatch):
    files = contents()
    trap = pickle.dumps(Trap(tmp_path / "sprung"))
    edition = write(tmp_path, files | {"data_batch_2": trap})
    edition = edition._replace(files={name: known(content) for name, content in files.items()})
    monkeypatch.setattr(cifar10, "unpickle", lambda _: pytest.fail("unpickled"))
    with pytest.raises(
        ValueError,
        match=f"data_batch_2.* is truncated .*expected .*md5 {edition.files['data_batch_2'].digest}",
    ):
        load_cifar10(tmp_path, edition)
    assert not (tmp_path / "sprung").exists()


def test_even_a_trap_with_the_right_md5_does_not_spring(tmp_path):
    trap = pickle.dumps(Trap(tmp_path / "sprung"))
    edition = write_folder(tmp_path, contents() | {"data_batch_2": trap})
    with pytest.raises(ValueError, match="asks for posix.mkdir, which is no array"):
        load_cifar10(tmp_path, edition)
    assert not (tmp_path / "sprung").exists()
    pickle.loads(trap)
    assert (tmp_path / "sprung").exists()  # it is a trap


def test_what_numpy_itself_pickles_with_a_trap_inside_is_refused(tmp_path):
    with pytest.raises(ValueError, match="asks for posix.mkdir"):
        cifar10.unpickle(pickle.dumps(np.array([Trap(tmp_path / "sprung")], dtype=object), protocol=3))
    assert not (tmp_path / "sprung").exists()


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cifar-10-python.tar.gz is missing; expected 170,498,071 bytes"):
        load_cifar10(tmp_path)
    edition = write_folder(tmp_path, contents())
    (tmp_path / cifar10.FOLDER / "test_batch").unlink()
    with pytest.raises(FileNotFoundError, match=rf"test_batch is missing; .*data fetch cifar10 --data {tmp_path}"):
        load_cifar10(tmp_path, edition)


def test_an_archive_without_a_batch_is_refused(tmp_path):
    files = contents()
    edition = write_archive(tmp_path, {name: files[name] for name in files if name != "data_batch_5"})
    with pytest.raises(ValueError, match="does not hold cifar-10-batches-py/data_batch_5"):
        load_cifar10(tmp_path, edition._replace(files={name: known(files[name]) for name in files}))
