"""The verb `identifiability`: what recordings can tell of parameters, and what they cannot."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .backends.base import Backend
from .backends.options import SolveOptions, options_of
from .errors import InputError, RecordingWarning
from .fitting import checks
from .fitting.information import judge
from .neuron.neuron import Neuron
from .recordings import Recording
from .recordings.matching import neuron_of
from .recordings.temperatures import at_recordings
from .results.fit_result import FitResult
from .results.identifiability import Identifiability
from .units import written

MOST = 300  # parameters: each costs two predictions of every recording
ACCURATE = SolveOptions(rtol=1e-8, atol=1e-10)


def identifiability(
    fitted: Neuron | FitResult,
    recordings: Recording | Iterable[Recording],
    *,
    trainable: str | Sequence[str] | None = None,
    noise: float | Sequence[float] | None = None,
    tolerance: float = 0.5,
    area: float | None = None,
    capacitance: float | None = None,
    backend: str | Backend = "auto",
    **options: Any,
) -> Identifiability:
    """What `recordings` can tell of the parameters of a neuron, and what they cannot.

    From how much each parameter changes what would be observed: no parameter is trained.

    Parameters
    ----------
    fitted : Neuron or FitResult
        Whose parameters, at the values that they have there.
    recordings : Recording or several
        Their protocols and times count, and, where `noise` is not given, how well they are
        predicted.
    trainable : str or sequence of str, optional
        Patterns for ``neuron.layout.select``. Default ``"physical"``.
    noise : float or sequence of float, optional
        Standard deviation of white noise in what is observed, for all recordings or for each,
        in mV or the unit of the current. Default: of the residuals of each recording. For
        recordings of both clamps give one for each.
    tolerance : float
        A parameter is determined when its standard error is below, in the units of
        `Identifiability`: 0.5 is a factor of 1.6 of a conductance, or 5 mV.
    area, capacitance : float, optional
        As in `fit`.
    backend : str or Backend
    **options
        How to solve: `SolveOptions`, one by one (``rtol=1e-5``) or as ``options=SolveOptions(…)``.
        Default ``rtol=1e-8, atol=1e-10``.

    Returns
    -------
    Identifiability
        ``print`` it for the table.

    Raises
    ------
    InputError, RecordingError, UnknownNameError
        When an argument cannot be used, or no recording can be predicted.

    Notes
    -----
    Standard errors are the Cramér-Rao bound for white noise. Where the residuals are the model's
    own error, and not noise, they are too small.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> cell = ph.library.get("squid_axon")
    >>> clamp = ph.CurrentClamp.step(10.0, start=2.0, stop=20.0, t_end=25.0)
    >>> trace = ph.Recording.from_solution(ph.simulate(cell, clamp, saveat=0.1))
    >>> found = ph.identifiability(cell, trace, trainable=["k.g", "na.g"], noise=1.0)
    >>> found.undetermined
    ()
    """
    neuron = fitted.neuron if isinstance(fitted, FitResult) else fitted
    if not isinstance(neuron, Neuron):
        raise InputError(f"fitted is a {type(fitted).__name__}; give a Neuron or a FitResult")
    solved = options_of(options, ACCURATE, identifiability)
    items = checks.recordings_of(recordings)
    neuron = neuron_of(neuron, items, area, capacitance)
    indices = checks.trainable_of(neuron, "physical" if trainable is None else trainable)
    neuron, taken = at_recordings(neuron, items)
    if taken:
        warnings.warn(taken, RecordingWarning, stacklevel=2)
    if len(indices) > MOST:
        raise InputError(
            f"trainable = {trainable!r}: {len(indices)} parameters; at most {MOST} can be judged"
        )
    if not tolerance > 0:
        raise InputError(f"tolerance = {tolerance}: give a positive number")
    sizes = given_noise(noise, items)
    engine = checks.engine_of(backend, solved, neuron)
    reached = fitted.active_bounds if isinstance(fitted, FitResult) else ()
    every = neuron.layout.names
    names = {every[i] for i in indices}
    at_bounds = [x.name for x in reached if x.name in names]
    found = judge(
        engine, neuron, items, indices, sizes, solved, tolerance, at_bounds=tuple(at_bounds)
    )
    if found is None:
        raise InputError(
            "identifiability: a recording cannot be predicted with these parameters (the solve "
            "fails); fit the neuron first, or leave the recording out"
        )
    return found


def given_noise(
    noise: float | Sequence[float] | None, items: Sequence[Recording]
) -> tuple[float, ...] | None:
    """The standard deviation of each recording's noise, where it was stated."""
    if noise is None:
        return None
    n, units = len(items), dict.fromkeys(written(r.unit) for r in items)
    if np.ndim(noise) == 0 and len(units) > 1:
        raise InputError(
            f"noise = {noise}: the recordings are in {' and '.join(units)}; give one number for "
            "each recording, in its unit"
        )
    sizes = np.broadcast_to(np.asarray(noise, dtype=float), (n,)) if np.ndim(noise) == 0 else noise
    sizes = tuple(float(s) for s in sizes)  # type: ignore[union-attr]
    if len(sizes) != n or not all(0 < s < np.inf for s in sizes):
        raise InputError(f"noise = {noise!r}: give a positive number, or one for each recording")
    return sizes
