"""What a function gave for each of several settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from .. import html

NOT_COMPUTED = "not computed: the sweep was interrupted"
MOST = 20  # rows that are printed
WIDEST = 40  # characters of a value


@dataclass(frozen=True)
class SweepRow:
    """A setting, and its value or the error that it ended with.

    Attributes
    ----------
    setting : dict
        Arguments of the function.
    value
        What it returned; None where it failed or was not computed.
    error : str
        The error in one line, empty for none.
    traceback : str
        Where the error arose.
    computed : bool
        False for what was left by Ctrl-C.
    """

    setting: dict[str, Any]
    value: Any = None
    error: str = ""
    traceback: str = ""
    computed: bool = True


class SweepResult(Sequence[SweepRow]):
    """The rows of a sweep, in the order of its settings.

    Examples
    --------
    >>> result = SweepResult([SweepRow({"x": 1}, 0.5), SweepRow({"x": 0}, error="none")])
    >>> result
    SweepResult(2 settings, 1 failed)
    x   value   error
    1   0.5
    0           none
    """

    def __init__(self, rows: Sequence[SweepRow]) -> None:
        self._rows = tuple(rows)

    @overload
    def __getitem__(self, index: int) -> SweepRow: ...

    @overload
    def __getitem__(self, index: slice) -> SweepResult: ...

    def __getitem__(self, index: int | slice) -> SweepRow | SweepResult:
        return SweepResult(self._rows[index]) if isinstance(index, slice) else self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def settings(self) -> list[dict[str, Any]]:
        """The settings."""
        return [row.setting for row in self]

    @property
    def values(self) -> list[Any]:
        """What was returned, None where nothing was."""
        return [row.value for row in self]

    @property
    def errors(self) -> list[str]:
        """The errors, empty where there was none."""
        return [row.error for row in self]

    @property
    def success(self) -> bool:
        """Whether every setting has a value."""
        return not any(self.errors)

    @property
    def failed(self) -> SweepResult:
        """The rows that ended with an error."""
        return SweepResult([row for row in self if row.computed and row.error])

    @property
    def remaining(self) -> list[dict[str, Any]]:
        """Settings left by Ctrl-C: ``ph.sweep(function, result.remaining)`` goes on with them."""
        return [row.setting for row in self if not row.computed]

    def to_pandas(self) -> Any:
        """A DataFrame: a column for each name of the settings, the value, and the error.

        Values that are mappings have a column for each of their keys; a key which is also the
        name of a setting has the column ``value.key``.
        """
        import pandas

        # Columns of their own kind: numbers with None become floats with NaN, the rest is kept.
        columns = self._columns().items()
        return pandas.DataFrame({name: _column(pandas, values) for name, values in columns})

    def _columns(self) -> dict[str, list[Any]]:
        names = dict.fromkeys(name for row in self for name in row.setting)
        table: dict[str, list[Any]] = {
            name: [row.setting.get(name) for row in self] for name in names
        }
        found = [row.value for row in self if row.computed and not row.error]
        if found and all(isinstance(value, Mapping) for value in found):
            taken = {*table, "error"}
            for key in dict.fromkeys(key for value in found for key in value):
                name = f"value.{key}" if key in taken else str(key)
                table[name] = [None if row.error else row.value.get(key) for row in self]
        else:
            table["value.value" if "value" in table else "value"] = self.values
        table["value.error" if "error" in table else "error"] = self.errors
        return table

    def _title(self) -> str:
        notes = [f"{len(self)} setting" + ("" if len(self) == 1 else "s")]
        for count, word in ((len(self.failed), "failed"), (len(self.remaining), "not computed")):
            notes += [f"{count} {word}"] if count else []
        return f"SweepResult({', '.join(notes)})"

    def _lines(self, most: int) -> list[dict[str, str]]:
        columns = self._columns()
        if self.success:
            columns.popitem()
        return [
            {key: _short(values[i], key) for key, values in columns.items()}
            for i in range(min(most, len(self)))
        ]

    def __repr__(self) -> str:
        rows = self._lines(MOST)
        lines = [{key: key for key in rows[0]}, *rows] if rows else []
        wide = {key: max(len(line[key]) for line in lines) + 3 for key in (lines or [{}])[0]}
        text = ["".join(line[key].ljust(wide[key]) for key in wide).rstrip() for line in lines]
        more = [f"and {len(self) - MOST} more"] if len(self) > MOST else []
        return "\n".join([self._title(), *text, *more])

    def _repr_html_(self) -> str:
        more = [f"and {len(self) - MOST} more"] if len(self) > MOST else []
        return html.view(self._title(), self._lines(MOST), more)


def _column(pandas: Any, values: list[Any]) -> Any:
    """Numbers as numbers, everything else as it is."""
    numbers = (int, float, bool, type(None))
    plain = [value.item() if _is_scalar(value) else value for value in values]
    if all(isinstance(value, numbers) for value in plain):
        return pandas.Series(plain)
    out = pandas.Series([None] * len(values), dtype=object)
    for i, value in enumerate(values):
        out.iat[i] = value
    return out


def _is_scalar(value: Any) -> bool:
    return getattr(value, "shape", None) == () and hasattr(value, "item")


def _short(value: Any, name: str) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    text = " ".join((value if isinstance(value, str) else repr(value)).split())
    whole = name.endswith("error") or len(text) <= WIDEST
    return text if whole else text[: WIDEST - 1] + "…"
