"""A solution as a notebook shows it: a line for each element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..html import span, view
from ..status import Status
from ..units import written
from .currents import total_current

if TYPE_CHECKING:
    from .solution import Solution


def html_of(solution: Solution) -> str:
    """Commands, potentials, spikes and how each element ended.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> clamp = ph.CurrentClamp.step(10.0, start=5.0, stop=45.0, t_end=50.0)
    >>> "spikes" in html_of(ph.simulate(ph.library.get("squid_axon"), clamp))
    True
    """
    cells = list(solution) if solution.batched else [solution]
    rows = [{"element": i, **_row(cell)} for i, cell in enumerate(cells)]
    if not solution.batched:
        del rows[0]["element"]
    span = f"{len(solution.t)} samples in {solution.t[0]:g} to {solution.t[-1]:g} ms"
    return view(f"Solution of {solution.neuron.name}", rows, [span, *_failures(solution)])


def _row(cell: Solution) -> dict[str, Any]:
    protocol: Any = cell.protocol
    out: dict[str, Any] = {f"command ({written(protocol.unit)})": span(cell.stimulus)}
    if protocol.kind == "current":
        out["spikes"] = len(cell.spike_times())
        out["v min (mV)"], out["v max (mV)"] = float(np.nanmin(cell.v)), float(np.nanmax(cell.v))
    elif len(cell.currents):
        total = total_current(cell)
        unit = written(cell.current_unit)
        for name, value in (("min", np.nanmin(total)), ("max", np.nanmax(total))):
            out[f"current {name} ({unit})" if unit else f"current {name}"] = float(value)
    out["status"] = Status(int(cell.status)).name.lower()
    return out


def _failures(solution: Solution) -> list[str]:
    return [] if np.all(solution.success) else [solution.message]
