"""A fit before it starts: what is unknown, where it starts from, what identifies it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from ..backends.base import Backend
from ..backends.options import options_of
from ..neuron.parameters import Entry
from ..numerics.arrays import FloatArray, Indices
from ..recordings.drift import Drift
from . import checks
from .hierarchical import hierarchical
from .initialize import multistart as search
from .initialize.current_regression import set_currents, settable_currents
from .objective import Objective
from .parameterization import Parameterization, SharedParameters, draw
from .problem import Problem
from .provenance import provenance
from .run import digests
from .stage import Stage
from .transforms import Bounds, Transform


class Plan:
    """Everything that is settled before the first step.

    Parameters
    ----------
    problem : Problem
    stages : sequence of Stage
    indices : array of int
        Places of what the call trains; a stage may say otherwise.
    seeds : tuple of int or None (K,)
    bounds : mapping of str to (float, float)
    fit_initial : bool
    drift : Drift, optional
        What has been taken out of all recordings.
    """

    def __init__(
        self,
        problem: Problem,
        stages: Sequence[Stage],
        indices: Indices,
        seeds: tuple[int | None, ...],
        bounds: Bounds,
        fit_initial: bool,
        drift: Drift | None = None,
    ) -> None:
        self.drift = drift
        self.problem, self.stages, self.indices = problem, tuple(stages), indices
        self.seeds, self.bounds = seeds, dict(bounds)
        neuron = problem.neuron
        if seeds == (None,):
            self.theta = neuron.theta[None]
        else:
            self.theta = draw(neuron, [int(s) for s in seeds if s is not None], indices)
        if problem.cells is not None:
            self.theta = np.repeat(self.theta[:, None], len(problem.cells), axis=1)
        self.y0 = _initial(problem, self.theta) if fit_initial else None
        for stage in stages:
            # An argument that cannot be used is found here, not in the middle of a run.
            self.unknowns(stage, self.theta, self.y0)
            options_of(stage.options, problem.options)

    def _trained(self, stage: Stage) -> Indices:
        if stage.trainable is None:
            return self.indices
        return checks.trainable_of(self.problem.neuron, stage.trainable)

    def by_heldout(self, stage: Stage) -> bool:
        """Whether the held-out loss chooses the best parameters of a stage.

        It does where the stage compares what the last one compares; of an observer, or of gates
        driven by the measured voltage, the same loss is another quantity.
        """
        return bool(self.problem.heldout) and stage.mode == self.stages[-1].mode

    @property
    def moved(self) -> Indices:
        """Places of everything that some stage trains."""
        return np.unique(np.concatenate([self._trained(stage) for stage in self.stages]))

    def unknowns(self, stage: Stage, theta: FloatArray, y0: FloatArray | None) -> Parameterization:
        """What one stage moves, from `theta` (K, P) or (K, C, P) and `y0` (K, R, S) on."""
        neuron, trained = self.problem.neuron, self._trained(stage)
        names = neuron.layout.names
        bounds = {
            pattern: ends
            for pattern, ends in self.bounds.items()
            if stage.trainable is None or any(fnmatchcase(names[i], pattern) for i in trained)
        }
        cells, given = self.problem.cells, neuron.theta
        if cells is None:
            transform = Transform(neuron.layout, given, trained, bounds)
            parameters = Parameterization(theta, [SharedParameters(transform)])
        else:
            own = np.isin(trained, cells.own)
            shared, each = (
                Transform(neuron.layout, given, part, _of(bounds, [names[i] for i in part]))
                for part in (trained[~own], trained[own])
            )
            # AdamW takes the same step along each axis, whatever its scale.
            scale = 1.0 if stage.optimizer == "adamw" else float(np.sqrt(len(cells)))
            parameters = hierarchical(theta, shared, each, scale=scale)
        return stage.mode.parameterize(self.problem, stage, parameters, y0)

    def by(self, backend: Backend) -> Plan:
        """The same plan, computed by another engine of the same name."""
        moving = self.y0 is not None
        problem = replace(self.problem, backend=backend)
        return Plan(problem, self.stages, self.indices, self.seeds, self.bounds, moving, self.drift)

    def objective(self, stage: Stage, unknowns: Parameterization) -> Objective:
        """What one stage minimises."""
        return Objective(self.problem, stage, unknowns)

    def searched(
        self, stage: Stage, theta: FloatArray, poll: Callable[[], None]
    ) -> tuple[FloatArray, str]:
        """theta (K, P) with the networks of gates set by a `search`, and what it says.

        Of several cells, (K, C, P), it sees the mean, and all are given what it finds. `poll` is
        called between evaluations.
        """
        problem, indices = self.problem, self._trained(stage)
        gates = search.learnable_gates(problem.neuron, indices)
        if not gates:
            return self._regressed(stage, theta, poll)
        options = problem.options_of(stage.options)
        found, losses = np.array(theta), []
        networks = problem.neuron.layout.select("networks")
        for k, seed in enumerate(self.seeds):
            middle = theta[k] if problem.cells is None else theta[k].mean(axis=0)
            row, loss = search.search(
                problem.backend,
                problem.neuron,
                problem.prepared[0].driving,
                middle,
                indices,
                seed=0 if seed is None else seed,
                candidates=stage.multistart,
                options=options,
                poll=poll,
            )
            found[k][..., networks] = row[networks]
            losses.append(loss)
        text = (
            f"search: simple gates for {', '.join(gates)} from {stage.multistart} candidates, loss "
        )
        text += f"{min(losses):.4g}" + (" (best)" if len(losses) > 1 else "")
        return found, text

    def _regressed(
        self, stage: Stage, theta: FloatArray, poll: Callable[[], None]
    ) -> tuple[FloatArray, str]:
        """theta with the networks of currents set to the current balance."""
        problem = self.problem
        names = settable_currents(problem.neuron, self._trained(stage))
        driving = [r for r in problem.prepared[0].driving if r.observed == "v"]
        if not names or not driving or problem.cells is not None:
            return theta, "search: left out, since no network of a gate is trained"
        found, losses = np.array(theta), []
        for k, seed in enumerate(self.seeds):
            neuron, loss = set_currents(
                problem.backend,
                problem.neuron.with_theta(theta[k]),
                driving,
                names,
                seed=0 if seed is None else seed,
                candidates=stage.multistart,
                options=problem.options_of(stage.options),
                poll=poll,
            )
            found[k] = neuron.theta
            losses.append(loss)
        text = (
            f"regression: {', '.join(names)} set to i_stim - c_m dv/dt less the known currents; "
            f"left are {100 * min(losses):.2g} % of its spread"
        )
        return found, text + (" (best)" if len(losses) > 1 else "")

    def decay(self, stage: Stage, size: int) -> FloatArray:
        """Weight decay (p,) of a stage: of the weights of networks, not of their biases."""
        decays = np.zeros(self.problem.neuron.layout.size)
        for entry in self.problem.neuron.layout:
            if entry.group == "networks" and "weight" in entry.name.rpartition(".")[2]:
                decays[entry.slice] = stage.weight_decay
        own = decays[self.unknowns(stage, self.theta, self.y0).indices]
        return np.concatenate([own, np.zeros(size - len(own))])

    def digests(self) -> dict[str, str]:
        """What makes this run this run; a checkpoint of it carries the same."""
        problem = self.problem
        penalties = [part for p in problem.penalties for part in vars(p).values()]
        return {
            "neuron": digests.of_neuron(problem.neuron),
            "recordings": digests.of_recordings(problem.recordings),
            "heldout": digests.of_recordings(problem.heldout),
            "trainable": digests.digest([self.indices, sorted(self.bounds.items())]),
            "schedule": digests.digest(self.stages),
            "loss": digests.digest([problem.loss]),
            "penalty": digests.digest(penalties),
            "seeds": digests.digest([self.seeds]),
            "fit_initial": digests.digest([self.y0]),
            "per_cell": digests.digest(self._cells()),
            "backend": digests.digest([problem.backend.name]),
            "options": digests.digest([problem.options]),
        }

    def _cells(self) -> list[object]:
        """The cell of each recording, and what each has for itself."""
        cells = self.problem.cells
        return [] if cells is None else [cells.own, *(r.cell for r in self.problem.recordings)]

    def settings(self) -> dict[str, Any]:
        """The same in words, for the summary."""
        layout, problem = self.problem.neuron.layout, self.problem
        return {
            "trainable": [e.name for e in layout if np.isin(self.indices, _places(e)).any()],
            "stages": [repr(stage) for stage in self.stages],
            "loss": repr(problem.loss),
            "penalty": [type(p).__name__ for p in problem.penalties],
            "backend": problem.backend.name,
            "options": repr(problem.options),
            "recordings": [r.name for r in problem.recordings],
            "heldout": [r.name for r in problem.heldout],
            "fit_initial": self.y0 is not None,
            "per_cell": []
            if problem.cells is None
            else [layout.names[i] for i in problem.cells.own],
            "drift": None if self.drift is None else [self.drift.conductance, self.drift.reference],
            "provenance": provenance(problem),
        }


def _places(entry: Entry) -> Indices:
    return np.arange(entry.start, entry.start + entry.size)


def _of(bounds: Bounds, names: Sequence[str]) -> Bounds:
    """The bounds of some parameters."""
    return {p: ends for p, ends in bounds.items() if any(fnmatchcase(n, p) for n in names)}


def _initial(problem: Problem, theta: FloatArray) -> FloatArray:
    """Steady states (K, R, S) at the first voltage of each recording."""
    recordings, neuron = problem.recordings, problem.neuron
    firsts = [float((r.data if r.observed == "v" else r.protocol([0.0]))[0]) for r in recordings]
    if problem.cells is None:
        neurons = [neuron.with_theta(row) for row in theta]
        return np.array([[n.initial_state(v) for v in firsts] for n in neurons])
    of = problem.cells.of(recordings)
    return np.array(
        [
            [neuron.with_theta(row[c]).initial_state(v) for c, v in zip(of, firsts, strict=True)]
            for row in theta
        ]
    )
