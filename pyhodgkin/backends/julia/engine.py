"""The Julia engine behind the contract of `backends.base`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError, unknown
from ...neuron.neuron import Neuron
from ...numerics.arrays import FloatArray, Indices
from ...protocols import Protocol
from ...recordings import Recording
from ...status import Status
from ..base import RawSolution, SolveOptions, ValueAndGradient, check_mode, protocol_ends
from ..batch_elements import Ends, Sets, check_ends
from ..linearization import Linearization
from ..loss import Loss
from ..sensitivity import linearize
from .arrays import c_order as _array
from .arrays import check_start as _check_start
from .arrays import start_of as _start
from .arrays import voltage_steps
from .convert import (
    Held,
    check_directions,
    check_solve,
    clamp_groups,
    clamped_of,
    ends_of,
    loss_of,
    options_of,
    protocols_of,
    recordings_of,
    system_of,
)
from .local_derivatives import JuliaDerivatives
from .requirements import names
from .start import session

DEFAULTS = SolveOptions()
COUNTERS = ("n_steps", "n_rejected", "n_f_evals")


class JuliaBackend:
    """Solves and trains with the bundled Julia package, in memory that both sides share.

    Parameters
    ----------
    sensitivity : {"adjoint", "gauss", "interpolating", "quadrature", "forward"}
        Where gradients by simulation come from. ``"adjoint"``, the package's own discrete
        adjoint, is the fastest at every size of problem. For comparison there are three of
        SciMLSensitivity, which is loaded then, and ``"forward"``, ForwardDiff through the solver.
    """

    name = "julia"

    def __init__(self, sensitivity: str = "adjoint") -> None:
        if sensitivity not in names("sensitivities"):
            raise unknown("sensitivity", sensitivity, names("sensitivities"))
        self.sensitivity = sensitivity

    def solvers(self) -> tuple[str, ...]:
        """Names of the solvers, the default first."""
        return names("solvers")

    def solve(
        self,
        neuron: Neuron,
        protocols: Sequence[Protocol],
        theta: FloatArray,
        y0: FloatArray | None,
        saveat: FloatArray,
        options: SolveOptions,
        *,
        to_end: bool = False,
    ) -> RawSolution:
        """Solve a batch; see `Backend.solve`."""
        run, sets = session(), _array(theta)
        n, many = len(protocols), sets.ndim == 2
        sets = sets if many else sets[None]
        if many and n not in (1, len(sets)):
            raise InputError(f"{n} protocols for {len(sets)} parameter sets: give 1 or as many")
        size, states = (len(sets) if many else n), len(neuron.states)
        start = np.zeros((0, states)) if y0 is None else _array(y0)
        _check_start(start, states)
        start = start if start.ndim == 2 else start[None]
        times = _array(saveat)
        until = protocol_ends(protocols, times) if to_end else times[-1]
        check_solve(neuron, protocols, options, until)
        y = np.empty((size, len(times), states))
        status, stats = np.zeros(size, dtype=np.int64), np.zeros((size, 3), dtype=np.int64)
        limited = np.zeros(1, dtype=np.int64)
        ends = [_array(until), limited] if to_end else []
        steps = run.call(
            "solve!",
            y.T,
            status,
            stats.T,
            system_of(neuron),
            protocols_of(protocols),
            sets.T,
            start.T,
            times,
            options_of(options),
            run.flag,
            *ends,
        )
        watched = None if steps is None else voltage_steps(steps, size, bool(limited[0]))
        return RawSolution(times, y, _counters(stats), status, watched)

    def value_and_grad(
        self,
        neuron: Neuron,
        recordings: Sequence[Recording],
        theta: FloatArray,
        loss: Loss,
        *,
        mode: str = "simulation",
        y0: FloatArray | None = None,
        options: SolveOptions = DEFAULTS,
        cells: Indices | None = None,
        ends: Ends | None = None,
    ) -> ValueAndGradient:
        """Loss and gradient in one call; see `Backend.value_and_grad`."""
        n, states = len(recordings), len(neuron.states)
        sets = Sets.of(theta, cells, n)
        k = len(sets.theta)
        check_mode(mode, ends)
        if ends is not None and self.sensitivity != "adjoint":
            raise InputError(f'sensitivity = "{self.sensitivity}" knows no ends; take "adjoint"')
        start = _start(y0, states)
        each, gradient = np.full((k, n), np.inf), np.zeros(sets.theta.shape)
        rows = gradient.reshape(sets.rows.shape)
        by_start = np.zeros((k, n, states)) if y0 is not None else np.zeros((0, 0, states))
        status = np.zeros((k, n), dtype=np.int64)
        stats = np.zeros((k, n, 3), dtype=np.int64)
        outputs, y_end = (each.T, rows.T, by_start.T, status.T), None
        if mode == "clamped":
            self._clamped(neuron, recordings, outputs, sets, start, loss)
        else:
            outputs, more = (*outputs, stats.T), []
            if ends is not None:
                check_ends(ends, (k, n, states))
                y_end = np.full((k, n, states), np.nan)
                more = [ends_of(ends, y_end)]
            self._simulated(neuron, recordings, outputs, sets, start, loss, options, more)
        each[status != Status.SUCCESS] = np.inf
        found = ValueAndGradient(
            each.mean(axis=-1),
            sets.shaped(gradient),
            by_start if y0 is not None else None,
            each,
            status,
            _counters(stats) if mode == "simulation" else {},
            y_end,
        )
        return found.first() if sets.single else found

    def predict(
        self,
        neuron: Neuron,
        recordings: Sequence[Recording],
        theta: FloatArray,
        *,
        mode: str = "simulation",
        y0: FloatArray | None = None,
        options: SolveOptions = DEFAULTS,
        cells: Indices | None = None,
    ) -> list[FloatArray]:
        """Predictions, one array for each recording; see `Backend.predict`."""
        run, sets, states = session(), Sets.of(theta, cells, len(recordings)), len(neuron.states)
        check_mode(mode)
        start, k = _start(y0, states), len(sets.theta)
        found: list[FloatArray] = []
        for own in clamp_groups(recordings) if mode == "clamped" else [slice(None)]:
            mine = recordings[own]
            begin = start if start.shape[1] == 0 else start[:, own]
            out = np.full((k, sum(len(r) for r in mine)), np.nan)
            arguments: tuple[Any, ...] = (sets.rows.T, np.ascontiguousarray(begin).T)
            which = sets.cells_of(own)
            if mode == "clamped":
                held = clamped_of(neuron, mine, None, which)
                run.call("clamped_predict!", out.T, held.julia, *arguments, run.flag)
            else:
                check_solve(neuron, [r.protocol for r in mine], options, [r.t[-1] for r in mine])
                held = recordings_of(neuron, mine, None, which)
                status = np.zeros((k, len(mine)), dtype=np.int64)
                run.call(
                    "predict!",
                    out.T,
                    status.T,
                    held.julia,
                    *arguments,
                    options_of(options),
                    run.flag,
                )
            ends = np.cumsum([len(r) for r in mine])[:-1]
            found += np.split(out, ends, axis=-1)
        return [x[0] for x in found] if sets.single else found

    def linearize(
        self,
        neuron: Neuron,
        recordings: Sequence[Recording],
        theta: FloatArray,
        loss: Loss,
        *,
        mode: str = "simulation",
        y0: FloatArray | None = None,
        options: SolveOptions = DEFAULTS,
    ) -> Linearization:
        """Predictions and their derivatives along directions; see `Backend.linearize`."""
        check_mode(mode)
        check_directions(options)
        rest: dict[str, Any] = {"mode": mode, "y0": y0, "options": options}
        local = JuliaDerivatives(neuron)
        return linearize(self, local, neuron, recordings, theta, loss, **rest)

    def _simulated(
        self,
        neuron: Neuron,
        recordings: Sequence[Recording],
        outputs: tuple[Any, ...],
        sets: Sets,
        start: FloatArray,
        loss: Loss,
        options: SolveOptions,
        ends: Sequence[Held],
    ) -> None:
        run = session()
        protocols, until = [r.protocol for r in recordings], [r.t[-1] for r in recordings]
        check_solve(neuron, protocols, options, until)
        held: Held = recordings_of(neuron, recordings, loss.scale, sets.cells_of())
        run.call(
            "gradient_by!",
            self.sensitivity,
            *outputs,
            held.julia,
            sets.rows.T,
            start.T,
            loss_of(loss),
            options_of(options),
            run.flag,
            *[x.julia for x in ends],
        )

    def _clamped(
        self,
        neuron: Neuron,
        recordings: Sequence[Recording],
        outputs: tuple[Any, ...],
        sets: Sets,
        start: FloatArray,
        loss: Loss,
    ) -> None:
        """Group by group, since all recordings of one call are of one clamp."""
        run = session()
        each, gradient, by_start, status = (x.T for x in outputs)
        total, rows = np.zeros(gradient.shape), sets.rows
        for own in clamp_groups(recordings):
            mine, which = recordings[own], sets.cells_of(own)
            held = clamped_of(
                neuron, mine, loss.scale, which, loss.observer_conductance is not None
            )
            share = len(mine) / len(recordings)
            begin = start if start.shape[1] == 0 else np.ascontiguousarray(start[:, own])
            parts = [np.ascontiguousarray(x[:, own]) for x in (each, by_start, status)]
            run.call(
                "clamped_gradient!",
                parts[0].T,
                gradient.T,
                parts[1].T,
                parts[2].T,
                held.julia,
                rows.T,
                begin.T,
                loss_of(loss),
                run.flag,
            )
            each[:, own], status[:, own] = parts[0], parts[2]
            if len(by_start):
                by_start[:, own] = parts[1] * share
            total += share * gradient
        failed = (status != Status.SUCCESS).any(axis=-1)
        lost = np.repeat(failed, len(rows) // len(failed))
        gradient[...] = np.where(lost[:, None], 0.0, total)
        if len(by_start):
            by_start[failed] = 0.0


def _counters(stats: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    return {name: stats[..., i] for i, name in enumerate(COUNTERS)}
