"""The methods of a solution that make files and objects of other libraries."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import files as solution_files

if TYPE_CHECKING:
    from .solution import Solution


class Interchange:
    """Base of `Solution`."""

    def save(self: Any, path: str | PathLike[str]) -> Path:
        """Write everything to an ``.npz`` file, which `Solution.load` reads back."""
        return solution_files.save(self, path)

    @staticmethod
    def load(path: str | PathLike[str]) -> Solution:
        """The solution that `save` has written to `path`; no pickle is read."""
        return solution_files.load(path)

    def to_csv(self: Any, path: str | PathLike[str]) -> Path:
        """Write a table: time, v, current, gates and channel currents, units in the header.

        Of a batch the elements follow one another, numbered from 0 in the first column, each to
        its own end.
        """
        return solution_files.to_csv(self, path)

    def to_pandas(self: Any) -> Any:
        """The same table as a `pandas.DataFrame`, indexed by time (of a batch: element, time)."""
        return solution_files.to_pandas(self)

    def to_xarray(self: Any) -> Any:
        """An `xarray.Dataset` with named dimensions and units (needs the extra ``xarray``)."""
        from ..interchange.solutions import to_xarray

        return to_xarray(self)

    @staticmethod
    def from_xarray(dataset: Any) -> Solution:
        """The solution of a dataset that `to_xarray` made; spikes are then found in its samples.

        Raises
        ------
        InputError
            If it lacks a variable, or the attribute ``pyhodgkin``.
        """
        from ..interchange.solutions import from_xarray

        return from_xarray(dataset)
