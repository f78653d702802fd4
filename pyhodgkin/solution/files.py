"""Solutions as files and tables: npz, csv, pandas."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..libraries import library
from ..numerics.arrays import FloatArray
from ..status import Status
from ..storage.atomic import atomic_write
from ..storage.json_files import parsed
from ..storage.npz import read_arrays
from ..storage.tables import write_table
from .currents import total_current
from .voltage_steps import VoltageSteps

if TYPE_CHECKING:
    from .solution import Solution

FORMAT = "pyhodgkin solution 1"
_STEPS = ("element", "t", "h", "coefficients")

Path_ = str | os.PathLike[str]


def save(solution: Solution, path: Path_) -> Path:
    """Write a `Solution` as an npz file, from which `load` makes an equal one.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> clamp = ph.CurrentClamp.step(10.0, start=1.0, stop=9.0, t_end=10.0)
    >>> solution = ph.simulate(ph.library.get("squid_axon"), clamp)
    >>> path = solution.save(getfixture("tmp_path") / "run.npz")
    >>> bool((ph.Solution.load(path).y == solution.y).all())
    True
    """
    from ..neuron.serialise import to_dict

    target = _npz(path)
    neuron, tensors = to_dict(solution.neuron)
    many = isinstance(solution.protocol, Sequence)
    protocols: Any = solution.protocol if many else [solution.protocol]
    head = {
        "format": FORMAT,
        "neuron": neuron,
        "protocols": [protocol.to_dict() for protocol in protocols],
        "many": many,
        "threshold": None if solution.steps is None else solution.steps.threshold,
        "size": None if solution.steps is None else solution.steps.size,
    }
    arrays: dict[str, Any] = {"t": solution.t, "y": solution.y, "status": solution.status}
    arrays |= {f"tensor/{name}": array for name, array in tensors.items()}
    arrays |= {f"stats/{name}": count for name, count in solution.stats.items()}
    if solution.theta is not None:
        arrays["theta"] = solution.theta
    # What follows from the states and the parameters is computed again.
    for prefix, found in (("current", solution.currents), ("open", solution.open_probability)):
        arrays |= {f"{prefix}/{name}": found[name] for name in found.given}  # type: ignore[attr-defined]
    if solution.steps is not None:
        arrays |= {f"steps/{name}": getattr(solution.steps, name) for name in _STEPS}
    text = np.frombuffer(json.dumps(head).encode(), np.uint8)
    with atomic_write(target) as temporary:
        np.savez_compressed(temporary, head=text, **arrays)
    return target


def load(path: Path_) -> Solution:
    """The `Solution` that `save` has written.

    Raises
    ------
    InputError
        If the file is missing, damaged, or something else.
    """
    target = Path(path)
    if not target.is_file():
        raise InputError(f"{target}: there is no such file")
    try:
        arrays = read_arrays(target)
        head = parsed(arrays["head"].tobytes())
        if head["format"] != FORMAT:
            raise InputError(f'it is of format "{head["format"]}", not "{FORMAT}"')
        return _made(head, arrays)
    except InputError as error:
        raise InputError(f"{target}: {error}") from None
    except Exception as error:  # a damaged file shows itself in many ways
        raise InputError(f"{target} is not a solution that Solution.save wrote: {error}") from None


def _made(head: dict[str, Any], arrays: dict[str, Any]) -> Solution:
    from ..neuron.serialise import from_dict
    from ..protocols import Protocol
    from .solution import Solution

    def group(prefix: str) -> dict[str, NDArray]:
        return {n.removeprefix(prefix): x for n, x in arrays.items() if n.startswith(prefix)}

    neuron = from_dict(head["neuron"], group("tensor/"))
    protocols = [Protocol.from_dict(data) for data in head["protocols"]]
    steps = group("steps/")
    if not len(arrays["t"]):
        raise InputError("it has no sample times")
    wrong = set(np.unique(arrays["status"]).tolist()) - {int(item) for item in Status}
    if wrong:
        raise InputError(f"it has statuses that do not exist: {sorted(wrong)[:3]}")
    return Solution(
        arrays["t"],
        arrays["y"],
        neuron,
        protocols if head["many"] else protocols[0],
        group("current/"),
        group("stats/"),
        arrays["status"],
        group("open/"),
        _steps(head, steps) if steps else None,
        arrays.get("theta"),
    )


def _steps(head: dict[str, Any], arrays: dict[str, NDArray]) -> VoltageSteps:
    """The steps in which v rises, element by element."""
    made, shapes = VoltageSteps(head["size"], threshold=head["threshold"], **arrays), {}
    for name in _STEPS:
        shapes[name] = np.shape(getattr(made, name))
    shapes["coefficients"] = made.coefficients.shape[:1] if made.coefficients.ndim == 2 else ()
    of = made.element
    if made.element.ndim != 1 or (len(set(shapes.values())) > 1 and len(of)):
        raise InputError(f"its voltage steps have shapes {shapes}: need as many of each")
    if len(of) and (of[0] < 0 or of[-1] >= head["size"] or np.any(np.diff(of) < 0)):
        raise InputError(f"its voltage steps are not of elements 0 to {head['size'] - 1}, in order")
    return made


def columns(cell: Solution) -> dict[str, FloatArray]:
    """A solution of one element as columns, each with its unit in its name.

    Time, v, the current (that injected, or under voltage clamp the total ionic one), the gates
    and the current of each channel; `pyhodgkin.read` takes a csv file of these.
    """
    protocol: Any = cell.protocol
    unit = f"_{cell.current_unit}" if cell.current_unit else ""
    if protocol.kind == "current":
        total = cell.stimulus
    else:
        total = total_current(cell) if len(cell.currents) else None
    table = {"t_ms": cell.t, "v_mV": cell.v}
    if total is not None:
        table[f"current{unit}"] = total
    table.update(cell.gates)
    table.update({f"i_{name}{unit}": values for name, values in cell.currents.items()})
    return table


def to_csv(solution: Solution, path: Path_) -> Path:
    """Write the columns of `columns`; of a batch one element below the other."""
    if not solution.batched:
        table = columns(solution)
        return write_table(path, table, _rows(table))
    tables = [columns(cell) for cell in solution]
    rows = ((i, *row) for i, table in enumerate(tables) for row in _rows(table))
    return write_table(path, ("element", *tables[0]), rows)


def _rows(table: dict[str, FloatArray]) -> Iterator[tuple[float, ...]]:
    return zip(*(column.tolist() for column in table.values()), strict=True)


def to_pandas(solution: Solution) -> Any:
    """A `pandas.DataFrame` of `columns`, indexed by time, of a batch by element and time."""
    pandas = library("pandas")
    if not solution.batched:
        return pandas.DataFrame(columns(solution)).set_index("t_ms")
    frames = [to_pandas(cell) for cell in solution]
    return pandas.concat(frames, keys=range(len(frames)), names=["element"])


def _npz(path: Path_) -> Path:
    target = Path(path)
    if target.suffix in ("", ".npz"):
        return target.with_suffix(".npz")
    raise InputError(f'"{target.name}": a solution is saved as .npz; to_csv writes a table')
