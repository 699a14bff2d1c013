"""The story that the demo tells: for each step a line for the terminal and sections for the page.

Numbers in the text come from the results, and every figure names the command that draws it again.
"""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from astromorph.runs.run_folder import RunFolder
from mapping.calcium_response import CalciumFit
from studies.fits import calcium_response as response_fit
from studies.numerals import counted
from studies.patterns import nmda_threshold, union_property
from studies.physiology import calcium_response
from studies.report import compared_runs
from studies.report.page import Section, write_page
from studies.report.page_table import Link

RESPONSE, COEFFICIENTS = "calcium_response.nc", "coefficients.yaml"
UNION, THRESHOLD = "union_property.nc", "nmda_threshold.nc"
TITLE = "From a simulated synapse to a trained transformer"
CURVES = {"power_law": "power law", "hill": "Hill curve"}
BRIDGE = pd.DataFrame(
    {
        "Physiology": [
            "mean calcium of an astrocyte against the rate of its synapses",
            "calcium that spreads along the astrocyte's process",
            "coincident synapses that set off an NMDA spike",
        ],
        "Number": [
            "response ρ(x) with ρ(1) = 1, fitted in step 2",
            "reach of the distance kernel, a setting here; map measures it",
            "threshold of a segment, computed in step 5",
        ],
        "In the network": [
            "presynaptic plasticity: what attention reads is divided by calcium",
            "positional drive of the keys",
            "gate of active dendrites; not in this network",
        ],
    }
)


class Part(NamedTuple):
    """What one step adds: a line for the terminal, sections for the page."""

    name: str
    line: str
    sections: list[Section]


def write(path: Path, parts: Sequence[Part], provenance: Mapping[str, str]) -> Path:
    """The page, opened by what was found; returns `path`."""
    text = """
Astromorph simulates neurons and astrocytes, turns what they do into numbers without units, and builds
transformers from them. This page is that road in miniature, made on this computer a moment ago.
"""
    found = pd.DataFrame([(part.name, part.line) for part in parts], columns=["Step", "What was found"], dtype=str)
    opening = [Section("In short", text, table=found), Section("The two sides of the bridge", table=BRIDGE)]
    sections = [section for part in parts for section in part.sections]
    write_page(path, TITLE, [*opening, *sections], provenance)
    return path


def response_part(dataset: xr.Dataset, out: Path) -> Part:
    calcium, rate = dataset.calcium_mean.mean("trial").values, dataset.rate.values
    line = f"{calcium[0]:.2f} to {calcium[-1]:.2f} µM calcium from {rate[0]:g} to {rate[-1]:g} Hz"
    text = f"""
An astrocyte wraps the synapses of its neighbourhood. Transmitter that they release makes it produce IP3,
which opens its calcium stores. Brian2 simulates astrocytes with {dataset.attrs["synapses"]} depressing
synapses each, at {len(rate)} presynaptic rates, {dataset.sizes["trial"]} times. Model and parameters are those
of Stimberg et al. (2018), example 2.

Calcium rises with the rate and saturates, for depressing synapses run out of vesicles and the astrocyte's
receptors fill up.
"""
    section = Section(
        "1. Calcium answers the rate of the synapses",
        text,
        calcium_response.draw(dataset),
        "Above, calcium at four rates. Below, calcium, IP3 and release, averaged over the shaded time.",
        command("plot", out / RESPONSE),
        files=[Link(RESPONSE, RESPONSE)],
    )
    return Part("calcium response", line, [section])


def fit_part(dataset: xr.Dataset, fit: CalciumFit, out: Path) -> Part:
    """`fit`: one that did not fail, of a law."""
    form = fit.form or ""
    chosen = fit.candidates[form]
    assert chosen is not None  # of the chosen form
    low, high = chosen.intervals["exponent"]
    line = f"{CURVES[form]}, exponent {chosen.exponent:.2f} ({low:.2f} to {high:.2f}), R² {chosen.r_squared:.4f}"
    text = f"""
Attention knows no hertz and no micromolar. A power law and a Hill curve are fitted to the response, and the
better one by the Akaike criterion AICc is kept. Rate and calcium are divided by their values at a reference
rate, {fit.reference_rate:.2g} Hz. What remains is a curve ρ of pure numbers with ρ(1) = 1.
"""
    section = Section(
        "2. The response becomes a curve without units",
        text,
        response_fit.draw(dataset, fit),
        "Both curves above, what they leave over below. The interval of the exponent covers 95 %.",
        command("map", out / RESPONSE, "--out", out / COEFFICIENTS, "--overwrite"),
        files=[Link(COEFFICIENTS, COEFFICIENTS)],
    )
    return Part("fit", line, [section])


def training_part(runs: Mapping[str, Sequence[RunFolder]], out: Path) -> Part:
    """`runs`: finished ones, by attention."""
    results = pd.DataFrame([run.summary() for each in runs.values() for run in each])
    by_attention = results.groupby("attention", sort=False)
    accuracy = 100 * by_attention.test_accuracy.agg(["mean", "std"]).fillna(0)
    shown = [f"{mean:.1f}\u00a0±\u00a0{sd:.1f}\u00a0%" for mean, sd in accuracy.itertuples(index=False)]
    table = pd.DataFrame(
        {
            "Attention": accuracy.index,
            "Test accuracy": shown,
            "Runs": by_attention.size().to_list(),
            "Weights": [f"{count:,}" for count in by_attention.parameters.first()],
            "Seconds a run": [f"{seconds:.1f}" for seconds in by_attention.seconds.mean()],
        }
    )
    tested, right = int(np.sum(results.confusion[0])), float(results.test_accuracy.mean())
    text = f"""
The fitted ρ goes into astromorphic attention (Mia, Bal and Sengupta 2025). Keys and values are written into a
Hebbian weight; calcium follows the keys through ρ; what a query reads is divided by its calcium. With ρ(x) = x
and without the drive by position this would be linear attention. Softmax is the baseline. The rest of the model
is the same for all three.

The images are the 8 by 8 digits of UCI, the test images from other hands than the training images. Accuracies
are mean ± standard deviation over the runs. Chance alone, in {tested} test images, moves each by
{100 * np.sqrt(right * (1 - right) / tested):.1f} %, so this small test shows that the road carries, not which
attention is better.
"""
    section = Section(
        "3. Three attentions learn to read digits",
        text,
        compared_runs.draw({name: [run.metrics() for run in each] for name, each in runs.items()}),
        "Lines are means over the runs, bands reach from the worst to the best. The command draws one run.",
        command("plot", runs["astromorphic"][0].path),
        table,
        files=[Link("runs", "runs/")],
    )
    line = ", ".join(f"{name} {value}" for name, value in zip(accuracy.index, shown, strict=True))
    line = line.replace("\u00a0", " ")  # a terminal needs no unbreakable spaces
    return Part("digits", f"{line} right on test images", [section])


def segments_part(union: xr.Dataset, threshold: xr.Dataset, out: Path) -> Part:
    safe = threshold.threshold[threshold.false_match_median <= threshold.attrs["tolerated"]]
    stored = union.isel(patterns=-1, sampled_synapses=-1)
    patterns, synapses, size = int(stored.patterns), int(stored.sampled_synapses), float(stored.union_size)
    line = (
        f"{patterns} patterns of {counted(synapses, 'synapse')} take {size:.0f} as a union; "
        f"spikes from {int(safe.min())} synapses are safe from chance"
    )
    return Part("dendrite", line, [_union_section(union, out), _threshold_section(threshold, out)])


def _union_section(dataset: xr.Dataset, out: Path) -> Section:
    text = """
A stretch of dendrite fires an NMDA spike when enough of its synapses are active together, and so recognises a
sparse pattern of active cells. It can hold the synapses of several patterns, their union. How many, before it
answers to patterns that it never saw? After Figure 7 of Ahmad and Hawkins (2016), with exact probabilities.
"""
    return Section(
        "4. A segment stores several patterns",
        text,
        union_property.draw(dataset),
        "Lines are exact, circles the published approximation.",
        command("plot", out / UNION),
        files=[Link(UNION, UNION)],
    )


def _threshold_section(dataset: xr.Dataset, out: Path) -> Section:
    text = """
With a low threshold random activity sets the segment off; with a high one it misses its own pattern as soon as
some cells fall silent. Measured NMDA spikes take 8 to 20 synapses (Major, Larkum and Schiller 2013). After
Figures 4 and 6 of Ahmad and Hawkins (2016), with exact probabilities.
"""
    tolerated = f"{dataset.attrs['tolerated']:g}".replace("e-0", "e-")
    return Section(
        "5. Why an NMDA spike takes that many synapses",
        text,
        nmda_threshold.draw(dataset),
        f"Shaded: the median chance of a false match is at most {tolerated}.",
        command("plot", out / THRESHOLD),
        files=[Link(THRESHOLD, THRESHOLD)],
    )


def command(*words: str | Path) -> str:
    """A command line of astromorph."""
    return shlex.join(["astromorph", *map(str, words)])
