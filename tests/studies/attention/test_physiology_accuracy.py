"""From physiology to accuracy in miniature: short simulations, made-up calcium, trainings on the digits."""

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

from astromorph.astrocyte import response_module
from astromorph.attention import AstromorphicMechanism, LinearAttention
from astromorph.attention.responses import MeanActivityResponse
from astromorph.runs.run_folder import RunFolder
from astromorph.settings import CalciumResponse, DigitsSettings
from astromorph.tasks import Batch, Task, build_task
from astromorph.training import loop as training
from astromorph.training.hardware import Processor
from astromorph.training.parts import in_parts
from biophys.simulation.recording import load, save
from mapping.circuit import attention_layers
from studies.attention import physiology_accuracy, physiology_points
from studies.attention.physiology_points import Astrocyte, Plan, drives, gain_only
from studies.physiology import calcium_response
from studies.trainings import first_crossing

matplotlib.use("Agg")

QUICK = {"data_set": "digits", "seeds": 1, "epochs": 1, "evaluations": 2, "gains": 2, "target_accuracy": 0.3}
PLAN = Plan("digits", epochs=2, tokens=128, evaluations=2, averaged=20.0, trials=1, seed=0)
RESPONSE = CalciumResponse("hill", 0.5, 0.6, 1.2, 0.3, lowest=0.1, highest=1.6, source="made up")


def made_up(cell, plan):
    """Calcium that rises with the rate as a Hill curve, less with a stronger pump; it falls if IP3 breaks down fast."""
    rates = np.array(physiology_points.RATES)
    top, breakdown = 1 / float(cell.O_P * 1000), float(cell.Omega_5P)
    rising = top * (0.3 + rates / (rates + 20 * breakdown))
    mean = np.where(breakdown < 0.09, rising, rising[::-1])[:, None]
    units = {"rate": ("rate", rates, {"units": "Hz"}), "trial": [0]}
    calcium = xr.DataArray(mean, units, ("rate", "trial"), attrs={"units": "umolar"})
    return xr.Dataset({"calcium_mean": calcium, "calcium_swing": 0 * calcium})


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(physiology_points, "calcium_response", made_up)
        parts = tmp_path_factory.mktemp("study") / "parts"
        return physiology_accuracy.simulate((2.0,), **QUICK, parts=parts)


# The astrocytes


def test_an_astrocyte_differs_from_the_published_one_in_one_parameter():
    published, changed = (Astrocyte("de-pitta-frequency", "O_P", value).parameters for value in (1.0, 1.4))
    ratios = {name: float(changed[k] / published[k]) for k, name in enumerate(published._fields) if published[k] != 0}
    assert ratios.pop("O_P") == pytest.approx(1.4)
    assert set(ratios.values()) == {1.0}


def test_the_published_astrocyte_is_one_whichever_parameter_is_looked_at():
    names = {
        Astrocyte("de-pitta-amplitude", parameter, value).name for parameter in ("O_P", "Omega_5P") for value in (1, 2)
    }
    assert len(names) == 3


@pytest.mark.slow
def test_calcium_is_that_of_the_study_of_one_astrocyte(monkeypatch):
    rates = (0.5, 3.0, 30.0)
    monkeypatch.setattr(physiology_points, "RATES", rates)
    mine = physiology_points.calcium_response(Astrocyte("stimberg-example-2", "O_P", 1.0).parameters, PLAN)
    theirs = calcium_response.simulate(rates, seconds=50.0, step=physiology_points.STEP, trials=1)
    np.testing.assert_allclose(mine.calcium_mean, theirs.calcium_mean, rtol=1e-12)
    np.testing.assert_allclose(mine.calcium_swing, theirs.calcium_max - theirs.calcium_min, rtol=1e-12)


# The trainings


def numbered(steps: int) -> Task:
    """A task whose batches carry their epoch and their number."""
    batch = lambda *numbers: Batch((torch.tensor(numbers),), torch.zeros(1))
    epoch = lambda number: (batch(number, k) for k in range(steps))
    return Task(nn.Identity(), epoch, lambda: [], lambda: [], steps, 10 * steps, "numbers", ("a", "b"))


@given(steps=st.integers(1, 40), parts=st.integers(1, 12), epochs=st.integers(1, 3))
def test_the_parts_of_epochs_hold_every_batch_once_and_in_order(steps, parts, epochs):
    try:
        task = in_parts(numbered(steps), parts)
    except ValueError as error:
        assert "too many" in str(error) and parts > math.isqrt(steps)
        return
    pieces = [[tuple(batch.inputs[0].tolist()) for batch in task.training(k + 1)] for k in range(epochs * parts)]
    assert sum(pieces, []) == [(epoch + 1, k) for epoch in range(epochs) for k in range(steps)]
    assert all(0 < len(piece) <= task.steps for piece in pieces)


def test_an_epoch_in_one_part_is_the_ordinary_training(tmp_path):
    settings = DigitsSettings(epochs=2, threads=1)
    plan = PLAN._replace(evaluations=1)
    mine = physiology_points.trained("mine", RESPONSE, settings.seed, plan, tmp_path, tmp_path)
    folder = RunFolder.create(tmp_path / "theirs", "digits", settings, RESPONSE)
    theirs = training.train(folder, tmp_path)
    assert theirs["chosen_epoch"] == 2 and mine.test_accuracy == theirs["test_accuracy"]
    assert mine.validation == folder.metrics().validation_accuracy.tolist()


def test_the_control_is_linear_attention_over_the_gain():
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 2, 4, 7, 5, dtype=torch.float64)
    keep = torch.arange(7) < torch.tensor([[7], [4]])
    control = AstromorphicMechanism(MeanActivityResponse(response_module(gain_only(0.4, RESPONSE))))
    expected = LinearAttention()(query, key, value, keep) / 0.4
    torch.testing.assert_close(control(query, key, value, keep), expected, rtol=1e-12, atol=0)


def test_drives_are_the_mean_activity_that_the_response_is_asked_for():
    torch.manual_seed(0)
    task = build_task(DigitsSettings(), gain_only(1.0, RESPONSE), physiology_points.Path("none"))
    found = drives(task, Processor(torch.device("cpu"), False))
    (attention,) = attention_layers(task.model).values()
    asked = []
    rho = attention.mechanism.response.response
    rho.register_forward_hook(lambda module, entering, leaving: asked.append(entering[0]))
    for inputs, _ in task.validation():
        with torch.no_grad():
            task.model(*inputs)
    torch.testing.assert_close(found, torch.cat([each.flatten() for each in asked]), rtol=1e-5, atol=0)
    assert len(found) == 200 * 32


@given(
    target=st.floats(0.05, 0.95),
    slope=st.floats(0.1, 2.0),
    count=st.integers(2, 12),
)
def test_accuracy_that_rises_evenly_crosses_where_the_line_does(target, slope, count):
    times = np.arange(1, count + 1) / 4
    found = first_crossing(times, slope * times, target)
    if slope * times[-1] < target:
        assert math.isnan(found)
    else:
        assert found == pytest.approx(max(target / slope, times[0]))


def test_the_first_crossing_counts():
    times = np.array([1.0, 2.0, 3.0, 4.0])
    assert first_crossing(times, np.array([0.5, 0.9, 0.7, 0.95]), 0.8) == pytest.approx(1.75)


# The study


def test_the_published_cell_stands_in_both_parameters(dataset):
    published = dataset.sel(value=1.0)
    for name in ("calcium_mean", "test_accuracy", "drive", "matched_gain"):
        xr.testing.assert_equal(
            published[name].sel(parameter="O_P", drop=True), published[name].sel(parameter="Omega_5P", drop=True)
        )
    np.testing.assert_allclose(published.parameter_value, [[0.04, 0.9], [0.05, 0.9]])
    np.testing.assert_allclose(dataset.parameter_value.sel(value=2.0), [[0.08, 1.8], [0.1, 1.8]])


def test_a_response_that_falls_is_said_and_left_out(dataset):
    cell = dataset.sel(regime="de-pitta-frequency", parameter="Omega_5P", value=2.0)
    assert "does not rise" in str(cell.status.item()) and not cell.form.item()
    assert np.isnan(cell[["test_accuracy", "fitted_calcium", "matched_gain"]].to_array()).all()
    assert int((dataset.status != "ok").sum()) == 1
    assert np.isfinite(cell.calcium_mean).all()


def test_the_fit_is_that_of_the_measurement(dataset):
    cell = dataset.sel(regime="de-pitta-amplitude", parameter="Omega_5P", value=2.0)
    assert cell.form.item() == "hill" and float(cell.exponent) == pytest.approx(1, abs=1e-4)
    assert float(cell.half * cell.reference_rate) == pytest.approx(20 * 0.08, rel=1e-4)
    np.testing.assert_allclose(
        np.interp(cell.rate, cell.curve_rate, cell.fitted_calcium), cell.calcium_mean[:, 0], 0.01
    )
    ends = cell.calcium_mean[[0, -1], 0] / cell.reference_calcium
    np.testing.assert_allclose([cell.response_lowest, cell.response_highest], ends, rtol=1e-4)


def test_the_pump_changes_the_level_and_not_the_response(dataset):
    """Calcium that is everywhere in proportion has the same response, so that the same training follows."""
    for name in ("half", "baseline", "test_accuracy", "validation_accuracy"):
        one, two = (dataset[name].sel(parameter="O_P", value=value, drop=True) for value in (1.0, 2.0))
        np.testing.assert_allclose(one, two, rtol=1e-4)


def test_gains_reach_beyond_the_matched_ones(dataset):
    drive = dataset.drive.mean("repetition")
    amplitude, half = dataset.amplitude * drive**dataset.exponent, dataset.half**dataset.exponent
    expected = (dataset.baseline + amplitude / (half + drive**dataset.exponent)) / drive
    np.testing.assert_allclose(dataset.matched_gain, expected, rtol=1e-9)
    around = physiology_accuracy.AROUND
    np.testing.assert_allclose(dataset.gain, [expected.min() / around, expected.max() * around])


def test_models_learn_and_the_crossing_is_that_of_their_validation(dataset):
    learned = dataset.control_test_accuracy
    assert float(learned.min()) > 0.2 and dataset.epoch.values.tolist() == [0.5, 1.0]
    for gain in range(2):
        one = dataset.isel(gain=gain, repetition=0)
        expected = first_crossing(dataset.epoch.values, one.control_validation_accuracy.values, 0.3)
        np.testing.assert_equal(float(one.control_epochs_to_target), expected)


@pytest.mark.slow
def test_a_study_that_is_stopped_goes_on_as_if_it_had_not_been(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(physiology_points, "calcium_response", made_up)
    again = lambda: physiology_accuracy.simulate((2.0,), **QUICK, parts=tmp_path)
    parts_done, one_epoch = [], training.one_epoch

    def stopped(*arguments):
        parts_done.append(arguments)
        if len(parts_done) == 4:  # within the second training, after one part of two
            raise KeyboardInterrupt
        return one_epoch(*arguments)

    monkeypatch.setattr(training, "one_epoch", stopped)
    with pytest.raises(KeyboardInterrupt):
        again()
    xr.testing.assert_identical(again(), dataset)
    trainings = 5 + 2  # of the cells with a fit, and of the control
    assert len(parts_done) == 2 * trainings + 1  # only what was going on was done again
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
    with pytest.raises(ValueError, match="parts of another command"):
        physiology_accuracy.simulate((2.0,), **{**QUICK, "epochs": 3}, parts=tmp_path)


def test_the_dataset_describes_itself_and_is_read_back(dataset, tmp_path):
    for name, variable in dataset.variables.items():
        if name not in ("trial",):
            assert variable.attrs.get("units"), name
    save(dataset, tmp_path / "study.nc")
    xr.testing.assert_identical(load(tmp_path / "study.nc"), dataset)
    assert dataset.attrs["study"] == "physiology-accuracy"


@pytest.mark.parametrize("seeds", [1, 2])
def test_the_figure_has_four_panels(dataset, seeds):
    figure = physiology_accuracy.draw(xr.concat([dataset] * seeds, "repetition", data_vars="minimal"))
    assert len(figure.axes) == 4
    figure.canvas.draw()
    plt.close(figure)


def test_a_target_that_is_never_reached_is_drawn_as_missing(dataset):
    never = dataset.assign({name: dataset[name] * np.nan for name in ("epochs_to_target", "control_epochs_to_target")})
    figure = physiology_accuracy.draw(never)
    figure.canvas.draw()
    plt.close(figure)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"values": (0.0,)}, "value 0 is no multiple"),
        ({"values": (math.nan,)}, "value nan is no multiple"),
        ({"data_set": "cifar10"}, "use imdb or digits"),
        ({"seeds": 0}, "seeds 0 is too small"),
        ({"gains": 0}, "gains 0 is too small"),
        ({"averaged": 5.0}, "too short to average"),
        ({"target_accuracy": 85.0}, "is a share"),
        ({"epochs": 0}, "epochs 0 is too small"),
    ],
)
def test_bad_input_is_refused_before_anything_is_begun(asked, sentence, tmp_path):
    parts = tmp_path / "parts"
    with pytest.raises(ValueError, match=sentence):
        physiology_accuracy.simulate(**{"data_set": "digits", **asked}, parts=parts)
    assert not parts.exists()


def test_too_many_evaluations_are_refused():
    with pytest.raises(ValueError, match="too many for the 5 steps"):
        in_parts(numbered(5), 4)
