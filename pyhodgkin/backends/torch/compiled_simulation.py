"""Loss and gradient by full simulation, with the compiled integrators and their adjoint."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...errors import InputError
from ...neuron.neuron import Neuron
from ...numerics.arrays import FloatArray, Indices
from ...protocols import Segments
from ...recordings import Recording
from ...status import Status
from ..base import SolveOptions, ValueAndGradient
from ..batch_elements import Ends, Sets, check_ends
from ..loss import Loss
from ..step_limit import check_max_steps
from .compiled import start_of, statistics
from .losses import Targets
from .recording_times import times
from .steps import Explicit, Rosenbrock


class CompiledSimulation:
    """K parameter sets, each simulated under the protocols of R recordings.

    The elements of the solve are all of them, set by set.

    Parameters
    ----------
    y0 : array (S,), (R, S) or (K, R, S), optional
    """

    def __init__(
        self,
        neuron: Neuron,
        recordings: Sequence[Recording],
        sets: Sets,
        y0: FloatArray | None,
        method: Explicit | Rosenbrock,
        options: SolveOptions,
    ) -> None:
        from ..compiled.local import Points
        from ..compiled.solve import Batch

        self.neuron, self.recordings, self.sets = neuron, recordings, sets
        self.observed = recordings[0].observed
        if self.observed == "current" and neuron.right_hand_side is not None:
            raise InputError(
                "a NeuralRightHandSide has no current: give it current-clamp recordings"
            )
        self.method, self.options = method, options
        self.points = Points(neuron.tables)
        k, r = self.shape = len(sets.theta), len(recordings)
        cells = np.zeros(r, dtype=np.int64) if sets.cells is None else sets.cells
        n_cells = sets.theta.shape[1]
        of = (np.arange(k)[:, None] * n_cells + cells).ravel()
        t = times(recordings)
        self.t = np.atleast_2d(t)
        protocols = [r.protocol for r in recordings]
        check_max_steps(options.max_steps, protocols, [r.t[-1] for r in recordings])
        first = np.tile([x.v[0] if x.v is not None else neuron.v_rest for x in recordings], k)
        command = np.stack([p(self.t[i if t.ndim > 1 else 0]) for i, p in enumerate(protocols)])
        self.command = np.broadcast_to(command, (k, *command.shape)).reshape(k * r, -1)
        if self.observed == "current":
            first = np.tile([float(p(np.zeros(1))[0]) for p in protocols], k)
        self.given = y0 is not None
        if y0 is None:
            self.start = self._steady(sets.rows, first, of)
        else:
            whole = np.broadcast_to(np.asarray(y0), (k, r, np.shape(y0)[-1]))
            self.start = start_of(neuron, whole.reshape(k * r, -1), k * r)
        self.batch = Batch(
            sets.rows,
            of,
            Segments.stack([p.segments for p in protocols]),
            np.tile(np.arange(r), k),
            self.start[:, 0].copy(),
            self.start,
            np.ascontiguousarray(self.t if t.ndim == 1 else np.tile(self.t, (k, 1))),
            np.tile([x.t[-1] for x in recordings], k).astype(np.float64),
            self.observed == "current",
        )

    def solve(self, keep: bool) -> None:
        """Solve all elements; `keep` their steps too."""
        from ..compiled.solve import solve

        tables, tableau = self.neuron.tables, self.method.tableau
        few = None if keep or self.observed == "current" else 1  # only v is compared
        self.found = solve(tables, tableau, self.batch, self.options, keep=keep, states=few)
        self.samples = self.found.samples.astype(np.float64, copy=False)
        if self.observed == "current":
            self.states = self.samples.copy()  # those of a current: with v at the command
            self.states[:, :, 0] = self.command

    def observable(self) -> FloatArray:
        """What is compared, (K, R, T)."""
        shape = (*self.shape, self.samples.shape[1])
        if self.observed == "v":
            return self.samples[:, :, 0].reshape(shape)
        n = self.samples.shape[1]
        flat = self.states.reshape(-1, self.states.shape[-1])
        of = np.repeat(self.batch.theta_of, n)
        found = self.points.value("current", self.sets.rows, np.nan_to_num(flat), of=of)[:, 0]
        return np.where(np.isfinite(flat).all(-1), found, np.nan).reshape(shape)

    def value_and_grad(self, loss: Loss, ends: Ends | None) -> ValueAndGradient:
        """Loss (K,) and gradients; see `Backend.value_and_grad`."""
        self.solve(keep=True)
        ended = self.found.results[:, 0].reshape(self.shape)
        predicted = torch.from_numpy(self.observable()).requires_grad_()
        with torch.enable_grad():
            each = Targets(self.recordings, loss, predicted)(predicted)
        y_end, missed, by_end = None, 0.0, None
        if ends is not None:
            y_end, missed, by_end = self._ends(ends)
        values = each.detach().numpy() + missed
        finite = np.isfinite(values)
        status = np.where((ended == Status.SUCCESS) & ~finite, int(Status.NONFINITE), ended)
        bad = (status != Status.SUCCESS).any(-1)
        weight = np.where(bad, 0.0, 1.0 / self.shape[1])[:, None] * np.ones(self.shape)
        bars = _through(each, predicted, weight)
        theta, y0 = self._back(bars, None if by_end is None else weight[..., None] * by_end)
        theta[bad] = 0.0
        if y0 is not None:
            y0[bad] = 0.0
        values = np.where(finite, values, np.inf)
        return ValueAndGradient(
            np.where(bad, np.inf, values.mean(-1)),
            theta,
            y0,
            values,
            status,
            {
                name: x.reshape(self.shape)
                for name, x in statistics(self.found, self.method).items()
            },
            y_end,
        )

    def _ends(self, ends: Ends) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The states at the ends (K, R, S), what they cost (K, R), the derivative of that."""
        last = np.array([len(r) - 1 for r in self.recordings])
        place = np.arange(len(self.samples)), np.tile(last, self.shape[0])
        y_end = self.samples[place].reshape(*self.shape, -1).copy()
        if self.observed == "current":
            y_end[..., 0] = self.command[place].reshape(self.shape)
        check_ends(ends, y_end.shape)
        target = np.broadcast_to(ends.target, y_end.shape)
        off = np.where(np.isnan(target), 0.0, y_end - np.nan_to_num(target))
        return y_end, (ends.weight * off**2).sum(-1), 2.0 * ends.weight * off

    def _back(
        self, bars: FloatArray, by_end: FloatArray | None
    ) -> tuple[FloatArray, FloatArray | None]:
        """From derivatives by what is compared (K, R, T), and by the ends (K, R, S)."""
        from ..compiled.gradient import gradients

        count, n, s = self.samples.shape
        cotangent = np.zeros((count, n, s))
        theta = np.zeros_like(self.sets.rows)
        if self.observed == "v":
            cotangent[:, :, 0] = bars.reshape(count, n)
        else:
            used = np.flatnonzero(bars)
            flat = self.states.reshape(-1, s)[used]
            of = np.repeat(self.batch.theta_of, n)[used]
            theta, by_state = self.points.pullback(
                "current", self.sets.rows, flat, bars.ravel()[used][:, None], of=of
            )
            cotangent.reshape(-1, s)[used, 1:] = by_state[:, 1:]
        if by_end is not None:
            last = np.tile([len(r) - 1 for r in self.recordings], self.shape[0])
            rows = np.nan_to_num(by_end.reshape(count, s))
            rows[:, 0] *= self.observed == "v"
            cotangent[np.arange(count), last] += rows
        tables, tableau = self.neuron.tables, self.method.tableau
        steps = self.found.steps
        assert steps is not None
        found = gradients(tables, tableau, self.batch, steps, self.samples, cotangent)
        np.add.at(theta, self.batch.theta_of, found.theta)
        if self.given:
            by_start = found.y0.copy()
            by_start[:, 0] *= self.observed == "v"
            return theta.reshape(self.sets.theta.shape), by_start.reshape(*self.shape, s)
        theta += self._steady_back(found.y0)
        return theta.reshape(self.sets.theta.shape), None

    def _steady(self, rows: FloatArray, v: FloatArray, of: Indices) -> FloatArray:
        """The steady states (B, S) at `v` (B,), with the starts that the neuron names."""
        states = self.neuron.states
        y = np.zeros((len(v), len(states)))
        y[:, 0] = v
        if self.neuron.right_hand_side is not None:
            y[:, 1:] = self.neuron.initial_state(self.neuron.v_rest)[1:]
        self._looked_at = y
        found = self.points.value("steady_state", rows, y, of=of)
        for name, x in self.neuron.initial:
            found[:, states.index(name)] = x
        return found

    def _steady_back(self, bars: FloatArray) -> FloatArray:
        """From derivatives by the starts (B, S) to those by theta."""
        bars = np.array(bars)
        bars[:, 0] = 0.0
        for name, _ in self.neuron.initial:
            bars[:, self.neuron.states.index(name)] = 0.0
        of = self.batch.theta_of
        return self.points.pullback("steady_state", self.sets.rows, self._looked_at, bars, of=of)[0]


def _through(each: Tensor, predicted: Tensor, weight: FloatArray) -> FloatArray:
    """Derivatives (K, R, T) of the weighted sum of losses (K, R) by what is compared."""
    seeds = torch.from_numpy(weight)
    used = torch.where(seeds > 0, each, torch.zeros_like(each))
    (found,) = torch.autograd.grad(used, predicted, seeds, allow_unused=True)
    return np.zeros(predicted.shape) if found is None else np.nan_to_num(found.numpy())
