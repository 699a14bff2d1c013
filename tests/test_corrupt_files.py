"""Whatever a file holds, what reads it gives the right result or one sentence: it neither crashes nor hangs, runs
nothing that the file holds, and overwrites nothing.

A good file of every format is damaged (cut short, bits flipped, words exchanged, another format's content, a folder in
its place) and read by what reads it for users, most of it the command line. All damage is drawn from a seed. A pickle
that runs code in a CIFAR-10 batch is in astromorph/data/test_cifar10_images.py.
"""

import gzip
import hashlib
import io
import itertools
import json
import pickle
import random
import re
import shutil
import signal
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import xarray as xr
from PIL import Image
from scipy.io import wavfile

from astromorph.data import cifar10, imdb
from astromorph.data.spiking_hdf5 import read_spikes, write_spikes
from astromorph.data.spoken_digits import Recording, samples
from astromorph.data.verify import Published
from astromorph.runs.run_folder import RunFolder
from astromorph.settings import DigitsSettings
from astromorph.training import loop as training
from biophys.simulation.recording import load, save
from studies.command_line import main, sentence_of

RESULTS = Path(__file__).parents[1] / "studies" / "results"
LONGEST, HANGING = 10.0, 60.0  # seconds of the processor for one file; after so many SIGPROF ends what hangs
REVIEWS = {group: [f"review {n} of {group} \u00e9".encode() for n in range(3)] for group in imdb.GROUPS}
WORDS = re.compile(rb"[-+.\w]+")
WRONG = (
    *("null", "[]", "{}", "-1", "0", "1e999", ".nan", "''", "true", "[[1]]", "\0", "2001-99-99", "*a"),
    *("9" * 400, "9" * 5000),  # more than a float holds, and than Python reads
)


class Format(NamedTuple):
    """A kind of file: `make` fills a folder and gives the file to damage, `read` reads it as users have it read.

    `read` ends as the command line does: 0 and the result printed, or 2 and one sentence on stderr. checked: the file
    holds a digest or is compared with a published one, so that no other result is ever right.
    """

    make: Callable[[Path, Path], Path]  # of the runs and an empty folder
    read: Callable[[Path], int]
    checked: bool = False


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """`finished`, a run of one epoch, and `stopped`, the same before its test."""
    folder = tmp_path_factory.mktemp("runs")
    stopped = RunFolder.create(folder / "stopped", "digits", DigitsSettings(attention="linear", epochs=1), None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "time", SimpleNamespace(perf_counter=itertools.count().__next__))  # the same every time
        with patch.context() as before_the_test:
            before_the_test.setattr(training, "test_once", lambda *_: {})
            training.train(stopped, folder)
        shutil.copytree(stopped.path, folder / "finished")
        training.train(RunFolder.open(folder / "finished"), folder)
    return folder


def of_run(state: str, name: str) -> Callable[[Path, Path], Path]:
    """A file of a run."""
    return lambda runs, here: Path(shutil.copytree(runs / state, here / "run")) / name


def dataset(_: Path, here: Path) -> Path:
    moments = xr.Variable("time", np.linspace(0, 1, 20), {"units": "s", "long_name": "simulated time"})
    attributes = {"units": "umolar", "long_name": "calcium"}
    calcium = xr.DataArray(np.sin(moments.values), {"time": moments}, ["time"], attrs=attributes)
    told = {"study": "traces", "network": "li-rinzel", "seed": 3, "seconds": 1.0, "astrocyte.O_P": "0.9 umolar/second"}
    save(xr.Dataset({"calcium": calcium.expand_dims("astrocyte")}, attrs=told), here / "a.nc")
    return here / "a.nc"


def coefficients(_: Path, here: Path) -> Path:
    return Path(shutil.copy(RESULTS / "coefficients.yaml", here))


def settings_file(_: Path, here: Path) -> Path:
    (here / "a.yaml").write_text("epochs: 3\nlearning_rate: 0.001\neffects: [calcium, feedback]\ncompile: false\n")
    return here / "a.yaml"


def review_table(_: Path, here: Path) -> Path:
    rows = [
        (split, imdb.LABELS[label], 1, number, "a film", text.decode())
        for (split, label), texts in REVIEWS.items()
        for number, text in enumerate(texts)
    ]
    columns = dict(zip(imdb.COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
    (here / "imdb").mkdir()
    pyarrow.parquet.write_table(pyarrow.table(columns), here / imdb.PARQUET)
    return here / imdb.PARQUET


def review_archive(_: Path, here: Path) -> Path:
    with gzip.GzipFile(here / imdb.ARCHIVE, "wb", mtime=0) as file, tarfile.open(fileobj=file, mode="w") as tar:
        for (split, label), texts in REVIEWS.items():
            for number, text in enumerate(texts):
                add(tar, f"aclImdb/{split}/{label}/{number}_1.txt", text)
    return here / imdb.ARCHIVE


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def batches(_: Path, here: Path) -> Path:
    (here / cifar10.FOLDER).mkdir()
    for name, content in BATCHES.items():
        (here / cifar10.FOLDER / name).write_bytes(content)
    return here / cifar10.FOLDER / "data_batch_2"


def picture(_: Path, here: Path) -> Path:
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(here / "a.png")
    return here / "a.png"


def sound(_: Path, here: Path) -> Path:
    wavfile.write(here / "a.wav", 8000, np.arange(400, dtype=np.int16))
    return here / "a.wav"


def spikes(_: Path, here: Path) -> Path:
    times, units = [np.linspace(0, 0.9, 30)] * 4, [np.arange(30) * 3] * 4
    write_spikes(here / "a.h5", times, units, [0, 1, 2, 3], [0, 0, 1, 1], ["a", "b", "c", "d"])
    return here / "a.h5"


def published(content: bytes) -> Published:
    return Published(len(content), "sha256", hashlib.sha256(content).hexdigest())


def edition(archive: bytes) -> imdb.Edition:
    """That of REVIEWS, in that archive."""
    reviews = [imdb.Review(*group, number, text) for group in REVIEWS for number, text in enumerate(REVIEWS[group])]
    return imdb.Edition(3, published(archive), published(b"another writer's"), imdb.digest(reviews))


def batch(first: int) -> bytes:
    """A pickle with two images, and names as `batches.meta` has them."""
    content = {b"data": np.full((2, 3072), first, np.uint8), b"labels": [0, 1], b"label_names": [b"a", b"b"]}
    return pickle.dumps(content, protocol=3)


BATCHES = {name: batch(number) for number, name in enumerate((*cifar10.TRAIN, cifar10.TEST, cifar10.NAMES))}
BATCH_EDITION = cifar10.Edition(published(b""), {name: published(content) for name, content in BATCHES.items()})


def stated(read: Callable[[], object]) -> int:
    """A function that reads, with the ends of the command line."""
    try:
        print(read())
    except (ValueError, OSError) as error:
        print(f"astromorph: {sentence_of(error)}", file=sys.stderr)
        return 2
    return 0


def drawn(file: Path) -> int:
    status = main(["plot", str(file), "--out", str(file.parent / "new.png")])
    return status or stated(lambda: load(file).to_dict())


FORMATS = {
    "NetCDF": Format(dataset, drawn),
    "YAML settings": Format(
        settings_file, lambda file: main(["train", "digits", "--config", str(file), "--print_config"])
    ),
    "YAML coefficients": Format(
        coefficients, lambda file: main(["train", "digits", "--astrocyte", str(file), "--print_config"])
    ),
    "YAML of a run": Format(of_run("finished", "settings.yaml"), lambda file: main(["compare", str(file.parent)])),
    "JSON of a run": Format(of_run("finished", "summary.json"), lambda file: main(["compare", str(file.parent)])),
    "CSV of a run": Format(of_run("finished", "metrics.csv"), lambda file: main(["compare", str(file.parent)])),
    "safetensors": Format(
        of_run("stopped", "weights.safetensors"), lambda file: main(["evaluate", str(file.parent)]), checked=True
    ),
    "checkpoint": Format(
        of_run("stopped", "checkpoint.safetensors"),
        lambda file: main(["train", "digits", "--resume", str(file.parent)]),
        checked=True,
    ),
    "parquet": Format(
        review_table, lambda file: stated(lambda: imdb.load_imdb(file.parents[1], edition(b""))), checked=True
    ),
    "tar": Format(
        review_archive,
        lambda file: stated(lambda: imdb.load_imdb(file.parent, edition(file.with_name("good").read_bytes()))),
        checked=True,
    ),
    "CIFAR-10 batch": Format(
        batches, lambda file: stated(lambda: cifar10.load_cifar10(file.parents[1], BATCH_EDITION)), checked=True
    ),
    "PNG": Format(picture, lambda file: main(["evaluate", "digits", "--image", str(file)])),
    "wav": Format(sound, lambda file: stated(lambda: samples(Recording(file, 0, 0, 0)))),
    "HDF5": Format(spikes, lambda file: stated(lambda: read_spikes(file, 100, 50, 10, 0.1, 4))),
}


def damaged(content: bytes, others: list[bytes], number: int) -> bytes | None:
    """The content with the damage of that number; None for a folder in the file's place."""
    chance = random.Random(number)
    place, length = chance.randrange(len(content)), chance.randrange(1, 1 + len(content) // 4)
    match number % 7:
        case 0:
            return content[:place]
        case 1 | 2:
            bits = bytearray(content)
            for place in chance.choices(range(8 * len(content)), k=chance.choice((1, 1, 2, 8))):
                bits[place // 8] ^= 1 << place % 8
            return bytes(bits)
        case 3:
            start, end = chance.choice(list(WORDS.finditer(content))).span()
            return content[:start] + chance.choice(WRONG).encode() + content[end:]
        case 4:
            return content[:place] + content[place + length :]
        case 5:
            filling = chance.choice((bytes(8), b"\xff" * 8, chance.randbytes(8), content[:length]))
            return content[:place] + filling + content[place + len(filling) :]
        case _:
            return chance.choice([*others, b"", None, content * 2])


def listing(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("count", [14, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_is_read_rightly_or_refused(name, count, runs, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kind, good = FORMATS[name], tmp_path / "good"
    good.mkdir()
    place = kind.make(runs, good).relative_to(good)
    content = (good / place).read_bytes()
    others = [b"plain text", (RESULTS / "astrocyte.yaml").read_bytes(), (RESULTS / "segment.png").read_bytes()]
    (good / place.parent / "good").write_bytes(content)
    assert kind.read(Path(shutil.copytree(good, tmp_path / "here")) / place) == 0
    right, faults = capsys.readouterr().out, []
    for number in range(count):
        shutil.rmtree(tmp_path / "here")
        shutil.copytree(good, tmp_path / "here")
        file, changed = tmp_path / "here" / place, damaged(content, others, number)
        file.unlink()
        if changed is None:
            file.mkdir()
        else:
            file.write_bytes(changed)
        before, started = listing(tmp_path / "here"), time.process_time()
        signal.setitimer(signal.ITIMER_PROF, HANGING)
        try:
            status: int | str = kind.read(file)
        except Exception as error:
            status = f"{type(error).__name__}: {error}"
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        told = capsys.readouterr()
        if time.process_time() - started > LONGEST:
            faults.append(f"{number}: takes too long")
        if status == 0 and kind.checked and changed != content and told.out != right:
            faults.append(f"{number}: read wrongly")
        elif status == 2:
            if not told.err.startswith("astromorph: ") or told.err.count("\n") != 1 or len(told.err) > 800:
                faults.append(f"{number}: {told.err}")
            if listing(tmp_path / "here") != before:
                faults.append(f"{number}: refused, but it wrote")
        elif status != 0:
            faults.append(f"{number}: {status}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    "entry",
    [
        '!!python/object/apply:os.mkdir ["sprung"]',
        '!!python/object/new:pathlib.Path ["sprung"]',
        "!!python/name:os.system",
        "[" * 100_000,
        "{a: " * 20_000,
        "&a [*a]",
        "&a [x]\n" + "\n".join(f"k{n}: &k{n} [" + f"*{f'k{n - 1}' if n else 'a'}, " * 9 + "]" for n in range(20)),
    ],
    ids=("apply", "new", "name", "deep list", "deep section", "itself", "unfolding"),
)
def test_no_entry_of_a_yaml_file_is_run_or_unfolds(entry, runs, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    started = time.process_time()
    for name in ("YAML settings", "YAML coefficients", "YAML of a run"):
        kind, here = FORMATS[name], tmp_path / name
        here.mkdir()
        file = kind.make(runs, here)
        first, _, rest = file.read_text().partition(": ")
        file.write_text(f"{first}: {entry}\n{rest.partition(chr(10))[2]}")
        assert kind.read(file) == 2
        told = capsys.readouterr().err
        assert told.startswith(f"astromorph: {file} is not") and told.count("\n") == 1 and len(told) < 800
    assert not (tmp_path / "sprung").exists() and time.process_time() - started < LONGEST


@pytest.mark.parametrize("length", [2**62, 2**40, 99_999_999])
def test_a_header_that_promises_too_much_takes_no_memory(length, runs, tmp_path, capsys):
    for name in ("weights.safetensors", "checkpoint.safetensors"):
        file = of_run("stopped", name)(runs, tmp_path / name)
        good = file.read_bytes()
        size = int.from_bytes(good[:8], "little")
        header = json.loads(good[8 : 8 + size])
        first = next(key for key in header if key != "__metadata__")
        header[first] |= {"shape": [length], "data_offsets": [0, 4 * length]}
        told = json.dumps(header).encode()
        for content in (
            length.to_bytes(8, "little") + good[8:],
            len(told).to_bytes(8, "little") + told + good[8 + size :],
        ):
            file.write_bytes(content)
            words = ["evaluate", str(file.parent)] if name == "weights.safetensors" else ["train", "digits", "--resume"]
            assert main(words if words[0] == "evaluate" else [*words, str(file.parent)]) == 2
            assert str(file) in capsys.readouterr().err


@pytest.mark.parametrize("whole", [True, False])
def test_a_tar_that_climbs_out_writes_nothing(whole, tmp_path):
    (tmp_path / "data").mkdir()
    archive = tmp_path / "data" / imdb.ARCHIVE
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("../sprung", "../../sprung", str(tmp_path / "sprung"), "aclImdb/train/neg/../../../../sprung"):
            add(tar, name, b"climbed")
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE):
            member = tarfile.TarInfo("aclImdb/train/neg/7_1.txt")
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
        for (split, label), texts in REVIEWS.items() if whole else ():
            for number, text in enumerate(texts):
                add(tar, f"aclImdb/{split}/{label}/{number}_1.txt", text)
    status = stated(lambda: imdb.load_imdb(archive.parent, edition(archive.read_bytes())))
    assert status == (0 if whole else 2)
    assert sorted(path.name for path in tmp_path.rglob("*")) == [imdb.ARCHIVE, "data"]
