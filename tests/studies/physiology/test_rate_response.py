"""Counted oscillations of a known curve; the three cells on a few rates."""

import numpy as np
import pytest
import xarray as xr

from studies.physiology import rate_response


def test_oscillations_of_a_sine_are_counted_and_small_ones_are_not():
    time = np.arange(0, 120.001, 0.1)
    waves = np.stack([0.3 - 0.2 * np.cos(2 * np.pi * time / 10), 0.3 - 0.01 * np.cos(2 * np.pi * time / 10)])
    counted = rate_response.oscillations(xr.DataArray(waves, dims=("trial", "time"), coords={"time": time}))
    assert counted.values.tolist() == [6.0, 0.0]


@pytest.mark.slow
def test_the_frequency_modulated_cell_oscillates_where_the_amplitude_modulated_one_has_settled():
    dataset = rate_response.simulate([1.0, 10.0], seconds=110.0, trials=1, synapses=5)
    counted = dataset.oscillations.isel(trial=0).to_dataset("parameter_set")
    assert counted["de-pitta-frequency"].values.min() > 3
    assert counted["de-pitta-amplitude"].sel(rate=10.0) == counted["stimberg-example-2"].sel(rate=10.0) == 0
    assert counted["de-pitta-amplitude"].sel(rate=1.0) > 3
    assert len(rate_response.draw(dataset).axes) == 4


def test_a_negative_rate_is_refused():
    with pytest.raises(ValueError, match="rate -1 Hz does not drive a synapse"):
        rate_response.simulate([-1.0])
