"""The compiled passes run where they are faster, as was measured once."""

import json

import pytest
import torch

from astromorph.attention import choice, compiled, forms, functional, scans
from astromorph.attention.choice import Times
from astromorph.attention.distance import MultiplicativeDistance
from astromorph.native import build


@pytest.fixture
def fresh(monkeypatch):
    monkeypatch.delenv("ASTROMORPH_PLAIN", raising=False)
    monkeypatch.delenv("ASTROMORPH_COMPILED", raising=False)
    clear = choice.times.cache_clear
    clear()
    yield
    clear()


@pytest.mark.parametrize("source", [compiled.SOURCE, compiled.FADING])
def test_both_are_measured_and_what_was_measured_is_read_again(fresh, source, monkeypatch):
    measured = choice.measure(source)
    assert 0 < measured.compiled < 5 and 0 < measured.plain < 5
    first = choice.times(source)
    assert json.loads(build.built_file(source).with_suffix(".json").read_text(encoding="utf-8")) == first._asdict()
    choice.times.cache_clear()
    monkeypatch.setattr(choice, "measure", lambda source: pytest.fail("measured again"))
    assert choice.times(source) == first


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"compiled": "a", "plain": 1}', "\x00"])
def test_a_damaged_measurement_is_made_anew(fresh, text, tmp_path, monkeypatch):
    monkeypatch.setattr(choice, "built_file", lambda source: tmp_path / "a.so")
    monkeypatch.setattr(choice, "measure", lambda source: Times(1.0, 2.0))
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    assert choice.times(compiled.SOURCE) == Times(1.0, 2.0)
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"compiled": 1.0, "plain": 2.0}


def test_measured_inside_inference_mode_in_double_precision(fresh):
    torch.set_default_dtype(torch.float64)
    try:
        with torch.inference_mode():
            assert choice.measure(compiled.SOURCE).plain > 0
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("position", [{}, {"position": MultiplicativeDistance(1)}])
def test_plain_formulas_are_taken_where_they_are_clearly_faster(fresh, position, monkeypatch):
    x = torch.randn(1, 1, 6, 4)
    calls = []
    name = "fading" if position else "causal"
    scan = getattr(scans, name)
    monkeypatch.setattr(forms.scans, name, lambda *words: calls.append(1) or scan(*words))
    outputs = []
    for plain, taken in ((0.9, 1), (0.5, 0)):
        calls.clear()
        monkeypatch.setattr(choice, "times", lambda source, plain=plain: Times(1.0, plain))
        outputs.append(functional.astromorphic_attention(x, x, x, is_causal=True, **position))
        assert len(calls) == taken
    monkeypatch.setenv("ASTROMORPH_COMPILED", "1")
    functional.astromorphic_attention(x, x, x, is_causal=True, **position)
    assert len(calls) == 1
    torch.testing.assert_close(*outputs)
