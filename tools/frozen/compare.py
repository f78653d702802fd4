"""Compare two records: equal bit for bit, within 1e-12, different words, or different."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .record import META, Record

TOLERANCE = 1e-12
# An entry counts relative to itself, or to this part of the largest of its array if that is more.
FLOOR = 1e-6
EQUAL, WITHIN, WORDS, DIFFERENT = "equal", "within 1e-12", "words", "DIFFERENT"
MISSING, NEW = "MISSING", "new"
ORDER = (EQUAL, NEW, WORDS, WITHIN, DIFFERENT, MISSING)
_NUMBER = re.compile(r"(?<![A-Za-z_])[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


@dataclass(frozen=True)
class Row:
    """How one case (or one field) compares: the worst of its fields."""

    name: str
    verdict: str
    relative: float
    field: str = ""
    note: str = ""


def relative_difference(new: np.ndarray, old: np.ndarray) -> float:
    """Largest relative difference of two arrays of one shape; inf where only one is finite."""
    if new.dtype.kind == "c" or old.dtype.kind == "c":
        new, old = (np.stack([x.real, x.imag]) for x in (new, old))
    a, b = np.asarray(new, dtype=np.float64), np.asarray(old, dtype=np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    if same.all():
        return 0.0
    if not np.isfinite(a[~same]).all() or not np.isfinite(b[~same]).all():
        return np.inf
    size = np.maximum(np.abs(a), np.abs(b))
    largest = float(np.max(size[np.isfinite(size)]))
    return float(np.max(np.abs(a - b)[~same] / np.maximum(size, FLOOR * largest)[~same]))


def field_row(name: str, new: np.ndarray, old: np.ndarray) -> Row:
    """One field. Text that differs in words but in no number is told apart from the rest."""
    if new.dtype.kind == "U" and old.dtype.kind == "U" and new.shape == old.shape == ():
        return _text_row(name, str(new), str(old))
    if new.shape != old.shape or (new.dtype.kind == "U") != (old.dtype.kind == "U"):
        return Row(name, DIFFERENT, np.inf, note=f"shape {new.shape}, was {old.shape}")
    if new.dtype == old.dtype and new.tobytes() == old.tobytes():
        return Row(name, EQUAL, 0.0)
    if new.dtype.kind == "U":
        equal = bool((new == old).all())
        return Row(name, EQUAL if equal else DIFFERENT, 0.0 if equal else np.inf)
    apart = relative_difference(new, old)
    return Row(name, EQUAL if apart == 0 else WITHIN if apart <= TOLERANCE else DIFFERENT, apart)


def _text_row(name: str, new: str, old: str) -> Row:
    if new == old:
        return Row(name, EQUAL, 0.0)
    at = next((i for i, (a, b) in enumerate(zip(new, old, strict=False)) if a != b), 0)
    start = max(at - 20, 0)
    note = f"{new[start : at + 40]!r}, was {old[start : at + 40]!r}"
    exact = name.endswith(("document", "parameters"))
    same_numbers = not exact and _NUMBER.findall(new) == _NUMBER.findall(old)
    return Row(name, WORDS if same_numbers else DIFFERENT, 0.0 if same_numbers else np.inf,
               note=note)  # fmt: skip


def compare(new: Record, old: Record, names: Sequence[str], *, fields: bool = False) -> list[Row]:
    """One row for each case of `names` (or, with `fields`, for each of their fields)."""
    wanted = set(names)
    groups: dict[str, list[Row]] = {name: [] for name in names}
    for key in sorted({*new, *old}):
        case = _owner(key, wanted)
        if case is None or key.startswith(META):
            continue
        if key not in new:
            row = Row(key, MISSING, np.inf)
        elif key not in old:
            row = Row(key, NEW, 0.0)
        else:
            row = field_row(key, new[key], old[key])
        groups[case].append(row)
    out = []
    for name, rows in groups.items():
        if fields:
            out += rows
        elif rows:
            out.append(_worst(name, rows))
    return out


def _owner(key: str, wanted: set[str]) -> str | None:
    """The case that a field belongs to: the longest name that its key begins with."""
    parts = key.split("/")
    for n in range(len(parts), 0, -1):
        if (name := "/".join(parts[:n])) in wanted:
            return name
    return None


def _worst(name: str, rows: Sequence[Row]) -> Row:
    verdicts = {row.verdict for row in rows}
    if verdicts in ({NEW}, {MISSING}):
        return Row(name, verdicts.pop(), rows[0].relative)
    worst = max(rows, key=lambda r: (ORDER.index(_inside(r.verdict)), r.relative))
    more = sum(r.verdict != EQUAL for r in rows) - 1
    note = worst.note + (f" (and {more} more fields)" if more > 0 else "")
    return Row(name, _inside(worst.verdict), worst.relative, worst.field or worst.name, note)


def _inside(verdict: str) -> str:
    """Inside a case that both records have, a field that only one has is a difference."""
    return DIFFERENT if verdict in (NEW, MISSING) else verdict


def table(rows: Sequence[Row], *, brief: bool = False) -> str:
    """The rows as text; with `brief` only those that are not equal."""
    shown = [row for row in rows if not (brief and row.verdict == EQUAL)]
    width = max([len(row.name) for row in shown], default=4)
    lines = [f"{'name':{width}}  {'largest rel. diff.':>18}  "]
    for row in shown:
        detail = row.field.removeprefix(row.name + "/") if row.verdict != EQUAL else ""
        detail += f": {row.note}" if row.note else ""
        lines.append(f"{row.name:{width}}  {row.relative:18.3g}  {row.verdict}  {detail}".rstrip())
    counts = {v: sum(row.verdict == v for row in rows) for v in ORDER}
    summary = ", ".join(f"{n} {verdict}" for verdict, n in counts.items() if n)
    return "\n".join([*lines, f"{len(rows)} compared: {summary or 'none'}"])


def failed(rows: Sequence[Row]) -> bool:
    """Whether anything differs beyond the tolerance, or is not there any more."""
    return any(row.verdict in (DIFFERENT, MISSING) for row in rows)
