"""The arrays of a store, with their units, and the plan that its description stands for."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from ..backends.options import SolveOptions
from ..errors import InputError, PyHodgkinError
from ..neuron.serialise import from_dict
from ..protocols import Protocol
from ..storage.npz import ALWAYS, DEFLATE
from .features import Feature
from .plan import SPIKES, Plan
from .population import Population
from .rheobase import Rheobase
from .spike_rows import COLUMNS

FORMAT = "pyhodgkin population 1"


def layout_of(plan: Plan, values: bool = True) -> dict[str, dict[str, Any]]:
    """For each array its shape, chunks, type, what is missing, dimensions and units.

    Parameters that vary and the times come with their values.
    """
    runs, n, size = plan.runs, plan.n, plan.chunk_size
    size = min(size, n)
    cells = ("protocol", "cell")
    found: dict[str, dict[str, Any]] = {}

    def add(name, dims, shape, chunks, dtype, fill, units, text, values=None):
        found[name] = {
            "shape": shape,
            "chunks": chunks,
            "dtype": dtype,
            "fill_value": fill,
            "dimension_names": dims,
            "attributes": {"units": units, "long_name": text},
            "values": values,
        }

    layout = plan.population.neuron.layout
    numbers = plan.population.values() if values else {}
    for name, column in numbers.items():
        add(name, ("cell",), (n,), (size,), "float64", np.nan, layout[name].unit or "1",
            f"parameter {name}", column)  # fmt: skip
    chunks = -(-n // plan.chunk_size)
    add("complete", ("chunk",), (chunks,), (1,), "int8", 0, "1", "1: this chunk of cells is whole")
    add("status", cells, (runs, n), (runs, size), "int8", -1, "1", "how the solve ended, 0: well")
    add("n_steps", cells, (runs, n), (runs, size), "int32", 0, "1", "accepted steps")
    for item in plan.features:
        add(item.name, cells, (runs, n), (runs, size), "float64", np.nan, item.unit, item.text)
    if plan.rheobase is not None:
        unit = plan.neuron.current_unit or "uA/cm2"
        add("rheobase", ("cell",), (n,), (size,), "float64", np.nan, unit, "rheobase")
    if plan.spikes:
        add("n_spikes", cells, (runs, n), (runs, size), "int32", 0, "1", "number of spikes")
        shape, chunks = (runs, n, COLUMNS), (runs, size, COLUMNS)
        add("spike_time", (*cells, "spike"), shape, chunks, "float64", np.nan, "ms",
            "spike times; missing after the last")  # fmt: skip
    if plan.states:
        t = plan.saveat
        add("time", ("time",), t.shape, t.shape, "float64", np.nan, "ms", "time", t)
    for name in plan.states:
        shape = (runs, n, len(plan.saveat))
        text = "membrane potential" if name == "v" else f"gating variable {name}"
        add(name, (*cells, "time"), shape, (runs, size, shape[2]), plan.options.dtype, np.nan,
            "mV" if name == "v" else "1", text)  # fmt: skip
    return found


def plan_of(found: dict[str, Any], group: Any, path: Path) -> Plan:
    """The plan that a description in a store stands for.

    Raises
    ------
    InputError
        If it is damaged, or holds features that are not defined here.
    """
    try:
        population = _population(found, group, path)
        names = [name for name in found["record"] if name != SPIKES]
        states = tuple(name for name in names if name in population.neuron.states)
        unknown = [n for n in names if n not in states and n not in Feature.kinds]
        if unknown:
            raise InputError(f"{path}: the feature {unknown[0]} is not defined in this process")
        return Plan(
            population,
            tuple(Protocol.from_dict(data) for data in found["protocols"]),
            bool(found["each"]),
            bool(found["several"]),
            SPIKES in found["record"],
            states,
            tuple(Feature.kinds[n]() for n in names if n not in states),
            None if found["rheobase"] is None else Rheobase(**found["rheobase"]),
            np.array(found["saveat"], dtype=np.float64),
            float(found["threshold"]),
            SolveOptions(**found["options"]),
            str(found["engine"]),
            str(found["integrator"]),
            int(found["chunk_size"]),
        )
    except PyHodgkinError:
        raise
    except Exception as error:  # a damaged file shows itself in many ways
        text = f"{error or type(error).__name__}"
        raise InputError(f"{path}: its description is damaged: {text}") from None


def check_layout(plan: Plan, group: Any, path: Path) -> None:
    """Raise unless the arrays of a store are those that its plan says, and no larger.

    Raises
    ------
    InputError
        Which names the array.
    """
    for name, wanted in layout_of(plan, values=False).items():
        array = _array(group, name, path)
        shape, of = list(wanted["shape"]), list(array.shape)
        if name == "spike_time":  # grows with the spikes of a cell
            shape, of = shape[:2], of[:2]
        same = (shape, np.dtype(wanted["dtype"])) == (of, array.dtype)
        if not same or any(a > b for a, b in zip(array.chunks, wanted["chunks"], strict=False)):
            raise InputError(
                f"{path} is damaged: {name} has shape {array.shape}, type {array.dtype}, chunks "
                f"{array.chunks}; its description says {wanted['shape']}, {wanted['dtype']}, "
                f"{wanted['chunks']}"
            )


def part_of(group: Any, name: str, part: Any, path: Path) -> Any:
    """Part of an array of a store.

    Raises
    ------
    InputError
        If it cannot be read, or takes more than the store can hold.
    """
    array = _array(group, name, path)
    parts = part if isinstance(part, tuple) else (part,)
    spans = [len(range(*p.indices(n))) for p, n in zip(parts, array.shape, strict=False)
             if isinstance(p, slice)]  # fmt: skip
    size = math.prod([*spans, *array.shape[len(parts) :]]) * array.dtype.itemsize
    if size > ALWAYS and size > DEFLATE * _stored(path):
        raise InputError(f"{path} is damaged: {name} would take {size} bytes")
    try:
        return array[part]
    except OSError:
        raise
    except Exception as error:  # a damaged file shows itself in many ways
        raise InputError(f"{path} is damaged: {name}: {error or type(error).__name__}") from None


def _array(group: Any, name: str, path: Path) -> Any:
    try:
        array = group[name]
        _ = array.chunks, array.dtype
        return array
    except OSError:
        raise
    except Exception as error:  # a damaged file shows itself in many ways
        raise InputError(f"{path} is damaged: {name}: {error or type(error).__name__}") from None


def _stored(path: Path) -> int:
    """Bytes of a store on the disk."""
    return sum(item.stat().st_size for item in path.rglob("*") if item.is_file())


def _population(found: dict[str, Any], group: Any, path: Path) -> Population:
    """The cells of a store: the values are those that lie in it."""
    tensors = {
        name: np.array(item["values"], dtype=np.float64).reshape(item["shape"])
        for name, item in found["tensors"].items()
    }
    neuron = from_dict(found["neuron"], tensors)
    asked = found["population"]
    names = [*asked["vary"], *asked["given"]]
    given = {name: np.asarray(part_of(group, name, slice(None), path)) for name in names}
    return Population(neuron, int(asked["n"]), given, seed=int(asked["seed"])).named(
        tuple(found["cells"])
    )
