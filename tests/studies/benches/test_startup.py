"""The bench of starting times what it names, in processes of its own, and tells how much longer each takes."""

import pytest
from matplotlib import pyplot as plt

from studies.benches import startup


@pytest.fixture(scope="module")
def frame():
    return startup.bench(["compare"], repeats=1)


def test_each_subject_is_compared_with_both_references(frame):
    imports = [f"import {name}" for name in ("numpy, pandas", "astromorph", "biophys", "mapping")]
    assert frame.subject.tolist() == [startup.EMPTY, *imports, "astromorph --help", "astromorph compare --help"]
    empty, libraries = frame.cpu_seconds[:2]
    assert frame.ratio_to_empty.tolist() == pytest.approx((frame.cpu_seconds / empty).tolist())
    assert frame.ratio_to_numpy_and_pandas.tolist() == pytest.approx((frame.cpu_seconds / libraries).tolist())
    assert (frame.fastest == frame.seconds).all() and (frame.slowest == frame.seconds).all()  # of one turn
    assert (frame.cpu_seconds > 0).all() and libraries > empty


def test_packages_and_help_start_at_once(frame):
    taken = frame.set_index("subject").cpu_seconds
    assert taken[[*startup.PACKAGES]].max() < 0.5 * taken[startup.LIBRARIES]  # no library among what is imported
    assert taken["astromorph compare --help"] < 2 * taken[startup.LIBRARIES]


def test_what_is_compared_with_is_grey(frame):
    figure = startup.draw(frame)
    bars = figure.axes[0].patches
    assert [bar.get_width() for bar in bars] == frame.seconds.tolist()
    assert figure.get_supxlabel() == frame.attrs["hardware"]
    assert len({bar.get_facecolor() for bar in bars[:2]} & {bar.get_facecolor() for bar in bars[2:]}) == 0
    plt.close(figure)


def test_unknown_verbs_and_no_turns_are_refused():
    with pytest.raises(ValueError, match="verb 'trian' is not known; use some of simulate, sweep"):
        startup.bench(["trian"])
    with pytest.raises(ValueError, match="repeats 0 leaves nothing to time; use at least 1"):
        startup.bench(repeats=0)
