"""Networks of calcium models against reference solutions and an independent solver; noise against closed forms."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from brian2 import Equations, Network, NeuronGroup, StateMonitor, second, umolar
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from biophys.astrocyte import (
    BOOK_CHAPTER_5,
    CALCIUM,
    DE_PITTA_AMPLITUDE,
    DE_PITTA_FREQUENCY,
    INOSITOL_TRISPHOSPHATE,
    PUBLISHED_SETS,
    RECEPTORS,
    STIMBERG_EXAMPLE_4,
    AstrocyteParameters,
    fastest_rate,
    inositol_trisphosphate,
    parameter_set,
)
from biophys.calcium.channel_noise import NOISY_CALCIUM
from biophys.calcium.equilibria import curves
from biophys.calcium.exogenous_drive import EXOGENOUS_DRIVE, ExogenousDriveParameters
from biophys.calcium.models import MODELS, chi, g_chi, li_rinzel, plain, right_hand_side
from biophys.calcium.receptors import FAST_RECEPTORS, FastReceptorParameters
from biophys.ready_networks import chi as chi_network
from biophys.ready_networks import g_chi as g_chi_network
from biophys.ready_networks import li_rinzel as li_rinzel_network
from biophys.ready_networks import li_rinzel_noise as noise_network
from biophys.simulation.network import Point, simulate
from biophys.simulation.parameters import section
from biophys.simulation.simulate import run

REFERENCE = json.loads((Path(__file__).parents[2] / "reference_data/calcium_model.json").read_text())
NETWORKS = {
    "li-rinzel": (li_rinzel_network.NETWORK, li_rinzel, "I"),
    "chi": (chi_network.NETWORK, chi, "J_beta"),
    "g-chi": (g_chi_network.NETWORK, g_chi, "Y_S"),
}
RECORDS = {"C": "calcium", "h": "channels_not_inactivated", "I": "inositol_trisphosphate"}
START = {"C": 0.1, "h": 0.8, "I": 0.2}
CASES = {
    "li-rinzel": [
        (DE_PITTA_AMPLITUDE, 0.5),
        (DE_PITTA_AMPLITUDE, 0.2),
        (DE_PITTA_FREQUENCY, 0.7),
        (STIMBERG_EXAMPLE_4, 0.55),
        (BOOK_CHAPTER_5, 0.3),
    ],
    "chi": [(DE_PITTA_AMPLITUDE, 0.02), (DE_PITTA_FREQUENCY, 0.05), (STIMBERG_EXAMPLE_4, 0.1)],
    "g-chi": [(DE_PITTA_AMPLITUDE, 1.0), (DE_PITTA_FREQUENCY, 1.0), (DE_PITTA_FREQUENCY, 0.0)],
}


def points(name, cases):
    """A point for each cell and drive, in the network's own parameters."""
    network, _, drive = NETWORKS[name]
    unit = umolar / second if drive == "J_beta" else umolar
    return [
        Point({f"astrocyte.{field}": getattr(cell, field) for field in network.sections["astrocyte"]}
              | {f"stimulus.{drive}": level * unit})
        for cell, level in cases
    ]  # fmt: skip


def exact(name, cell, drive, times):
    """States against time by DOP853, (states, times)."""
    model = NETWORKS[name][1](cell)
    start = [START[state] for state in model.states]
    path = solve_ivp(right_hand_side(model, drive), (0, times[-1]), start, "DOP853", times, rtol=1e-12, atol=1e-14)
    return dict(zip(model.states, path.y, strict=True))


@cache
def minute(name):
    """Every state of the CASES at the default step, every second for a minute."""
    record = [RECORDS[state] for state in NETWORKS[name][1](DE_PITTA_AMPLITUDE).states]
    return simulate(
        NETWORKS[name][0], points(name, CASES[name]), seconds=60.5, every=1.0, record=record, target="numpy"
    )


@pytest.mark.parametrize(
    "name", ["li-rinzel", *(pytest.param(each, marks=pytest.mark.slow) for each in ("chi", "g-chi"))]
)
def test_a_minute_at_the_default_step_is_exact_to_a_millionth(name):
    """Worst found, on the rise of a spike of frequency modulation: 4e-7 (li-rinzel), 4e-8 (chi) and 9e-8 (g-chi)."""
    found = minute(name)
    assert float(found.time[-1]) == 60
    for number, (cell, drive) in enumerate(CASES[name]):
        for state, expected in exact(name, cell, drive, found.time.values).items():
            assert found[RECORDS[state]][number, 0].values == pytest.approx(expected, rel=1e-6), (state, drive)


def test_a_minute_of_li_rinzel_is_that_of_the_reference():
    for number, drive in enumerate((0.5, 0.2)):
        for time, (calcium, share) in REFERENCE["trajectories"][f"DePitta2008_AM|I={drive:g}"]["C_h_at_t"].items():
            now = minute("li-rinzel").isel(point=number, astrocyte=0).sel(time=float(time), method="nearest")
            assert float(now.calcium) == pytest.approx(calcium, rel=1e-8)
            assert float(now.channels_not_inactivated) == pytest.approx(share, rel=1e-8)


@pytest.mark.parametrize("name", NETWORKS)
def test_error_falls_with_the_fourth_power_of_the_step(name):
    network, end = NETWORKS[name][0], 12.8
    cell, drive = CASES[name][0]
    expected = exact(name, cell, drive, [0, end])
    errors = []
    for step in (0.064, 0.032, 0.016):
        found = simulate(
            network, points(name, [(cell, drive)]), seconds=end + step, step=step, every=end,
            record=[RECORDS[state] for state in expected], target="numpy",
        )  # fmt: skip
        errors.append(max(abs(float(found[RECORDS[state]][0, 0, -1]) - y[-1]) for state, y in expected.items()))
    assert np.log2(np.array(errors[:-1]) / errors[1:]) == pytest.approx([4, 4], abs=0.1)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("cell", PUBLISHED_SETS)
def test_equilibria_in_closed_form_are_at_rest(name, cell):
    model = MODELS[name](parameter_set(cell, PUBLISHED_SETS))
    for places in curves(model):
        states, drive = model.balance(places[1:-1:20])
        fluxes = np.array(model.rates(states, drive))
        scale = 1 + np.abs(np.array([np.ones_like(drive), np.ones_like(drive), np.abs(states[-1])])[: len(states)])
        assert np.all(np.abs(fluxes / scale) < 1e-11)


def test_numbers_are_in_umolar_and_seconds():
    cell = plain(DE_PITTA_AMPLITUDE)
    assert (cell.C_T, cell.rho_A, cell.zeta) == pytest.approx((2, 0.185, 10))
    assert (cell.O_2, cell.O_P, cell.Omega_C) == pytest.approx((0.2, 0.9, 6))


CALCIUM_PARAMETERS = ["C_T", "rho_A", "d_1", "d_2", "d_3", "d_5", "O_2", "Omega_C", "Omega_L", "O_P", "K_P"]
TURNOVER_PARAMETERS = ["O_delta", "kappa_delta", "K_delta", "O_3K", "K_D", "K_3K", "Omega_5P"]


@pytest.mark.parametrize(
    ("equations", "names"),
    [
        (CALCIUM, CALCIUM_PARAMETERS),
        (NOISY_CALCIUM, CALCIUM_PARAMETERS),
        (inositol_trisphosphate("J_beta"), TURNOVER_PARAMETERS),
        (INOSITOL_TRISPHOSPHATE, ["O_beta", *TURNOVER_PARAMETERS]),
        (CALCIUM + inositol_trisphosphate("J_beta"), [*CALCIUM_PARAMETERS, *TURNOVER_PARAMETERS]),
        (RECEPTORS, ["O_N", "Omega_N", "zeta", "K_KC"]),
        (FAST_RECEPTORS, FastReceptorParameters._fields),
        (EXOGENOUS_DRIVE, ExogenousDriveParameters._fields),
    ],
)
def test_a_section_holds_the_parameters_that_equations_use(equations, names):
    sets = AstrocyteParameters(), FastReceptorParameters(), ExogenousDriveParameters()
    assert [name for defaults in sets for name in section(defaults, used_in=equations)] == list(names)
    known = {name for defaults in sets for name in defaults._fields}
    assert Equations(equations).identifiers & known == set(names)


def test_half_of_the_receptors_is_active_at_the_concentration_calcium_sets():
    levels = {"stimulus.C_0": 0.6 * umolar, "stimulus.Y_S": (1.3 + 10 / 2) * umolar}
    found = simulate(g_chi_network.NETWORK, [Point(levels)], seconds=0.1, record=["receptors_active"], target="numpy")
    assert float(found.receptors_active[0, 0, 0]) == pytest.approx(0.5, rel=1e-12)


def test_exogenous_drive_sets_off_calcium_at_the_reference_times():
    """Open loop of Stimberg et al. (2018) with the chapter's default set: calcium rises through 0.5 umolar."""
    drive = {name: value for name, value in ExogenousDriveParameters()._asdict().items() if name != "I_bias"}

    def build():
        equations = CALCIUM + inositol_trisphosphate("J_ex") + EXOGENOUS_DRIVE + "I_bias : mmolar (constant)"
        namespace = {**STIMBERG_EXAMPLE_4._asdict(), **drive}
        cells = NeuronGroup(2, equations, method="rk4", dt=0.01 * second, namespace=namespace, name="cells")
        cells.h, cells.I_bias = 0.9, [1, 1.25] * umolar
        return Network(cells, StateMonitor(cells, "C", record=True, name="record"))

    time, calcium = run(
        build, lambda network: (network["record"].t / second, network["record"].C / umolar), 35 * second
    )
    for trace, expected in zip(calcium, [(1.407, 17.807, 33.986), (1.158, 10.438)], strict=True):
        before = np.flatnonzero((trace[:-1] < 0.5) & (trace[1:] >= 0.5))
        crossed = time[before] + 0.01 * (0.5 - trace[before]) / (trace[before + 1] - trace[before])
        assert crossed == pytest.approx(expected, abs=1e-3)


def noisy(count, seconds, values=(), **options):
    shared = dict(values)
    return simulate(
        noise_network.NETWORK,
        [Point(shared, seed) for seed in range(count)],
        seconds=seconds,
        target="numpy",
        **options,
    )


def test_without_amplitude_noise_changes_nothing():
    still = simulate(li_rinzel_network.NETWORK, [Point({})], seconds=1, target="numpy")
    found = noisy(1, 1, {"channels.noise": 0.0})
    assert found.calcium.values == pytest.approx(still.calcium.values, rel=1e-12)


def test_channels_at_steady_calcium_fluctuate_as_in_closed_form():
    """With no release calcium rests; then log|h_inf - h| is normal, mean -1.5 t/tau_h and variance t/tau_h."""
    cell = plain(DE_PITTA_AMPLITUDE)
    pumped = lambda c: cell.Omega_L * (2 - 1.185 * c) - cell.O_P * c**2 / (c**2 + cell.K_P**2)
    calcium, affinity = brentq(pumped, 0.01, 1, xtol=1e-15), cell.d_2 * (0.5 + cell.d_1) / (0.5 + cell.d_3)
    rest, lifetime = affinity / (affinity + calcium), 1 / (cell.O_2 * (affinity + calcium))
    values = {"astrocyte.Omega_C": 0 / second, "stimulus.C_0": calcium * umolar, "stimulus.h_0": rest - 0.01}
    count = 400
    found = noisy(count, 4.005, values, every=2.0).channels_not_inactivated[:, 0]
    for time in (2.0, 4.0):
        logs = np.log((rest - found.sel(time=time, method="nearest").values) / 0.01)
        share = time / lifetime
        assert abs(logs.mean() + 1.5 * share) < 4 * np.sqrt(share / count)
        assert abs(logs.var() / share - 1) < 4 * np.sqrt(2 / count)


def test_channels_stay_shares_under_strong_noise():
    found = noisy(20, 5, {"channels.noise": 4.0}, every=0.01)
    shares = found.channels_not_inactivated.values
    assert shares.min() == 0 and shares.max() == 1
    assert np.isfinite(found.calcium).all() and found.calcium.min() > 0


def test_noise_of_a_copy_is_that_of_its_seed():
    together, again = noisy(3, 1), noisy(3, 1)
    alone = simulate(noise_network.NETWORK, [Point({}, 2)], seconds=1, target="numpy")
    assert np.array_equal(together.calcium, again.calcium)
    assert np.array_equal(together.calcium[2], alone.calcium[0])
    assert not np.array_equal(together.calcium[0], together.calcium[1])


@pytest.mark.parametrize(
    ("name", "values", "options", "told"),
    [
        ("li-rinzel", {"stimulus.I": -0.1 * umolar}, {}, "stimulus.I=-0.1 umolar is negative; use 0 or more"),
        ("chi", {"stimulus.J_beta": -1 * umolar / second}, {}, "stimulus.J_beta=-1 umolar/second is negative"),
        ("g-chi", {"stimulus.Y_S": -2 * umolar}, {}, "stimulus.Y_S=-2 umolar is negative; use 0 or more"),
        ("g-chi", {"astrocyte.K_P": 0.005 * umolar}, {"step": 0.01}, "step 0.01 s is too large for these parameters"),
    ],
)
def test_bad_values_get_one_sentence(name, values, options, told):
    with pytest.raises(ValueError) as refused:
        simulate(NETWORKS[name][0], [Point(values)], target="numpy", **options)
    assert told in str(refused.value)


def test_fastest_rate_is_that_of_the_steepest_process():
    cell = plain(STIMBERG_EXAMPLE_4)._asdict()
    levels = np.linspace(0, 0.5, 100_001)
    pump = np.diff(0.9 * levels**2 / (levels**2 + 0.05**2)) / np.diff(levels)
    assert float(fastest_rate(cell)) == pytest.approx(pump.max(), rel=1e-6)
    assert float(fastest_rate(cell | {"K_P": 1.0})) == pytest.approx(6 * 1.18)
