"""Results of a population as an xarray dataset."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ..libraries import library
from .spike_rows import padded
from .stored import FORMAT, layout_of

if TYPE_CHECKING:
    from .result import PopulationResult


def dataset(result: PopulationResult) -> Any:
    """Variables over (protocol, cell, time or spike), with units; parameters are coordinates.

    The attribute ``pyhodgkin`` (JSON) holds the model document, the protocols and the options.
    """
    xarray = library("xarray")
    plan = result._plan
    varied = list(result.population.varied)
    if result.path is not None:
        found = xarray.open_dataset(
            str(result.path), engine="zarr", consolidated=False, chunks=_lazy()
        )
        names = [name for name in layout_of(plan) if name != "complete"]
        found = found[names].set_coords([name for name in (*varied, "time") if name in names])
    else:
        found = _in_memory(xarray, result)
    coords: dict[str, Any] = {"cell": list(result.population.names) or np.arange(plan.n)}
    if plan.several:
        coords["protocol"] = np.arange(plan.runs)
        found = found.assign_coords(coords)
        levels = plan.amplitudes
        if levels is not None:
            attributes = {"units": plan.protocols[0].unit, "long_name": "amplitude of the step"}
            found = found.assign_coords(amplitude=("protocol", levels, attributes))
        return found
    return found.assign_coords(coords).isel(protocol=0, drop=True)


def _in_memory(xarray: Any, result: PopulationResult) -> Any:
    plan, source = result._plan, result._source
    data, coords = {}, {}
    for name, array in layout_of(plan).items():
        if name == "complete":
            continue
        dims, attributes = array["dimension_names"], array["attributes"]
        if array["values"] is not None:
            coords[name] = (dims, array["values"], attributes)
        elif name == "spike_time":
            times = [result.spikes(k)[0] for k in range(plan.runs)]
            counts = source.counts()
            columns = max(int(counts.max(initial=0)), 1)
            data[name] = (dims, padded(times, counts, columns), attributes)
        elif name == "n_spikes":
            data[name] = (dims, source.counts(), attributes)
        else:
            values = source.array(name, 0, plan.n)
            data[name] = (dims, values[0] if name == "rheobase" else values, attributes)
    head = {"format": FORMAT, **plan.described}
    attrs = {"pyhodgkin": json.dumps(head), "title": repr(result.population)}
    return xarray.Dataset(data, coords=coords, attrs=attrs)


def _lazy() -> Any:
    """Chunks of Dask where that is installed; else arrays that are read when they are used."""
    try:
        import dask.array  # noqa: F401  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    return {}
