"""Batches of CIFAR-10: what augmentation may change, seeds, small images; and that each recipe builds and learns."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import yaml

from astromorph.data.images import Images
from astromorph.runs.run_folder import RunFolder
from astromorph.settings import CalciumResponse, Cifar10Settings
from astromorph.tasks import cifar10
from astromorph.training.loop import train
from astromorph.training.muon import muon
from studies.recipes import recipes

SMALL = Cifar10Settings(width=8, heads=2, feedforward=8, channels=2, batch=30, validation=20, epochs=3, small_epochs=0)
CLASSES = tuple("abcdefghij")


@pytest.fixture
def images(monkeypatch):
    """80 training and 20 test images; the first pixel row of each image tells its number, away from the corners."""
    draw = np.random.default_rng(0)
    pictures = draw.integers(0, 256, (100, 3, 32, 32), dtype=np.uint8)
    labels = np.arange(100) % 10
    made = Images(pictures[:80], labels[:80], pictures[80:], labels[80:], CLASSES)
    monkeypatch.setattr(cifar10, "load_cifar10", lambda root: made)
    return made


def pixels(task, epoch: int) -> torch.Tensor:
    """All training images of an epoch, (60, 3, side, side), as values 0 to 255."""
    mean, deviation = (torch.tensor(each).view(1, -1, 1, 1) for each in (cifar10.MEAN, cifar10.DEVIATION))
    return torch.cat([batch.inputs[0] for batch in task.training(epoch)]) * deviation + mean


def build(**changes):
    return cifar10.build(replace(SMALL, **changes), None, Path())


def test_without_augmentation_two_epochs_show_each_image_and_its_mirror(images):
    task = build(shift=0)
    assert (task.steps, task.examples) == (2, 60)
    original = torch.from_numpy(images.train_images).float()
    shown = torch.cat([pixels(task, 1), pixels(task, 2)]).round()
    every = torch.cat([original, original.flip(3)]).flatten(1)
    rows, seen = {tuple(row.tolist()) for row in every}, [tuple(row.tolist()) for row in shown.flatten(1)]
    assert len(set(seen)) == 120 and set(seen) <= rows
    mirrored = {tuple(row.flip(2).flatten().tolist()) for row in shown}
    assert mirrored == set(seen)


def test_epochs_differ_and_the_seed_decides(images):
    assert torch.equal(pixels(build(), 1), pixels(build(), 1))
    assert not torch.equal(pixels(build(), 1), pixels(build(), 2))
    assert not torch.equal(pixels(build(), 1), pixels(build(seed=1), 1))


def test_the_first_epochs_show_small_images(images):
    task = build(small=20, small_epochs=1, shift=0)
    first, second = (next(iter(task.training(epoch))).inputs[0] for epoch in (1, 2))
    assert first.shape == (30, 3, 20, 20) and second.shape == (30, 3, 32, 32)
    full = pixels(build(shift=0), 1)
    expected = F.interpolate(full, (20, 20), mode="bilinear", antialias=True)
    assert (pixels(task, 1) - expected).abs().max() <= 1.5  # rounded to whole numbers


def test_cutout_covers_a_grey_square_in_training_only(images):
    task = build(cutout=8, shift=0)
    covered = ((pixels(task, 1) - cifar10.GREY).abs() < 1e-3).all(1).sum((1, 2))
    assert covered.min() >= 16 and covered.max() <= 64 + 3 and covered.float().mean() > 40  # cut at the border
    shown = torch.cat([batch.inputs[0] for batch in task.validation()])
    plain = torch.cat([batch.inputs[0] for batch in build(cutout=0).validation()])
    assert torch.equal(shown, plain) and shown.shape == (20, 3, 32, 32)


@pytest.mark.parametrize("name", ["default", *recipes("cifar10")])
def test_a_step_of_each_recipe_lowers_the_loss_of_its_batch(images, name):
    """At a quarter of the width, so that it takes a moment."""
    file = recipes("cifar10").get(name)
    told = {} if file is None else yaml.safe_load(file.read_text())
    settings = Cifar10Settings(**told)
    small = {"width": settings.width // 8, "channels": settings.channels // 8, "feedforward": 64, "heads": 4}
    settings = replace(settings, **small, batch=60, validation=20)
    torch.manual_seed(0)
    task = cifar10.build(settings, None, Path())
    optimiser = muon(task.model, settings.learning_rate, settings.momentum, settings.weight_decay)
    (batch,) = task.training(1)
    task.model.train()
    losses = []
    for _ in range(4):
        loss = F.cross_entropy(task.model(*batch.inputs), batch.labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_the_last_epoch_has_to_show_images_as_they_are_tested():
    with pytest.raises(ValueError, match="small_epochs 3 must lie between 0 and epochs 3 less one"):
        replace(SMALL, small_epochs=3)


def test_the_recipes_asked_for_exist():
    assert set(recipes("cifar10")) == {"2-hours", "gpu"}


@pytest.mark.slow
def test_the_gpu_recipe_trains_for_an_epoch_at_its_full_size(monkeypatch, tmp_path):
    """Where no GPU can be had, two steps of 1,000 images on a processor: colours tell the classes, so it can learn."""
    draw, labels = np.random.default_rng(0), np.arange(2_300) % 10
    colours = draw.integers(40, 216, (10, 3, 1, 1))
    pictures = np.clip(colours[labels] + draw.normal(0, 30, (2_300, 3, 32, 32)), 0, 255).astype(np.uint8)
    made = Images(pictures[:2_100], labels[:2_100], pictures[2_100:], labels[2_100:], CLASSES)
    monkeypatch.setattr(cifar10, "load_cifar10", lambda root: made)
    told = yaml.safe_load(recipes("cifar10")["gpu"].read_text()) | {"epochs": 1, "validation": 100}
    run = RunFolder.create(tmp_path / "run", "cifar10", Cifar10Settings(**told), CalciumResponse())
    summary = train(run, Path())
    assert (run.settings.channels, run.settings.width, run.settings.layers, run.settings.batch) == (192, 768, 2, 1000)
    assert summary["parameters"] > 20_000_000 and len(run.metrics()) == 1
    assert summary["test_accuracy"] > 0.2  # 0.1 is chance
