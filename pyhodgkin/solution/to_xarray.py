"""A `Solution` as an xarray dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..libraries import library

if TYPE_CHECKING:
    from .solution import Solution


def dataset(solution: Solution) -> Any:
    """Variables over (batch, time): v, gates, currents ``i_*``, open probabilities, stimulus.

    Parameters that differ between the elements of a batch are coordinates of ``batch``.
    """
    xarray = library("xarray")
    dims = ("batch", "time") if solution.batched else ("time",)
    protocol = solution._protocol(0)
    unit = solution.current_unit or ""  # not stated
    variables = {"v": (solution.v, "mV", "membrane potential")}
    for name, gate in solution.gates.items():
        variables[name] = (gate, "1", f"gating variable {name}")
    for name, current in solution.currents.items():
        variables[f"i_{name}"] = (current, unit, f"current of {name}")
    for name, probability in solution.open_probability.items():
        variables[f"open_{name}"] = (probability, "1", f"open probability of {name}")
    variables["stimulus"] = (solution.stimulus, protocol.unit, f"{protocol.kind} command")
    data: dict[str, Any] = {
        name: (dims, np.asarray(values), {"units": units, "long_name": text})
        for name, (values, units, text) in variables.items()
    }
    for name, count in {**solution.stats, "status": solution.status}.items():
        data[name] = (dims[:-1], np.asarray(count), {"units": "1"})
    coords = {"time": ("time", solution.t, {"units": "ms", "long_name": "time"})}
    return xarray.Dataset(
        data, coords={**coords, **_varied(solution)}, attrs={"neuron": solution.neuron.name}
    )


def _varied(solution: Solution) -> dict[str, Any]:
    """Single parameters that are not the same in all elements, by name."""
    theta = solution.theta
    if theta is None or len(theta) < 2:
        return {}
    found = {}
    for entry in solution.neuron.layout:
        values = theta[:, entry.slice]
        if entry.size == 1 and (values != values[0]).any():
            found[entry.name] = ("batch", values[:, 0], {"units": entry.unit})
    return found
