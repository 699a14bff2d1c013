"""Does each floor do what it should on this machine? A few numbers that are known beforehand, in about ten seconds.

A test returns what it found as a sentence and a number with the limit that it must not pass. Whatever it raises is a
failure with the reason; nothing here stops the tests that follow.
"""

import contextlib
import io
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

DECIMALS_64, DECIMALS_32 = 1e-9, 1e-5  # what rounding may leave
PLANTED = (0.3, 0.5, 1.4, 2.0)  # Hill curve: umolar at no rate, umolar more, exponent, Hz of the half
SEED = 0


class Found(NamedTuple):
    """What a test measured: `value` must be at most `limit`."""

    message: str
    value: float
    limit: float


class Verdict(NamedTuple):
    floor: str
    passed: bool
    message: str
    seconds: float


def pairs_of_spikes() -> Found:
    """biophys: synapses whose cells fire once at a lag, against the window of Song, Miller and Abbott (2000)."""
    from brian2 import ms

    from biophys.plasticity.spike_timing import SpikeTimingParameters, pair_change
    from biophys.ready_networks.spike_timing import NETWORK
    from biophys.simulation.network import Point, simulate

    stimulus = {"stimulus.synapses": 8, "stimulus.pairs": 1, "stimulus.spacing": 10 * ms}
    dataset = simulate(NETWORK, [Point(stimulus)], seconds=0.1, step=0.0025, every=0.0025, record=("weight", "lag"))
    weight, lag = dataset.weight.isel(point=0).values, dataset.lag.isel(point=0, time=0).values * 1e-3
    wrong = np.abs(weight[:, -1] - weight[:, 0] - pair_change(lag, SpikeTimingParameters())).max()
    return Found("spike-timing plasticity in Brian2 against its closed form, difference", float(wrong), DECIMALS_64)


def calcium_at_rest() -> Found:
    """biophys: a cell that starts beside its equilibrium ends on it; the equilibrium is a closed form."""
    from brian2 import umolar

    from biophys.astrocyte import DE_PITTA_AMPLITUDE
    from biophys.calcium.models import li_rinzel
    from biophys.ready_networks.li_rinzel import NETWORK
    from biophys.simulation.network import Point, simulate

    (calcium, channels), ip3 = li_rinzel(DE_PITTA_AMPLITUDE).balance(0.8)
    start = {"stimulus.I": ip3 * umolar, "stimulus.C_0": 1.02 * calcium * umolar, "stimulus.h_0": float(channels)}
    dataset = simulate(NETWORK, [Point(start)], seconds=20.0, step=0.02, every=1.0, target="numpy")
    wrong = abs(float(dataset.calcium.isel(time=-1).squeeze()) / calcium - 1)
    return Found("calcium of an astrocyte against its equilibrium, relative difference", wrong, DECIMALS_32)


def planted_law() -> Found:
    """mapping: a Hill curve that is drawn into a dataset comes out of the fit."""
    import xarray as xr

    from mapping.calcium_response import fit_calcium_response, hill

    low, rise, exponent, half = PLANTED
    rates = np.geomspace(0.2, 30, 14)
    rate = xr.Variable("rate", rates, {"units": "Hz"})
    planted = hill(rates, low, rise, exponent, half)[:, None]
    calcium = xr.DataArray(planted, {"rate": rate}, ["rate", "trial"], attrs={"units": "umolar"})
    fit = fit_calcium_response(xr.Dataset({"calcium_mean": calcium}), reference_rate=1.0)
    if fit.form != "hill" or (found := fit.candidates["hill"]) is None or found.half is None:
        raise ValueError(f"the Hill curve that was planted came out as {fit.form or fit.reason}")
    wrong = max(abs(found.exponent / exponent - 1), abs(found.half / half - 1))
    return Found("fit against the planted Hill curve, relative difference", wrong, DECIMALS_32)


def attention_forms() -> Found:
    """astromorph: the compiled scan in float32 against plain torch in float64, values and gradients."""
    import torch

    from astromorph.astrocyte import HillResponse
    from astromorph.attention import compiled
    from astromorph.attention.functional import astromorphic_attention
    from astromorph.attention.responses import MeanActivityResponse

    chance = torch.Generator().manual_seed(SEED)
    inputs = torch.randn(3, 2, 2, 64, 16, generator=chance, dtype=torch.float64)
    results = []
    for dtype in (torch.float32, torch.float64):
        query, key, value = (each.clone().to(dtype).requires_grad_() for each in inputs)
        response = MeanActivityResponse(HillResponse(0.47, 0.66, 1.01, 0.25))
        output = astromorphic_attention(query, key, value, response=response)
        output.square().sum().backward()
        parts = [output.detach(), *(each.grad for each in (query, key, value) if each.grad is not None)]
        results.append(torch.stack([part.double() for part in parts]))
    wrong = float((results[0] - results[1]).abs().max() / results[1].abs().max())
    form = "compiled scan" if compiled.available() else "plain torch (no compiled scan here)"
    return Found(f"attention in float32, {form}, against float64, relative difference", wrong, DECIMALS_32)


def learning_digits() -> Found:
    """astromorph: two epochs on digits, written to a folder that is thrown away; the loss must fall below chance."""
    from astromorph.runs.run_folder import RunFolder
    from astromorph.settings import CalciumResponse, DigitsSettings
    from astromorph.training.loop import train

    settings = DigitsSettings(attention="astromorphic", epochs=2, seed=SEED)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        run = RunFolder.create(Path(folder) / "run", "digits", settings, CalciumResponse())
        train(run, Path(folder))
        loss = float(run.metrics().validation_loss.iloc[-1])
    return Found(f"validation loss on digits after two epochs (chance is {np.log(10):.2f})", loss, 0.8 * np.log(10))


TESTS: dict[Callable[[], Found], str] = {
    pairs_of_spikes: "biophys",
    calcium_at_rest: "biophys",
    planted_law: "mapping",
    attention_forms: "astromorph",
    learning_digits: "astromorph",
}
CURES = {
    "biophys": "install Brian2 2.9 with NumPy below 2.4 anew: pip install --force-reinstall 'brian2<2.10' 'numpy<2.4'",
    "mapping": "install SciPy and xarray anew: pip install --force-reinstall scipy xarray 'numpy<2.4'",
    "astromorph": "try again with ASTROMORPH_PLAIN=1, which does without the compiled scan; if that helps, look at the "
    "compiler, else install torch anew",
}


def self_test() -> Iterator[Verdict]:
    """A verdict a test, in the order of the floors."""
    for test, floor in TESTS.items():
        yield judged(floor, test)


def judged(floor: str, test: Callable[[], Found]) -> Verdict:
    """Runs one test; a number that is no number, or an error, is a failure."""
    start = time.perf_counter()
    try:
        found = test()
    except Exception as error:  # whatever it is, it belongs into the report
        message = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        return Verdict(floor, False, message, time.perf_counter() - start)
    passed = bool(found.value <= found.limit)
    message = f"{found.message} {found.value:.3g} (at most {found.limit:.3g})"
    return Verdict(floor, passed, message, time.perf_counter() - start)
