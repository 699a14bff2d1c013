"""Limit cycles against a closed form, the reference and published-set numbers."""

import json
from pathlib import Path

import numpy as np
import pytest

from biophys.astrocyte import BOOK_CHAPTER_5, DE_PITTA_AMPLITUDE, DE_PITTA_FREQUENCY, STIMBERG_EXAMPLE_4
from biophys.calcium.limit_cycles import limit_cycle, stable_cycles
from biophys.calcium.models import Model, chi, g_chi, li_rinzel

REFERENCE = json.loads((Path(__file__).parents[2] / "reference_data/calcium_model.json").read_text())

# I: period, least and largest calcium, started at C 0.2, h 0.6; Radau and DOP853 independently of this code
LI_RINZEL = {
    "amplitude": {
        0.36: (12.763538567525046, 0.12884176525033736, 0.19603578872780056),
        0.5: (11.49198343531657, 0.10769506398154277, 0.44455878641110624),
        0.62: (10.883163995939043, 0.1530055817368428, 0.4954666571359815),
    },
    "frequency": {
        0.55: (31.554048836244675, 0.03107979510280638, 1.0061796956459894),
        1.0: (16.95585368395885, 0.032659135905046495, 1.0757667973636325),
    },
}


def normal_form(speed):
    """x' = x - w y - x r**2, y' = w x + y - y r**2 about (2, 2): a circle of radius 1 and period 2 pi/w."""

    def rates(states, drive):
        x, y = states[0] - 2, states[1] - 2
        return [x - speed * y - x * (x**2 + y**2), speed * x + y - y * (x**2 + y**2)]

    nowhere = lambda calcium: ([calcium, calcium], np.full_like(calcium, np.nan))
    return Model("circle", ("x", "y"), "none", "1", "nothing", rates, nowhere, 0.0, 4.0)


def test_circle_of_the_normal_form():
    speed = 1.7
    cycle = limit_cycle(normal_form(speed), 0.0, [2.1, 2.0])
    assert cycle.period == pytest.approx(2 * np.pi / speed, rel=1e-10)
    assert [*cycle.lowest, *cycle.highest] == pytest.approx([1, 1, 3, 3], rel=1e-9)
    assert np.sort(cycle.multipliers.real) == pytest.approx([np.exp(-4 * np.pi / speed), 1], rel=1e-6)


@pytest.mark.parametrize(("name", "cell"), [("amplitude", DE_PITTA_AMPLITUDE), ("frequency", DE_PITTA_FREQUENCY)])
def test_cycles_of_li_rinzel_are_those_of_the_reference(name, cell):
    model = li_rinzel(cell)
    for drive, (period, low, high) in LI_RINZEL[name].items():
        cycle = limit_cycle(model, drive, [0.2, 0.6])
        assert cycle.period == pytest.approx(period, rel=1e-9)
        assert (cycle.lowest[0], cycle.highest[0]) == pytest.approx((low, high), rel=1e-7)
    for drive in (0.3, 0.65, 1.2) if name == "amplitude" else (0.5, 1.2):
        assert limit_cycle(model, drive, [0.2, 0.6]) is None


def test_cycles_of_chi_are_those_of_the_reference():
    model = chi(DE_PITTA_AMPLITUDE)
    for point in REFERENCE["chi_constant_production"]["DePitta2009_AM"]:
        if point["J_beta"] not in (0.005, 0.05, 0.1):
            continue
        cycle = limit_cycle(model, point["J_beta"], [0.1, 0.8, 0.2])
        assert (cycle is not None) == point["oscillates"]
        if cycle is not None:
            assert cycle.period == pytest.approx(point["period_s"], rel=1e-9)
            extremes = [(point[f"{name}_min"], point[f"{name}_max"]) for name in "ChI"]
            assert list(zip(cycle.lowest, cycle.highest, strict=True)) == [pytest.approx(e, rel=1e-7) for e in extremes]


@pytest.mark.parametrize(
    ("model", "drive", "period", "calcium"),
    [
        (chi(DE_PITTA_FREQUENCY), 0.05, 19.94, 0.949),
        (g_chi(DE_PITTA_AMPLITUDE), 1.0, 8.487, 0.526),
        (g_chi(DE_PITTA_FREQUENCY), 1.0, 12.324, 1.070),
    ],
)
def test_cycles_of_other_models_have_the_known_numbers(model, drive, period, calcium):
    cycle = limit_cycle(model, drive, [0.1, 0.8, 0.2], tolerance=1e-9)
    assert (cycle.period, cycle.highest[0]) == (pytest.approx(period, abs=5e-3), pytest.approx(calcium, abs=6e-4))


def test_where_rest_and_cycle_coexist_the_start_decides():
    model = li_rinzel(BOOK_CHAPTER_5)
    assert limit_cycle(model, 0.36, [0.58, 0.55], tolerance=1e-9) is None
    assert limit_cycle(model, 0.36, [0.2, 0.9], tolerance=1e-9) is not None


def test_a_period_is_not_counted_twice():
    for drive in (0.55, 0.95):
        periods = [limit_cycle(li_rinzel(STIMBERG_EXAMPLE_4), drive, start, tolerance=1e-9).period
                   for start in ([0.2, 0.6], [0.05, 0.85])]  # fmt: skip
        assert periods[0] == pytest.approx(periods[1], rel=1e-7)
    assert periods[0] < 20


def test_a_family_of_cycles_is_followed_to_its_ends():
    """Born at I = 0.354534 umolar (supercritical), ending at 0.6382 where it meets the unstable cycles."""
    found = stable_cycles(li_rinzel(DE_PITTA_AMPLITUDE), [0.3, 0.45, 0.6, 0.75], [0.2, 0.6], halvings=5)
    assert list(found) == sorted(found)
    there = [drive for drive, cycle in found.items() if cycle is not None]
    assert 0.3545 < min(there) < 0.3545 + 0.15 / 2**5 and 0.6382 - 0.15 / 2**5 < max(there) < 0.6383
    assert not any(found[drive] for drive in found if not min(there) <= drive <= max(there))
    heights = [found[drive].highest[0] - found[drive].lowest[0] for drive in there if drive < 0.55]
    assert heights == sorted(heights)
