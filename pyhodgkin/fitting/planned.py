"""From the arguments of a fit to its plan; everything that cannot be used is found here."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..backends.base import Backend, Penalty, SolveOptions
from ..backends.loss import Loss
from ..errors import RecordingWarning
from ..neuron.neuron import Neuron
from ..numerics.arrays import Indices
from ..recordings import Recording, facts
from ..recordings.denoise import levels as noise_levels
from ..recordings.drift import Drift, summary, without_drift
from ..recordings.initial_conditions import decided
from ..recordings.matching import bounds_of, neuron_of
from ..recordings.observables import observables_of
from ..recordings.temperatures import at_recordings
from . import checks
from .hierarchical import Cells, cells_of
from .losses import loss_of
from .penalties import CurvePenalty
from .plan import Plan
from .problem import Problem
from .schedules.choose import choose
from .schedules.compared import compared_of
from .stage import Stage
from .time_scale import at_time_scale
from .transforms import Bounds


def planned(
    neuron: Neuron,
    recordings: Recording | Iterable[Recording],
    *,
    solved: SolveOptions,
    given: Iterable[str] = (),
    trainable: str | Sequence[str] | None = None,
    heldout: Recording | Iterable[Recording] | float | str | Sequence[str] | None = None,
    schedule: str | Stage | Sequence[Stage] | None = None,
    loss: Loss | str | Mapping[str, Loss | str] | None = None,
    penalty: Penalty | CurvePenalty | Sequence[Penalty | CurvePenalty] = (),
    prior: str = "auto",
    seeds: int | Sequence[int] | None = None,
    per_cell: str | Sequence[str] | None = None,
    bounds: Bounds | None = None,
    noise: float | Sequence[float] | None = None,
    fit_initial: bool | None = None,
    size: tuple[float | None, float | None] = (None, None),
    backend: str | Backend = "auto",
    before_engine: Callable[[], object] | None = None,
    starts: Sequence[float] = (),
    drift: Drift | None = None,
) -> tuple[Plan, list[str]]:
    """The plan of `pyhodgkin.fit`, whose arguments these are, and lines for its log.

    `given` are names of the solve options that the caller chose, `size` the area and the
    capacitance, `starts` (mV) the first voltages of noisy recordings where they are known, `drift`
    is taken out of all recordings; `before_engine` is called when all else is found to be in order.
    """
    train, held = checks.divide(recordings, heldout)
    shifted = "" if drift is None else summary(drift, train)
    if drift is not None:
        train, held = (tuple(without_drift(r, drift) for r in of) for of in (train, held))
    seeded = seeds is not None
    what = unknowns_of(neuron, train, held, trainable, per_cell, bounds, size, seeded)
    penalties = (penalty,) if isinstance(penalty, (Penalty, CurvePenalty)) else tuple(penalty)
    chosen = {"trainable": trainable, "loss": loss, "penalty": penalties or None}
    said = [name for name, value in chosen.items() if value is not None]
    said += ["options"] if {"rtol", "atol", "solver"} & set(given) else []
    noises, stated = _noises(train, held, noise)
    known = what.neuron, train, what.indices, said, noises[0], what.own_names
    stages, reason = choose(schedule, *known)
    drawn, compared = checks.seeds_of(seeds), loss_of(loss)
    checks.stages_fit(stages, what.neuron, train, compared, held)
    if before_engine is not None:
        before_engine()
    engine = checks.engine_of(backend, solved, what.neuron)
    problem = Problem(
        *(engine, what.neuron, train, held, compared, solved, penalties, *noises),
        cells=what.cells,
        noise_stated=stated,
        starts=starts,
        prior=prior,
    )
    moving, why = decided(fit_initial, what.neuron, train, noises[0])
    plan = Plan(problem, stages, what.indices, drawn, what.bounds or {}, moving, drift)
    both = compared_of(stages, what.neuron, train, held)
    fixed = checks.left_out(what.neuron, what.indices)
    told = (*what.warned, what.ranges, fixed, shifted, reason, *both, why)
    return plan, [text for text in told if text]


@dataclass(frozen=True)
class Prepared:
    """The neuron in the unit and at the temperature of the recordings, and what of it is trained.

    `warned` are texts on the recordings, `ranges` one on ranges that were changed.
    """

    neuron: Neuron
    indices: Indices
    cells: Cells | None
    bounds: Bounds | None
    warned: tuple[str, ...]
    ranges: str

    @property
    def own_names(self) -> Sequence[str]:
        """Names of what each cell has for itself."""
        return () if self.cells is None else [self.neuron.layout.names[i] for i in self.cells.own]


def unknowns_of(
    neuron: Neuron,
    train: tuple[Recording, ...],
    held: tuple[Recording, ...],
    trainable: str | Sequence[str] | None,
    per_cell: str | Sequence[str] | None,
    bounds: Bounds | None,
    size: tuple[float | None, float | None],
    seeded: bool,
) -> Prepared:
    given = neuron
    neuron = neuron_of(neuron, (*train, *held), *size)
    indices = checks.trainable_of(neuron, trainable)
    cells = cells_of(neuron, per_cell, train, held)
    indices = indices if cells is None else np.union1d(indices, cells.own)
    names = [neuron.layout.names[i] for i in indices]
    bounds = bounds_of(bounds, names, given, neuron, size != (None, None))
    neuron, taken = at_recordings(neuron, (*train, *held), indices)
    neuron, ranges = at_time_scale(neuron, indices, train, seeded)
    said = tuple(text for text in (*facts.notes((*train, *held), per_cell), taken) if text)
    for text in said:
        warnings.warn(text, RecordingWarning, stacklevel=4)
    return Prepared(neuron, indices, cells, bounds, said, ranges)


def _noises(
    train: tuple[Recording, ...],
    held: tuple[Recording, ...],
    noise: float | Sequence[float] | None,
) -> tuple[tuple[tuple[float, ...], tuple[float, ...]], tuple[str, ...]]:
    """The noise of recordings trained on and held out; the observables for which it is stated."""
    kinds = observables_of((*train, *held))
    if noise is None or np.ndim(noise) == 0:
        sizes = noise_levels((*train, *held), noise)
        both = sizes[: len(train)], sizes[len(train) :]
        return both, () if noise is None else kinds[:1]
    each = noise_levels(train, noise), noise_levels(held, None)
    return each, kinds if np.size(noise) == len(train) else kinds[:1]
