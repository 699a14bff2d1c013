"""Published values, laid beside those that are computed here."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


def beside(
    curves: Mapping[int, Sequence[float]], places: Sequence[int], rows: ArrayLike, columns: ArrayLike
) -> np.ndarray:
    """The values of `curves`, by row, at `places` as an array (rows, columns); NaN where there are none."""
    known = {row: dict(zip(places, values, strict=False)) for row, values in curves.items()}
    return pd.DataFrame.from_dict(known, "index").reindex(np.asarray(rows), columns=np.asarray(columns)).to_numpy(float)
