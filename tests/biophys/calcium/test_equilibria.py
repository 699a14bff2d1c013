"""Equilibria, Hopf points and folds against the reference, published-set numbers, normal forms and properties."""

import json
from pathlib import Path

import numpy as np
import pytest
from brian2 import second, umolar
from scipy.optimize import fsolve

from biophys.astrocyte import (
    BOOK_CHAPTER_5,
    DE_PITTA_AMPLITUDE,
    DE_PITTA_FREQUENCY,
    PUBLISHED_SETS,
    STIMBERG_EXAMPLE_2,
    STIMBERG_EXAMPLE_4,
    STIMBERG_EXAMPLE_6,
)
from biophys.calcium.equilibria import branch, curves, equilibria, first_lyapunov, folds, hopf_points
from biophys.calcium.models import MODELS, chi, g_chi, li_rinzel, right_hand_side

REFERENCE = json.loads((Path(__file__).parents[2] / "reference_data/calcium_model.json").read_text())
SETS = {"DePitta2008_AM": DE_PITTA_AMPLITUDE, "DePitta2008_FM": DE_PITTA_FREQUENCY}


@pytest.mark.parametrize("name", SETS)
def test_equilibria_are_those_of_the_reference(name):
    model, expected = li_rinzel(SETS[name]), REFERENCE["li_rinzel_equilibria"][name]
    for drive in {point["I_uM"] for point in expected}:
        found = equilibria(model, drive)
        there = [(point["C_uM"], point["h"]) for point in expected if point["I_uM"] == drive]
        assert len(found) == len(there)
        for point, states in zip(found, there, strict=True):
            assert point.states == pytest.approx(states, rel=1e-12)


# I, C, h, period at the Hopf points and I, C, h at the folds: an independent search (trace 0 by fsolve)
HOPF = {
    "DePitta2008_AM": [
        (0.35453381865657685, 0.15568948880826222, 0.7155282974000191, 12.554289547958204, -144.679222078431),
        (0.6368818163953417, 0.32330383468421126, 0.6115837408559033, 10.495013246093173, 1.4997021619870228),
    ],
    "DePitta2008_FM": [
        (0.509784998422593, 0.05348863807082279, 0.8962041787011762, 16.53384034089649, 13212.861281205589),
        (0.8573310241229737, 0.39194282884550136, 0.5947251785025238, 10.032232079195948, 11.318396875299166),
    ],
}
FOLDS = {
    "DePitta2008_AM": [],
    "DePitta2008_FM": [
        (0.47896664084113216, 0.13312938365550303, 0.7713513130237636),
        (0.5255884534132391, 0.06393515641694268, 0.8798411897209394),
    ],
}


@pytest.mark.parametrize("name", SETS)
def test_hopf_points_and_folds_are_those_of_the_reference(name):
    model = li_rinzel(SETS[name])
    for point, (drive, *states, period, coefficient) in zip(hopf_points(model, 0, 3), HOPF[name], strict=True):
        assert [point.drive, *point.states, point.period] == pytest.approx([drive, *states, period], rel=1e-9)
        assert point.first_lyapunov == pytest.approx(coefficient, rel=1e-6)
        assert point.kind == ("supercritical" if coefficient < 0 else "subcritical")
    for point, (drive, *states) in zip(folds(model, 0, 3), FOLDS[name], strict=True):
        assert [point.drive, *point.states] == pytest.approx([drive, *states], rel=1e-9)


def test_chi_has_the_reference_rest_states_and_hopf_points():
    model = chi(DE_PITTA_AMPLITUDE)
    for point in REFERENCE["chi_constant_production"]["DePitta2009_AM"]:
        (found,) = equilibria(model, point["J_beta"])
        assert found.stable is not point["oscillates"]
        if found.stable:
            assert found.states == pytest.approx([point[name] for name in "ChI"], rel=1e-12)
    first, second = hopf_points(model, 0, 1)
    assert [first.drive, *first.states[[2, 0]]] == pytest.approx(
        [0.004032687702187702, 0.35513447833079187, 0.15607712305019117], rel=1e-9
    )
    assert [second.drive, second.period] == pytest.approx([0.0686684367550624, 7.929328703471318], rel=1e-9)
    assert (first.first_lyapunov, second.first_lyapunov) == pytest.approx(
        (-305.7726529052597, 4.50953251076867), rel=1e-6
    )


@pytest.mark.parametrize(
    ("model", "high", "hopfs", "turns"),
    [
        (li_rinzel(STIMBERG_EXAMPLE_2), 3, [(0.348785, "super"), (0.643244, "sub")], []),
        (li_rinzel(STIMBERG_EXAMPLE_4), 3, [(0.536194, "sub"), (0.864046, "sub")], [0.480859, 0.550559]),
        (li_rinzel(BOOK_CHAPTER_5), 3, [(0.278541, "sub"), (0.347107, "sub")], [0.263911, 0.284639]),
        (chi(DE_PITTA_FREQUENCY), 1, [(0.017079, "sub"), (0.017193, "super"), (0.131714, "sub")], [0.017235]),
        (chi(STIMBERG_EXAMPLE_2), 1, [(0.011876, "super"), (0.220949, "super")], []),
        (chi(STIMBERG_EXAMPLE_4), 5, [], []),
        (chi(STIMBERG_EXAMPLE_6), 5, [], []),
    ],
)
def test_other_published_sets_have_the_known_points(model, high, hopfs, turns):
    """Numbers of the project's survey (an independent search), to the six digits given."""
    found = hopf_points(model, 0, high)
    assert [point.drive for point in found] == pytest.approx([drive for drive, _ in hopfs], abs=6e-7)
    assert [point.kind.removesuffix("critical") for point in found] == [kind for _, kind in hopfs]
    assert [point.drive for point in folds(model, 0, high)] == pytest.approx(turns, abs=6e-7)


def test_sets_without_hopf_points_rest_at_high_calcium():
    for cell, calcium, ip3 in ((STIMBERG_EXAMPLE_4, 0.43534, 0.99749), (STIMBERG_EXAMPLE_6, 0.50763, 1.30618)):
        (rest,) = equilibria(chi(cell), 0.0)
        assert rest.stable and rest.states[[0, 2]] == pytest.approx([calcium, ip3], abs=6e-6)


def test_glutamate_and_the_production_it_causes_are_the_same_drive():
    for cell in (DE_PITTA_AMPLITUDE, DE_PITTA_FREQUENCY):
        model, direct = g_chi(cell), chi(cell)
        for glutamate in (0.0, 0.01, 1.0, 30.0):
            found = equilibria(model, glutamate)
            assert found
            for point in found:
                calcium = point.states[0]
                x = (glutamate / (1.3 * (1 + 10 / 1.3 * calcium / (calcium + 0.6)))) ** 0.7
                production = float(cell.O_beta / umolar * second) * x / (1 + x)
                distances = [np.abs(other.states - point.states).max() for other in equilibria(direct, production)]
                assert min(distances) < 1e-9


def test_every_equilibrium_is_found_where_three_coexist():
    calcium = [point.states[0] for point in equilibria(g_chi(DE_PITTA_FREQUENCY), 0.0)]
    assert calcium == pytest.approx([0.0293, 0.13903, 0.19583], abs=1e-4)
    stable = [point.stable for point in equilibria(li_rinzel(DE_PITTA_FREQUENCY), 0.5)]
    assert stable == [True, False, False]


def cells(count, seed):
    """Random cells around the published ones, with sharper and blunter pumps, leaks and affinities."""
    chance = np.random.default_rng(seed)
    varied = ("d_1", "d_2", "d_3", "d_5", "Omega_C", "Omega_L", "O_P", "K_P", "O_delta", "K_delta", "O_3K", "Omega_5P")
    for number in range(count):
        cell = list(PUBLISHED_SETS.values())[number % len(PUBLISHED_SETS)]
        factors = np.exp(chance.normal(0, 0.5, len(varied)))
        yield cell._replace(**{name: getattr(cell, name) * float(f) for name, f in zip(varied, factors, strict=True)})


@pytest.mark.parametrize(("number", "cell"), list(enumerate(cells(12, seed=1))))
def test_any_cell_changes_stability_only_at_its_hopf_points_and_folds(number, cell):
    model = list(MODELS.values())[number % 3](cell)
    high = {"li-rinzel": 2.0, "chi": 1.0, "g-chi": 20.0}[model.name]
    whole = branch(model, 0, high)
    jumps = np.flatnonzero(whole.growth[:-1] * whole.growth[1:] < 0)
    points = [point.states[0] for point in [*hopf_points(model, 0, high), *folds(model, 0, high)]]
    for jump in jumps:
        low, above = whole.states[0, jump : jump + 2]
        assert any(low <= calcium <= above for calcium in points), (low, above, points)
    for drive in (0.1 * high, 0.5 * high):
        for point in equilibria(model, drive):
            assert np.abs(model.rates(point.states, drive)).max() < 1e-11
            slope = right_hand_side(model, drive)
            numeric = np.array([
                (slope(0, point.states + move) - slope(0, point.states - move)) / 2e-6
                for move in 1e-6 * np.eye(len(point.states))
            ]).T  # fmt: skip
            assert np.sort_complex(np.linalg.eigvals(numeric)) == pytest.approx(point.eigenvalues, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(("number", "cell"), list(enumerate(cells(6, seed=2))))
def test_a_search_from_many_starts_finds_no_other_equilibrium(number, cell):
    model = list(MODELS.values())[number % 3](cell)
    drive = {"li-rinzel": 0.5, "chi": 0.02, "g-chi": 0.5}[model.name]
    known = [point.states for point in equilibria(model, drive)]
    assert len(known) % 2 == 1
    chance = np.random.default_rng(number)
    for _ in range(30):
        start = chance.uniform(0.01, [model.largest_calcium, 1, 1.5][: len(model.states)])
        found, _, ended, _ = fsolve(
            lambda y: right_hand_side(model, drive)(0, np.abs(y)), start, full_output=True, xtol=1e-12
        )
        if ended == 1 and np.all(found > 0) and np.abs(model.rates(found, drive)).max() < 1e-10:
            assert min(np.abs(found - states).max() for states in known) < 1e-6


def test_a_pump_of_high_affinity_has_two_separate_curves():
    model = li_rinzel(STIMBERG_EXAMPLE_4._replace(K_P=0.01 * umolar))
    assert len(curves(model)) == 2
    low, middle, high = equilibria(model, 2.0)
    assert low.stable and not middle.stable
    assert low.states[0] < 0.02 < middle.states[0] < high.states[0]


def test_first_lyapunov_coefficient_of_the_normal_form():
    """x' = -w y + a x r**2, y' = w x + a y r**2 has 2 a/w when the eigenvector has length 1."""
    a, w = -1.5, 2.0

    class Normal:
        @staticmethod
        def rates(states, drive):
            x, y = states[0] - 1, states[1] - 1
            return [-w * y + a * x * (x**2 + y**2), w * x + a * y * (x**2 + y**2)]

    assert first_lyapunov(Normal, np.ones(2), 0.0, w) == pytest.approx(2 * a / w, rel=1e-7)
