"""The words on a figure are those of its settings: the paper's numbers stand only where its settings are repeated."""

import re

import matplotlib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.text import Text

from studies.patterns import false_match, missed_match, nmda_threshold, union_property

matplotlib.use("Agg")
OTHER = {
    union_property: {"populations": [5000], "active": 100, "synapses": 30, "threshold": 10},
    nmda_threshold: {"populations": [5000, 20_000]},
    false_match: {"populations": [4000, 8000], "synapses": 20, "threshold": 9},
    missed_match: {"active": 90, "synapses": 25},
}
EQUATIONS = {"2016", "4", "6", "13", "14"}  # of Ahmad and Hawkins (2016)


def texts(figure):
    found = {text.get_text() for text in figure.findobj(Text)}
    matplotlib.pyplot.close(figure)
    return found


def words(figure):
    return " ".join(texts(figure))


def numbers(text):
    return set(re.findall(r"\d[\d,]*(?:\.\d+)?(?:e-?\d+)?", text)) - EQUATIONS


@pytest.mark.parametrize("study", OTHER, ids=lambda study: study.__name__.rpartition(".")[2])
def test_published_words_stand_only_on_published_settings(study):
    default, other = study.simulate(), study.simulate(**OTHER[study])
    assert default.attrs["caption"] == study.CAPTION
    assert re.search(r"Figure \d[AB]?:", words(study.draw(default)))
    assert "Figure" not in words(study.draw(other)) and "as printed" not in words(study.draw(other))
    assert not numbers(other.attrs["caption"]) & {"420", "2.04e-9", "376", "5", "7", "0.997368", "2.2", "0.9", "1e7"}


def test_numbers_of_a_caption_come_from_the_dataset():
    threshold = nmda_threshold.simulate(populations=[5000, 20_000])
    assert "false matches of 84 segments" in threshold.attrs["caption"]
    first = int(threshold.threshold[threshold.false_match_median <= 1e-9].min())
    there = threshold.sel(threshold=first)
    times = float(there.false_match_mean / there.false_match_median)
    assert f"from {first} on; there the mean is {float(f'{times:.3g}'):,g} times" in threshold.attrs["caption"]
    union = union_property.simulate(populations=[5000], active=100, synapses=30, threshold=10)
    assert "it is 0.973 to 1.05 times that of Eq. 14" in union.attrs["caption"]
    assert "No published frequency has these settings" in missed_match.simulate(synapses=25).attrs["caption"]
    part = false_match.simulate(populations=[300, 500])
    assert f"{int((abs(part.published_deviation) <= 1.96).sum())} of 6 lie within 1.96" in part.attrs["caption"]


def test_one_is_not_written_as_several():
    one = union_property.simulate(
        1, populations=[50], active=1, synapses=1, threshold=1, sampled_population=1, sampled_synapses=[1]
    )
    assert "it is that of Eq. 14" in one.attrs["caption"]
    assert {"A   1 cell, mean ± 2 sd", "50 cells"} <= texts(union_property.draw(one))
    single = nmda_threshold.simulate(populations=[5000], sparsities=[0.01], synapses=[20])
    assert "of 1 segment (Eq. 4)" in single.attrs["caption"]
    assert "there the mean is just as high as the median" in single.attrs["caption"]
    assert "A   5,000 cells" in texts(nmda_threshold.draw(single))
    missed = missed_match.simulate([1], active=1, synapses=1)
    assert "A   1 synapse on 1 active cell" in texts(missed_match.draw(missed))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(400, 9000), min_size=1, max_size=3, unique=True),
    st.integers(30, 300),
    st.integers(5, 30),
    st.integers(1, 12),
)
def test_no_setting_of_ones_own_gets_the_published_caption(populations, active, synapses, most):
    dataset = union_property.simulate(most, populations=populations, active=active, synapses=synapses, threshold=5)
    assert dataset.attrs["caption"] != union_property.CAPTION
    assert "nan" not in dataset.attrs["caption"]
    assert "Figure" not in dataset.attrs["caption"]
