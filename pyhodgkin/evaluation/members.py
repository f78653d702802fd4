"""Who is judged, and what each says of the recordings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..backends.base import Backend, SolveOptions
from ..errors import InputError, RecordingError
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray
from ..recordings import Recording
from ..recordings.drift import without_drift
from ..recordings.matching import neuron_of
from ..recordings.temperatures import each
from ..results.errors import predict
from ..results.fit_result import FitResult


@dataclass(frozen=True, eq=False)
class Member:
    """A neuron, and the fit and the start that its initial states come from."""

    label: str
    neuron: Neuron
    result: FitResult | None = None
    start: int = 0


def members_of(fitted: Any, theta: ArrayLike | None, starts: str) -> list[Member]:
    """One for each neuron, fit (or start of it), or row of `theta`, told apart by its label."""
    if theta is not None:
        return _with_theta(fitted, theta)
    listed = [fitted] if isinstance(fitted, (Neuron, FitResult)) else fitted
    if not isinstance(listed, Iterable) or isinstance(listed, (str, bytes)):
        raise InputError(f"fitted is a {type(fitted).__name__}; give a Neuron or a FitResult")
    members = []
    for item in listed:
        if isinstance(item, Neuron):
            members.append(Member(item.name, item))
        elif isinstance(item, FitResult):
            chosen = range(len(item.theta)) if starts == "all" else [item.best]
            for k in chosen:
                seed = f" seed {item.seeds[k]}" if len(item.theta) > 1 else ""
                neuron = item.neuron.with_theta(item.theta[k])
                members.append(Member(item.neuron.name + seed, neuron, item, k))
        else:
            raise InputError(
                f"fitted holds a {type(item).__name__}; give a Neuron, a FitResult, or several"
            )
    if not members:
        raise InputError("fitted is empty: give at least one Neuron or FitResult")
    return _told_apart(members)


def _with_theta(fitted: Any, theta: ArrayLike) -> list[Member]:
    if not isinstance(fitted, Neuron):
        raise InputError("theta: give it with a single Neuron")
    values = np.array(theta, dtype=np.float64)
    if values.ndim not in (1, 2) or values.shape[-1] != fitted.layout.size or not values.size:
        raise InputError(f"theta has shape {values.shape}; its last axis must be "
                         f"{fitted.layout.size}")  # fmt: skip
    rows = np.atleast_2d(values)
    return _told_apart([Member(fitted.name, fitted.with_theta(row)) for row in rows])


def _told_apart(members: list[Member]) -> list[Member]:
    labels = [m.label for m in members]
    if len(set(labels)) == len(labels):
        return members
    return [
        Member(f"{m.label} {i + 1}", m.neuron, m.result, m.start) for i, m in enumerate(members)
    ]


def as_fitted(result: FitResult | None, recording: Recording) -> Recording:
    """The recording with its drift taken out as in the fit; as it is where it shows no rest."""
    drift = None if result is None else result.drift
    if drift is None or recording.observed != "v" or recording.drift_current is not None:
        return recording
    try:
        return without_drift(recording, drift)
    except RecordingError:
        return recording


def place_among(result: FitResult | None, recording: Recording) -> int | None:
    """Which of the training recordings of a fit this is, if any."""
    recording = as_fitted(result, recording)
    seen = [] if result is None else [p for p in result.predictions if not p.heldout]
    for i, p in enumerate(seen):
        known = (p.t, p.measured, p.command)
        given = (recording.t, recording.data, recording.command)
        if all(np.array_equal(a, b) for a, b in zip(known, given, strict=True)):
            return i
    return None


def predictions_of(
    engine: Backend,
    members: Sequence[Member],
    recordings: Sequence[Recording],
    options: SolveOptions,
    area: float | None = None,
    capacitance: float | None = None,
) -> list[FloatArray]:
    """(K, T) for each recording, by each member at its temperature and in its unit of current.

    For the unit the `area` (µm²) or `capacitance` (pF) of the cell may be needed.
    """
    drifts = [None if m.result is None else m.result.drift for m in members]
    if any(drift != drifts[0] for drift in drifts):  # each sees recordings of its own
        alone = [
            predictions_of(engine, [m], recordings, options, area, capacitance) for m in members
        ]
        return [np.concatenate(rows) for rows in zip(*alone, strict=True)]
    recordings = [as_fitted(members[0].result, r) for r in recordings]
    out = [np.full((len(members), len(r)), np.nan) for r in recordings]
    parts = [each(member.neuron, recordings) for member in members]
    for k, (_, places) in enumerate(parts[0]):
        taken = [replace(m, neuron=p[k][0]) for m, p in zip(members, parts, strict=True)]
        own = [recordings[i] for i in places]
        found = _predictions(engine, taken, own, options, area, capacitance)
        for i, values in zip(places, found, strict=True):
            out[i] = values
    return out


def _predictions(
    engine: Backend,
    members: Sequence[Member],
    recordings: Sequence[Recording],
    options: SolveOptions,
    area: float | None,
    capacitance: float | None,
) -> list[FloatArray]:
    """Those of one clamp, and members of one structure, at once."""
    out = [np.full((len(members), len(r)), np.nan) for r in recordings]
    for ks in _batches(members) if capacitance is None else [[k] for k in range(len(members))]:
        own = [members[k] for k in ks]
        for places, y0 in _together(own, recordings):
            chosen = [recordings[i] for i in places]
            cells = [_cell(member, chosen[0].cell) for member in own]
            cells = [neuron_of(cell, chosen, area, capacitance) for cell in cells]
            theta = np.stack([cell.theta for cell in cells])
            found = predict(engine, cells[0], chosen, theta, options, y0)
            for i, values in zip(places, found, strict=True):
                out[i][ks] = values
    return out


def _batches(members: Sequence[Member]) -> list[list[int]]:
    """All at once when they differ in parameters only, else each for itself."""
    first = members[0].neuron
    for member in members:
        if member.result is not None and member.result.initial_states is not None:
            break
        if member.neuron.layout.size != first.layout.size:
            break
        if member.neuron.with_theta(first.theta) != first.with_theta(first.theta):
            break
    else:
        return [list(range(len(members)))]
    return [[k] for k in range(len(members))]


def _cell(member: Member, cell: str) -> Neuron:
    """The neuron of a member, with the parameters of the cell where a fit knows it."""
    known = None if member.result is None else member.result.population
    if known is None or cell not in known.cells:
        return member.neuron
    return member.neuron.with_theta(known.theta[member.start, known.cells.index(cell)])


def _together(
    members: Sequence[Member], recordings: Sequence[Recording]
) -> list[tuple[list[int], FloatArray | None]]:
    """Places of recordings that one call can predict, and where they start (1, R, S)."""
    member = members[0]
    several = any(m.result is not None and m.result.population is not None for m in members)
    states = None if member.result is None else member.result.initial_states
    groups: dict[tuple[str, str, str, bool], list[int]] = {}
    starts: dict[int, FloatArray] = {}
    for i, recording in enumerate(recordings):
        place = None if states is None else place_among(member.result, recording)
        if states is not None and place is not None:
            starts[i] = states[member.start, place]
        cell = recording.cell if several else ""
        key = (recording.observed, recording.current_unit, cell, i in starts)
        groups.setdefault(key, []).append(i)
    return [
        (places, np.stack([starts[i] for i in places])[None] if fitted else None)
        for (*_, fitted), places in groups.items()
    ]
