"""The result of a fit as a notebook shows it, and in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..html import view
from ..status import Status
from ..units import written
from .active_bounds import listing

if TYPE_CHECKING:
    from .errors import Errors
    from .fit_result import FitResult


def html_of(result: FitResult) -> str:
    """How it ended, and the errors of the best start on each recording."""
    rows: list[dict[str, Any]] = [
        {
            "recording": row["name"],
            "role": role,
            "MAE": row["mae_all"],
            "RMSE": row["rmse_all"],
            "unit": written(row["unit"]),
        }
        for role, errors in errors_by_role(result)
        for row in errors.rows(result.best)
    ]
    starts = len(result.theta)
    of = f"best of {starts} starts; " if starts > 1 else ""
    first, *more = result.message.split("; ")
    return view(f"Fit of {result.neuron.name}: {first}", rows, [*more, _ended(result, of)])


def message_of(result: FitResult) -> str:
    """How a fit ended, the limits that it reached, and what speaks against it."""
    wrong = "" if result.goodness is None else result.goodness.summary()
    remarks = [text for text in (listing(result.active_bounds), wrong) if text]
    if result.status == Status.INTERRUPTED:
        return "; ".join(["interrupted; the best parameters so far are kept", *remarks])
    if not np.isfinite(result.scores).any():
        return f"no start has a finite loss: {Status(result.status).message}"
    bad = int(np.sum(~np.isfinite(result.scores)))
    failed = [f"{bad} of {len(result.scores)} starts failed"] if bad else []
    return "; ".join(["finished", *failed, *remarks])


def line_of(result: FitResult) -> str:
    """The same in one line."""
    starts = f", {len(result.theta)} starts" if len(result.theta) > 1 else ""
    ended = result.message.partition(";")[0]
    return f"FitResult({result.neuron.name}: {ended}{starts}, {errors_of(result)})"


def errors_of(result: FitResult) -> str:
    """The mean error of the best start, in training and held out."""
    parts = []
    for role, errors in errors_by_role(result):
        of_best, units = errors.of(result.best), dict.fromkeys(errors.units)
        means = {unit: float(of_best.mean("rmse_all", unit)[0]) for unit in units}
        told = " and ".join(f"{mean:.4g} {written(unit)}" for unit, mean in means.items())
        parts.append(f"RMSE {told} in {role}".replace("in held", "held"))
    return ", ".join(parts)


def errors_by_role(result: FitResult) -> list[tuple[str, Errors]]:
    """Those in training, and those on what was held out where anything was."""
    both = (("training", result.train_error), ("held out", result.heldout_error))
    return [(role, errors) for role, errors in both if errors is not None]


def _ended(result: FitResult, of: str) -> str:
    steps = len(result.history["step"])
    return f"{of}{errors_of(result)}; {steps} steps, {result.seconds:.1f} s; print it for the log"
