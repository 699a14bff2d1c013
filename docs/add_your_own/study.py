"""How many patterns are too many for one segment? False matches of a union against its size (exact theory)."""

import matplotlib.pyplot as plt
import xarray as xr

from biophys.patterns import union_false_match_probability
from studies.figure import paper_style
from studies.study import labelled

MEANINGS = {"patterns": "patterns stored on the segment", "false_match": "probability of a false match"}


def simulate(most: int = 20, *, threshold: int = 15) -> xr.Dataset:
    """False matches among 10,000 cells for 1 to `most` patterns of 25 synapses each."""
    patterns = list(range(1, most + 1))
    matches = union_false_match_probability(10_000, 200, 25, threshold, patterns)
    dataset = xr.Dataset({"false_match": ("patterns", matches)}, {"patterns": patterns})
    return labelled(dataset, MEANINGS, {"study": "crowding", "most": most, "threshold": threshold})


def draw(dataset: xr.Dataset) -> plt.Figure:
    """The chance of a false match against the patterns stored."""
    with paper_style():
        figure, axes = plt.subplots(figsize=(4, 3), layout="constrained")
        axes.semilogy(dataset.patterns, dataset.false_match, "o-")
        axes.set(xlabel="patterns stored", ylabel="P(false match)")
    return figure
