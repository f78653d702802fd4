"""The verb `adapt`: the few numbers of a new cell, with everything that was learned held."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ._fit import fit
from .backends.base import Backend
from .backends.options import check_names
from .errors import InputError, RecordingWarning
from .fitting import checks
from .fitting.stage import Stage
from .fitting.transforms import Bounds
from .neuron.neuron import Neuron
from .recordings import Recording
from .recordings.denoise import levels
from .recordings.matching import bounds_of, neuron_of
from .recordings.observables import observables_of, of
from .recordings.temperatures import at_recordings
from .results.fit_result import FitResult

# Parts of the recordings that are simulated one after the other: a start a fifth off the mark has
# its first spike in place, and the next ones follow from what that one has taught.
GROWING = (0.15, 0.3, 0.5, 0.75)
PRIOR_WEIGHT = 0.01  # towards the start, of what a part of the recordings does not determine
# Rates at which an observer draws the voltage to the one measured, 1/ms, where that fails.
DRAWN = (10.0, 1.0)
STEPS = 60
LOOSE = {"rtol": 1e-5, "atol": 1e-7}
CLOSE, CLOSEST = 1e-4, 1e-8  # of the variance: for spikes of 100 mV, 0.3 and 0.003 mV
# A fit is good when the error is at most so many times the noise, or this part of the variance.
GOOD_NOISE, GOOD_PART = 1.5, 1e-3


def adapt(
    fitted: Neuron | FitResult,
    recordings: Recording | Iterable[Recording],
    *,
    trainable: str | Sequence[str] = "conductances",
    bounds: Bounds | None = None,
    noise: float | Sequence[float] | None = None,
    area: float | None = None,
    capacitance: float | None = None,
    backend: str | Backend = "auto",
    **options: Any,
) -> FitResult:
    """Fit the few numbers of a new cell, with networks (and all else) held.

    By simulation of a growing part of the recordings, with Levenberg and Marquardt's method; if
    spikes are not where they were measured then, it is tried again with the voltage first drawn
    to the one measured. One sweep takes seconds.

    Parameters
    ----------
    fitted : Neuron or FitResult
        Where to start: for instance the mean cell of a fit with `per_cell`.
    recordings : Recording or several
        Of the new cell, of either clamp or both.
    trainable : str or sequence of str
        Patterns for ``neuron.layout.select``; no networks.
    bounds, noise, area, capacitance, backend
        As in `fit`.
    **options
        Other arguments of `fit`, and how to solve: `SolveOptions`.

    Returns
    -------
    FitResult
        ``result.neuron`` is the new cell; ``result.identifiability`` has standard errors, and
        says what the recordings do not determine.

    Raises
    ------
    InputError, RecordingError, UnknownNameError
        When an argument cannot be used.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> cell = ph.library.get("squid_axon")
    >>> clamp = ph.CurrentClamp.step(10.0, start=2.0, stop=20.0, t_end=25.0)
    >>> other = ph.simulate(cell.with_parameters(k__g=30.0, na__g=130.0), clamp, saveat=0.1)
    >>> result = ph.adapt(cell, ph.Recording.from_solution(other), trainable=["k.g", "na.g"])
    >>> [round(result.neuron.channel(name).g, 1) for name in ("k", "na")]
    [30.0, 130.0]
    """
    neuron = fitted.neuron if isinstance(fitted, FitResult) else fitted
    if not isinstance(neuron, Neuron):
        raise InputError(f"fitted is a {type(fitted).__name__}; give a Neuron or a FitResult")
    check_names(options, fit, also=True)
    items, given = checks.recordings_of(recordings), neuron
    neuron = neuron_of(neuron, items, area, capacitance)
    held = neuron.layout.select("networks")
    if set(held.tolist()) & set(checks.trainable_of(neuron, trainable).tolist()):
        raise InputError(f"trainable = {trainable!r}: adapt holds networks; to train them use fit")
    names, sized = neuron.layout.names, area is not None or capacitance is not None
    names = [names[i] for i in checks.trainable_of(neuron, trainable)]
    bounds = bounds_of(bounds, names, given, neuron, sized)
    neuron, taken = at_recordings(neuron, items, checks.trainable_of(neuron, trainable))
    if taken:
        warnings.warn(taken, RecordingWarning, stacklevel=2)
    own: dict[str, Any] = {"trainable": trainable, "bounds": bounds, "noise": noise}
    own = {**own, "backend": backend, "progress": False, **options}
    if "schedule" in own:
        return fit(neuron, items, **own)
    sizes, found = levels(items, noise), []
    for schedule, start in _ways(neuron, items):
        found.append(fit(neuron, items, **{"schedule": schedule, "fit_initial": start, **own}))
        if _good(found[-1], items, sizes):
            break
    best = min(found, key=lambda result: float(np.min(result.scores)))
    if len(found) == 1:
        return best
    return replace(best, log=(*best.log, f"adapt: the best of {len(found)} ways tried"))


def _good(result: FitResult, recordings: Sequence[Recording], noise: Sequence[float]) -> bool:
    """Whether the errors are those of noise, or too small to matter."""
    if not result.success:
        return False
    for r, error, size in zip(recordings, result.train_error.rmse[result.best], noise, strict=True):
        spread = float(np.std(r.data[r.mask]))
        if error > max(GOOD_NOISE * size, np.sqrt(GOOD_PART) * spread):
            return False
    return True


def _ways(
    neuron: Neuron, recordings: Sequence[Recording]
) -> list[tuple[tuple[Stage, ...], bool | None]]:
    """Schedules, and whether initial states are fitted; what is most often enough comes first."""
    if observables_of(recordings) == ("current",) and neuron.is_linear_in_gates:
        return [((Stage("clamped", "levenberg", STEPS),), None)]
    last = Stage("simulation", "levenberg", STEPS, patience=2, target=CLOSEST)
    driven = of(recordings, "v")
    recordings = driven or recordings  # those of voltage clamp are compared whole beside them
    shortest = max(float(r.t[min(9, len(r) - 1)]) for r in recordings)
    length = max(float(r.t[-1]) for r in recordings)
    part = replace(last, steps=STEPS // 2, target=CLOSE, prior_weight=PRIOR_WEIGHT, options=LOOSE)
    growing = [replace(part, horizon=f * length) for f in GROWING if f * length > shortest]
    out: list[tuple[tuple[Stage, ...], bool | None]] = [((*growing, last), False)]
    if driven and neuron.right_hand_side is None:
        gains = [rate * neuron.c_m for rate in DRAWN]
        drawn = [
            Stage(
                "observer", "levenberg", STEPS, gain=gain, prior_weight=PRIOR_WEIGHT, options=LOOSE
            )
            for gain in gains
        ]
        out += [((*drawn[1:], *growing, last), False), ((*drawn, last), False)]
    return [*out, ((*growing, last), True)]
