"""The whole road in miniature: from a simulated synapse to trained transformers, on one page.

An astrocyte's calcium response is simulated, fitted, put into attention and trained on handwritten digits
beside softmax and linear attention; the exact theory of sparse patterns on a dendritic segment follows. Every
step leaves the files that the command line would have written; studies/report/demo_page.py tells the story.
"""

import contextlib
import io
import time
from collections.abc import Mapping
from pathlib import Path

import matplotlib
import xarray as xr

import mapping
from astromorph.files.whole_files import whole
from astromorph.runs.run_folder import RunFolder
from astromorph.settings import CalciumResponse, DigitsSettings
from astromorph.training.loop import train
from biophys.simulation.progress import progress
from biophys.simulation.recording import save
from mapping import fits
from mapping.calcium_response import CalciumFit
from studies.patterns import nmda_threshold, union_property
from studies.physiology import calcium_response
from studies.report import demo_page
from studies.study import stamped

ATTENTIONS = ("softmax", "linear", "astromorphic")
MARK = "made_by_demo.txt"


def demo(
    out: Path = Path("demo"),
    provenance: Mapping[str, str] = {},
    *,
    seconds: float = 120.0,
    epochs: int = DigitsSettings.epochs,
    seeds: int = 3,
) -> Path:
    """Run every step into the folder `out`, print a line of result for each, and return the page's path.

    Args:
        out: folder of the demo; another demo's is rewritten, one with other files refused (FileExistsError).
        provenance: text stored with every result.
        seconds: simulated time of the calcium response in s.
        epochs: of each training.
        seeds: trainings of each attention.
    """
    matplotlib.use("Agg")
    start, out = time.perf_counter(), Path(out)
    claim(out)
    announce(1, f"driving astrocytes at {len(calcium_response.RATES)} rates for {seconds:g} s")
    dataset = simulate_response(out, seconds, provenance)
    announce(2, "fitting their calcium response")
    fit, response = fit_response(out, provenance)
    announce(3, f"training {len(ATTENTIONS)} attentions on digits, {seeds} seeds each")
    runs = train_digits(out, response, epochs, seeds, provenance)
    announce(4, "computing the theory of sparse patterns, and drawing")
    union, threshold = compute_segments(out, provenance)
    parts = [
        demo_page.response_part(dataset, out),
        demo_page.fit_part(dataset, fit, out),
        demo_page.training_part(runs, out),
        demo_page.segments_part(union, threshold, out),
    ]
    taken = {"time": f"{time.perf_counter() - start:.0f} s for all steps"}
    page = demo_page.write(out / "index.html", parts, {**provenance, **taken})
    for part in parts:
        print(f"{part.name + ':':<18}{part.line}", flush=True)
    return page


def claim(out: Path) -> None:
    """Make the folder, or take over that of an earlier demo; nothing else is ever written into."""
    if out.exists() and not out.is_dir():
        raise FileExistsError(f"{out} is a file; name a folder for the demo with --out")
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file():
        raise FileExistsError(f"{out} holds files that are no demo; name a new or empty folder with --out")
    out.mkdir(parents=True, exist_ok=True)
    with whole(out / MARK) as part:
        part.write_text(
            "Written by `astromorph demo`; the next demo in this folder writes it anew.\n", encoding="utf-8"
        )


def announce(number: int, what: str) -> None:
    print(f"[{number}/4] {what} ...", flush=True)


def simulate_response(out: Path, seconds: float, provenance: Mapping[str, str]) -> xr.Dataset:
    """As `astromorph simulate calcium-response` does."""
    dataset = stamped(calcium_response.simulate(seconds=seconds), provenance)
    save(dataset, out / demo_page.RESPONSE)
    return dataset


def fit_response(out: Path, provenance: Mapping[str, str]) -> tuple[CalciumFit, CalciumResponse]:
    """As `astromorph map` does; with what training takes of it."""
    results = fits.fit_each([fits.recognised(out / demo_page.RESPONSE)], fits.Options(), provenance)
    (fit,) = (result.fit for result in results)
    if fit.form == "curve":
        raise ValueError("no law describes the calcium response; simulate longer: --seconds")
    coefficients = fits.joined(results)
    mapping.write(coefficients, out / demo_page.COEFFICIENTS)
    return fit, mapping.as_settings(coefficients)


def train_digits(
    out: Path, response: CalciumResponse, epochs: int, seeds: int, provenance: Mapping[str, str]
) -> dict[str, list[RunFolder]]:
    """As `astromorph train digits` does, for each attention and seed; the runs by attention."""
    runs: dict[str, list[RunFolder]] = {attention: [] for attention in ATTENTIONS}
    trainings = [(seed, attention) for seed in range(seeds) for attention in ATTENTIONS]
    for seed, attention in progress(trainings, desc="training", unit="run"):
        settings = DigitsSettings(attention=attention, seed=seed, epochs=epochs)  # type: ignore[arg-type]
        path = out / "runs" / f"{attention}-seed{seed}"
        fitted = response if attention == "astromorphic" else None
        run = RunFolder.create(path, "digits", settings, fitted, overwrite=True, provenance=provenance)
        with contextlib.redirect_stdout(io.StringIO()):  # its line an epoch; the bar above counts runs
            train(run, out)
        runs[attention].append(run)
    return runs


def compute_segments(out: Path, provenance: Mapping[str, str]) -> tuple[xr.Dataset, xr.Dataset]:
    """As `astromorph study union-property` and `nmda-threshold` do."""
    union, threshold = (stamped(each.simulate(), provenance) for each in (union_property, nmda_threshold))
    save(union, out / demo_page.UNION)
    save(threshold, out / demo_page.THRESHOLD)
    return union, threshold
