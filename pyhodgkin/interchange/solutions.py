"""A solution from the xarray dataset that it was written to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..libraries import library
from ..neuron.neuron import Neuron
from ..protocols import Protocol
from ..solution.solution import Solution
from .neurons import from_plain, head_of, to_plain

if TYPE_CHECKING:
    from ..numerics.arrays import FloatArray

FORMAT = "pyhodgkin solution dataset 1"


def to_xarray(solution: Solution) -> Any:
    """The dataset of a solution, with what is needed to make it again in its attributes."""
    from ..solution.to_xarray import dataset

    found = dataset(solution)
    if not isinstance(solution.neuron, Neuron):  # something that only looks like one
        return found
    many = isinstance(solution.protocol, Sequence)
    protocols: Any = solution.protocol if many else [solution.protocol]
    theta = None if solution.theta is None else solution.theta.tolist()
    head = {
        "format": FORMAT,
        "protocols": [p.to_dict() for p in protocols],
        "many": many,
        "theta": theta,
        "stats": list(solution.stats),
        **to_plain(solution.neuron),
    }
    found.attrs["pyhodgkin"] = json.dumps(head)
    return found


def from_xarray(dataset: Any) -> Solution:
    """The solution of a dataset; see `Solution.from_xarray`."""
    library("xarray")
    where = "Solution.from_xarray"
    head = head_of(dataset.attrs, FORMAT, where)
    try:
        neuron = from_plain(head)
        protocols = [Protocol.from_dict(x) for x in head["protocols"]]
        y: FloatArray = np.stack([np.asarray(dataset[name]) for name in neuron.states], -1)
        theta = None if head["theta"] is None else np.array(head["theta"])
        return Solution(
            np.asarray(dataset["time"]),
            y,
            neuron,
            protocols if head["many"] else protocols[0],
            stats={name: np.asarray(dataset[name]) for name in head["stats"]},
            status=np.asarray(dataset["status"]),
            theta=theta,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where}: the dataset is not whole: {error}") from None
