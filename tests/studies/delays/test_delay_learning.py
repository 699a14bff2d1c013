"""Delays found again and tasks that need them: the planted patterns by definition, the study in miniature."""

import matplotlib
import numpy as np
import pytest
import torch
import xarray as xr

from biophys.simulation.recording import load, save
from studies import trainings
from studies.delays import delay_learning
from studies.delays import trainings as delay_trainings
from studies.delays.recovery import recover
from studies.delays.trainings import PlantedSettings, planted_delays, planted_recordings, planted_task, settings_of

matplotlib.use("Agg")

# The planted task


def recordings(count=4000, seed=0, **changed):
    settings = PlantedSettings(**changed)
    draw = np.random.default_rng(seed)
    delays = planted_delays(settings, draw)
    return delays, planted_recordings(delays, count, settings, draw)


def test_a_class_has_every_delay_once():
    delays, _ = recordings(8)
    assert delays.shape == (8, 12)
    np.testing.assert_array_equal(np.sort(delays, 1), np.tile(np.arange(0, 24, 2), (8, 1)))
    assert len({tuple(row) for row in delays}) == 8


def test_without_noise_each_event_is_its_pattern():
    delays, part = recordings(40, noise=0.0, events=1)
    assert set(part.labels.tolist()) == set(range(8))
    for label, counts in zip(part.labels, part.counts, strict=True):
        assert counts.sum() == 12 and counts.max() == 1
        when = counts.argmax(0)  # frame of each channel's spike
        assert len(set((when - delays[label]) % 60)) == 1


def test_neither_rates_nor_coincidences_tell_the_class():
    """Rates of a channel at any step, and spikes of two channels at one step, are alike in all classes to chance."""
    _, part = recordings(16_000)
    x = part.counts.astype(np.float64)
    of = lambda measure: np.stack([measure(x[part.labels == label]) for label in range(8)])
    rates = of(lambda rows: rows.mean((0, 1)))
    expected = rates.mean()
    assert abs(rates - expected).max() < 5 * np.sqrt(expected / (2000 * 60))
    together = of(lambda rows: np.einsum("ntc,ntd->cd", rows, rows) / rows[..., 0].size)
    off = ~np.eye(12, dtype=bool)
    mean = together.mean(0)[off]
    assert abs(together[:, off] - mean).max() < 6 * np.sqrt(mean.max() / (2000 * 60))
    lagged = of(lambda rows: np.einsum("ntc,ntd->cd", rows[:, 2:], rows[:, :-2]) / rows[..., 0].size)
    assert abs(lagged[:, off] - lagged.mean(0)[off]).max() > 20 * np.sqrt(mean.max() / (2000 * 60))


def test_the_seed_decides_the_task():
    batches = lambda seed: [batch.inputs[0] for batch in planted_task(PlantedSettings(seed=seed)).test()]
    assert all((a == b).all() for a, b in zip(batches(1), batches(1), strict=True))
    assert not all((a == b).all() for a, b in zip(batches(1), batches(2), strict=True))


def test_conditions_begin_alike(tmp_path):
    models = {}
    for condition in delay_trainings.CONDITIONS:
        settings = settings_of("planted", {"epochs": 3}, condition, 5, 2.0)
        assert settings.learning_rate == 2 * PlantedSettings.learning_rate and settings.epochs == 3
        torch.manual_seed(settings.seed)
        models[condition] = planted_task(settings).model
    for name in ("none", "fixed"):
        for mine, theirs in zip(models[name].connections, models["learned"].connections, strict=True):
            assert torch.equal(mine.weight, theirs.weight)
            if name == "fixed":
                assert torch.equal(mine.position, theirs.position.round())


# Delays found again


@pytest.mark.parametrize("seed", [0, 1])
def test_planted_delays_are_found_again(seed):
    found = recover(6, 12, 400, seed)
    assert (abs(found.planted - found.found) <= 1).mean() >= 0.95
    assert found.error < 0.05 and len(np.unique(found.planted)) > 8


def test_without_learning_they_are_not():
    found = recover(6, 12, 1, 0)
    assert (abs(found.planted - found.found) <= 1).mean() < 0.5 and found.error > 0.5


# The study


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    few = {"training": 120, "validation": 40, "test": 64}
    with pytest.MonkeyPatch.context() as patch:
        small = lambda task, changes, *more: settings_of(task, {**few, **changes}, *more)
        patch.setattr(delay_learning, "settings_of", small)
        parts = tmp_path_factory.mktemp("study") / "parts"
        return _small(parts), parts


def _small(parts, **changed):
    return delay_learning.simulate(
        ("planted",),
        **{"seeds": 2, "epochs": 2, "learning_rates": (0.5, 1.0), "neurons": 3, "longest": 4, "steps": 20} | changed,
        parts=parts,
    )


def test_the_dataset_says_what_it_holds(dataset, tmp_path):
    found, _ = dataset
    assert dict(found.sizes) == {
        "task": 1, "condition": 3, "repetition": 2, "epoch": 2, "pair": 3, "synapse": 9
    }  # fmt: skip
    assert found.test_accuracy.notnull().all() and found.attrs["study"] == "delay-learning"
    for variable in found.variables.values():
        assert {"units", "long_name"} <= set(variable.attrs) or variable.dims == ("synapse",)
    difference = found.test_accuracy.sel(condition="learned") - found.test_accuracy.sel(condition="fixed")
    np.testing.assert_allclose(
        found.difference_mean.sel(pair="learned - fixed"), difference.mean("repetition"), atol=1e-12
    )
    assert found.parameters.sel(condition="learned").item() > found.parameters.sel(condition="fixed").item()
    save(found, tmp_path / "a.nc")
    xr.testing.assert_identical(load(tmp_path / "a.nc"), found)


def test_finished_trainings_are_kept(dataset, monkeypatch):
    found, parts = dataset
    monkeypatch.setattr(trainings, "run_epochs", None)
    monkeypatch.setattr(delay_learning, "recover", None)
    xr.testing.assert_equal(_small(parts).drop_vars("seconds"), found.drop_vars("seconds"))
    with pytest.raises(ValueError, match="keeps parts of another command"):
        _small(parts, epochs=3)


def test_the_figure_is_drawn(dataset, tmp_path):
    figure = delay_learning.draw(dataset[0])
    assert len([axes for axes in figure.axes if axes.axison]) == 3
    figure.savefig(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"tasks": ("digits",)}, "tasks digits are not known; use planted or spoken-digits"),
        ({"learning_rates": (0.0,)}, "are no multiples; use numbers above 0, such as 1"),
        ({"seeds": 0}, "seeds 0 is too small; use at least 1"),
        ({"seed": -1}, "seed -1 is no seed; use a whole number"),
    ],
)
def test_bad_input_is_one_sentence(changed, sentence, tmp_path):
    with pytest.raises(ValueError, match=sentence):
        delay_learning.simulate(**changed, parts=tmp_path)
