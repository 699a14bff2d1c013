"""Continual learning in miniature: small images in place of MNIST, small networks, two or three tasks."""

import math

import matplotlib
import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from torch import nn

import mapping
from astromorph.data.images import Images
from astromorph.dendrite import SegmentGate
from biophys.simulation.recording import load, save
from mapping.segment_response import opening
from studies.dendrites import continual_runs, permuted_mnist
from studies.dendrites.permuted_digits import (
    DendriticNetwork,
    PlainNetwork,
    accuracies,
    nearest,
    normalised,
    parameter_count,
    permuted_digits,
    plain_units,
    train_task,
)

matplotlib.use("Agg")

SMALL = {"tasks": 3, "examples": 300, "validation": 60, "batch": 20, "units": 24, "segments": 3, "winners": 0.25}
QUICK = {**SMALL, "learning_rates": (3e-4, 3e-3), "repetitions": 2, "jobs": 1}


def digits_like(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy pictures of ten classes, each a few bright strokes of its own on a dark ground."""
    shapes = np.random.default_rng(0).random((10, 1, 28, 28)) < 0.15
    draw = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    pictures = 200 * (shapes[labels] & (draw.random((count, 1, 28, 28)) < 0.8)) + draw.integers(
        0, 40, (count, 1, 28, 28)
    )
    return pictures.astype(np.uint8), labels.astype(np.int64)


IMAGES = Images(*digits_like(400, 1), *digits_like(100, 2), tuple("0123456789"))


@pytest.fixture(autouse=True)
def small_mnist(monkeypatch, tmp_path):
    monkeypatch.setenv("ASTROMORPH_DATA", str(tmp_path))
    monkeypatch.setattr(continual_runs, "load_mnist", lambda root: IMAGES)
    continual_runs.digits_of.cache_clear()
    yield
    continual_runs.digits_of.cache_clear()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("study")
        patch.setenv("ASTROMORPH_DATA", str(folder))
        patch.setattr(continual_runs, "load_mnist", lambda root: IMAGES)
        continual_runs.digits_of.cache_clear()
        return permuted_mnist.simulate(**QUICK, parts=folder / "parts")


# The tasks


def test_every_task_shows_the_same_images_in_an_order_of_its_own():
    digits = permuted_digits(IMAGES, tasks=4, examples=300, validation=60, seed=0)
    assert torch.equal(digits.orders.sort(dim=1).values, torch.arange(784).expand(4, -1))
    assert len({tuple(order.tolist()) for order in digits.orders}) == 4
    first, second = ([torch.cat(part) for part in zip(*digits.batches(task, 64, 7), strict=True)] for task in (0, 1))
    assert first[0].shape == (300, 784) and torch.equal(first[1], second[1])
    turned_back = [images[:, digits.orders[task].argsort()] for task, images in ((0, first[0]), (1, second[0]))]
    assert torch.equal(*turned_back)
    shown = {row.numpy().tobytes() for row in turned_back[0]}
    assert shown == {row.numpy().tobytes() for row in normalised(digits.training[0])}


def test_training_and_validation_images_are_different_ones_and_the_seed_decides():
    digits = permuted_digits(IMAGES, 2, 300, 60, seed=0)
    rows = lambda part: {row.numpy().tobytes() for row in part[0]}
    assert len(rows(digits.training)) == 300 and len(rows(digits.validation)) == 60
    assert not rows(digits.training) & rows(digits.validation)
    assert np.bincount(digits.validation[1]).tolist() == [6] * 10
    again, other = (permuted_digits(IMAGES, 2, 300, 60, seed=seed) for seed in (0, 1))
    assert torch.equal(again.orders, digits.orders) and rows(again.training) == rows(digits.training)
    assert not torch.equal(other.orders, digits.orders) and rows(other.validation) != rows(digits.validation)


def test_prototypes_are_the_mean_images_of_their_tasks_and_tell_them_apart():
    digits = permuted_digits(IMAGES, 3, 300, 60, seed=0)
    for task, prototype in enumerate(digits.prototypes()):
        images = torch.cat([images for images, _ in digits.batches(task, 64, 0)])
        torch.testing.assert_close(prototype, images.mean(0), rtol=1e-5, atol=1e-5)
        distances = torch.stack([(images - p).square().sum(1) for p in digits.prototypes()], dim=1)
        assert torch.equal(nearest(images, digits.prototypes()), distances.argmin(1))
        assert (distances.argmin(1) == task).double().mean() > 0.95


def test_more_examples_than_there_are_get_one_sentence():
    with pytest.raises(ValueError, match="341 training examples are not to be had; use 1 to 340"):
        permuted_digits(IMAGES, 2, 341, 60, 0)


# The networks


@given(units=st.integers(1, 3000))
def test_plain_units_are_the_most_that_the_parameters_allow(units):
    count = (784 + 1) * units + (units + 1) * units + (units + 1) * 10
    assert [plain_units(count + more) for more in (-1, 0, 1)] == [units - 1, units, units]


def test_parameters_are_counted_and_nearly_equal():
    dendritic = DendriticNetwork(24, 3, SegmentGate(), 1.0, 0.25)
    assert parameter_count(dendritic) == (785 + 25) * 24 + 250 + 2 * 24 * 3 * 784
    plain = PlainNetwork(plain_units(parameter_count(dendritic)))
    assert 0 <= parameter_count(dendritic) - parameter_count(plain) < 2000  # less than a unit more


@pytest.mark.parametrize("learned", [True, False])
def test_fixed_gating_trains_everything_but_the_segments(learned):
    torch.manual_seed(0)
    network = DendriticNetwork(24, 3, SegmentGate(1.0, 8.0), 0.7, 0.25, learned)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    train_task(network, permuted_digits(IMAGES, 2, 300, 60, 0), 0, rate=1e-2, batch=50, epochs=1, seed=0)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]) == ("segments" in name and not learned), name


@pytest.mark.parametrize("network", ["dendritic", "plain"])
def test_accuracies_are_those_of_a_plain_loop(network):
    torch.manual_seed(0)
    gate = SegmentGate(1.0, 8.0)
    model = DendriticNetwork(24, 3, gate, 0.7, 0.25) if network == "dendritic" else PlainNetwork(30)
    digits = permuted_digits(IMAGES, 3, 300, 60, 0)
    for task in range(2):
        train_task(model, digits, task, rate=3e-3, batch=20, epochs=2, seed=0)
    right, inferred = accuracies(model, digits, digits.test, 2)
    prototypes = digits.prototypes()[:2]
    for task in range(2):
        hits = told = 0
        for pixels, label in zip(*digits.test, strict=True):
            image = normalised(pixels)[digits.orders[task]]
            which = int((image - prototypes).norm(dim=1).argmin())
            context = prototypes[which] / prototypes[which].norm()
            hits += int(model(image[None], context[None]).argmax() == label)
            told += which == task
        assert (right[task], inferred[task]) == pytest.approx((hits / 100, told / 100))
    assert right[1] > 0.5  # of ten classes


# The study


def test_accuracies_are_measured_after_each_task_on_those_learned(dataset):
    accuracy = dataset.validation_accuracy.values
    assert accuracy.shape == (3, 2, 3, 3)
    assert np.array_equal(np.isnan(accuracy[0, 0]), np.triu(np.ones((3, 3), bool), 1))
    assert np.all(np.diagonal(accuracy, axis1=2, axis2=3) > 0.3)  # of ten classes, after 15 steps
    assert np.nanmin(dataset.task_inferred) > 0.95
    assert dataset.test_accuracy.shape == (3, 2, 3) and float(dataset.test_accuracy.min()) > 0.1


def test_the_learning_rate_is_that_of_the_best_validation_accuracy(dataset):
    best = dataset.tuning_accuracy.idxmax("learning_rate")
    assert np.array_equal(best, dataset.chosen_rate) and set(dataset.learning_rate.values) == {3e-4, 3e-3}


def test_the_models_differ_in_what_learns_only(dataset):
    parameters, learned = dataset.parameters.values, dataset.learned_parameters.values
    assert parameters[0] == parameters[1] == learned[0] and learned[2] == parameters[2] <= parameters[0]
    assert parameters[0] - learned[1] == 2 * 24 * 3 * 784


def test_every_array_is_labelled_and_survives_a_file(dataset, tmp_path):
    for array in [*dataset.data_vars.values(), *dataset.coords.values()]:
        assert array.attrs["units"] == "1" and array.attrs["long_name"], array.name
    assert dataset.attrs["study"] == "permuted-mnist"
    assert str(tmp_path.parent) not in str(dataset.attrs)
    save(dataset, tmp_path / "study.nc")
    assert load(tmp_path / "study.nc").identical(dataset)


def test_the_figure_is_drawn_from_the_dataset_alone(dataset):
    figure = permuted_mnist.draw(dataset)
    assert len(figure.axes) == 4 and all(axes.get_ylabel() and axes.get_title("left") for axes in figure.axes)
    figure.canvas.draw()
    plt.close(figure)


def test_a_stopped_study_goes_on_and_gives_the_same_numbers(dataset, tmp_path, monkeypatch):
    left = [5]

    def stop_after_five(*arguments, **named):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        train_task(*arguments, **named)

    monkeypatch.setattr(continual_runs, "train_task", stop_after_five)
    with pytest.raises(KeyboardInterrupt):
        permuted_mnist.simulate(**QUICK, parts=tmp_path / "parts")
    kept = len(list((tmp_path / "parts").glob("*.json")))
    assert 1 < kept <= 6
    monkeypatch.setattr(continual_runs, "train_task", train_task)
    again = permuted_mnist.simulate(**QUICK, parts=tmp_path / "parts")
    xr.testing.assert_identical(again.drop_attrs(), dataset.drop_attrs())
    monkeypatch.setattr(continual_runs, "train_task", lambda *_, **__: pytest.fail("trained again"))
    xr.testing.assert_identical(permuted_mnist.simulate(**QUICK, parts=tmp_path / "parts"), again)
    assert not list((tmp_path / "parts").glob("*.safetensors"))  # only measurements are kept in the end


def test_the_test_images_are_read_once_a_run_and_never_in_tuning(tmp_path, monkeypatch):
    read = []

    def noted(network, digits, part, learned):
        if part is digits.test:
            read.append(learned)
        return accuracies(network, digits, part, learned)

    monkeypatch.setattr(continual_runs, "accuracies", noted)
    permuted_mnist.simulate(("plain",), **{**QUICK, "tasks": 2}, parts=tmp_path / "parts")
    assert read == [2, 2]  # two repetitions, after the last of two tasks


def test_tuning_does_not_see_the_seeds_that_are_reported(dataset, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(continual_runs, "train_task", lambda *arguments, **_: seen.append(arguments[-1]))
    permuted_mnist.simulate(("plain",), **QUICK, seed=5, parts=tmp_path / "parts")
    assert seen[:6] == [7] * 6 and set(seen[6:]) == {5, 6}


def test_a_run_depends_on_its_arguments_alone(tmp_path, dataset):
    """Not on what ran before it in the same process; so processes may share the work as they like."""
    settings = continual_runs.Settings(str(tmp_path), 0.0, 1.0, 1.0, 3, 300, 60, 1, 20, 24, 3, 0.25)
    rate = float(dataset.chosen_rate.sel(model="active-dendrites"))
    run = continual_runs.Run("active-dendrites", rate, 1, False)
    for _ in range(3):
        torch.rand(7)
        continual_runs.learn_next(run, settings, tmp_path)
    found = continual_runs.history(run, tmp_path)[-1]["test"]
    assert found == dataset.test_accuracy.sel(model="active-dendrites", repetition=1).values.tolist()


def test_another_study_does_not_go_on_with_these_parts(tmp_path):
    asked = {**QUICK, "tasks": 1, "learning_rates": (3e-3,), "repetitions": 1, "parts": tmp_path / "parts"}
    permuted_mnist.simulate(("plain",), **asked)
    with pytest.raises(ValueError, match="parts keeps parts of another command; repeat that .* another --out"):
        permuted_mnist.simulate(("plain",), **{**asked, "batch": 30})


def segment_file(folder, slope):
    synapses = np.arange(0.0, 25)
    dataset = xr.Dataset(
        {"detection_probability": ("active_synapses", opening(synapses / 12, 1.0, 12 * slope))},
        {"active_synapses": synapses},
    )
    save(dataset, folder / "segment.nc")
    mapping.write(mapping.fit(folder / "segment.nc"), folder / "segment.yaml")
    return folder / "segment.yaml"


def test_a_fitted_segment_becomes_the_gate_of_the_network(tmp_path):
    asked = {**QUICK, "tasks": 1, "learning_rates": (3e-3,), "repetitions": 1, "parts": tmp_path / "parts"}
    found = permuted_mnist.simulate(("active-dendrites",), segment=segment_file(tmp_path, 0.5), **asked)
    assert found.attrs["segment"] == "segment.yaml"
    assert (found.attrs["threshold"], found.attrs["gain"]) == pytest.approx((1.0, 6.0))
    quantile = -math.sqrt(2) * torch.special.erfinv(torch.tensor(2 * (1 - 0.8 ** (1 / 3)) - 1)).item()
    assert found.attrs["spread"] == pytest.approx(1 / quantile, rel=1e-5)
    settings = continual_runs.Settings("", 1.0, 6.0, 0.5, 1, 300, 60, 1, 20, 24, 3, 0.25)
    network = continual_runs.network_of("active-dendrites", settings, 0)
    zero = network.first.dendrites(torch.zeros(784))
    assert zero.tolist() == pytest.approx([1 / (1 + math.exp(6))] * 24)


def test_a_segment_whose_fit_failed_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"segment.nc failed \(the answer jumps"):
        permuted_mnist.simulate(segment=segment_file(tmp_path, 20.0), **QUICK, parts=tmp_path / "parts")
    with pytest.raises(FileNotFoundError, match="there is no coefficients file gone.yaml"):
        permuted_mnist.simulate(segment="gone.yaml", **QUICK, parts=tmp_path / "parts")


def test_networks_of_a_seed_are_the_same_and_of_other_seeds_not():
    settings = continual_runs.Settings("", 1.0, 6.0, 0.5, 1, 300, 60, 1, 20, 24, 3, 0.25)
    weights = [
        nn.utils.parameters_to_vector(continual_runs.network_of("plain", settings, s).parameters()) for s in (0, 0, 1)
    ]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
    fixed, active = (continual_runs.network_of(name, settings, 0) for name in ("fixed-gating", "active-dendrites"))
    assert all(torch.equal(a, b) for a, b in zip(fixed.parameters(), active.parameters(), strict=True))


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"models": ("mlp",)}, "there is no model 'mlp'; use some of active-dendrites, fixed-gating, plain"),
        ({"models": ()}, "models are none; name at least one, and each once"),
        ({"models": ("plain", "plain")}, "models plain, plain; name at least one, and each once"),
        ({"learning_rates": ()}, "learning_rates are none; name at least one"),
        ({"learning_rates": (0.0, 1e-3)}, "learning rate 0 teaches nothing; use rates above 0"),
        ({"tasks": 0}, "tasks 0 is too small; use at least 1"),
        ({"repetitions": 0}, "repetitions 0 is too small; use at least 1"),
        ({"segments": 0}, "0 segments make no dendrites; use at least 1"),
        ({"winners": 0.0}, "a share of 0.0 winners is none or more than all"),
        ({"examples": 341}, "341 training examples are not to be had; use 1 to 340"),
        ({"validation": 0}, "cannot hold 0 of 400 examples out"),
    ],
)
def test_bad_input_gets_one_sentence_and_leaves_no_folder(asked, sentence, tmp_path):
    with pytest.raises(ValueError, match=sentence):
        permuted_mnist.simulate(**{**QUICK, **asked}, parts=tmp_path / "parts")
    assert not (tmp_path / "parts").exists()
