"""Files in the layout of the Spiking Heidelberg Digits, made here: binned by hand, written and read, and damaged."""

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astromorph.data.spiking_hdf5 import ROUNDING, binned, read_spikes, write_spikes

BINS = {"units": 700, "channels": 140, "frames": 10, "frame": 0.01, "classes": 20}


def published(path, times, units, labels, speakers=None):
    """A file as its publishers write it: times in half precision, units and labels in uint16."""
    with h5py.File(path, "w") as file:
        for name, rows, kind in (("times", times, np.float16), ("units", units, np.uint16)):
            dataset = file.create_dataset(f"spikes/{name}", (len(rows),), h5py.vlen_dtype(kind))
            for number, row in enumerate(rows):
                dataset[number] = np.array(row, kind)
        file["labels"] = np.array(labels, np.uint16)
        if speakers is not None:
            file["extra/speaker"] = np.array(speakers, np.uint16)
            file["extra/keys"] = np.array([f"word {k}" for k in range(20)], h5py.string_dtype())
    return path


@pytest.fixture
def good(tmp_path):
    times, units = [[0.001, 0.0112, 0.012, 0.25], []], [[0, 699, 695, 3], []]
    return published(tmp_path / "shd_train.h5", times, units, [3, 19], [1, 4])


def test_spikes_are_counted_by_frame_and_group(good):
    read = read_spikes(good, **BINS)
    expected = np.zeros((2, 10, 140), np.uint8)
    expected[0, 0, 0], expected[0, 1, 139] = 1, 2  # the last spike comes after the last frame
    np.testing.assert_array_equal(read.counts, expected)
    assert read.labels.tolist() == [3, 19] and read.speakers.tolist() == [1, 4]
    assert read.class_names[3] == "word 3"


def test_speakers_and_names_may_be_missing(tmp_path):
    read = read_spikes(published(tmp_path / "a.h5", [[0.0]], [[1]], [2]), **BINS)
    assert read.speakers.tolist() == [-1] and read.class_names == tuple(map(str, range(20)))


@given(
    st.lists(st.tuples(st.floats(0, 2, width=32), st.integers(0, 11)), max_size=60),
    st.sampled_from([1, 2, 4, 12]),
    st.integers(1, 30),
)
def test_binning_equals_a_loop(spikes, channels, frames):
    time, unit = np.array([t for t, _ in spikes]), np.array([u for _, u in spikes], int)
    counts, expected = np.zeros((2, frames, channels), np.uint8)
    binned(time, unit, 12, 0.0625, counts)
    for t, u in spikes:
        step = int(t / 0.0625 + ROUNDING)
        if step < frames:
            expected[step, u // (12 // channels)] += 1
    np.testing.assert_array_equal(counts, expected)


def test_more_spikes_than_a_byte_holds_are_the_most_it_holds():
    counts = np.zeros((1, 1), np.uint8)
    binned(np.zeros(300), np.zeros(300, int), 1, 0.01, counts)
    assert counts.tolist() == [[255]]


def test_a_time_on_a_frame_begins_it():
    for type_ in (np.float32, np.float64):
        counts = np.zeros((100, 1), np.uint8)
        binned(np.arange(100).astype(type_) * type_(0.01), np.zeros(100, int), 1, 0.01, counts)
        assert (counts == 1).all()


def test_what_is_written_is_read(tmp_path):
    draw = np.random.default_rng(0)
    times = [np.sort(draw.random(n)) * 0.1 for n in (0, 5, 40)]
    units = [draw.integers(0, 40, len(row)) for row in times]
    path = tmp_path / "new" / "file.h5"
    write_spikes(path, times, units, [0, 1, 2], [5, 4, 3], ["zero", "one", "two"])
    read = read_spikes(path, 40, 40, 10, 0.01, 3)
    assert read.counts.sum((1, 2)).tolist() == [0, 5, 40]
    for number, row in enumerate(units):
        np.testing.assert_array_equal(read.counts[number].sum(0), np.bincount(row, minlength=40))
    assert read.labels.tolist() == [0, 1, 2] and read.speakers.tolist() == [5, 4, 3]
    assert read.class_names == ("zero", "one", "two")
    assert [each.name for each in path.parent.iterdir()] == ["file.h5"]


@pytest.mark.parametrize(
    ("times", "units", "labels", "reason"),
    [
        ([[0.1]], [[700]], [0], "units 700 to 700, not 0 to 699"),
        ([[-0.1]], [[7]], [0], "a time that is negative or no number"),
        ([[np.nan]], [[7]], [0], "a time that is negative or no number"),
        ([[0.1, 0.2]], [[7]], [0], r"times of shape \(2,\) with units of shape \(1,\)"),
        ([[0.1]], [[7]], [0, 1], "1 rows of times, 1 of units and 2 labels"),
        ([[0.1]], [[7]], [20], "labels 20 to 20, not 0 to 19"),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path, times, units, labels, reason):
    path = published(tmp_path / "bad.h5", times, units, labels)
    with pytest.raises(ValueError, match=reason) as error:
        read_spikes(path, **BINS)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("missing", ["labels", "spikes/times", "spikes"])
def test_a_file_without_a_part_is_refused(good, missing):
    with h5py.File(good, "a") as file:
        del file[missing]
    with pytest.raises(ValueError, match="does not hold spiking recordings"):
        read_spikes(good, **BINS)


@pytest.mark.parametrize("kept", [0, 100, 3000])
def test_a_cut_file_is_refused(good, kept):
    good.write_bytes(good.read_bytes()[:kept])
    with pytest.raises(ValueError, match="does not hold spiking recordings"):
        read_spikes(good, **BINS)


def test_a_missing_file_and_an_odd_number_of_channels(tmp_path, good):
    with pytest.raises(FileNotFoundError, match="none.h5 does not exist"):
        read_spikes(tmp_path / "none.h5", **BINS)
    with pytest.raises(ValueError, match="700 units do not divide into 64 channels; use a divisor"):
        read_spikes(good, **(BINS | {"channels": 64}))
