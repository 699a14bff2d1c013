"""A language model goes on with what it has learned, in words and in byte pairs."""

import numpy as np
import pytest
import torch

from astromorph.data.wikitext2 import NumberedText
from astromorph.language.from_settings import build_model as language_model
from astromorph.runs.generation import continue_text, continued
from astromorph.runs.run_folder import RunFolder
from astromorph.settings import DigitsSettings, Wikitext2Settings
from astromorph.tasks import wikitext2
from astromorph.training.loop import train

WORDS = ("<eos>", "calcium", "rises", "and", "falls", "<unk>")  # the text says them over and over


@pytest.fixture(scope="module")
def run(tmp_path_factory, request) -> RunFolder:
    tmp_path = tmp_path_factory.mktemp("generation")
    over_and_over = lambda count: np.resize(np.arange(5, dtype=np.int32), count)
    text = NumberedText(over_and_over(1500), over_and_over(50), over_and_over(50), WORDS)
    settings = Wikitext2Settings(
        width=16, heads=2, layers=1, feedforward=16, context=8, stride=8, dropout=0.0, epochs=4, learning_rate=0.03,
        threads=1, precision="float32", tokenisation=request.param, pieces=300,
    )  # fmt: skip
    folder = RunFolder.create(tmp_path / "run", "wikitext2", settings, None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wikitext2, "load_wikitext2", lambda root: text)
        train(folder, tmp_path)
    return folder


@pytest.mark.parametrize("run", ["word", "bpe"], indirect=True)
def test_it_goes_on_with_what_it_has_learned_beyond_its_context(run):
    told = continue_text(run.path, "calcium rises", 13, temperature=0.0)
    assert told.startswith("calcium rises and falls\n calcium rises and falls\n")
    assert continue_text(run.path, "calcium", 9, seed=1) == continue_text(run.path, "calcium", 9, seed=1)


@pytest.mark.parametrize("run", ["word"], indirect=True)
def test_chance_follows_what_the_model_expects(run):
    model, text = language_model(run.settings, None, len(WORDS)), torch.tensor([0, 1, 2])
    draws = torch.cat([continued(model, text, 1, seed, temperature=1.0) for seed in range(400)])
    with torch.no_grad():
        p = model.words.log_probabilities(model(text[None])[0, -1]).exp()
    found = torch.bincount(draws, minlength=len(WORDS)) / len(draws)
    assert ((found - p).abs() < 4 * (p * (1 - p) / len(draws)).sqrt() + 1e-3).all()


@pytest.mark.parametrize("run", ["word"], indirect=True)
def test_what_cannot_be_gone_on_with_is_one_sentence(run, tmp_path):
    with pytest.raises(ValueError, match="no word to go on from"):
        continue_text(run.path, "  ")
    digits = RunFolder.create(tmp_path / "digits", "digits", DigitsSettings(), None)
    with pytest.raises(ValueError, match="is a classifier of digits"):
        continue_text(digits.path, "calcium")
