"""The fit of a segment's answer: known thresholds and gains come back, answers without a threshold are refused."""

import hashlib
import re

import numpy as np
import pytest
import xarray as xr
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import curve_fit, minimize

import mapping
from biophys.simulation.recording import save
from mapping.calcium_response import hill
from mapping.coefficients import Coefficients, read_segment
from mapping.segment_response import fit_segment_response, opening

SYNAPSES = np.arange(0, 31, 2.0)


def logistic(n, theta, slope):
    """p(n) as the module's text writes it, with the slope per synapse."""
    return 1 / (1 + np.exp(-slope * (n - theta)))


def measured(answer, synapses=SYNAPSES, name="detection_probability", units="1"):
    """A dataset of answers (active_synapses,) or (active_synapses, trial)."""
    answer = np.asarray(answer, float)
    dims = ("active_synapses", "trial")[: answer.ndim]
    attributes = {"title": "a title", "study": "segment-detection", "provenance_commit": "abc"}
    return xr.Dataset(
        {name: (dims, answer, {"units": units})}, {"active_synapses": np.asarray(synapses, float)}, attributes
    )


@settings(deadline=None, max_examples=20)
@given(theta=st.floats(5, 25), slope=st.floats(0.3, 1.5))
def test_a_known_threshold_and_gain_come_back_exactly(theta, slope):
    fit = fit_segment_response(measured(logistic(SYNAPSES, theta, slope)))
    assert (fit.status, fit.measure, fit.curve.threshold) == ("ok", "detection_probability", 1.0)
    assert fit.threshold_synapses == pytest.approx(theta, rel=1e-6)
    assert fit.curve.gain == pytest.approx(slope * theta, rel=1e-6)
    assert (fit.floor, fit.ceiling) == (0, 1)
    assert (fit.lowest, fit.highest) == pytest.approx((0, 30 / theta), rel=1e-6)
    x = SYNAPSES / fit.threshold_synapses
    assert opening(x, fit.curve.threshold, fit.curve.gain) == pytest.approx(logistic(SYNAPSES, theta, slope), abs=1e-6)


@settings(deadline=None, max_examples=10)
@given(theta=st.floats(8, 20), slope=st.floats(0.4, 1.5), rest=st.floats(-80, -60), rise=st.floats(5, 60))
def test_a_voltage_gives_the_same_gain_whatever_its_rest_and_height(theta, slope, rest, rise):
    voltage = rest + rise * logistic(SYNAPSES, theta, slope)
    fit = fit_segment_response(measured(voltage, name="plateau_voltage", units="mV"))
    assert (fit.status, fit.measure) == ("ok", "plateau_voltage")
    assert fit.threshold_synapses == pytest.approx(theta, rel=1e-4)
    assert fit.curve.gain == pytest.approx(slope * theta, rel=1e-4)
    assert (fit.floor, fit.ceiling) == pytest.approx((rest, rest + rise), rel=1e-4)


def test_the_gain_does_not_depend_on_the_unit_in_which_synapses_are_counted():
    answer = logistic(SYNAPSES, 12.0, 0.8)
    whole, halves = (fit_segment_response(measured(answer, synapses)) for synapses in (SYNAPSES, SYNAPSES / 2))
    assert halves.curve.gain == pytest.approx(whole.curve.gain, rel=1e-7)
    assert halves.threshold_synapses == pytest.approx(whole.threshold_synapses / 2, rel=1e-7)


def test_one_answer_of_several_is_taken_where_it_is_asked_for():
    several = xr.concat(
        [measured(logistic(SYNAPSES, theta, 0.5)) for theta in (9, 12, 15)],
        xr.Variable("window", [0.0, 5.0, 40.0]),
    )
    fit = fit_segment_response(several, at={"window": 40})
    assert fit.threshold_synapses == pytest.approx(15, rel=1e-6) and fit.at == {"window": 40.0}


def test_a_probability_is_fitted_with_the_greatest_likelihood_of_its_counts():
    """Another parametrisation and optimiser, the curvature by differences, the dispersion from counts."""
    n, total = np.repeat(SYNAPSES, 3), 40
    counts = np.random.default_rng(3).binomial(total, logistic(SYNAPSES, 12, 0.6)[:, None], (16, 3)).ravel()
    fit = fit_segment_response(measured(counts.reshape(16, 3) / total))

    def surprise(values):
        return -stats.binom.logpmf(counts, total, logistic(n, values[0], values[1] / values[0])).sum()

    best = minimize(surprise, [10.0, 5.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-11}).x
    assert [fit.threshold_synapses, fit.curve.gain] == pytest.approx(best, rel=1e-6)
    mean = logistic(n, best[0], best[1] / best[0])
    variance = total * mean * (1 - mean)
    pearson = np.sum((counts - total * mean) ** 2 / variance) / 46
    dispersion = pearson / (1 + np.mean((1 - 2 * mean) * (counts - total * mean) / variance))
    widths = 2.012896 * np.sqrt(dispersion * np.diag(np.linalg.inv(curvature(surprise, best))))  # Student's t, 97.5 %
    low, high = fit.curve.intervals["threshold"]
    assert (low + high) / 2 == pytest.approx(1) and (high - low) / 2 == pytest.approx(widths[0] / best[0], rel=1e-3)
    low, high = fit.curve.intervals["gain"]
    assert [(low + high) / 2, (high - low) / 2] == pytest.approx([best[1], widths[1]], rel=1e-3)
    residual = counts / total - mean
    assert fit.curve.residual_rms == pytest.approx(np.sqrt(np.mean(residual**2)), rel=1e-5)
    assert fit.curve.r_squared == pytest.approx(1 - np.mean(residual**2) / np.var(counts / total), rel=1e-6)
    line = np.polyval(np.polyfit(n, counts / total, 1), n) - counts / total
    assert fit.curve.aicc - fit.curve.aicc_line == pytest.approx(48 * np.log(np.sum(residual**2) / np.sum(line**2)))


def curvature(function, place, reach=1e-3):
    """Second derivatives by central differences."""
    steps = reach * np.eye(len(place))
    four = lambda a, b: (
        function(place + a + b) - function(place + a - b) - function(place - a + b) + function(place - a - b)
    )
    return np.array([[four(a, b) for a in steps] for b in steps]) / (4 * reach**2)


def test_a_voltage_is_fitted_as_by_another_program():
    """Levenberg-Marquardt over the slope per synapse."""
    noise = np.random.default_rng(5).normal(0, 0.8, (16, 3))
    voltage = -70 + 30 * logistic(SYNAPSES, 12, 0.6)[:, None] + noise
    fit = fit_segment_response(measured(voltage, name="plateau_voltage"))
    n, answer = np.repeat(SYNAPSES, 3), voltage.ravel()
    curve = lambda n, theta, gain, floor, rise: floor + rise * logistic(n, theta, gain / theta)
    values, covariance = curve_fit(curve, n, answer, [10.0, 5.0, -65.0, 20.0])
    assert [fit.threshold_synapses, fit.curve.gain, fit.floor] == pytest.approx(values[:3], rel=1e-5)
    widths = 2.015368 * np.sqrt(np.diag(covariance))  # Student's t, 97.5 %, 48 - 4 degrees of freedom
    for name, width in (("threshold", widths[0] / values[0]), ("gain", widths[1])):
        low, high = fit.curve.intervals[name]
        assert (high - low) / 2 == pytest.approx(width, rel=1e-3), name
    residual = answer - curve(n, *values)
    assert fit.curve.residual_rms == pytest.approx(np.sqrt(np.mean(residual**2)) / values[3], rel=1e-5)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """300 simulated experiments of 16 numbers of synapses, 50 volleys each; intervals of 95 %."""
    draw, truth = np.random.default_rng(0), logistic(SYNAPSES, 12, 0.6)
    held = []
    for _ in range(300):
        fit = fit_segment_response(measured(draw.binomial(50, truth) / 50))
        assert fit.status == "ok"
        low, high = np.array(fit.curve.intervals["threshold"]) * fit.threshold_synapses
        held.append([low < 12 < high, fit.curve.intervals["gain"][0] < 7.2 < fit.curve.intervals["gain"][1]])
    share = np.mean(held, axis=0)
    assert np.all((share > 0.90) & (share < 0.995)), share  # 4 standard errors are 0.05


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (logistic(SYNAPSES, 12, -0.5), "does not answer more to more synapses: 0.9975 to 0.0001234"),
        (np.full(16, 0.3), "does not answer more"),
        (np.zeros(16), "does not answer more to more synapses: 0 to 0"),
        (logistic(SYNAPSES, -4, 0.4), "half of the answer takes -4 synapses, outside the simulated 0 to 30"),
        (logistic(SYNAPSES, 40, 0.3), "half of the answer takes 40 synapses, outside the simulated 0 to 30; simulate"),
        (np.where(SYNAPSES > 11, 1.0, 0.0), "jumps near 11.* synapses, too abruptly to tell the gain"),
        (np.tile([0.0, 1.0], 8), r"R\^2 of the curve is .* where at least 0.9 is needed"),
    ],
)
def test_an_answer_without_a_measurable_threshold_is_a_failed_fit_with_a_reason(answer, reason):
    fit = fit_segment_response(measured(answer))
    assert fit.status == "failed" and re.search(reason, fit.reason), fit.reason


def test_linear_summation_has_no_threshold():
    """Scattered inputs sum linearly (Polsky et al. 2004); a logistic curve can be drawn through them nonetheless."""
    noise = np.random.default_rng(1).normal(0, 0.3, SYNAPSES.size)
    fit = fit_segment_response(measured(-70 + 0.8 * SYNAPSES + noise, name="plateau_voltage"))
    assert fit.status == "failed" and "a straight line describes the answer as well" in fit.reason
    assert fit.curve.r_squared > 0.99


@pytest.mark.parametrize(("name", "least"), [("detection_probability", 5), ("plateau_voltage", 7)])
def test_too_few_numbers_of_synapses_are_refused_with_the_number_needed(name, least):
    synapses = np.linspace(4, 20, least)
    answer = logistic(synapses, 12, 0.5)
    assert fit_segment_response(measured(answer, synapses, name)).status == "ok"
    fit = fit_segment_response(measured(answer[1:], synapses[1:], name))
    assert fit.status == "failed" and f"{least - 1} numbers of synapses are too few" in fit.reason
    assert f"simulate at least {least}" in fit.reason and fit.curve is None


def test_datasets_without_such_an_answer_are_refused():
    with pytest.raises(ValueError, match="no detection_probability or plateau_voltage against active_synapses; make"):
        fit_segment_response(xr.Dataset({"voltage": ("time", [1.0])}))
    good = measured(logistic(SYNAPSES, 12, 0.5))
    with pytest.raises(ValueError, match="there is no measure 'voltage'; use one of detection_probability, plateau"):
        fit_segment_response(good, measure="voltage")
    with pytest.raises(ValueError, match="the dataset holds no plateau_voltage against active_synapses"):
        fit_segment_response(good, measure="plateau_voltage")
    varying = good.expand_dims({"window": [0.0, 5.0]})
    with pytest.raises(ValueError, match="detection_probability varies with window too; choose one of 0, 5"):
        fit_segment_response(varying)
    with pytest.raises(ValueError, match="detection_probability is not known at window 3; choose one of 0, 5"):
        fit_segment_response(varying, at={"window": 3})
    with pytest.raises(ValueError, match="detection_probability does not vary with spread; choose along window"):
        fit_segment_response(varying, at={"spread": 0, "window": 5})
    with pytest.raises(ValueError, match="detection_probability 1.23.* leaves the range 0 to 1; give shares"):
        fit_segment_response(good + 0.5)
    with pytest.raises(ValueError, match="not finite"):
        fit_segment_response(measured(np.full(16, np.nan)))


def coefficients_of(answer, folder, name="detection_probability"):
    save(measured(answer, name=name, units={"plateau_voltage": "mV"}.get(name, "1")), folder / "segment.nc")
    return mapping.fit(folder / "segment.nc", provenance={"commit": "def"})


def test_a_written_file_is_read_unchanged(tmp_path):
    cases = {
        "voltage": coefficients_of(-70 + 30 * logistic(SYNAPSES, 12, 0.5), tmp_path, "plateau_voltage").segment,
        "step": coefficients_of(np.where(SYNAPSES > 11, 1.0, 0.0), tmp_path).segment,
        "good": coefficients_of(logistic(SYNAPSES, 12, 0.5), tmp_path).segment,
    }
    for name, segment in cases.items():
        mapping.write(Coefficients(2, segment=segment), tmp_path / f"{name}.yaml")
        assert read_segment(tmp_path / f"{name}.yaml") == segment
    good = cases["good"]
    assert good.source.sha256 == hashlib.sha256((tmp_path / "segment.nc").read_bytes()).hexdigest()
    assert good.source.parameters == {"study": "segment-detection"} and good.provenance == {"commit": "def"}
    assert good.reference.synapses == pytest.approx(12) and good.reference.units == "1"
    assert good.gate().gain == pytest.approx(6) and good.gate().threshold == 1
    assert cases["voltage"].reference.units == "mV" and cases["voltage"].reference.floor == pytest.approx(-70)
    with pytest.raises(ValueError, match=r"segment.nc failed \(the answer jumps.*run astromorph map on it"):
        cases["step"].gate()


def put(*place, value):
    def change(content):
        for name in place[:-1]:
            content = content[name]
        content[place[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda content: content["segment"].pop("curve"), "segment.curve is missing"),
        (put("colour", value="red"), "colour is not a known entry of the file"),
        (put("segment", "segment_response", "half", value=1), "segment.segment_response.half is not a known entry of"),
        (
            put("segment", "segment_response", "gain", value="steep"),
            "segment.segment_response.gain is 'steep', not a finite number",
        ),
        (put("segment", "segment_response", "gain", value=-1), "segment: segment_response.gain is -1.0, not above 0"),
        (
            put("segment", "segment_response", "measure", value="spikes"),
            "segment.segment_response.measure is 'spikes', not one of",
        ),
        (put("segment", "segment_response", value=None), "segment: status ok does not go with segment_response None"),
        (put("segment", "curve", value=None), "segment: a segment_response goes with a curve and a reference"),
        (
            put("segment", "reference", "synapses", value=True),
            "segment.reference.synapses is True, not a finite number",
        ),
        (put("format_version", value=3), "format_version is 3, this version reads 1 and 2"),
    ],
)
def test_every_other_content_is_refused_by_the_name_of_its_entry(tmp_path, change, sentence):
    path = tmp_path / "segment.yaml"
    mapping.write(coefficients_of(logistic(SYNAPSES, 12, 0.5), tmp_path), path)
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ValueError, match=f"segment.yaml: {sentence}.*; write it again with astromorph map"):
        read_segment(path)


def test_the_files_of_calcium_and_of_a_segment_are_not_taken_for_each_other(tmp_path):
    rates = np.array([0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0])
    calcium = xr.Dataset({"calcium_mean": ("rate", hill(rates, 0.3, 0.5, 1.2, 1.5))}, {"rate": rates})
    mapping.write(mapping.fit(calcium), tmp_path / "calcium.yaml")
    mapping.write(coefficients_of(logistic(SYNAPSES, 12, 0.5), tmp_path), tmp_path / "segment.yaml")
    with pytest.raises(ValueError, match="calcium.yaml holds no dendritic segment; map a dataset of study segment-det"):
        read_segment(tmp_path / "calcium.yaml")
    with pytest.raises(ValueError, match="hold nothing that attention is made of"):
        mapping.as_settings(mapping.read(tmp_path / "segment.yaml"))
