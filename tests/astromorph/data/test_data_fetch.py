"""Downloads against a server that is started here; folders, and the state of files."""

import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from astromorph.data import cifar10, fetch, imdb, locations, mnist
from astromorph.data.locations import data_root, fetch_command
from astromorph.data.spiking_sets import cure
from astromorph.data.verify import Published, fault_of_file

CONTENT = b"an archive" * 1000
KNOWN = Published(len(CONTENT), "md5", hashlib.md5(CONTENT).hexdigest())


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def address(tmp_path):
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / imdb.ARCHIVE).write_bytes(CONTENT)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path / "served"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/{imdb.ARCHIVE}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def publish(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def publish(address: str, known: Published) -> None:
        monkeypatch.setitem(fetch.FILES, "imdb", [(address, imdb.ARCHIVE, known)])
        monkeypatch.setattr(imdb, "OFFICIAL", imdb.OFFICIAL._replace(archive=known))

    return publish


def test_a_file_arrives_whole_and_is_not_fetched_twice(address, publish, tmp_path):
    publish(address, KNOWN)
    root = tmp_path / "made" / "on the way"
    path = fetch.fetch("imdb", root)
    assert path.read_bytes() == CONTENT and list(root.iterdir()) == [path]
    publish("http://127.0.0.1:1/", KNOWN)
    assert fetch.fetch("imdb", root) == path


def test_a_file_that_is_not_the_published_one_is_not_kept(address, publish, tmp_path):
    publish(address, KNOWN._replace(digest="0" * 32))
    with pytest.raises(ValueError, match="did not deliver the published file; .*by hand") as caught:
        fetch.fetch("imdb", tmp_path / "data")
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "data").iterdir()) == []


def test_a_damaged_file_is_replaced(address, publish, tmp_path):
    publish(address, KNOWN)
    (tmp_path / imdb.ARCHIVE).write_bytes(CONTENT[:-1])
    ((path, status),) = fetch.check("imdb", tmp_path)
    assert path == tmp_path / imdb.ARCHIVE and status.startswith("truncated (it has 9,999 bytes); expected 10,000")
    assert fetch.fetch("imdb", tmp_path).read_bytes() == CONTENT
    assert fetch.check("imdb", tmp_path) == [(path, "intact")]


@pytest.mark.parametrize("name", ["", "nothing-here"])
def test_no_network_says_what_to_do_by_hand(name, address, publish, tmp_path):
    wrong = f"{address}/{name}" if name else "http://127.0.0.1:1/" + imdb.ARCHIVE  # port 1 is closed
    publish(wrong, KNOWN)
    with pytest.raises(ConnectionError, match=f"cannot be reached .*by hand into {tmp_path} .*md5 {KNOWN.digest}"):
        fetch.fetch("imdb", tmp_path)


def test_check_lists_every_file_of_a_data_set(tmp_path):
    assert fetch.check("cifar10", tmp_path)[0][1].startswith("missing; expected 170,498,071 bytes")
    assert fetch.check("imdb", tmp_path)[0][1].startswith("missing; expected 84,125,825 bytes")
    (tmp_path / cifar10.FOLDER).mkdir()
    (tmp_path / cifar10.FOLDER / "test_batch").write_bytes(bytes(31_035_526))
    found = {path.name: status for path, status in fetch.check("cifar10", tmp_path)}
    assert set(found) == set(cifar10.OFFICIAL.files)
    assert found["test_batch"].startswith("altered") and found["data_batch_1"].startswith("missing")
    (tmp_path / "aclImdb").mkdir()
    ((_, status),) = fetch.check("imdb", tmp_path)
    assert "train/neg is missing" in status
    assert [status for _, status in fetch.check("digits", tmp_path)] == ["intact"]
    assert fetch.fetch("digits", tmp_path).name == "digits.csv.gz"


def test_an_unknown_data_set_gets_the_list():
    with pytest.raises(ValueError, match="no data set 'emnist'; use one of imdb, cifar10, wikitext2, mnist, digits"):
        fetch.fetch("emnist", Path())


def test_only_the_faulty_files_of_a_data_set_are_fetched(address, monkeypatch, tmp_path):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    places = {name: f"raw/{name}" for name in mnist.OFFICIAL}
    monkeypatch.setattr(mnist, "FOLDER", "raw")
    monkeypatch.setattr(mnist, "OFFICIAL", dict.fromkeys(mnist.OFFICIAL, KNOWN))
    asked = [(f"{address}/nowhere", place, KNOWN) for place in places.values()]
    asked[0] = (address, asked[0][1], KNOWN)
    monkeypatch.setitem(fetch.FILES, "mnist", asked)
    (tmp_path / "raw").mkdir()
    for place in [*places.values()][1:]:
        (tmp_path / place).write_bytes(CONTENT)  # intact: their addresses lead nowhere
    assert [status[:7] for _, status in fetch.check("mnist", tmp_path)] == ["missing", *["intact"] * 3]
    assert fetch.fetch("mnist", tmp_path) == tmp_path / asked[0][1]
    assert {status for _, status in fetch.check("mnist", tmp_path)} == {"intact"}


def test_faults_of_a_file(tmp_path):
    path = tmp_path / "file"
    assert fault_of_file(path, KNOWN) == "missing"
    for content, fault in (
        (CONTENT, ""),
        (CONTENT[1:], "truncated"),
        (CONTENT + b"x", "altered"),
        (b"", "truncated"),
    ):
        path.write_bytes(content)
        found = fault_of_file(path, KNOWN)
        assert found.startswith(fault) and bool(found) == bool(fault)


def test_the_data_folder_is_the_option_then_the_variable_then_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv(locations.VARIABLE, str(tmp_path))
    (tmp_path / "inside").mkdir()
    assert data_root(tmp_path / "inside") == tmp_path / "inside"
    assert data_root() == tmp_path
    monkeypatch.setenv(locations.VARIABLE, "")
    assert data_root() == locations.cache_folder()
    assert locations.fetch_command("imdb", data_root()) == "astromorph data fetch imdb"
    assert locations.fetch_command("imdb", tmp_path) == f"astromorph data fetch imdb --data {tmp_path}"


def test_a_named_data_folder_must_exist(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"nothing \(--data\) does not exist"):
        data_root(tmp_path / "nothing")
    (tmp_path / "file").touch()
    monkeypatch.setenv(locations.VARIABLE, str(tmp_path / "file"))
    with pytest.raises(NotADirectoryError, match=r"file \(ASTROMORPH_DATA\) is a file"):
        data_root()


def test_a_folder_with_a_blank_is_quoted_in_what_to_type():
    folder = Path("/data sets")
    assert fetch_command("imdb", folder) == "astromorph data fetch imdb --data '/data sets'"
    assert "--data '/data sets'`" in cure("spoken-digits", "train", folder)
