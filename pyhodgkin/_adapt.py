"""The verb `adapt`: the few numbers of a new cell, with everything that was learned held."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ._fit import fit
from .backends.base import Backend
from .backends.options import NAMES, check_names, names_given, options_of
from .errors import InputError, RecordingWarning
from .fitting import checks, each_cell
from .fitting.plan import Plan
from .fitting.planned import planned
from .fitting.stage import Stage
from .fitting.starts import better_starts
from .fitting.transforms import Bounds
from .neuron.neuron import Neuron
from .progress import Bar
from .recordings import Recording
from .recordings.denoise import levels
from .recordings.matching import bounds_of, neuron_of
from .recordings.observables import observables_of, of
from .recordings.temperatures import at_recordings
from .results.fit_result import FitResult
from .results.joined import joined
from .status import Status

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
LAST = Stage("simulation", "levenberg", STEPS, patience=2, target=CLOSEST)
ROUNDS = 2  # of the first voltages of noisy recordings, and of the parameters
BATCH = 256  # cells that are fitted side by side: memory is bounded
# Arguments of `fit` that are of one fit alone.
APART = {"schedule", "heldout", "seeds", "per_cell", "out", "resume", "overwrite", "throw"} | {
    *("checkpoint_every", "progress", "callback", "workers", "cluster")
}


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
    return adapted([cell_of(fitted, recordings, trainable, bounds, noise, (area, capacitance))],
                   trainable=trainable, backend=backend, options=options)[0]  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """A cell before it is fitted: the neuron in the unit and at the temperature of its recordings.

    `noise` (R,) is that of each recording, `stated` what was said of it, None for nothing. `starts`
    (R,) are the voltages that they start at, mV, where these have been fitted.
    """

    neuron: Neuron
    recordings: tuple[Recording, ...]
    bounds: Bounds | None
    noise: tuple[float, ...]
    stated: float | Sequence[float] | None
    starts: tuple[float, ...] = ()


def cell_of(
    fitted: Neuron | FitResult,
    recordings: Recording | Iterable[Recording],
    trainable: str | Sequence[str],
    bounds: Bounds | None = None,
    noise: float | Sequence[float] | None = None,
    size: tuple[float | None, float | None] = (None, None),
) -> Cell:
    """The cell that arguments of `adapt` describe; they are checked."""
    neuron = fitted.neuron if isinstance(fitted, FitResult) else fitted
    if not isinstance(neuron, Neuron):
        raise InputError(f"fitted is a {type(fitted).__name__}; give a Neuron or a FitResult")
    items, given = checks.recordings_of(recordings), neuron
    neuron = neuron_of(neuron, items, *size)
    held = neuron.layout.select("networks")
    if set(held.tolist()) & set(checks.trainable_of(neuron, trainable).tolist()):
        raise InputError(f"trainable = {trainable!r}: adapt holds networks; to train them use fit")
    names, sized = neuron.layout.names, size != (None, None)
    names = [names[i] for i in checks.trainable_of(neuron, trainable)]
    bounds = bounds_of(bounds, names, given, neuron, sized)
    neuron, taken = at_recordings(neuron, items, checks.trainable_of(neuron, trainable))
    if taken:
        warnings.warn(taken, RecordingWarning, stacklevel=3)
    return Cell(neuron, tuple(items), bounds, levels(items, noise), noise)


def adapted(
    cells: Sequence[Cell],
    *,
    trainable: str | Sequence[str],
    backend: str | Backend,
    options: Mapping[str, Any],
    bar: Bar | None = None,
) -> list[FitResult]:
    """The fits of cells, each as if alone, in one batch; see `adapt`."""
    check_names(dict(options), fit, also=True)
    own: dict[str, Any] = {"trainable": trainable, "backend": backend, **options}
    if APART & set(options):
        return [_alone(cell, {"progress": False, **own}) for cell in cells]
    found: list[list[FitResult]] = [[] for _ in cells]
    ways = [_ways(cell.neuron, cell.recordings) for cell in cells]
    left, stopped = list(range(len(cells))), False
    for way in range(max(map(len, ways))):
        left = [i for i in left if way < len(ways[i])]
        results = _one_way([cells[i] for i in left], [ways[i][way] for i in left], own, bar)
        for i, result in zip(left, results, strict=True):
            found[i].append(result)
        stopped = any(result.status == Status.INTERRUPTED for result in results)
        left = [i for i in left if not _good(found[i][-1], cells[i])]
        if stopped or not left:
            break
    best = [_best(results) for results in found]
    return best if stopped else _from_better_starts(cells, best, own, bar)


def _from_better_starts(
    cells: Sequence[Cell], results: list[FitResult], own: Mapping[str, Any], bar: Bar | None
) -> list[FitResult]:
    """The fits with the first voltages of noisy recordings fitted as well, where they matter."""
    out, left = list(results), list(range(len(cells)))
    for _ in range(ROUNDS):
        plans, moved = {}, []
        for i in left:
            result, cell = out[i], cells[i]
            if not result.success or result.initial_states is not None or not any(cell.noise):
                continue
            start = replace(cell, neuron=result.neuron)
            plan, _ = _planned(start, (LAST,), False, own, starts=cell.starts)
            starts = better_starts(plan.problem, result.theta[0], plan.indices)
            if starts is not None:
                moved.append(i)
                plans[i] = replace(start, starts=starts)
        if not moved:
            break
        again = _one_way([plans[i] for i in moved], [((LAST,), False)] * len(moved), own, bar)
        left = []
        for i, result in zip(moved, again, strict=True):
            if result.success and result.scores[0] < out[i].scores[0]:
                cells = [*cells[:i], replace(cells[i], starts=plans[i].starts), *cells[i + 1 :]]
                out[i] = joined(out[i], result, "adapt: the first v of noisy recordings fitted too")
                left.append(i)
    return out


def _alone(cell: Cell, own: Mapping[str, Any]) -> FitResult:
    """By `fit`, with what a batch has no place for."""
    own = {**own, "bounds": cell.bounds, "noise": cell.stated}
    if "schedule" in own:
        return fit(cell.neuron, cell.recordings, **own)
    found = []
    for schedule, start in _ways(cell.neuron, cell.recordings):
        arguments = {"schedule": schedule, "fit_initial": start, **own}
        found.append(fit(cell.neuron, cell.recordings, **arguments))
        if _good(found[-1], cell):
            break
    return _best(found)


def _one_way(
    cells: Sequence[Cell],
    ways: Sequence[tuple[tuple[Stage, ...], bool | None]],
    own: Mapping[str, Any],
    bar: Bar | None,
) -> list[FitResult]:
    """The fits of cells by one schedule each; those that are alike as one batch."""
    plans, batches = [], {}
    for i, (cell, (schedule, start)) in enumerate(zip(cells, ways, strict=True)):
        plans.append(_planned(cell, schedule, start, own, cell.starts))
        batches.setdefault(each_cell.alike(plans[-1][0]), []).append(i)
    out: dict[int, FitResult] = {}
    for members in batches.values():
        for begin in range(0, len(members), BATCH):
            part = members[begin : begin + BATCH]
            mine, told = zip(*[plans[i] for i in part], strict=True)
            out |= zip(part, each_cell.fit_each(mine, told, bar or Bar(False)), strict=True)
    return [out[i] for i in range(len(cells))]


def _planned(
    cell: Cell,
    schedule: Sequence[Stage],
    start: bool | None,
    own: Mapping[str, Any],
    starts: Sequence[float],
) -> tuple[Plan, list[str]]:
    solved = options_of({k: x for k, x in own.items() if k in (*NAMES, "options")}, None, fit)
    rest = {k: x for k, x in own.items() if k not in (*NAMES, "options")}
    arguments = {"schedule": schedule, "fit_initial": start, "bounds": cell.bounds, **rest}
    known = {"noise": cell.stated, "given": names_given(own), "starts": starts}
    return planned(cell.neuron, cell.recordings, solved=solved, **known, **arguments)


def _best(found: Sequence[FitResult]) -> FitResult:
    best = min(found, key=lambda result: float(np.min(result.scores)))
    if len(found) == 1:
        return best
    return replace(best, log=(*best.log, f"adapt: the best of {len(found)} ways tried"))


def _good(result: FitResult, cell: Cell) -> bool:
    """Whether the errors are those of noise, or too small to matter."""
    if not result.success:
        return False
    errors = result.train_error.rmse[result.best]
    for r, error, size in zip(cell.recordings, errors, cell.noise, strict=True):
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
    last = LAST
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
