"""The ablation in miniature, on small models of the digits: pairs, gains, tuning, resuming, intervals, errors."""

import math

import matplotlib
import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from matplotlib import pyplot as plt
from safetensors.torch import save_file
from scipy import stats

from astromorph.attention import AstromorphicMechanism, LinearAttention
from astromorph.runs.run_folder import RunFolder
from astromorph.settings import CalciumResponse, DigitsSettings
from astromorph.tasks import build_task
from astromorph.training import loop as training
from astromorph.training.hardware import Processor
from biophys.simulation.recording import load, save
from studies.attention import ablation_trainings, attention_ablation
from studies.attention.ablation_table import printed, table
from studies.attention.ablation_trainings import CONDITIONS, begin_alike, calcium_gain, settings_of
from studies.circuits.inputs import trained_task
from studies.command_line import main

matplotlib.use("Agg")

SMALL = {"width": 8, "heads": 2, "feedforward": 8, "batch": 256}
BUDGET = ablation_trainings.BUDGETS["digits"]._replace(changes=SMALL)
QUICK = {
    "seeds": 2,
    "epochs": 1.0,
    "evaluations": 2,
    "target": 0.1,
    "learning_rates": (8.0,),
    "conditions": ("linear-matched-gain", "no-attention"),
}


@pytest.fixture(autouse=True, scope="module")
def small_digits():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ablation_trainings.BUDGETS, "digits", BUDGET)
        yield


def simulated(parts, **changes):
    return attention_ablation.simulate(("digits",), parts=parts, **{**QUICK, **changes})


@pytest.fixture(scope="module")
def dataset(tmp_path_factory, small_digits):
    return simulated(tmp_path_factory.mktemp("study") / "parts")


def task_of(condition, gain=1.0):
    settings = settings_of(condition, BUDGET, 0, gain)
    return build_task(settings, CalciumResponse(), None), settings


def test_every_condition_trains(tmp_path):
    """Two steps each: what settings say can be built, learned and tested."""
    found = simulated(tmp_path / "parts", conditions=tuple(CONDITIONS), seeds=1, evaluations=1)
    assert found.condition.values.tolist() == list(CONDITIONS)
    assert np.isfinite(found.test_accuracy).all() and np.isfinite(found.validation_accuracy).all()
    assert np.isnan(found.difference_low).all()  # one seed has no spread


def test_all_conditions_begin_with_the_same_weights():
    first, settings = task_of("linear")
    begin_alike(first, settings)
    linear = dict(first.model.named_parameters())
    for condition in CONDITIONS:
        task, settings = task_of(condition)
        begin_alike(task, settings)
        alike = [torch.equal(p, linear[name]) for name, p in task.model.named_parameters() if name in linear]
        own = [name for name, _ in task.model.named_parameters() if name not in linear]
        assert all(alike) and all("position" in name for name in own), condition
        assert len(alike) == len(linear) or condition == "no-attention"


def test_the_gain_of_calcium_is_its_closed_form():
    """A response ρ(x) = x / 4 answers a quarter of what linear calcium does, so the output is four times as large."""
    task, settings = task_of("astromorphic")
    quarter = CalciumResponse("power_law", 0.0, 0.25, 1.0)
    task = build_task(settings, quarter, None)
    processor = Processor(torch.device("cpu"), False)
    assert calcium_gain(task, processor) == pytest.approx(4, rel=1e-5)
    assert calcium_gain(task_of("linear")[0], processor) == 1
    assert calcium_gain(task_of("without-calcium")[0], processor) == pytest.approx(1, rel=1e-6)


def test_a_matched_gain_brings_linear_attention_to_the_size_of_the_other():
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 2, 2, 16, 4)
    task, _ = task_of("without-position")
    (found,) = (module for module in task.model.modules() if isinstance(module, AstromorphicMechanism))
    seen = []
    gain = calcium_gain(task, Processor(torch.device("cpu"), False))
    found.register_forward_hook(lambda module, entering, leaving: seen.append((entering, leaving)))
    task.model.eval()
    for inputs, _ in task.validation():
        with torch.no_grad():
            task.model(*inputs)
    size = lambda x: math.sqrt(sum(float(each.double().square().sum()) for each in x))
    linear = size([LinearAttention()(*entering) for entering, _ in seen])
    assert gain * linear == pytest.approx(size([leaving for _, leaving in seen]), rel=1e-5)


def test_the_control_has_the_gain_of_its_pair(dataset):
    one = lambda name: dataset.sel(data_set="digits", condition=name)
    np.testing.assert_array_equal(one("linear-matched-gain").given_gain, one("astromorphic").gain)
    assert (one("astromorphic").gain > 1).all()
    assert (dataset.given_gain.sel(condition=["linear", "astromorphic", "no-attention"]) == 1).all()


def test_what_a_control_needs_is_trained_too(dataset):
    assert dataset.condition.values.tolist() == ["linear", "astromorphic", "linear-matched-gain", "no-attention"]
    assert dataset.epoch.values.ravel().tolist() == [0.5, 1.0] and dataset.sizes["repetition"] == 2


def test_tuning_takes_the_best_rate_by_validation_and_reads_no_test(dataset, tmp_path, monkeypatch):
    tests, trained = [], attention_ablation.trained

    def told(name, settings, budget, root, folder, *, test):
        tests.append((name, settings.seed, settings.learning_rate, budget.epochs, test))
        found = trained(name, settings, budget, root, folder, test=test)
        wanted = settings.learning_rate > 0.01 if "linear" in name else settings.learning_rate < 0.01
        return found if test else found._replace(validation=[float(wanted)])

    monkeypatch.setattr(attention_ablation, "trained", told)
    found = simulated(tmp_path / "parts", learning_rates=(4.0, 1.0))
    tuning = [each for each in tests if not each[-1]]
    assert len(tuning) == 4 * 2 and {each[1] for each in tuning} == {2} and {each[3] for each in tuning} == {0.5}
    assert len(tests) - len(tuning) == 4 * 2
    rates = found.learning_rate.sel(data_set="digits")
    for name, expected in {
        "linear": 0.02,
        "linear-matched-gain": 0.02,
        "astromorphic": 0.005,
        "no-attention": 0.005,
    }.items():
        assert float(rates.sel(condition=name)) == pytest.approx(expected)


def test_intervals_are_those_of_paired_t_tests(dataset):
    one = dataset.sel(data_set="digits")
    accuracy = one.test_accuracy
    for name in ("astromorphic", "no-attention"):
        pair = accuracy.sel(condition=name).values, accuracy.sel(condition="linear").values
        expected = stats.ttest_rel(*pair).confidence_interval(0.95)
        cell = one.sel(condition=name)
        np.testing.assert_allclose([cell.difference_low, cell.difference_high], expected, rtol=1e-9)
        lone = stats.ttest_1samp(pair[0], 0).confidence_interval(0.95)
        np.testing.assert_allclose([cell.test_accuracy_low, cell.test_accuracy_high], lone, rtol=1e-9)
    linear = one.sel(condition="linear")
    assert float(linear.difference_mean) == 0 and float(linear.ratio_mean) == 1


def test_ratios_are_geometric_means(dataset):
    epochs = dataset.epochs_to_target.sel(data_set="digits")
    expected = stats.gmean(epochs.sel(condition="astromorphic") / epochs.sel(condition="linear"))
    assert np.isfinite(expected)
    np.testing.assert_allclose(dataset.ratio_mean.sel(data_set="digits", condition="astromorphic"), expected)


def test_a_study_that_is_stopped_goes_on_as_if_it_had_not_been(dataset, tmp_path, monkeypatch):
    done, one_epoch = [], training.one_epoch

    def stopped(*arguments):
        done.append(arguments)
        if len(done) == 4:  # within the second training, after one part of two
            raise KeyboardInterrupt
        return one_epoch(*arguments)

    monkeypatch.setattr(training, "one_epoch", stopped)
    with pytest.raises(KeyboardInterrupt):
        simulated(tmp_path / "parts")
    again = simulated(tmp_path / "parts")
    xr.testing.assert_identical(again.drop_vars("seconds"), dataset.drop_vars("seconds"))
    assert len(done) == 8 * 2 + 1  # only what was going on was done again
    assert not [path for path in (tmp_path / "parts/digits").iterdir() if path.is_dir()]
    with pytest.raises(ValueError, match="another command"):
        simulated(tmp_path / "parts", epochs=2.0)


def test_the_dataset_describes_itself_and_is_drawn_from_its_file(dataset, tmp_path):
    for name, variable in dataset.variables.items():
        assert variable.attrs.get("units") and variable.attrs.get("long_name"), name
    save(dataset, tmp_path / "study.nc")
    back = load(tmp_path / "study.nc")
    xr.testing.assert_identical(back, dataset)
    assert back.attrs["study"] == "attention-ablation"
    figure = attention_ablation.draw(back)
    assert len(figure.axes) == 4
    figure.canvas.draw()
    plt.close(figure)


def test_the_command_writes_dataset_figure_and_table(small_digits, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = "study attention-ablation --data_sets digits --conditions linear --seeds 2 --epochs 1 --learning_rates 1"
    assert main([*words.split(), "--out", "a.nc"]) == 0
    told = capsys.readouterr().out
    rows = table(load(tmp_path / "a.nc"))
    pd.testing.assert_frame_equal(pd.read_csv("a.csv"), rows, check_dtype=False)
    assert printed(rows) in told and "wrote a.nc and a.png and a.csv" in told
    (tmp_path / "a.nc").unlink(), (tmp_path / "a.png").unlink()
    assert main([*words.split(), "--out", "a.nc"]) == 2 and "a.csv exists already" in capsys.readouterr().err


def test_the_table_tells_what_the_dataset_holds(dataset):
    rows = table(dataset).set_index("condition")
    one = dataset.sel(data_set="digits")
    for name in ("test_accuracy_mean", "difference_low", "ratio_high"):
        np.testing.assert_array_equal(rows[name], one[name])
    assert (rows.seeds == 2).all() and (rows.reached == one.epochs_to_target.notnull().sum("repetition")).all()
    assert rows.gain["linear-matched-gain"] == pytest.approx(rows.gain["astromorphic"])
    text = printed(table(dataset))
    assert len(text.splitlines()) == 5 and f"{100 * rows.test_accuracy_mean['linear']:.2f} [" in text


@pytest.mark.parametrize("budget", [ablation_trainings.BUDGETS[name] for name in ("imdb", "cifar10", "digits")])
@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_condition_of_every_data_set_has_settings(budget, condition):
    gain = 1.5 if condition in ablation_trainings.MATCHED else 1.0
    settings = settings_of(condition, budget, 0, gain)
    assert (settings.epochs, settings.gain) == (budget.epochs * budget.evaluations, gain)


def test_a_target_that_is_never_reached_is_drawn_as_missing(dataset):
    never = dataset.assign({name: dataset[name] * np.nan for name in dataset if str(name).startswith("ratio")})
    figure = attention_ablation.draw(never)
    figure.canvas.draw()
    plt.close(figure)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"data_sets": ("mnist",)}, "data set 'mnist' is not used here; use imdb, cifar10, digits"),
        ({"conditions": ("glia",)}, "condition 'glia' is not known"),
        ({"seeds": 0}, "seeds 0 is too small"),
        ({"epochs": 0.0}, "epochs 0 train nothing"),
        ({"evaluations": 0}, "evaluations 0 is too small"),
        ({"target": 85.0}, "target 85 is a share"),
        ({"learning_rates": ()}, "are no multiples"),
        ({"learning_rates": (1.0, -1.0)}, "are no multiples"),
        ({"seed": -1}, "seed -1 is no seed"),
    ],
)
def test_bad_input_is_refused_before_anything_is_begun(asked, sentence, tmp_path):
    with pytest.raises(ValueError, match=sentence):
        attention_ablation.simulate(**{"data_sets": ("digits",), **asked}, parts=tmp_path / "parts")
    assert not (tmp_path / "parts").exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"attention": "none"}, "has no attention, and so no circuit"),
        ({"attention": "linear", "gain": 1.7}, "a gain of 1.7 has no circuit; use a run trained with --gain 1"),
        ({"effects": ("position",)}, "without feedback, has no circuit"),
        ({"effects": ("calcium", "sigmoid", "feedback")}, "the effects sigmoid or exponent"),
        ({"attention": "softmax"}, "SoftmaxAttention has no circuit"),
    ],
)
def test_circuits_refuse_what_they_cannot_express(changes, sentence, tmp_path):
    settings = DigitsSettings(**SMALL, **changes)
    folder = RunFolder.create(tmp_path / "run", "digits", settings, CalciumResponse())
    save_file(build_task(settings, None, None).model.state_dict(), tmp_path / "run/weights.safetensors")
    with pytest.raises(ValueError, match=sentence):
        trained_task(folder, tmp_path)


@pytest.mark.parametrize("effects", [("feedback",), ("calcium", "feedback"), ("position", "feedback")])
def test_circuits_take_the_effects_they_have(effects, tmp_path):
    settings = DigitsSettings(**SMALL, effects=effects)
    folder = RunFolder.create(tmp_path / "run", "digits", settings, CalciumResponse())
    save_file(build_task(settings, None, None).model.state_dict(), tmp_path / "run/weights.safetensors")
    trained_task(folder, tmp_path)
