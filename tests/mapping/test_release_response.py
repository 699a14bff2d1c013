"""Release against rate: the theory's numbers come back, its fit says when it does not hold, and what is refused."""

import numpy as np
import pytest
import torch
import xarray as xr

import mapping
from astromorph.feature_map import released_activity
from biophys.release_theory import mean_field_release
from biophys.simulation.recording import save
from mapping.coefficients import release_settings
from mapping.release_response import fit_release, release

RATES = np.geomspace(0.1, 100, 13)


def dataset(values, rates=RATES, error=None):
    made = xr.Dataset({"release": ("rate", values)}, {"rate": rates})
    return made if error is None else made.assign(release_error=("rate", error))


@pytest.mark.parametrize("resting", [0.05, 0.6])  # facilitating, depressing
def test_the_mean_field_comes_back(resting):
    fit = fit_release(dataset(mean_field_release(RATES, resting, 2.0, 3.33)), reference_rate=2.5)
    assert (fit.status, fit.form) == ("ok", "mean_field")
    assert [fit.resting, fit.recovery, fit.facilitation] == pytest.approx([resting, 2.5 / 2.0, 2.5 / 3.33], rel=1e-7)
    assert fit.reference_release == pytest.approx(mean_field_release(2.5, resting, 2.0, 3.33))
    assert release(RATES / 2.5, resting, 1.25, 2.5 / 3.33) == pytest.approx(
        mean_field_release(RATES, resting, 2.0, 3.33), rel=1e-13
    )


def test_a_synapse_without_plasticity_has_no_lifetimes():
    fit = fit_release(dataset(np.full(13, 0.35)))
    assert fit.form == "mean_field" and fit.resting == pytest.approx(0.35, rel=1e-5)
    x = np.geomspace(0.03, 30, 20)
    assert x * release(x, fit.resting, fit.recovery, fit.facilitation) == pytest.approx(0.35 * x, rel=1e-4)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    generator, covered = np.random.default_rng(2), 0
    exact = mean_field_release(RATES, 0.6, 2.0, 3.33)
    for _ in range(30):
        fit = fit_release(dataset(exact * np.exp(generator.normal(0, 0.02, 13))), reference_rate=2.5)
        low, high = fit.intervals["recovery"]
        covered += low <= 1.25 <= high
    assert covered >= 26


def test_where_theory_does_not_hold_the_points_are_taken_and_pass_to_torch():
    bent = mean_field_release(RATES, 0.6, 2.0, 3.33) * np.where(RATES < 3, 0.3, 1.0)
    fit = fit_release(dataset(bent, error=0.01 * bent), reference_rate=2.0)
    assert (fit.status, fit.form) == ("ok", "curve") and fit.residual_rms > 0.1
    assert fit.error == pytest.approx(0.01 * np.array(fit.values))
    synapse = release_settings(mapping.fit(dataset(bent), reference_rate=2.0))
    transfer = released_activity(synapse).transfer
    drive = RATES * bent
    found = transfer(torch.tensor(RATES / 2.0))
    np.testing.assert_allclose(found / found[0], drive / drive[0], rtol=1e-12)
    assert transfer(torch.ones(1).double()).item() == pytest.approx(1, rel=1e-12)
    refused = fit_release(dataset(bent), reference_rate=2.0, form="mean_field")
    assert refused.status == "failed" and "where at most 0.1 is allowed; use --form curve" in refused.reason


def test_a_failed_fit_is_no_synapse(tmp_path):
    save(dataset(np.full(4, 0.3), RATES[:4]), tmp_path / "a.nc")
    short = mapping.fit(tmp_path / "a.nc")
    assert short.release.status == "failed"
    assert "4 rates are too few to fit; simulate at least 5" in short.release.reason
    with pytest.raises(ValueError, match="a.nc failed .4 rates are too few.*; measure release at more rates and run"):
        release_settings(short)
    outside = fit_release(dataset(np.full(13, 0.3)), reference_rate=1000, form="curve")
    assert "the reference rate 1e+03 Hz lies outside the measured 0.1 to 100 Hz" in outside.reason


def test_bad_input_is_refused():
    good = dataset(mean_field_release(RATES, 0.6, 2.0, 3.33))
    loops = good.expand_dims({"loop": ["none", "closed"]})
    assert fit_release(loops, at={"loop": "closed"}).at == {"loop": "closed"}
    cases = [
        (xr.Dataset({"calcium_mean": ("rate", [1.0])}), {}, "no release against rate; make one: astromorph study"),
        (loops, {}, "release varies with loop too; choose one of none, closed"),
        (loops, {"at": {"loop": "open"}}, "release is not known at loop open; choose one of none, closed"),
        (good, {"at": {"loop": "open"}}, "release does not vary with loop; choose along nothing"),
        (good * 2, {}, "release 1.17.* is no share of the vesicles; give numbers above 0 and up to 1"),
        (good, {"reference_rate": -1.0}, "reference rate -1 Hz is not a rate"),
        (good, {"form": "hill"}, "there is no form 'hill' of a release; use one of mean_field, curve, best"),
    ]
    for made, options, told in cases:
        with pytest.raises(ValueError, match=told):
            fit_release(made, **options)
