"""Gliotransmitter that stays around the synapses: receptors are followed where exponentials would leave the numbers.

Right values: the receptor equation itself by SciPy's LSODA between the releases that the network told.
"""

import numpy as np
import pytest
from brian2 import Hz, second, umolar
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from biophys.gliotransmission import RELEASE_DECREASING
from biophys.simulation.network import Point, simulate

RECORD = ["gliotransmitter", "presynaptic_receptors_bound", "astrocyte_releases"]
P = RELEASE_DECREASING


def looped(clearance, **values):
    given = {"gliotransmission.Omega_e": clearance / second, "stimulus.rate": 5 * Hz} | values
    return simulate("tripartite", [Point(given)], seconds=1.0, record=RECORD, every=0.0025, target="numpy")


def reference(run, clearance):
    """Bound share by the equation dGamma/dt = O_G G_A (1 - Gamma) - Omega_G Gamma, from the first release on."""
    times = run.time.values
    start = times.searchsorted(float(run.astrocyte_releases.values.min()) - 1e-9)
    released = float(P.rho_e * P.G_T * P.U_A / umolar)  # the only release, from full vesicles
    binding, unbinding = float(P.O_G * umolar * second), float(P.Omega_G * second)
    held = lambda t, y: binding * released * np.exp(-clearance * t) * (1 - y) - unbinding * y
    span = times[start:] - times[start]
    return start, solve_ivp(held, (0, span[-1] + 1e-9), [0.0], "LSODA", span, rtol=1e-10, atol=1e-12).y[0]


SLOW = pytest.mark.slow
CLEARANCES = [pytest.param(1.0, 2e-6, marks=SLOW), pytest.param(1e-3, 2e-6, marks=SLOW), (6e-11, 1e-2)]


@pytest.mark.parametrize(("clearance", "error"), CLEARANCES)
def test_receptors_follow_gliotransmitter_however_slowly_it_leaves(clearance, error):
    run = looped(clearance)
    assert np.isfinite(run.astrocyte_releases.values).sum() == 1
    start, expected = reference(run, clearance)
    bound = run.presynaptic_receptors_bound.values.ravel()[start:]
    np.testing.assert_allclose(bound[1:], expected[1:], atol=error)  # a record precedes the release of its own step


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(
    clearance=st.floats(-12, 2).map(lambda power: 10**power),
    volume=st.floats(-6, 0).map(lambda power: 10**power),
    binding=st.floats(-3, 1).map(lambda power: 10**power / umolar / second),
)
def test_no_clearance_volume_or_binding_overflows(clearance, volume, binding):
    run = looped(clearance, **{"gliotransmission.rho_e": volume, "gliotransmission.O_G": binding})
    bound = run.presynaptic_receptors_bound
    assert float(bound.min()) >= -1e-12 and float(bound.max()) <= 1
