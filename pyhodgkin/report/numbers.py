"""The numbers of a fit as sections of the page: errors, residuals, limits, parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..html import span
from ..results.view import errors_by_role
from ..status import Status
from ..units import written
from . import elements as e

if TYPE_CHECKING:
    from ..results.fit_result import FitResult
    from ..results.goodness_of_fit import Residual

_MOST_CELLS = 200  # of a fit with numbers of each cell's own


def facts(result: FitResult) -> str:
    """How the fit ended, in a few lines."""
    trained = result.settings.get("trainable", ())
    return e.pairs(
        {
            "status": Status(result.status).name.lower(),
            "steps": len(result.history["step"]),
            "time": f"{round(result.seconds, 3):.1f} s",
            "starts": f"{len(result.theta)}, the best is number {result.best + 1}"
            if len(result.theta) > 1
            else 1,
            "loss of the best start": float(result.scores[result.best]),
            "recordings": _recordings(result),
            "voltages seen in training": f"{span(result.voltage_range)} mV",
            "trained": _shortened(trained),
            "engine": result.settings.get("backend", ""),
        }
    )


def _recordings(result: FitResult) -> str:
    return ", ".join(f"{len(errors)} {role}" for role, errors in errors_by_role(result))


def _shortened(names: Sequence[str], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def errors(result: FitResult, test: Sequence[Mapping[str, Any]] = ()) -> str:
    """The errors of the best start on each recording, and their mean; then those of all starts."""
    rows: list[dict[str, Any]] = []
    for role, errors in errors_by_role(result):
        own = errors.rows(result.best)
        rows += [_error(row, role) for row in own]
        for unit in dict.fromkeys(errors.units):
            same = [row for row in own if row["unit"] == unit]
            if len(same) > 1:
                numbers = ("mae", "rmse", "mae_all", "rmse_all")
                mean = {n: float(np.mean([row[n] for row in same])) for n in numbers}
                rows.append(_error({"name": f"mean of {len(same)}", "unit": unit, **mean}, role))
    rows += [_error({**row, "name": row["recording"]}, "test") for row in test]
    text = "Mean absolute and root mean square error over all samples; masked: over those in use."
    return e.section("Errors", "errors", e.paragraph(text, "quiet"), e.table(rows), _starts(result))


def _error(row: Mapping[str, Any], role: str) -> dict[str, Any]:
    return {
        "recording": row["name"],
        "role": role,
        "MAE": row["mae_all"],
        "RMSE": row["rmse_all"],
        "MAE, masked": row["mae"],
        "RMSE, masked": row["rmse"],
        "unit": written(row["unit"]),
    }


def _starts(result: FitResult) -> str:
    if len(result.theta) < 2:
        return ""
    rows = []
    for k, seed in enumerate(result.seeds):
        row: dict[str, Any] = {
            "start": k + 1,
            "seed": "as given" if seed is None else seed,
            "best": "best" if k == result.best else "",
            "loss": float(result.scores[k]),
            "status": Status(int(result.statuses[k])).name.lower(),
        }
        for role, errors in errors_by_role(result):
            for unit in dict.fromkeys(errors.units):
                mean = float(errors.mean("rmse_all", unit)[k])
                row[f"RMSE {role} ({written(unit)})"] = mean
        rows.append(row)
    return e.heading("All starts") + e.table(rows)


def goodness(result: FitResult) -> str:
    """The residual of each recording against its noise, and what could be changed."""
    known = result.goodness
    if known is None:
        return ""
    if not known.explains:
        text = "The fit does not explain its training recordings."
    elif known.summary():
        text = "The fit explains its training recordings in the main; what is left over is told."
    else:
        text = "The fit explains its recordings: what is left over is noise, or small."
    return e.section(
        "Goodness of fit",
        "goodness",
        e.paragraph(text),
        e.table([_residual(r) for r in known.residuals]),
        e.listing([f"To try: {text}" for text in known.advice]),
    )


def _residual(r: Residual) -> dict[str, Any]:
    row: dict[str, Any] = {
        "recording": r.name,
        "role": "held out" if r.heldout else "training",
        "residual (rms)": r.rms,
        "noise (sd)": r.noise,
        "noise is": "stated" if r.stated else "estimated",
        "residual / noise": float(r.ratio) if np.isfinite(r.ratio) else None,
        "data (sd)": r.spread,
        "unit": written(r.unit),
    }
    if r.spikes or r.predicted_spikes:
        row |= {"spikes measured": r.spikes, "spikes predicted": r.predicted_spikes}
    return row


def limits(result: FitResult) -> str:
    """The limits that the best start has reached."""
    texts = [limit.text for limit in result.active_bounds]
    inside = e.listing(texts) if texts else e.paragraph("No limit was reached.")
    return e.section("Limits reached", "limits", inside)


def parameters(result: FitResult) -> str:
    """Every number of the neuron, where it began, and its standard error where it is known."""
    layout, theta, known = result.neuron.layout, result.neuron.theta, result.identifiability
    trained = set(result.settings.get("trainable", ()))
    sure = {} if known is None else {row["parameter"]: row for row in known.rows()}
    rows, networks = [], []
    for entry in layout:
        if entry.group == "networks":
            networks.append(entry)
            continue
        for name, i in zip(
            layout.names[entry.slice], range(entry.start, layout.size), strict=False
        ):
            row: dict[str, Any] = {"parameter": name, "learned": float(theta[i])}
            if result.start is not None:
                row["start"] = float(result.start[i])
            if known is not None:
                row["standard error"] = _finite(sure.get(name, {}).get("standard_error"))
            row |= {"unit": entry.unit, "": _remark(entry.name in trained, sure.get(name))}
            rows.append(row)
    size = sum(entry.size for entry in networks)
    stems = list(dict.fromkeys(entry.name.rpartition(".")[0] for entry in networks))
    text = f"{size} weights and biases of networks ({', '.join(stems)}) are not listed."
    return e.section(
        "Parameters",
        "parameters",
        e.table(rows, digits=6),
        e.paragraph(text if networks else "", "quiet"),
        _cells(result),
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None


def _remark(trained: bool, known: Mapping[str, Any] | None) -> str:
    if known is None:
        return "trained" if trained else "fixed"
    if known["at_bound"]:
        return "trained, at its bound"
    return "trained" if known["determined"] else "trained, not determined"


def _cells(result: FitResult) -> str:
    """The numbers of each cell's own."""
    if result.population is None:
        return ""
    rows = result.population.rows(result.neuron.layout, result.best)
    more = len(rows) - _MOST_CELLS
    text = f"and {more} more cells" if more > 0 else ""
    return (
        e.heading("Each cell's own")
        + e.table(rows[:_MOST_CELLS], digits=6)
        + e.paragraph(text, "quiet")
    )
