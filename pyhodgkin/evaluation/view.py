"""An evaluation as a notebook shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..html import view
from ..units import written

if TYPE_CHECKING:
    from .evaluation import Evaluation

_NUMBERS = {
    "rmse": "RMSE",
    "mae": "MAE",
    "relative_l2": "relative L2",
    "spike_error_mean": "Δt of spikes (ms)",
    "gamma": "Γ",
}


def html_of(evaluation: Evaluation) -> str:
    """The table that ``print`` gives."""
    rows = [_row(row) for row in evaluation.table()]
    rules = evaluation.rules
    spiking = any(row["unit"] == "mV" for row in evaluation.table())
    note = f"spikes: measured/predicted through {rules.threshold:g} mV; Γ within " \
           f"{rules.gamma_window:g} ms" if spiking else ""  # fmt: skip
    return view(f"Evaluation of {', '.join(evaluation.members)}", rows, [note])


def _row(row: dict[str, Any]) -> dict[str, Any]:
    out = {"recording": row["recording"].strip(), "role": row["role"]}
    out |= {label: row.get(name) for name, label in list(_NUMBERS.items())[:3]}
    out["unit"] = written(row["unit"])
    if row["spikes_measured"] is not None:
        out["spikes"] = f"{row['spikes_measured']:.4g}/{row['spikes_predicted']:.4g}"
        out |= {label: row.get(name) for name, label in list(_NUMBERS.items())[3:]}
    return out
