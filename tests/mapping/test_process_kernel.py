"""The distance kernel: sqrt(D/k) in closed form, by another solver, with noise; and what is refused."""

import numpy as np
import pytest
import xarray as xr
from brian2 import mmolar, second, um
from scipy.integrate import solve_bvp

from biophys.coupling.process import ProcessParameters, compartment_length_constant, steady_profile
from mapping.process_kernel import fit_process_kernel, sealed_end

POSITIONS = np.arange(40) * 5.0 + 2.5


def dataset(profile, positions=POSITIONS, **others):
    return xr.Dataset({"inositol_trisphosphate": ("position", profile)}, {"position": positions}).assign(**others)


@pytest.mark.parametrize("length", [8.0, 25.0, 150.0])
def test_a_profile_of_the_cable_equation_gives_its_length_constant(length):
    profile = 3 * np.cosh((200 - POSITIONS) / length) / np.cosh(200 / length)
    fit = fit_process_kernel(dataset(profile), spacing=2.0)
    assert fit.status == "ok" and fit.length_constant == pytest.approx(length, rel=1e-9)
    assert fit.length == pytest.approx(length / 2, rel=1e-9) and fit.residual_rms < 1e-12
    assert fit.length_interval == pytest.approx([length / 2] * 2, rel=1e-8)


def test_the_length_constant_is_the_root_of_diffusion_over_degradation():
    """The steady state of dI/dt = D I'' - k I with a flux into one end, by collocation."""
    D, k, end = 283.0, 0.5, 200.0
    mesh = np.linspace(0, end, 400)
    solved = solve_bvp(
        lambda x, y: np.stack([y[1], k / D * y[0]]),
        lambda a, b: np.array([a[1] + 1.0, b[1]]),
        mesh,
        np.stack([np.exp(-mesh / 20), -np.exp(-mesh / 20) / 20]),
        tol=1e-9,
    )
    found = dataset(solved.sol(POSITIONS)[0]).assign(diffusion=D).assign_coords(degradation=k)
    fit = fit_process_kernel(found)
    assert fit.length_constant == pytest.approx(np.sqrt(D / k), rel=1e-5)
    assert fit.length_constant_theory == pytest.approx(np.sqrt(D / k))
    assert fit.length == pytest.approx(np.sqrt(D / k) / 0.78, rel=1e-5)


def test_compartments_give_their_own_closed_form():
    process = ProcessParameters(283 * um**2 / second, 2 / second, 5 * um)
    profile = steady_profile(process, 1 * mmolar / second, 40) / mmolar
    fit = fit_process_kernel(dataset(np.asarray(profile)))
    assert fit.length_constant == pytest.approx(float(compartment_length_constant(process) / um), rel=1e-8)
    assert fit.length_constant == pytest.approx(np.sqrt(283 / 2), rel=0.01)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    generator, covered = np.random.default_rng(3), 0
    for _ in range(100):
        noisy = np.cosh((200 - POSITIONS) / 40.0) * np.exp(generator.normal(0, 0.05, 40))
        low, high = fit_process_kernel(dataset(noisy)).length_constant_interval
        covered += low <= 40 <= high
    assert 87 <= covered <= 100


def test_a_profile_is_taken_where_it_is_asked_for():
    lengths = {0.1: 50.0, 2.0: 12.0}
    profiles = np.stack([np.exp(-POSITIONS / length) + 1e-9 for length in lengths.values()])
    several = xr.Dataset(
        {"inositol_trisphosphate": (("degradation", "position"), profiles), "diffusion": 250.0},
        {"position": POSITIONS, "degradation": list(lengths)},
    )
    fit = fit_process_kernel(several, at={"degradation": 0.1})
    assert fit.length_constant_theory == pytest.approx(50) and fit.at == {"degradation": 0.1}
    for at, told in (({}, "varies with degradation too"), ({"degradation": 3.0}, "is not known at degradation 3")):
        with pytest.raises(ValueError, match=f"{told}; choose one of 0.1, 2"):
            fit_process_kernel(several, at=at)
    with pytest.raises(ValueError, match="does not vary with window; choose along degradation"):
        fit_process_kernel(several, at={"window": 1.0})


@pytest.mark.parametrize(
    ("profile", "reason"),
    [
        (np.ones(40), "does not fall along the process: 1 to 1 umolar over 195 um; simulate a longer one"),
        (np.linspace(1, 2, 40), "does not fall along the process"),
        (np.where(np.arange(40) % 2, 0.1, 1.0) * np.exp(-np.arange(40) / 40), "R^2 of the profile is 0."),
    ],
)
def test_a_profile_without_a_length_constant_is_a_failed_fit(profile, reason):
    fit = fit_process_kernel(dataset(profile))
    assert fit.status == "failed" and fit.length is None and reason in fit.reason


def test_wrong_datasets_are_refused():
    with pytest.raises(
        ValueError, match="holds no inositol_trisphosphate against position; make one: astromorph study"
    ):
        fit_process_kernel(xr.Dataset({"release": ("rate", [1.0])}))
    with pytest.raises(ValueError, match="inositol_trisphosphate 0 umolar is not above 0; leave out"):
        fit_process_kernel(dataset(np.zeros(40)))
    with pytest.raises(ValueError, match="a spacing of 0 um keeps no synapses apart"):
        fit_process_kernel(dataset(np.ones(40)), spacing=0)
    assert sealed_end(POSITIONS) == 200
