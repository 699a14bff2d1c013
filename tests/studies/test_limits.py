"""What no memory holds is refused before it is made, in one sentence that names the limit."""

import pytest

from biophys.patterns import overlap_count, union_false_match_probability
from studies.command_line import main

CELLS = "--population 10000 --active 200 --synapses 25 --threshold 15"
LARGE = [
    "patterns false-match --population 10000 --active 300 --synapses 30 --threshold 1:100000000",
    "patterns false-match --population 10000 --active 300 --synapses 30 --threshold 12 --comparisons 1e15 --jobs 1",
    "patterns overlap --population 1e7 --active 5e6 --synapses 3e6 --overlap 1e6",
    "patterns overlap --population 100000 --active 50000 --synapses 100 --overlap 50",
    f"patterns union {CELLS} --patterns 1e9",
    f"patterns union-missed {CELLS} --patterns 1e9 --lost 60",
    "patterns union --population 1e9 --active 1e8 --synapses 1e8 --threshold 15 --patterns 3",
    "patterns best-threshold --population 1e9 --active 1e8 --synapses 1e8 --lost 10",
    "patterns missed-match --active 1e8 --synapses 1e7 --threshold 1e6 --lost 5e7 --law readd --population 1e9",
    "patterns optimal-threshold --population 1000:1000000:1000000 --threshold 1:1000",
    "sweep li-rinzel --axis stimulus.I=0.1:0.2:100000000*umolar",
    "sweep li-rinzel --axis stimulus.I=0.1:0.2:2000*umolar --axis astrocyte.O_P=0.6:0.9:2000*umolar/second",
    "sweep li-rinzel --axis stimulus.I=0.1:0.2:2*umolar --seeds 1000000000",
    "study union-property --most-patterns 100000000",
    "study union-property --most-patterns 1000000",
    "study union-capacity --most-patterns 100000000",
    "study missed-match --active 1000000000",
    "study stdp-window --lags 1000000000",
    "study stdp-window --pairs 1000000 --rates 0.001",
    "study calcium-regimes --drives 1000000",
    "study nmda-segment --most-synapses 1000000",
    "study rate-response --trials 1000000",
    "study gap-junction-synchrony --rows 100000 --columns 100000",
    "study process-length --compartments 1000000",
    "study self-repair --repetitions 1000000",
    "study delay-coincidence --patterns 1000000",
]


@pytest.mark.parametrize("words", LARGE)
def test_too_large_is_refused_at_once(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(words.split()) == 2
    message = capsys.readouterr().err
    assert message.startswith("astromorph: ") and message.count("\n") == 1
    assert "memory" not in message and "sys." not in message and any(digit in message for digit in "123456789")
    assert not list(tmp_path.glob("*.*"))


def test_large_numbers_of_patterns_are_still_counted():
    assert overlap_count(10_000, 5000, 20, 10) > 10**3000
    assert 0 < union_false_match_probability(10_000, 20, 5, 4, 2000) < 1
