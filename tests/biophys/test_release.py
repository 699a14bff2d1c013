"""Closed forms of release: reference values, the map from spike to spike, and sites whose receptors are bound."""

import json
from pathlib import Path

import numpy as np
import pytest
from brian2 import second, umolar
from hypothesis import given
from hypothesis import strategies as st

from biophys.ready_networks.tripartite import NETWORK
from biophys.release_theory import mean_field_release, peak_rate, regular_release, threshold_probability
from biophys.simulation.copies import Copies
from biophys.simulation.network import Point, merged
from biophys.simulation.simulate import run
from biophys.simulation.stimulus import SpikeTrains
from biophys.tripartite import closed_loop

DATA = Path(__file__).parents[1] / "reference_data"
THRESHOLD = json.loads((DATA / "gliotransmission.json").read_text())["tsodyks_markram_threshold"]
REGULAR = json.loads((DATA / "calcium_model.json").read_text())["tsodyks_markram_regular"]
RECOVERY, DECAY = 2.0, 3.33
SHARES = st.floats(0.001, 1)


def test_threshold_peak_and_release_at_the_peak_are_the_reference_values():
    assert threshold_probability(RECOVERY, DECAY) == pytest.approx(THRESHOLD["U_threshold"], rel=1e-12)
    for share, expected in THRESHOLD["nu_peak_Hz"].items():
        assert peak_rate(float(share), RECOVERY, DECAY) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    for share, expected in THRESHOLD["r_peak"].items():
        rate = THRESHOLD["nu_peak_Hz"][share]
        assert mean_field_release(rate, float(share), RECOVERY, DECAY) == pytest.approx(expected, rel=1e-12)


def test_release_of_regular_trains_is_the_reference_value():
    rates = ["0.5", "5", "50"]
    for key, share in {"r_S_steady_iterated": 0.6, "with_Gamma_S_0p5": 0.3, "with_Gamma_S_0p9": 0.06}.items():
        expected = [REGULAR[rate][key] for rate in rates]
        assert regular_release(np.array(rates, float), share, RECOVERY, DECAY) == pytest.approx(expected, rel=1e-12)


@given(rate=st.floats(0.01, 100), share=SHARES, recovery=st.floats(0.2, 10), decay=st.floats(0.2, 10))
def test_regular_release_is_where_the_map_from_spike_to_spike_stands_still(rate, share, recovery, decay):
    release = regular_release(rate, share, recovery, decay)
    ready = share / (1 - (1 - share) * np.exp(-decay / rate))
    left = release / ready - release  # of the pool, after a spike
    ready_next = (lambda u: u + share * (1 - u))(ready * np.exp(-decay / rate))
    release_next = ready_next * (1 - (1 - left) * np.exp(-recovery / rate))
    assert ready_next == pytest.approx(ready, rel=1e-12)
    assert release_next == pytest.approx(release, rel=1e-11)


@given(share=SHARES, recovery=st.floats(0.2, 10), decay=st.floats(0.2, 10))
def test_mean_field_release_is_largest_at_the_peak_rate_which_is_above_0_below_the_threshold(share, recovery, decay):
    peak = float(peak_rate(share, recovery, decay))
    assert (peak > 0) == (share < threshold_probability(recovery, decay))
    around = np.append(peak * np.linspace(0.5, 1.5, 11), np.geomspace(1e-3, 1e3, 50))
    highest = mean_field_release(peak, share, recovery, decay)
    assert np.all(mean_field_release(around, share, recovery, decay) <= highest * (1 + 1e-12))


def test_release_of_rare_spikes_is_the_resting_probability_and_of_many_a_share_of_the_recovery():
    assert mean_field_release(0, 0.3, RECOVERY, DECAY) == pytest.approx(0.3, rel=1e-15)
    assert mean_field_release(1e9, 0.3, RECOVERY, DECAY) == pytest.approx(RECOVERY / 1e9, rel=1e-6)


def test_mean_field_is_as_far_from_the_exact_poisson_mean_as_is_known():
    """Exact means 0.587, 0.485, 0.160, 0.0196; mean-field is 0.4, 2.5, 1.4 and 0.2 % high. Rounded to 5e-4, 5e-5."""
    ratio = mean_field_release(np.array([0.1, 1, 10, 100]), 0.6, RECOVERY, DECAY) / [0.587, 0.485, 0.160, 0.0196]
    assert ratio == pytest.approx([1.004, 1.025, 1.014, 1.002], abs=0.004)


def test_bound_receptors_move_the_release_probability_towards_alpha():
    """Receptors held at shares bound of 0, 0.5 and 0.9 by taking away binding and unbinding; alpha of 0, 1 and 0.4."""
    bound, alpha = (grid.ravel() for grid in np.meshgrid([0.0, 0.5, 0.9], [0.0, 1.0, 0.4]))
    rate, step, held = 5.0, 0.01, {"gliotransmission.O_G": 0 / umolar / second, "gliotransmission.Omega_G": 0 / second}
    train = SpikeTrains(1, np.zeros(40, int), np.arange(40) / rate)
    values = merged(NETWORK.sections, [Point({**held, "gliotransmission.alpha": value}) for value in alpha])

    def build():
        network = closed_loop(Copies(values, [0] * 9, step=step * second, seconds=8 * second), lambda _: train, 1)
        network["astrocyte"].f_S = 1 - bound
        return network

    released = run(build, lambda network: np.array(network["release"].r_S), 8 * second)
    share = (1 - bound) * 0.6 + bound * alpha
    assert released == pytest.approx(regular_release(rate, share, RECOVERY, DECAY), rel=1e-9)
    reference = [REGULAR["5"][key] for key in ("r_S_steady_iterated", "with_Gamma_S_0p5", "with_Gamma_S_0p9")]
    assert released[:3] == pytest.approx(reference, rel=1e-9)
