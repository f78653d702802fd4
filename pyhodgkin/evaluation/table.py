"""An evaluation as text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .scores import Rules

# Key of a row, heading; those with spikes in them are left out where nothing was measured in mV.
_COLUMNS = (("rmse", "RMSE"), ("mae", "MAE"), ("relative_l2", "rel. L2"))
_SPIKES = (
    ("subthreshold_rmse", "sub-thr."),
    ("spikes", "spikes"),
    ("spike_error_mean", "Δt mean"),
    ("spike_error_max", "Δt max"),
    ("gamma", "Γ"),
)
_OWN = ("recording", "role", "unit", "spikes_measured", "spikes_predicted", "spikes")
_COUNTS = ("spike_count_error", "count_right")


def cells_of(rows: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Headings, and a list of texts for each row, that of its name first and its unit last."""
    spiking = any(row["unit"] == "mV" for row in rows)
    columns = [*_COLUMNS, *(_SPIKES if spiking else ())]
    known = {*_OWN, *_COUNTS, *(name for name, _ in (*_COLUMNS, *_SPIKES))}
    columns += [(n, n) for n in dict.fromkeys(n for row in rows for n in row) if n not in known]
    lines = []
    for row in rows:
        row = {**row, "spikes": _spikes(row)}
        numbers = [_text(row.get(name)) for name, _ in columns]
        lines.append([row["recording"], *numbers, row["unit"]])
    return ["recording", *(heading for _, heading in columns), "unit"], lines


def text_of(rows: Sequence[dict[str, Any]], rules: Rules) -> str:
    """The table: the roles apart, numbers to the right."""
    heading, lines = cells_of(rows)
    widths = [max(len(line[i]) for line in (heading, *lines)) for i in range(len(heading))]

    def laid(line: list[str]) -> str:
        middle = zip(line[1:-1], widths[1:-1], strict=True)
        numbers = "  ".join(text.rjust(width) for text, width in middle)
        return f"{line[0].ljust(widths[0])}  {numbers}  {line[-1]}".rstrip()

    out, role = [laid(heading)], None
    for row, line in zip(rows, lines, strict=True):
        if row["role"] != role:
            role = row["role"]
            out.append(f"-- {role}")
        out.append(laid(line))
    if any(row["unit"] == "mV" for row in rows):
        out.append(
            f"spikes: measured/predicted through {rules.threshold:g} mV; "
            f"Γ and Δt (ms) within {rules.gamma_window:g} ms"
        )
    return "\n".join(out)


def _spikes(row: dict[str, Any]) -> str:
    if row["spikes_measured"] is None:
        return ""
    return f"{row['spikes_measured']:.4g}/{row['spikes_predicted']:.4g}"


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    return value if isinstance(value, str) else f"{value:.4g}"
