"""Neurons, protocols and recordings as Julia holds them, made once and kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError, unknown
from ...neuron.neuron import Neuron
from ...numerics.arrays import FloatArray
from ...numerics.voltage_table import grid_of
from ...protocols import Protocol, Segments
from ...recordings import Recording
from ..base import SolveOptions, is_clamped
from ..batch_elements import Ends
from ..loss import Loss, default_scale
from ..step_limit import check_max_steps
from ..voltage_grid import balance_of, check_linear, spacing_for, voltage_grid_of
from .requirements import names
from .start import session


@dataclass(frozen=True)
class Held:
    """An object in Julia over memory of ours, and that memory."""

    julia: Any
    kept: tuple[Any, ...]


def system_of(neuron: Neuron) -> Any:
    """The equations of `neuron` in Julia; the same for all values of its parameters."""
    global _latest
    known, system = _latest
    if known is not neuron:  # hashing a neuron takes longer than all the rest of this
        system = _system(neuron)
        _latest = neuron, system
    return system


_latest: tuple[Neuron | None, Any] = (None, None)


@lru_cache(maxsize=16)
def _system(neuron: Neuron) -> Any:
    t = neuron.tables
    return session().call(
        "system_of",
        t.name,
        " ".join(t.states),
        t.v_rest,
        t.c_m,
        t.size,
        t.box_stimulus,
        *[np.ascontiguousarray(table).T for table in t.arrays().values()],
    )


def protocols_of(protocols: Sequence[Protocol]) -> Any:
    """The protocols of a batch in Julia; equal ones next to each other are made once."""
    return _protocols(tuple(protocols))


@lru_cache(maxsize=32)
def _protocols(protocols: tuple[Protocol, ...]) -> Any:
    s = Segments.stack([protocol.segments for protocol in protocols])
    names = ("start", "offset", "slope", "amplitude", "omega", "chirp", "phase")
    arrays = [np.ascontiguousarray(getattr(s, name)).T for name in names]
    return session().call("make_protocols", is_clamped(protocols), *arrays)


@lru_cache(maxsize=64)
def options_of(options: SolveOptions) -> Any:
    """How to solve, in Julia."""
    if options.device != "cpu":
        raise InputError(
            f'device = "{options.device}": the Julia engine computes on the CPU; use '
            'backend="torch" for a GPU'
        )
    if options.solver not in names("solvers"):
        raise unknown("solver", options.solver, names("solvers"))
    longest = np.inf if options.dt_max is None else float(options.dt_max)
    return session().call(
        "make_options",
        options.solver,
        float(options.rtol),
        float(options.atol),
        float(options.v_scale),
        int(options.max_steps),
        longest,
        options.dtype == "float32",
    )


def check_directions(options: SolveOptions) -> None:
    """Raise where Julia does not give derivatives along directions as they are asked for."""
    options_of(options)
    if options.dtype != "float64":
        raise InputError(
            f'dtype = "{options.dtype}": the Julia engine has derivatives along directions '
            '(Levenberg-Marquardt, identifiability) in float64 only; use backend="torch"'
        )


@lru_cache(maxsize=32)
def loss_of(loss: Loss) -> Any:
    """The loss in Julia; its scale goes with the recordings."""
    v_clip = float("inf") if loss.v_clip is None else loss.v_clip
    observer = 0.0 if loss.observer_conductance is None else loss.observer_conductance
    numbers = (loss.delta, loss.spikes, loss.threshold, loss.match_window, v_clip, observer)
    numbers += (loss.extra,) if loss.extra else ()
    return session().call("make_loss", loss.kind, *map(float, numbers))


def ends_of(ends: Ends, y_end: FloatArray) -> Held:
    """The ends of windows in Julia; the states there are written into `y_end` (K, R, S)."""
    target = ends.target if ends.target.ndim == 3 else ends.target[None]
    held = session().call("make_ends", ends.weight, target.T, y_end.T)
    return Held(held, (ends, target, y_end))


Cells = tuple[int, ...]  # of each recording, from 0 on; empty where all are of one


def recordings_of(
    neuron: Neuron, recordings: Sequence[Recording], scale: float | None, cells: Cells = ()
) -> Held:
    """Recordings for simulation: their times and data are used where they lie."""
    return _recordings(neuron, tuple(recordings), scale, cells)


@lru_cache(maxsize=16)
def _recordings(
    neuron: Neuron, recordings: tuple[Recording, ...], scale: float | None, cells: Cells
) -> Held:
    if len({r.observed for r in recordings}) != 1:
        raise InputError("recordings: a batch is all current clamp or all voltage clamp")
    measured = [r.data for r in recordings]
    targets, kept = _targets(recordings, measured, measured, scale)
    v0 = np.array([r.v[0] if r.v is not None else neuron.v_rest for r in recordings])
    protocols = protocols_of([r.protocol for r in recordings])
    observed = recordings[0].observed == "current"
    held = session().call(
        "make_recordings", system_of(neuron), protocols, targets, v0, observed, _from_one(cells)
    )
    return Held(held, (kept, recordings))


def _from_one(cells: Cells) -> NDArray[np.int64]:
    return np.array(cells, dtype=np.int64) + 1


def clamped_of(
    neuron: Neuron,
    recordings: Sequence[Recording],
    scale: float | None,
    cells: Cells = (),
    by_voltage: bool = False,
) -> Held:
    """Recordings of one clamp for clamped training, with the steps of their known voltage.

    The default scale is that of the current, or that of the data where `by_voltage` is set.
    """
    check_linear(neuron)
    return _clamped(neuron, tuple(recordings), scale, cells, by_voltage)


@lru_cache(maxsize=16)
def _clamped(
    neuron: Neuron,
    recordings: tuple[Recording, ...],
    scale: float | None,
    cells: Cells,
    by_voltage: bool,
) -> Held:
    grids = [voltage_grid_of(r) for r in recordings]
    first = np.cumsum([1, *(len(g.h) for g in grids)])
    places = np.concatenate([g.places + n for g, n in zip(grids, first, strict=False)])
    measured = compared = [r.data for r in recordings]
    weights, slope = np.zeros((0, 3)), np.zeros(0)
    if recordings[0].observed == "v":
        balances = [balance_of(r) for r in recordings]
        weights = np.concatenate([b.weights for b in balances])
        slope = np.concatenate([b.slope for b in balances])
        compared = [b.stimulus for b in balances]
        measured = measured if by_voltage else [b.target(neuron.c_m) for b in balances]
    targets, kept = _targets(recordings, compared, measured, scale)
    table = grid_of(np.concatenate([g.v for g in grids]), spacing_for(neuron))
    held = session().call(
        "make_clamped",
        system_of(neuron),
        table.exact,
        table.nodes,
        np.ascontiguousarray(table.index + 1).T,
        np.ascontiguousarray(table.weight).T,
        first,
        np.concatenate([g.h for g in grids]),
        targets,
        places,
        np.concatenate([g.v_samples for g in grids]),
        np.ascontiguousarray(weights).T,
        slope,
        _from_one(cells),
    )
    return Held(held, (kept, recordings))


def _targets(
    recordings: Sequence[Recording],
    compared: Sequence[FloatArray],
    measured: Sequence[FloatArray],
    scale: float | None,
) -> tuple[Any, list[Any]]:
    """Targets in Julia over our arrays, and those arrays; `measured` sets the default scale."""
    run = session()
    targets, kept = run.call("Targets"), []
    for r, data, values in zip(recordings, compared, measured, strict=True):
        weight = r.mask / r.n_used
        size = scale if scale is not None else default_scale(values[r.mask])
        run.call("add_recording!", targets, r.t, data, weight, float(size))
        kept += [r.t, data, weight]
    return targets, kept


def check_solve(
    neuron: Neuron, protocols: Sequence[Protocol], options: SolveOptions, ends: ArrayLike
) -> None:
    """Raise where a stimulus is not known that a network needs, or has too many pieces."""
    black_box = neuron.right_hand_side
    if black_box is not None and black_box.sees_stimulus and is_clamped(protocols):
        raise InputError(
            f'neuron "{neuron.name}": a NeuralRightHandSide that sees the stimulus needs a '
            "CurrentClamp: under a VoltageClamp the injected current is not known"
        )
    check_max_steps(options.max_steps, protocols, ends)


def clamp_groups(recordings: Sequence[Recording]) -> Iterator[slice]:
    """Runs of recordings of one clamp."""
    first = 0
    for i in range(1, len(recordings) + 1):
        if i == len(recordings) or recordings[i].observed != recordings[first].observed:
            yield slice(first, i)
            first = i
