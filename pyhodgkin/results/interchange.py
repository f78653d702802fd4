"""The methods of a fit that make objects and files of other libraries."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .fit_result import FitResult


class Interchange:
    """Base of `FitResult`."""

    def to_pandas(self: Any, table: str = "parameters") -> Any:
        """A `pandas.DataFrame` of the fit.

        Parameters
        ----------
        table : {"parameters", "history", "errors"}
            One line for each number of the neuron (unit, group, where it began, the best value,
            its standard error where it is known, the value of each start); for each step and
            start; or for each recording and start (root of the mean squared error).

        Raises
        ------
        UnknownNameError
            For another `table`.
        """
        from ..interchange.fits import to_pandas

        return to_pandas(self, table)

    def to_xarray(self: Any) -> Any:
        """An `xarray.Dataset` of the fit: parameters, history, measured and predicted traces.

        Dimensions are ``start``, ``parameter``, ``step``, ``recording`` and ``sample``; shorter
        recordings are filled with NaN. What else there is, is in the attribute ``pyhodgkin``.
        """
        from ..interchange.fits import to_xarray

        return to_xarray(self)

    @staticmethod
    def from_xarray(dataset: Any) -> FitResult:
        """The fit of a dataset that `to_xarray` made.

        Raises
        ------
        InputError
            If it lacks a variable, or the attribute ``pyhodgkin``.
        """
        from ..interchange.fits import from_xarray

        return from_xarray(dataset)

    def to_nwb(self: Any, path: str | PathLike[str], **options: Any) -> Path:
        """Write what was measured and what the best start predicts of it to an NWB file.

        Each recording is followed by one called ``"… predicted"``. `pyhodgkin.read` reads both.
        Options are those of `RecordingSet.to_nwb`; the fit itself is kept by `save`.
        """
        from ..interchange.fit_files import to_nwb

        return to_nwb(self, path, **options)

    def to_tensorboard(self: Any, folder: str | PathLike[str]) -> Path:
        """Write the history as scalars that TensorBoard shows, one curve for each start.

        Needs ``pip install tensorboard``; then ``tensorboard --logdir folder``.
        """
        from ..interchange.fit_files import to_tensorboard

        return to_tensorboard(self, folder)
