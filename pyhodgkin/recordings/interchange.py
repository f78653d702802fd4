"""The methods of a set of recordings that make objects and files of other libraries."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .sets import RecordingSet


class Interchange:
    """Base of `RecordingSet`."""

    def to_pandas(self: Any) -> Any:
        """A `pandas.DataFrame` with one line per sample.

        Columns are ``recording`` (its position), ``name``, ``t_ms``, ``v_mV``, ``current_`` with
        its unit, and ``used`` (the mask). What else is known, the protocol as a formula too, is in
        ``attrs["pyhodgkin"]``.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        RecordingError
            If the currents are not all in one unit.
        """
        from ..interchange.frames import to_pandas

        return to_pandas(self)

    @staticmethod
    def from_pandas(table: Any) -> RecordingSet:
        """The recordings of a table that `to_pandas` made; all of them are as they were.

        A table of another origin is read as text: ``table.to_csv(path)`` and `pyhodgkin.read`.

        Raises
        ------
        RecordingError
            If the table lacks a column, or what `to_pandas` wrote into ``attrs``.

        Examples
        --------
        >>> import pyhodgkin as ph
        >>> protocol = ph.CurrentClamp.step(5.0, start=1.0, stop=2.0, t_end=3.0)
        >>> sweeps = ph.RecordingSet(ph.Recording([0, 1, 2, 3], protocol, v=[-65, -65, -60, -63]))
        >>> sweeps.to_pandas().columns.tolist()
        ['recording', 'name', 't_ms', 'v_mV', 'current_uA/cm2', 'used']
        >>> ph.RecordingSet.from_pandas(sweeps.to_pandas())[0].protocol == protocol
        True
        """
        from ..interchange.frames import from_pandas

        return from_pandas(table)

    def to_xarray(self: Any) -> Any:
        """An `xarray.Dataset` over (recording, sample), shorter recordings filled with NaN.

        Variables are ``t`` (ms), ``v`` (mV), ``current``, ``used`` (the mask) and ``n_samples``.
        What else is known is in the attribute ``pyhodgkin``; NetCDF and Zarr keep it.

        Raises
        ------
        RecordingError
            If the recordings are not all of one clamp and one unit.
        """
        from ..interchange.datasets import to_xarray

        return to_xarray(self)

    @staticmethod
    def from_xarray(dataset: Any) -> RecordingSet:
        """The recordings of a dataset that `to_xarray` made; all of them are as they were.

        Raises
        ------
        RecordingError
            If it lacks a variable, or the attribute ``pyhodgkin``.
        """
        from ..interchange.datasets import from_xarray

        return from_xarray(dataset)

    def to_nwb(
        self: Any,
        path: str | PathLike[str],
        *,
        area: float | None = None,
        session_start: Any = None,
        description: str = "",
        overwrite: bool = False,
    ) -> Path:
        """Write an NWB file (Neurodata Without Borders 2), from which `pyhodgkin.read` reads them.

        Each recording is a current- or voltage-clamp series with its stimulus, and a line of the
        table of intracellular recordings. Commands are written as samples; masked samples are the
        ``invalid_times`` of the file. Temperatures are in the comments of the series.

        Parameters
        ----------
        path : path
            Ends in ``.nwb``.
        area : float, optional
            µm², to write recordings in µA/cm² as currents of a cell of this size.
        session_start : datetime, optional
            With its time zone; default now. NWB asks for it.
        description : str
            Of the session.
        overwrite : bool
            Replace a file that is there.

        Raises
        ------
        RecordingError
            If a sweep is not sampled evenly, or its current is per area and `area` is missing.
        InputError
            If `path` has another ending, or is there and `overwrite` is false.
        """
        from ..interchange.nwb import write

        how = {"area": area, "session_start": session_start, "description": description}
        return write(self, path, overwrite=overwrite, **how)
