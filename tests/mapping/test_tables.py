"""Measured tables as people have them give the fit of the tidy one."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mapping
from mapping.calcium_response import fit_calcium_response, hill
from mapping.process_kernel import fit_process_kernel
from mapping.release_response import fit_release, release
from mapping.retention import fit_retention
from mapping.segment_response import fit_segment_response, opening
from mapping.tables import rows

RATES = np.array([0.2, 0.5, 1, 2, 4, 8, 16, 30])
TRIALS = hill(RATES[:, None] / 2, 0.08, 0.6, 1.2, 1.6) * (1 + 0.03 * np.random.default_rng(0).normal(size=(8, 4)))


def table(rates, calcium, rate_units="Hz", units="umolar", dims=("rate",)):
    return xr.Dataset(
        {"calcium_mean": (dims, calcium, {"units": units})}, {"rate": ("rate", rates, {"units": rate_units})}
    )


TIDY = fit_calcium_response(table(RATES, TRIALS, dims=("rate", "trial")))


def same(fit, tidy=TIDY, rel=1e-6):
    for name, law in tidy.candidates.items():
        for key in ("baseline", "amplitude", "exponent"):
            assert getattr(fit.candidates[name], key) == pytest.approx(getattr(law, key), rel=rel, abs=1e-9)
    assert fit.reference_rate == pytest.approx(tidy.reference_rate, rel=rel)
    assert fit.reference_calcium == pytest.approx(tidy.reference_calcium, rel=rel)
    np.testing.assert_allclose(fit.curve.values, tidy.curve.values, rtol=rel)
    np.testing.assert_allclose(fit.curve.intervals, tidy.curve.intervals, rtol=rel)


UNITS = st.sampled_from([("umolar", 1), ("nM", 1e3), ("µM", 1), ("mmol/m^3", 1), ("mol L-1", 1e-6)])
RATE_UNITS = st.sampled_from([("Hz", 1), ("kHz", 1e-3), ("1/min", 60), ("spikes/s", 1), ("s^-1", 1)])
KINDS = st.sampled_from(["<f8", ">f8"])


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(order=st.permutations(range(32)), units=UNITS, rate_units=RATE_UNITS, kind=KINDS, long=st.booleans())
def test_rows_in_any_order_unit_and_precision_fit_alike(order, units, rate_units, kind, long):
    rates, calcium = np.repeat(RATES, 4), TRIALS.ravel()
    made = table(
        (rates * rate_units[1]).astype(kind)[order],
        (calcium * units[1]).astype(kind)[order],
        rate_units[0],
        units[0],
    )
    if long:  # with a row in which nothing was measured, and a trial dimension of one
        made = xr.concat([made, made.isel(rate=[0]) * np.nan], "rate", combine_attrs="override").expand_dims("trial")
        made.calcium_mean.attrs["units"], made.rate.attrs["units"] = units[0], rate_units[0]
    same(fit_calcium_response(made), rel=1e-5)


def test_single_precision_and_whole_numbers_are_numbers():
    same(fit_calcium_response(table(RATES.astype("f4"), TRIALS.astype("f4"), dims=("rate", "trial"))), rel=1e-3)
    rates = np.array([1, 2, 4, 8, 16, 32, 64])
    nanomolar = np.rint(1e3 * hill(rates / 8, 0.1, 0.5, 1.2, 1.0))
    whole = fit_calcium_response(table(rates, nanomolar.astype("i4"), units="nM"))
    plain = fit_calcium_response(table(rates.astype(float), nanomolar / 1e3))
    assert whole.candidates["hill"].exponent == pytest.approx(plain.candidates["hill"].exponent, rel=1e-6)


def test_missing_trials_leave_the_fit_of_the_others():
    missing = TRIALS.copy()
    missing[[1, 4, 4], [0, 2, 3]] = np.nan
    there = np.isfinite(missing)
    rowwise = fit_calcium_response(table(np.repeat(RATES, 4)[there.ravel()], missing[there]))
    same(fit_calcium_response(table(RATES, missing, dims=("rate", "trial"))), rowwise)
    assert rowwise.candidates["hill"].exponent == pytest.approx(TIDY.candidates["hill"].exponent, rel=0.05)


@pytest.mark.parametrize("form", ["hill", "power_law", "curve"])
def test_calcium_at_no_input_is_the_baseline(form):
    exact = {"hill": hill, "power_law": lambda x, low, rise, n, half: low + rise * x**n, "curve": hill}[form]
    rates = np.array([0.0, *RATES])
    calcium = exact(rates / 2, 0.08, 0.6, 1.2, 1.6)
    fit = fit_calcium_response(table(rates, calcium), form=form)
    assert fit.status == "ok" and fit.reference_rate == pytest.approx(np.exp(np.log(RATES).mean()))
    assert fit.lowest == pytest.approx(0.2 / fit.reference_rate)
    if form == "curve":
        assert len(fit.curve.knots) == 8
    else:
        low = fit.candidates[form].baseline * fit.candidates[form].reference_calcium
        assert low == pytest.approx(0.08, rel=1e-5)


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (table(-RATES, TRIALS[:, 0]), "rate -30 Hz is negative or alone; give rates of 0 Hz or more"),
        (table([*RATES[:-1], np.nan], TRIALS[:, 0]), "rate is not a number in row 7"),
        (table(RATES, [*TRIALS[:-1, 0], np.inf]), "calcium_mean is not finite at rate 30"),
        (table(RATES, TRIALS[:, 0]).drop_vars("rate"), "rate has no values; give the dataset a coordinate rate in Hz"),
        (table(RATES, TRIALS[:, 0], units="mV"), "calcium_mean is in 'mV', which is no unit like umolar"),
        (table(RATES, TRIALS[:, 0], rate_units="beats"), "rate is in 'beats', which is no known unit; give it in Hz"),
        (table(RATES, TRIALS[:, 0], rate_units="10 Hz"), "rate is in '10 Hz', which is no known unit; give it in Hz"),
        (table(RATES, TRIALS, dims=("rate", "cell")), "calcium_mean varies with cell too; choose one of 0, 1, 2, 3"),
    ],
)
def test_what_is_no_table_is_refused_in_a_sentence(made, sentence):
    with pytest.raises(ValueError, match=sentence):
        mapping.fit(made)


def test_a_table_without_units_is_taken_as_documented_and_says_so():
    bare = xr.Dataset({"calcium_mean": ("rate", TRIALS[:, 0])}, {"rate": RATES})
    with pytest.warns(UserWarning) as told:
        fit = fit_calcium_response(bare)
    assert {str(each.message) for each in told} == {
        "calcium_mean has no units; it is taken in umolar",
        "rate has no units; it is taken in Hz",
    }
    assert fit.reference_rate == TIDY.reference_rate


@pytest.mark.parametrize(("unit", "scale"), [("um", 1), ("mm", 1e-3), ("nm", 1e3), ("m", 1e-6), ("microns", 1)])
def test_a_profile_in_any_length_has_the_length_constant_in_um(unit, scale):
    positions = np.arange(2.5, 100, 5)
    ip3 = np.cosh((100 - positions) / 11.98) / np.cosh(100 / 11.98)
    order = np.r_[19:-1:-1, 3, 4] if unit == "mm" else np.arange(20)  # backwards, two places twice
    profile = xr.Dataset(
        {"inositol_trisphosphate": ("position", 1e3 * ip3[order], {"units": "nM"})},
        {"position": ("position", positions[order] * scale, {"units": unit})},
    )
    fit = fit_process_kernel(profile)
    assert fit.length_constant == pytest.approx(11.98, rel=1e-6) and fit.length == pytest.approx(15.359, rel=1e-4)
    np.testing.assert_allclose(fit.positions, positions, rtol=1e-12)
    np.testing.assert_allclose(fit.concentrations, ip3, rtol=1e-9)


def test_the_spacing_and_the_reference_rate_may_have_units():
    from brian2 import Hz, kHz, mV, nmeter

    positions = np.arange(2.5, 100, 5)
    profile = xr.Dataset(
        {"inositol_trisphosphate": ("position", np.exp(-positions / 12), {"units": "umolar"})},
        {"position": ("position", positions, {"units": "um"})},
    )
    assert fit_process_kernel(profile, spacing=500 * nmeter).spacing == 0.5
    with pytest.raises(ValueError, match="spacing .* has the wrong unit; give it in um"):
        fit_process_kernel(profile, spacing=5 * Hz)
    calcium = table(RATES, TRIALS[:, 0])
    assert fit_calcium_response(calcium, reference_rate=0.003 * kHz).reference_rate == 3
    with pytest.raises(ValueError, match="reference rate .* has the wrong unit; give it in Hz"):
        fit_calcium_response(calcium, reference_rate=3 * mV)


def test_release_may_be_in_per_cent_repeated_missing_and_at_rest():
    exact = release(RATES / 2, 0.6, 1.0, 0.6)
    tidy = xr.Dataset({"release": ("rate", exact, {"units": "1"})}, {"rate": ("rate", RATES, {"units": "Hz"})})
    rates, shares = np.r_[0.0, RATES, RATES][::-1], 100 * np.r_[0.6, exact, exact][::-1]
    shares[3] = np.nan
    loose = xr.Dataset(
        {"release": ("rate", shares, {"units": "%"})}, {"rate": ("rate", 60 * rates, {"units": "1/min"})}
    )
    for form in ("mean_field", "curve"):
        wanted, fit = (fit_release(each, form=form, reference_rate=2.0) for each in (tidy, loose))
        assert fit.status == "ok" and fit.resting == pytest.approx(0.6, rel=1e-5)
        np.testing.assert_allclose(fit.values, wanted.values, rtol=1e-6)


def test_segments_may_miss_trials_and_be_in_per_cent():
    n = np.arange(1, 25)
    exact = opening(n / 12, 1.0, 8.0)
    made = lambda answer, units: xr.Dataset(
        {"detection_probability": (("active_synapses", "trial"), answer, {"units": units})},
        {"active_synapses": ("active_synapses", n[::-1], {"units": "1"})},
    )
    answer = np.column_stack([exact, exact])[::-1]
    wanted, missing = fit_segment_response(made(answer, "1")), answer.copy()
    missing[3, 1] = np.nan
    for fit in (fit_segment_response(made(100 * answer, "%")), fit_segment_response(made(missing, "1"))):
        assert fit.threshold_synapses == pytest.approx(wanted.threshold_synapses, rel=1e-4)


def test_retention_reads_the_units_of_time_and_of_the_cycle():
    levels = np.cumsum(np.r_[0, 0.7 ** np.arange(6)])
    made = lambda time, units, cycle: xr.Dataset(
        {"long_term": (("synapse", "time"), np.tile(levels, (2, 1)), {"units": "1"})},
        {"time": ("time", time, {"units": units})},
        {"stimulus.cycle": cycle},
    )
    tidy = fit_retention(made(20.0 * np.arange(7), "s", "20 second"))
    for loose in (made(20e3 * np.arange(7), "ms", "20 second"), made(np.arange(7) / 3, "min", "20000 ms")):
        fit = fit_retention(loose.isel(time=[3, 0, 1, 2, 6, 5, 4]))
        assert fit.ratio == pytest.approx(tidy.ratio, rel=1e-9) and fit.cycle == pytest.approx(20)


@pytest.mark.parametrize("format", ["NETCDF3_CLASSIC", "NETCDF3_64BIT"])
def test_classic_netcdf_is_read(tmp_path, format):
    tidy = table(RATES, TRIALS, dims=("rate", "trial"))
    tidy.to_netcdf(tmp_path / "classic.nc", engine="scipy", format=format)
    found = mapping.fit(tmp_path / "classic.nc").calcium_response
    assert found.candidates["hill"].exponent == pytest.approx(TIDY.candidates["hill"].exponent, rel=1e-9)
    tidy.to_netcdf(tmp_path / "cut.nc", engine="scipy", format=format)
    (tmp_path / "cut.nc").write_bytes((tmp_path / "cut.nc").read_bytes()[:60])
    with pytest.raises(ValueError, match="cut.nc is not a readable NetCDF file"):
        mapping.fit(tmp_path / "cut.nc")


def test_rows_at_one_place_are_trials_of_it():
    measured = xr.DataArray([1.0, 2.0, np.nan, 3.0, 5.0], {"rate": [2.0, 1.0, 1.0, 2.0, 2.0]}, ["rate"], name="calcium")
    places, answers = rows(measured, "rate")
    np.testing.assert_array_equal(places, [1, 2])
    np.testing.assert_array_equal(answers, [[2, np.nan, np.nan], [1, 3, 5]])


POSITIONS = np.arange(2.5, 100, 5)
LEVELS = np.tile(np.cumsum(np.r_[0, 0.7 ** np.arange(6)]), (2, 1))


def profiled(positions):
    return xr.Dataset(
        {"inositol_trisphosphate": ("position", np.exp(-POSITIONS / 12), {"units": "umolar"})},
        {"position": ("position", positions, {"units": "um"})},
    )


CYCLES = 20.0 * np.arange(7)


def retained(levels=LEVELS, time=CYCLES):
    return xr.Dataset(
        {"long_term": (("synapse", "time"), levels, {"units": "1"})},
        {"time": ("time", time, {"units": "s"})},
        {"stimulus.cycle": "20 second"},
    )


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (profiled(-1 - POSITIONS), "^the process ends at position -3.5 um, before its source; measure from there$"),
        (
            retained(time=np.r_[20.0 * np.arange(6), np.nan]),
            "^time is not a number in row 6; give it, or leave it out$",
        ),
        (retained(LEVELS * np.nan), "^long_term is empty or not finite anywhere; give a process that was measured$"),
        (retained().isel(time=[]), "^long_term is empty or not finite anywhere; give a process that was measured$"),
        (retained(LEVELS.astype(str)), "^long_term holds no numbers but <U32; give numbers$"),
        (retained(LEVELS.astype(complex)), "^long_term holds no numbers but complex128; give numbers$"),
    ],
)
def test_no_library_speaks_of_a_table_that_cannot_be_fitted(made, sentence):
    with pytest.raises(ValueError, match=sentence):
        mapping.fit(made)


@pytest.mark.parametrize(
    "as_people_have_it",
    [
        lambda made: made.expand_dims("cell").transpose(..., "cell"),
        lambda made: made.map(lambda each: each.astype(">f8")).assign_coords(time=made.time.astype(">f8")),
        lambda made: made.map(lambda each: each.astype("f4")),
        lambda made: made.transpose("time", "synapse"),
        lambda made: made.assign_coords(time=made.time.assign_attrs(units=b"s")),
    ],
)
def test_a_process_of_any_precision_order_or_further_dimension_is_retained_alike(as_people_have_it):
    tidy = retained()
    loose = as_people_have_it(tidy).assign_attrs(tidy.attrs)
    loose.time.attrs.setdefault("units", "s")
    assert fit_retention(loose).ratio == pytest.approx(0.7, rel=1e-5)
