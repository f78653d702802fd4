"""The table of a simulation: spikes of an injected current, currents under a voltage clamp."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..units import written
from .output import show_table

if TYPE_CHECKING:
    from ..protocols import Protocol
    from ..solution.solution import Solution


def summary(solution: Solution, protocols: list[Protocol]) -> list[dict[str, Any]]:
    """One row for each element: spikes of an injected current, currents under a voltage clamp."""
    from ..status import Status

    rows = []
    for i, cell in enumerate(solution):
        protocol = protocols[i]
        extreme = cell.stimulus[np.argmax(np.abs(cell.stimulus - cell.stimulus[0]))]
        found = spikes_of(cell) if protocol.kind == "current" else currents_of(cell)
        rows.append(
            {
                "run": i + 1,
                f"command ({protocol.unit})": float(extreme),
                **found,
                "steps": int(cell.stats.get("n_steps", 0)),
                "status": Status(int(cell.status)).name.lower(),
            }
        )
    return rows


def show_summary(rows: list[dict[str, Any]], title: str = "") -> None:
    """The table of a simulation; of currents, a line for each, so that it is not too wide."""
    peaks = [name for name in rows[0] if " peak (" in name]
    if not peaks:
        show_table(rows, title=title)
        return
    command = next(name for name in rows[0] if name.startswith("command"))
    unit = peaks[0].partition(" peak (")[2].rstrip(")")
    table = []
    for row in rows:
        for peak in peaks:
            name = peak.partition(" peak ")[0]
            values = {kind: row[f"{name} {kind} ({unit})"] for kind in ("peak", "steady")}
            numbers = {f"{kind} ({written(unit)})": value for kind, value in values.items()}
            head = {"run": row["run"], command: row[command], "current": name}
            table.append({**head, **numbers, "status": row["status"]})
    show_table(table, title=title)


def spikes_of(cell: Solution) -> dict[str, Any]:
    """Number and first of the spikes, and the range of the potential."""
    spikes = cell.spike_times()
    return {
        "spikes": len(spikes),
        "first spike (ms)": float(spikes[0]) if len(spikes) else None,
        "v min (mV)": float(np.nanmin(cell.v)),
        "v max (mV)": float(np.nanmax(cell.v)),
    }


def currents_of(cell: Solution) -> dict[str, float]:
    """Of each channel, and of all, the largest current during the step and that at its end.

    The step is what lies between the first two breaks of the command; without two of them, it
    lasts to the end.
    """
    protocol: Any = cell.protocol
    unit = cell.current_unit or "unit of the model"
    edges = protocol.segments.breakpoints
    edges = edges[(edges > cell.t[0]) & (edges < cell.t[-1])]
    start = edges[0] if len(edges) else cell.t[0]
    stop = edges[1] if len(edges) > 1 else np.inf
    during = np.flatnonzero((cell.t >= start) & (cell.t < stop))
    currents = {name: np.asarray(values) for name, values in cell.currents.items()}
    if len(currents) > 1:
        currents["total"] = np.sum([*currents.values()], axis=0)
    found: dict[str, float] = {}
    for name, values in currents.items():
        step = values[during] if len(during) else values
        label = name if name == "total" else f"i_{name}"
        found[f"{label} peak ({unit})"] = float(step[np.nanargmax(np.abs(step))])
        found[f"{label} steady ({unit})"] = float(step[-1])
    return found
