"""The task of WikiText-2 on a made-up text: every token told once, perplexities in closed form, seeds that repeat."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from astromorph.data.wikitext2 import NumberedText
from astromorph.runs.run_folder import RunFolder
from astromorph.settings import Wikitext2Settings
from astromorph.tasks import wikitext2
from astromorph.training.loop import train

WORDS = ("the", "<eos>", "astrocyte", "<unk>", "hears", "synapses", "and", "calms", "them", "slowly")
SETTINGS = Wikitext2Settings(
    width=16,
    heads=2,
    feedforward=16,
    layers=1,
    context=12,
    stride=5,
    batch=4,
    epochs=1,
    pieces=300,
    precision="float32",
)


@pytest.fixture
def text(monkeypatch) -> NumberedText:
    draw = np.random.default_rng(0)
    share = np.arange(len(WORDS), 0, -1) / sum(range(len(WORDS) + 1))
    parts = [draw.choice(len(WORDS), count, p=share).astype(np.int32) for count in (605, 100, 83)]
    made = NumberedText(*parts, WORDS)
    monkeypatch.setattr(wikitext2, "load_wikitext2", lambda root: made)
    return made


@given(tokens=st.integers(1, 60), context=st.integers(1, 20), data=st.data())
def test_windows_tell_every_token_once_from_all_the_context_there_is(tokens, context, data):
    stride = data.draw(st.integers(1, context))
    text, told = torch.arange(1, tokens + 1), []
    for (read, _), labels in wikitext2.windows(text, 0, context, stride):
        assert torch.equal(read[:, -labels.shape[1] :] + 1, labels)  # each is told from what stands before it
        assert read.shape[1] == min(context, tokens) and (read.diff(dim=1) == 1).all()
        before = read.shape[1] - labels.shape[1]
        assert read[0, 0] == 0 or before >= context - stride
        told += labels.flatten().tolist()
    assert told == text.tolist()


def test_blocks_tell_every_token_at_most_once_and_leave_out_less_than_a_block(text, tmp_path):
    task = wikitext2.build(SETTINGS, None, tmp_path)
    marked = torch.arange(len(text.train))
    for epoch in (1, 2):
        batches = list(wikitext2.training_blocks(marked, SETTINGS, epoch))
        told = torch.cat([labels.flatten() for _, labels in batches])
        assert len(told) == len(told.unique()) == len(marked) - len(marked) % SETTINGS.context
        for (read, _), labels in batches:
            assert torch.equal((read + 1) % len(marked), labels)
        assert len(batches) == task.steps and sum(len(labels) for _, labels in batches) == task.examples


def test_an_epoch_repeats_and_another_epoch_or_seed_differs(text, tmp_path):
    told = lambda epoch, seed=0: torch.cat([
        labels for _, labels in wikitext2.build(replace(SETTINGS, seed=seed), None, tmp_path).training(epoch)
    ])  # fmt: skip
    assert torch.equal(told(1), told(1))
    assert not torch.equal(told(1), told(2)) and not torch.equal(told(1), told(1, seed=1))


def test_perplexity_of_words_in_pieces_by_hand():
    # "calcium calms <eos>" in the pieces cal cium cal ms <eos>, each of probability ½: 2⁻⁵ for three words
    found = wikitext2.perplexities({"test": (5, 3), "validation": (4, 4)}, math.log(2), 0.0)
    assert found["perplexity_per_token"] == pytest.approx(2)
    assert found["perplexity_per_word"] == pytest.approx(2 ** (5 / 3))
    assert wikitext2.perplexities({"validation": (4, 2)}, math.log(2), 0.0, "validation")["perplexity_per_word"] == 4


def test_by_the_word_both_perplexities_are_one(text, tmp_path):
    found = wikitext2.build(SETTINGS, None, tmp_path).further(1.5, 0.0)
    assert found["perplexity_per_token"] == found["perplexity_per_word"] == pytest.approx(math.exp(1.5))


def test_a_model_that_knows_nothing_has_the_vocabulary_as_perplexity(text, tmp_path):
    task = wikitext2.build(SETTINGS, None, tmp_path)
    task.model.words.start_from(torch.ones(len(WORDS)))
    with torch.no_grad():
        task.model.last.weight.zero_()
    task.model.eval()
    losses = torch.cat([task.judge(task.model(*inputs), labels).losses for inputs, labels in task.test()])
    assert len(losses) == len(text.test) and math.exp(losses.mean().item()) == pytest.approx(len(WORDS), rel=1e-5)


def test_what_is_trained_is_what_is_judged(text, tmp_path):
    task = wikitext2.build(replace(SETTINGS, dropout=0.0), None, tmp_path)
    inputs, labels = next(task.training(1))
    trained = task.loss(task.model(*inputs), labels)
    judged = task.judge(task.model.eval()(*inputs), labels)
    torch.testing.assert_close(trained, judged.losses.mean())
    log_p = task.model.words.log_probabilities(task.model(inputs[0])).flatten(0, 1)
    assert torch.equal(judged.answers, log_p.argmax(-1))
    torch.testing.assert_close(judged.confidence, log_p.amax(-1).exp())
    torch.testing.assert_close(judged.losses, -log_p[torch.arange(len(log_p)), labels.flatten()])


@pytest.mark.parametrize("attention", ["softmax", "linear", "astromorphic"])
def test_a_training_ends_with_both_perplexities_and_repeats(text, tmp_path, attention):
    settings = replace(SETTINGS, attention=attention, epochs=2, learning_rate=0.02, average=3)
    runs = [RunFolder.create(tmp_path / name, "wikitext2", settings, None) for name in ("one", "other")]
    one, other = (train(run, tmp_path) for run in runs)
    assert one["perplexity_per_word"] == one["perplexity_per_token"] == pytest.approx(math.exp(one["test_loss"]))
    assert one["perplexity_per_word"] == other["perplexity_per_word"] < 1.1 * len(WORDS)
    assert one["weights_sha256"] == other["weights_sha256"]


def test_byte_pairs_are_kept_in_the_run_folder_and_told_by_the_word(text, tmp_path):
    settings = replace(SETTINGS, tokenisation="bpe", pieces=300)
    run = RunFolder.create(tmp_path / "run", "wikitext2", settings, None)
    told = train(run, tmp_path)
    corpus = wikitext2.read(settings, tmp_path)
    assert (run.path / "pieces.model").read_bytes() == corpus.pieces
    assert told["perplexity_per_token"] == pytest.approx(math.exp(told["test_loss"]))
    per_word = math.exp(told["test_loss"] * len(corpus.test) / len(text.test))
    assert told["perplexity_per_word"] == pytest.approx(per_word) and per_word > told["perplexity_per_token"]


def test_a_leaking_attention_is_refused_before_training(text, tmp_path, monkeypatch):
    from astromorph.attention import LinearAttention, MultiheadAttention
    from astromorph.language import from_settings as language

    monkeypatch.setattr(language, "language_attention", lambda *_: MultiheadAttention(16, 2, LinearAttention()))
    run = RunFolder.create(tmp_path / "run", "wikitext2", SETTINGS, None)
    with pytest.raises(ValueError, match="reads the future"):
        train(run, tmp_path)
    assert not (run.path / "metrics.csv").exists()
