"""Datasets that explain themselves, as NetCDF files.

Every variable carries `units` and `long_name`; the dataset's attributes carry each mechanism's parameters
as text with their units ("astrocyte.O_P": "0.9 umolar/second").
"""

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import xarray as xr
from xarray.backends import H5NetCDFStore
from xarray.backends.locks import HDF5_LOCK

from biophys.simulation.quantities import written
from biophys.simulation.whole_files import whole


def described(mechanism: str, parameters: Mapping[str, Any]) -> dict[str, str]:
    """Parameters as dataset attributes: {"synapse.Y_T": "500000 umolar", ...}."""
    return {f"{mechanism}.{name}": written(value) for name, value in parameters.items()}


def save(dataset: xr.Dataset, path: str | os.PathLike) -> None:
    """Write NetCDF, whole or not at all: a broken-off write leaves `path` as it was. OSError in one sentence."""
    path = Path(path)
    smaller = {name: {"zlib": True} for name, variable in dataset.data_vars.items() if variable.ndim}
    content = io.BytesIO()  # HDF5 stumbles over a full disk; opened here, for xarray would ask dask for a lock
    store = H5NetCDFStore.open(content, mode="w", lock=HDF5_LOCK)
    dataset.dump_to_store(store, encoding=smaller)
    store.close()
    try:
        with whole(path) as part:
            part.write_bytes(content.getbuffer())
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise OSError(f"{path} was not written ({reason}); make room or name another folder, then repeat it") from error


def load(path: str | os.PathLike) -> xr.Dataset:
    """Read a NetCDF dataset, classic (NetCDF-3) or not, into memory. FileNotFoundError or ValueError, a sentence."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}; give the path of a simulated dataset")
    try:
        with path.open("rb") as file:
            classic = file.read(3) == b"CDF"  # NetCDF-3
        if not classic:
            with h5py.File(path) as file:
                dict(file.attrs)  # where these are damaged, h5netcdf prints a traceback when it is thrown away
        return xr.load_dataset(path, engine="scipy" if classic else "h5netcdf", decode_times=False)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, ArithmeticError) as error:
        raise ValueError(f"{path} is not a readable NetCDF file; simulate or copy it anew") from error
