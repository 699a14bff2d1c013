"""The self-repair study: rates counted from spikes, a labelled dataset, its figure, and the published behaviour."""

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from biophys.simulation.recording import load, save
from studies.physiology import self_repair

matplotlib.use("Agg")


def test_rates_are_spikes_in_their_windows():
    times = np.array([[[[1.0, 8.5, 9.9, 10.0, 11.9, 12.0, 29.0], [np.nan] * 7]]])  # of N1 and N2
    spikes = xr.DataArray(times, dims=["condition", "repetition", "neuron", "event"])
    found = self_repair._rates(spikes, seconds=30.0, fault=10.0, averaged=2.0, after=2.0)
    assert found["rate_before"].values.ravel() == pytest.approx([1.0, 0.0])
    assert found["rate_after"].values.ravel() == pytest.approx([1.0, 0.0])
    assert found["rate_end"].values.ravel() == pytest.approx([0.5, 0.0])
    assert found["rate"].bin.values == pytest.approx([2.5, 7.5, 12.5, 17.5, 22.5, 27.5])
    assert found["rate"].values[0, 0, 0] == pytest.approx([0.2, 0.4, 0.6, 0, 0, 0.2])


def test_dataset_is_labelled_survives_a_file_and_draws_from_it(tmp_path):
    dataset = self_repair.simulate(
        seconds=9.0, fault_time=5.0, averaged=2.0, after=1.0, repetitions=2, step=0.002, target="numpy",
    )  # fmt: skip
    for name, values in dataset.data_vars.items():
        assert values.attrs["units"] and values.attrs["long_name"], name
        assert values.dims[:2] == ("condition", "repetition")
        assert np.isfinite(values).all(), name
    assert dataset.attrs["fault.t_fault"] == "5 second"
    before = dataset.rate.sel(bin=2.5).values
    assert np.array_equal(before[:5], np.broadcast_to(before[0], before[:5].shape))  # same inputs in every condition
    assert (dataset.rate_after.isel(neuron=1) < dataset.rate_before.isel(neuron=1)).mean() > 0.8
    save(dataset, tmp_path / "study.nc")
    read = load(tmp_path / "study.nc")
    xr.testing.assert_identical(read.drop_attrs(), dataset.drop_attrs())
    figure = self_repair.draw(read)
    assert isinstance(figure, Figure)
    figure.savefig(tmp_path / "figure.png")
    matplotlib.pyplot.close(figure)


def test_bad_times_are_refused_in_one_sentence():
    for words, options in (
        ("250 s leave no time to recover after the fault; use at least 252 s", {"seconds": 250.0}),
        ("averaged 50 s do not fit before the fault at 20 s", {"fault_time": 20.0}),
        ("after 0 s is not a time", {"after": 0.0}),
        ("0 repetitions are none", {"repetitions": 0}),
        ("failed 1 of 10 synapses leaves none to compare", {"failed": 1.0}),
    ):
        with pytest.raises(ValueError, match=words):
            self_repair.simulate(**options)


@pytest.mark.slow
def test_a_damaged_neuron_recovers_with_astrocyte_and_neighbour_only():
    dataset = self_repair.simulate()
    rates = dataset[["rate_before", "rate_after", "rate_end"]].isel(neuron=self_repair.N2).mean("repetition")
    share = (rates.rate_end / rates.rate_before).to_series()
    assert share["partial"] == pytest.approx(0.844, abs=0.03)
    assert share["complete"] == pytest.approx(0.692, abs=0.03)
    assert share["complete, never an astrocyte"] == pytest.approx(0.680, abs=0.05)  # of a third of the rate
    for control in ("partial, astrocyte silenced", "complete, astrocyte silenced", "complete, neighbour silenced"):
        assert share[control] < 0.35
    assert float(rates.rate_after.sel(condition="complete")) < 0.4 * float(rates.rate_before.sel(condition="complete"))
    neighbour = dataset.isel(neuron=self_repair.N1).sel(condition="complete").mean("repetition")
    assert float(neighbour.rate_end) == pytest.approx(float(neighbour.rate_before), rel=0.03)
    surviving = dataset.release_surviving.sel(condition="complete").mean("repetition")
    assert float(surviving.sel(time=slice(350, None)).mean()) > 3 * float(surviving.sel(time=slice(150, 199)).mean())
    assert float(dataset.release_failing.sel(condition="complete", time=slice(201, None)).max()) == 0
