"""What an NWB file says of cell, electrode and amplifier."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

# Field of `Recording`, field of the series, and the factor from SI (the unit that NWB sets).
_CURRENT_CLAMP = (
    ("bias_current", "bias_current", 1e12),
    ("bridge_balance", "bridge_balance", 1e-6),
    ("capacitance_compensation", "capacitance_compensation", 1e12),
)
_VOLTAGE_CLAMP = (
    ("series_resistance", "whole_cell_series_resistance_comp", 1e-6),
    ("series_resistance_compensation", "resistance_comp_correction", 1.0),
    ("capacitance_compensation", "capacitance_fast", 1e12),
    ("whole_cell_capacitance", "whole_cell_capacitance_comp", 1e12),
)
_RESISTANCE = re.compile(r"\s*([0-9.]+(?:e[+-]?[0-9]+)?)\s*([GMk]?)\s*(?:ohms?|Ω|Ω)\s*", re.I)
_PREFIX = {"g": 1e3, "m": 1.0, "k": 1e-3, "": 1e-6}  # to MΩ
_JUNCTION = re.compile(r"junction\s+potential[^;\n,]{0,200}", re.I)
_BEFORE = re.compile(r"[^.;\n,]{0,200}$")


def number(series: Any, name: str) -> float | None:
    """A finite number among the fields of a series, else None."""
    value = getattr(series, name, None)
    try:
        value = float(np.asarray(value).ravel()[0]) if value is not None else np.nan
    except (TypeError, ValueError, IndexError):
        return None
    return value if np.isfinite(value) else None


def facts(series: Any, electrode: Any, clamp: str) -> dict[str, Any]:
    """Fields of the `Recording` of a response."""
    found: dict[str, Any] = {}
    for name, field, factor in _CURRENT_CLAMP if clamp == "current" else _VOLTAGE_CLAMP:
        value = number(series, field)
        if value is not None:
            found[name] = value * factor
    if not found.get("bias_current"):
        found.pop("bias_current", None)
    if electrode is not None:
        found["electrode"] = str(electrode.name)
        found["cell"] = str(getattr(electrode, "cell_id", None) or "")
        resistance = megaohms(getattr(electrode, "initial_access_resistance", None))
        if resistance is not None:
            found.setdefault("series_resistance", resistance)
    return found


def megaohms(text: Any) -> float | None:
    """A resistance stated in words with its unit, in MΩ.

    Examples
    --------
    >>> megaohms("12.5 MOhm"), megaohms("9e6 ohms"), megaohms("12.5"), megaohms("5-10 MΩ")
    (12.5, 9.0, None, None)
    """
    match = _RESISTANCE.fullmatch(str(text)) if text is not None else None
    if match is None:
        return None
    try:
        return float(match[1]) * _PREFIX[match[2].lower() if match[2] != "m" else "m"]
    except ValueError:
        return None


def junction_potential_text(file: Any, responses: list[Any]) -> str:
    """What the texts and tables of a file say of a junction potential, or nothing."""
    places = [file, *file.icephys_electrodes.values(), *responses]
    fields = ("description", "comments", "filtering", "stimulus_description", "notes", "protocol")
    fields += ("experiment_description", "session_description", "data_collection", "slices")
    for place in places:
        for name in fields:
            text = getattr(place, name, None)
            if isinstance(text, str) and (match := _JUNCTION.search(text)):
                begin = _BEFORE.search(text[max(match.start() - 200, 0) : match.start()])
                before = "" if begin is None else begin[0]
                return " ".join((before + match[0]).split())
    return _of_columns(file.intracellular_recordings)


def _of_columns(table: Any) -> str:
    for part in [] if table is None else [table, *table.category_tables.values()]:
        for name in part.colnames:
            if "junction_potential" in name.lower() and len(part[name].data):
                values = sorted({str(x) for x in part[name].data[:]})
                return f"{name}: {', '.join(values[:5])}"
    return ""
