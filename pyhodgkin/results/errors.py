"""Errors of a model on recordings, in the unit of what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..backends.base import Backend, SolveOptions
from ..errors import InputError, unknown
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray, Indices
from ..recordings import Recording
from ..recordings.observables import observables_of, places_of
from ..storage.json_files import finite_or_none
from ..storage.records import texts

_NUMBERS = ("mae", "rmse", "mae_all", "rmse_all")


@dataclass(frozen=True, eq=False)
class Errors:
    """Errors of K parameter vectors on R recordings.

    Parameters
    ----------
    names, units : tuple of str (R,)
    mae, rmse : array (K, R)
        Mean absolute and root mean square error over the samples that the mask keeps.
    mae_all, rmse_all : array (K, R)
        The same over all samples, nothing masked.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    mae: FloatArray
    rmse: FloatArray
    mae_all: FloatArray
    rmse_all: FloatArray

    def __len__(self) -> int:
        return len(self.names)

    def mean(self, which: str = "mae", unit: str | None = None) -> FloatArray:
        """(K,): average over the recordings, which must be of one unit, or over those of `unit`.

        Raises
        ------
        InputError
            If the recordings have several units, or none has that one.
        """
        known = dict.fromkeys(self.units)
        if unit is None and len(known) > 1:
            raise InputError(f"the errors are in {' and '.join(known)}: give unit= for the mean")
        if unit is not None and unit not in known:
            raise unknown("unit of the errors", unit, tuple(known))
        values = getattr(self, which)
        if len(known) > 1:
            values = np.ascontiguousarray(values[:, [x == unit for x in self.units]])
        return np.mean(values, axis=-1)

    def of(self, k: int) -> Errors:
        """Those of one parameter vector, still (1, R)."""
        return Errors(self.names, self.units, *(getattr(self, n)[k : k + 1] for n in _NUMBERS))

    def rows(self, k: int = 0) -> list[dict]:
        """One dict for each recording: name, unit, mae, rmse, mae_all, rmse_all."""
        return [
            {"name": name, "unit": unit, **{n: float(getattr(self, n)[k, r]) for n in _NUMBERS}}
            for r, (name, unit) in enumerate(zip(self.names, self.units, strict=True))
        ]

    def to_dict(self) -> dict:
        """Plain lists, safe for JSON; NaN becomes None."""
        numbers = {n: finite_or_none(getattr(self, n).tolist()) for n in _NUMBERS}
        return {"names": list(self.names), "units": list(self.units), **numbers}

    @classmethod
    def from_dict(cls, data: dict) -> Errors:
        """The inverse of `to_dict`."""
        names, units = texts(data["names"]), texts(data["units"])
        if len(names) != len(units):
            raise ValueError("names and units of the errors are not one text for each recording")
        shape = (-1, len(names))
        numbers = (np.array(data[n], dtype=np.float64).reshape(shape) for n in _NUMBERS)
        return cls(names, units, *numbers)

    def __str__(self) -> str:
        lines = [f"{'recording':<24} {'MAE':>10} {'RMSE':>10}"]
        for row in self.rows():
            numbers = f"{row['mae']:>10.4g} {row['rmse']:>10.4g} {row['unit']}"
            lines.append(f"{row['name']:<24} {numbers}")
        return "\n".join(lines)


def errors(recordings: Sequence[Recording], predictions: Sequence[FloatArray]) -> Errors:
    """Errors of predictions, one array (K, T) or (T,) for each recording.

    Examples
    --------
    >>> from pyhodgkin.protocols import CurrentClamp
    >>> recording = Recording([0.0, 1.0, 2.0], CurrentClamp.constant(0, 2), v=[-65.0, -65, -65])
    >>> float(errors([recording], [np.array([-65.0, -64.0, -63.0])]).mae[0, 0])
    1.0
    """
    if len(recordings) != len(predictions):
        raise InputError(f"{len(predictions)} predictions for {len(recordings)} recordings")
    columns: dict[str, list[FloatArray]] = {name: [] for name in _NUMBERS}
    for recording, predicted in zip(recordings, predictions, strict=True):
        off = np.atleast_2d(predicted) - recording.data
        for suffix, part in (("", off[:, recording.mask]), ("_all", off)):
            columns["mae" + suffix].append(np.mean(np.abs(part), axis=-1))
            columns["rmse" + suffix].append(np.sqrt(np.mean(part**2, axis=-1)))
    names = tuple(r.name or f"recording {i}" for i, r in enumerate(recordings))
    units = tuple(r.unit for r in recordings)
    return Errors(names, units, *(np.stack(columns[n], axis=-1) for n in _NUMBERS))


def prediction_mode(neuron: Neuron, recordings: Sequence[Recording]) -> str:
    """How to predict what was observed: exactly along a commanded voltage, else by solving.

    Of recordings of one clamp.
    """
    commanded = all(r.observed == "current" for r in recordings)
    return "clamped" if commanded and neuron.is_linear_in_gates else "simulation"


def predict(
    backend: Backend,
    neuron: Neuron,
    recordings: Sequence[Recording],
    theta: FloatArray,
    options: SolveOptions,
    y0: FloatArray | None = None,
    cells: Indices | None = None,
) -> list[FloatArray]:
    """What each of K parameter vectors (K, P) says the recordings observe: (K, T) each.

    `y0` is (K, R, S). With `cells` (R,), the cell of each recording, `theta` is (K, C, P).
    Recordings of both clamps are predicted clamp by clamp.
    """
    kinds = observables_of(recordings)
    if len(kinds) > 1:
        out: dict[int, FloatArray] = {}
        for observed in kinds:
            at = places_of(recordings, observed)
            mine = [recordings[i] for i in at]
            start, own = None if y0 is None else y0[:, at], None if cells is None else cells[at]
            found = predict(backend, neuron, mine, theta, options, start, own)
            out |= dict(zip(at.tolist(), found, strict=True))
        return [out[i] for i in range(len(recordings))]
    mode, more = prediction_mode(neuron, recordings), {} if cells is None else {"cells": cells}
    found = backend.predict(neuron, recordings, theta, mode=mode, y0=y0, options=options, **more)
    return [np.array(p, dtype=np.float64).reshape(len(theta), -1) for p in found]
