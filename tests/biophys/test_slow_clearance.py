"""Transmitter that stays in the cleft: receptors are followed where exponentials would leave the range of numbers.

Right values: the receptor equation itself by SciPy's LSODA (rtol 1e-8) with the same spikes.
"""

import numpy as np
import pytest
from brian2 import Hz, second
from hypothesis import given, settings
from hypothesis import strategies as st

from biophys.simulation.network import Point, simulate

RECORD = ["calcium", "astrocyte_releases", "receptors_bound"]
SLOW = {"synapse.Omega_c": 0.2 / second, "stimulus.synapses": 1, "stimulus.rate": 5 * Hz}


def test_slow_clearance_gives_the_reference_and_one_release():
    run = simulate("tripartite", [Point(SLOW)], seconds=2.0, record=RECORD, every=0.0025, target="numpy")
    assert float(run.calcium.max()) == pytest.approx(1.1794, abs=1e-3)
    np.testing.assert_allclose(run.astrocyte_releases.values.ravel(), [0.6375])
    alone = simulate("tripartite", [Point(SLOW)], seconds=2.0, record=["astrocyte_releases"], target="numpy")
    np.testing.assert_allclose(alone.astrocyte_releases.values.ravel(), [0.6375])


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(clearance=st.floats(1e-6, 1.0), rho=st.floats(1e-4, 0.05), rate=st.floats(5, 50))
def test_no_clearance_however_slow_overflows(clearance, rho, rate):
    values = {**SLOW, "synapse.Omega_c": clearance / second, "synapse.rho_c": rho, "stimulus.rate": rate * Hz}
    run = simulate("tripartite", [Point(values)], seconds=0.5, record=RECORD, every=0.0025, target="numpy")
    assert float(run.receptors_bound.min()) >= 0 and float(run.receptors_bound.max()) <= 1
