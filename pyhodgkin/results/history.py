"""What happened at each step of a training run, as arrays."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from ..storage.tables import write_table

# One number per step and start, (N, K) in all; the others are one per step, (N,).
PER_START = ("loss", "heldout", "lr", "gradient_norm", "rejected")
COLUMNS = ("step", "stage", *PER_START, "seconds")
_TYPES = {"step": np.int64, "stage": np.int64, "rejected": np.bool_}


class History:
    """Rows of numbers that become arrays.

    Examples
    --------
    >>> history = History(1)
    >>> history.add(step=0, stage=0, loss=[2.0], heldout=[np.nan], lr=[0.1],
    ...     gradient_norm=[1.0], rejected=[False], seconds=0.1)
    >>> history.arrays()["loss"]
    array([[2.]])
    """

    def __init__(self, starts: int) -> None:
        self.starts = starts
        self._rows: dict[str, list] = {name: [] for name in COLUMNS}

    def add(self, **row: object) -> None:
        """One step: a value for each of `COLUMNS`."""
        for name in COLUMNS:
            self._rows[name].append(np.array(row[name], dtype=_TYPES.get(name, np.float64)))

    def last(self, name: str) -> NDArray:
        """The newest value of a column."""
        return self._rows[name][-1]

    def of_stage(self, stage: int, name: str) -> NDArray:
        """The values of a column in one stage."""
        rows = zip(self._rows["stage"], self._rows[name], strict=True)
        return np.array([value for at, value in rows if at == stage])

    def arrays(self) -> dict[str, NDArray]:
        """Every column, (N,) or (N, K)."""
        out = {}
        for name, rows in self._rows.items():
            shape = (len(rows), self.starts) if name in PER_START else (len(rows),)
            out[name] = np.array(rows, dtype=_TYPES.get(name, np.float64)).reshape(shape)
        return out

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray]) -> History:
        """The inverse of `arrays`."""
        history = cls(arrays["loss"].shape[1])
        for name in COLUMNS:
            history._rows[name] = [np.array(x) for x in arrays[name]]
        return history


def named(arrays: Mapping[str, NDArray], labels: Sequence[str]) -> dict[str, NDArray]:
    """The same columns with the stages by name."""
    return {**arrays, "stage": np.array([labels[i] for i in arrays["stage"]], dtype=str)}


def write_csv(
    path: str | PathLike[str], arrays: Mapping[str, NDArray], seeds: Sequence[int | None]
) -> None:
    """One line per step and start, from what `named` returned."""
    rows = []
    for i, step in enumerate(arrays["step"]):
        for k, seed in enumerate(seeds):
            values = [_text(arrays[name][i, k]) for name in PER_START]
            label = "given" if seed is None else seed
            seconds = f"{arrays['seconds'][i]:.4f}"
            rows.append([int(step), arrays["stage"][i], label, *values, seconds])
    write_table(path, ("step", "stage", "seed", *PER_START, "seconds"), rows)


def read_csv(path: str | PathLike[str], starts: int) -> dict[str, NDArray]:
    """The inverse of `write_csv`."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    out: dict[str, NDArray] = {}
    for name in COLUMNS:
        if name == "stage":
            out[name] = np.array([row[name] for row in rows[::starts]], dtype=str)
            continue
        kind = _TYPES.get(name, np.float64)
        array = np.array([float(row[name]) for row in rows]).astype(kind).reshape(-1, starts)
        out[name] = array if name in PER_START else array[:, 0]
    return out


def _text(value: object) -> str:
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    return repr(float(value))  # type: ignore[arg-type]
