"""Download a data set from its publisher, and say what is right or wrong with the files at hand."""

from pathlib import Path

import pooch
import requests
from tqdm import tqdm

from astromorph.data import cifar10, digits, imdb, mnist, spiking_sets, wikitext2
from astromorph.data.verify import Published, fault_of_file

INTACT = "intact"
# address, place under the data folder, and what is known of each file that is downloaded
FILES: dict[str, list[tuple[str, str, Published]]] = {
    "imdb": [(imdb.ADDRESS, imdb.ARCHIVE, imdb.OFFICIAL.archive)],
    "cifar10": [(cifar10.ADDRESS, cifar10.ARCHIVE, cifar10.OFFICIAL.archive)],
    "wikitext2": [
        (f"{wikitext2.ADDRESS}/{part}.txt", f"{wikitext2.FOLDER}/{wikitext2.file_name(part)}", known)
        for part, known in wikitext2.OFFICIAL.items()
    ],
    "mnist": [(f"{mnist.ADDRESS}/{name}", f"{mnist.FOLDER}/{name}", known) for name, known in mnist.OFFICIAL.items()],
}
NAMES = (*FILES, "digits", *spiking_sets.PARTS)


def fetch(name: str, root: Path) -> Path:
    """Download what is missing or altered of data set `name` into `root`; the path of its first file then.

    OSError or ValueError in one sentence, which says what to download by hand, if network or file fails.
    """
    present = check(name, root)
    if all(status == INTACT for _, status in present):
        return present[0][0]
    if name not in FILES:
        raise ValueError(next(status for _, status in present if status != INTACT))
    for address, place, published in FILES[name]:
        if fault_of_file(root / place, published):
            download(address, root / place, published)
    return root / FILES[name][0][1]


def download(address: str, path: Path, published: Published) -> None:
    """One file, checked, with a progress bar; OSError or ValueError as above."""
    by_hand = f"download it by hand into {path.parent} ({published})"
    path.parent.mkdir(parents=True, exist_ok=True)
    progress = tqdm(total=published.size, unit="B", unit_scale=True, desc=f"downloading {path.name}", disable=None)
    downloader = pooch.HTTPDownloader(progressbar=progress, timeout=30)
    try:
        pooch.retrieve(
            address, f"{published.algorithm}:{published.digest}", path.name, path.parent, downloader=downloader
        )
    except requests.RequestException as error:
        raise ConnectionError(f"{address} cannot be reached ({type(error).__name__}); {by_hand}") from error
    except ValueError as error:
        raise ValueError(f"{address} did not deliver the published file; try again, or {by_hand}") from error
    finally:
        progress.close()


def check(name: str, root: Path) -> list[tuple[Path, str]]:
    """Each file of data set `name` that would be read, and "intact" or what is wrong with it.

    ValueError for a data set that does not exist.
    """
    if name not in NAMES:
        raise ValueError(f"there is no data set {name!r}; use one of {', '.join(NAMES)}")
    if name in spiking_sets.PARTS:
        return check_spiking(name, root)
    if name == "imdb":
        return check_imdb(root)
    files = {root / place: known for _, place, known in FILES.get(name, ())}
    if name == "cifar10" and (folder := root / cifar10.FOLDER).is_dir():
        files = {folder / file: known for file, known in cifar10.OFFICIAL.files.items()}
    if name == "digits":
        files = {Path(digits.__file__).with_name(digits.FILE): digits.PUBLISHED}
    return [status_of(path, known) for path, known in files.items()]


def check_imdb(root: Path) -> list[tuple[Path, str]]:
    try:
        source = imdb.find_imdb(root)
    except FileNotFoundError:
        return [(root / imdb.ARCHIVE, f"missing; expected {imdb.OFFICIAL.archive}")]
    if source == root / imdb.ARCHIVE:
        return [status_of(source, imdb.OFFICIAL.archive)]
    try:
        if imdb.proven_digest(root) is None:
            imdb.load_imdb(root)  # an extracted folder, or a table written anew: only its content can tell
    except (OSError, ValueError) as error:
        return [(source, str(error))]
    return [(source, INTACT)]


def check_spiking(name: str, root: Path) -> list[tuple[Path, str]]:
    """Only whether the files are there: no checksums are published of the unpacked ones, and readers look into them."""
    files = {part: spiking_sets.spiking_file(name, part, root) for part in spiking_sets.PARTS[name]}
    missing = lambda part, path: f"{path} is missing; {spiking_sets.cure(name, part, root)}"
    return [(path, INTACT if path.is_file() else missing(part, path)) for part, path in files.items()]


def status_of(path: Path, published: Published) -> tuple[Path, str]:
    fault = fault_of_file(path, published)
    return path, f"{fault}; expected {published}" if fault else INTACT
