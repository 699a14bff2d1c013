"""What was published, laid beside what is computed here: values, and the name of a figure that is repeated."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike


def is_published(simulate: Callable[..., xr.Dataset], options: Mapping[str, Any]) -> bool:
    """Whether these options of a study are its defaults, which are those of the paper; only then its words hold."""
    defaults = inspect.signature(simulate).parameters
    return all(np.array_equal(value, defaults[name].default) for name, value in options.items())


def figure_name(dataset: xr.Dataset, number: str, caption: str) -> str:
    """`Figure 7B: ` where the dataset has the caption of the published settings; elsewhere nothing."""
    return f"Figure {number}: " if dataset.attrs["caption"] == caption else ""


def deviations_title(dataset: xr.Dataset) -> str:
    known = bool(dataset.published_deviation.notnull().any())
    return "Published frequencies, and 95 % of chance" if known else "No published frequencies with these settings"


def deviations_text(dataset: xr.Dataset) -> str:
    """How many published frequencies stand beside the exact ones, and how far away they are, as a sentence."""
    deviation = dataset.published_deviation.values
    known = np.abs(deviation[np.isfinite(deviation)])
    if not known.size:
        return "No published frequency has these settings."
    near = int((known <= 1.96).sum())
    return f"Published frequencies with these settings: {near} of {known.size} lie within 1.96 standard errors."


def beside(
    curves: Mapping[int, Sequence[float]], places: Sequence[int], rows: ArrayLike, columns: ArrayLike
) -> np.ndarray:
    """The values of `curves`, by row, at `places` as an array (rows, columns); NaN where there are none."""
    known = {row: dict(zip(places, values, strict=False)) for row, values in curves.items()}
    return pd.DataFrame.from_dict(known, "index").reindex(np.asarray(rows), columns=np.asarray(columns)).to_numpy(float)
