"""A fit as tables of pandas and as an xarray dataset, and back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ..errors import DocumentError, InputError, unknown
from ..libraries import library
from ..results.fit_result import FitResult
from ..results.history import COLUMNS, PER_START
from ..results.stored import arrays_of, fields_of, summary_of
from .neurons import from_plain, head_of, to_plain

FORMAT = "pyhodgkin fit dataset 1"
TABLES = ("parameters", "history", "errors")


def to_pandas(result: FitResult, table: str = "parameters") -> Any:
    """A table of a fit; see `FitResult.to_pandas`."""
    pandas = library("pandas")
    if table not in TABLES:
        raise unknown("table", table, TABLES)
    make = {"parameters": _parameters, "history": _history, "errors": _errors}[table]
    return make(pandas, result)


def _parameters(pandas: Any, result: FitResult) -> Any:
    layout = result.neuron.layout
    owner = [entry for entry in layout for _ in range(entry.size)]
    columns: dict[str, Any] = {
        "unit": [entry.unit for entry in owner],
        "group": [entry.group for entry in owner],
    }
    if result.start is not None:
        columns["start"] = result.start
    columns["value"] = result.theta[result.best]
    known = result.identifiability
    if known is not None:
        found = dict(zip(known.names, np.asarray(known.standard_errors), strict=True))
        columns["standard_error"] = [found.get(name, np.nan) for name in layout.names]
    for seed, theta in zip(result.seeds, result.theta, strict=True):
        if len(result.theta) > 1:
            columns[f"seed {'given' if seed is None else seed}"] = theta
    return pandas.DataFrame(columns, index=pandas.Index(layout.names, name="parameter"))


def _history(pandas: Any, result: FitResult) -> Any:
    rows = []
    for k, seed in enumerate(result.seeds):
        own = {n: result.history[n][:, k] if n in PER_START else result.history[n] for n in COLUMNS}
        frame = pandas.DataFrame(own)
        frame.insert(0, "seed", "given" if seed is None else str(seed))
        rows.append(frame)
    return pandas.concat(rows, ignore_index=True)


def _errors(pandas: Any, result: FitResult) -> Any:
    rows = []
    for p in result.predictions:
        for k, seed in enumerate(result.seeds):
            residual = (p.predicted[k] - p.measured)[p.mask]
            rows.append(
                {
                    "recording": p.name,
                    "heldout": p.heldout,
                    "seed": "given" if seed is None else str(seed),
                    "rmse": float(np.sqrt(np.mean(residual**2))),
                    "unit": p.unit,
                }
            )
    return pandas.DataFrame(rows, columns=["recording", "heldout", "seed", "rmse", "unit"])


def to_xarray(result: FitResult) -> Any:
    """A dataset of a fit; see `FitResult.to_xarray`."""
    xarray = library("xarray")
    kept = result.predictions
    longest = max((len(p.t) for p in kept), default=0)
    shape = (len(kept), longest)
    starts = len(result.theta)
    parts = {name: np.full(shape, np.nan) for name in ("t", "command", "measured")}
    predicted, used = np.full((starts, *shape), np.nan), np.zeros(shape, dtype=bool)
    for i, p in enumerate(kept):
        n = len(p.t)
        for name, array in parts.items():
            array[i, :n] = getattr(p, name)
        predicted[:, i, :n], used[i, :n] = p.predicted, p.mask
    data: dict[str, Any] = {name: (("recording", "sample"), x) for name, x in parts.items()}
    data["used"] = (("recording", "sample"), used)
    data["predicted"] = (("start", "recording", "sample"), predicted)
    data["heldout"] = ("recording", np.array([p.heldout for p in kept], dtype=bool))
    data["n_samples"] = ("recording", np.array([len(p.t) for p in kept], dtype=np.int64))
    for name, values in result.history.items():
        values = values.astype(str) if values.dtype.kind in "OU" else values
        data[f"history_{name}"] = (("step", "start") if name in PER_START else ("step",), values)
    own = {n: x for n, x in arrays_of(result).items() if not n.startswith("prediction")}
    for name, values in own.items():
        data[_safe(name)] = (_dims(name, values), values)
    coords = {
        "parameter": np.array(result.neuron.layout.names, dtype=str),
        "name": ("recording", np.array([p.name for p in kept], dtype=str)),
        "seed": ("start", np.array(["given" if s is None else str(s) for s in result.seeds])),
    }
    head = {
        "format": FORMAT,
        "summary": summary_of(result),
        "arrays": list(own),
        "history": list(result.history),
        **to_plain(result.neuron),
    }
    return xarray.Dataset(data, coords=coords, attrs={"pyhodgkin": json.dumps(head)})


def _safe(name: str) -> str:
    return name.replace(".", "_")


def _dims(name: str, values: Any) -> tuple[str, ...]:
    known = {"theta": ("start", "parameter"), "scores": ("start",), "statuses": ("start",)}
    known["start"] = ("parameter",)
    return known.get(name, tuple(f"{_safe(name)}_{i}" for i in range(np.ndim(values))))


def from_xarray(dataset: Any) -> FitResult:
    """The fit of a dataset; see `FitResult.from_xarray`."""
    library("xarray")
    where = "FitResult.from_xarray"
    head = head_of(dataset.attrs, FORMAT, where)
    try:
        neuron, summary = from_plain(head), head["summary"]
        arrays = {name: np.asarray(dataset[_safe(name)]) for name in head["arrays"]}
        history = {name: np.asarray(dataset[f"history_{name}"]) for name in head["history"]}
        for i, n in enumerate(np.asarray(dataset["n_samples"])):
            for part, name in (("t", "t"), ("command", "command"), ("measured", "measured"),
                               ("mask", "used")):  # fmt: skip
                arrays[f"prediction{i}.{part}"] = np.asarray(dataset[name][i, :n])
            arrays[f"prediction{i}.predicted"] = np.asarray(dataset["predicted"][:, i, :n])
        return FitResult(**fields_of(neuron, summary, arrays, history))
    except (KeyError, TypeError, ValueError, InputError, DocumentError) as error:
        raise InputError(f"{where}: the dataset is not whole: {error}") from None
