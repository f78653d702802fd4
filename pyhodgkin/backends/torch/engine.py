"""The torch engine behind the contract of `backends.base`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...errors import InputError
from ...neuron.neuron import Neuron
from ...numerics.arrays import FloatArray, Indices
from ...protocols import Protocol
from ...recordings import Recording
from ..base import (
    RawSolution,
    SolveOptions,
    ValueAndGradient,
    check_mode,
    is_clamped,
    protocol_ends,
)
from ..batch_elements import Ends, Sets
from ..linearization import Linearization
from ..loss import Loss
from ..sensitivity import linearize
from ..solvers import REGISTERED
from . import clamped, compiled, gpu_solve
from .arrays import tensor_of
from .compiled_derivatives import derivatives_of
from .compiled_simulation import CompiledSimulation
from .simulation import Simulation, statistics
from .solve import DEFAULT_SOLVER, Problem, cached_system, method_of
from .steps import METHODS, Explicit, Rosenbrock
from .tape import VoltageRecorder

DEFAULTS = SolveOptions()


class TorchBackend:
    """Solves and trains with torch alone, on the CPU or a GPU."""

    name = "torch"

    def solvers(self) -> tuple[str, ...]:
        """Names of the solvers, the default first."""
        return (
            DEFAULT_SOLVER,
            *(name for name in (*METHODS, *REGISTERED) if name != DEFAULT_SOLVER),
        )

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
        many = np.ndim(theta) == 2
        n = len(protocols)
        if many and n not in (1, len(theta)):
            raise InputError(f"{n} protocols for {len(theta)} parameter sets: give 1 or as many")
        shape = (len(theta), 1) if many else (1, n)
        ends = protocol_ends(protocols, saveat) if to_end else None
        method = method_of(options.solver, cached_system(neuron, is_clamped(protocols)))
        if compiled.kernel_for(neuron, method, options):
            return compiled.solve(neuron, protocols, theta, y0, saveat, method, options, ends)
        if gpu_solve.kernel_for(neuron, method, options):
            start = compiled.start_of(neuron, y0, max(shape))
            return gpu_solve.solve(neuron, protocols, theta, start, saveat, method, options, ends)
        tensor = parameters(theta, options)
        problem = Problem.build(neuron, protocols, shape, saveat, options, ends)
        watch = to_end and not problem.system.clamped
        voltage = VoltageRecorder(shape[0] * shape[1]) if watch else None
        with torch.inference_mode():
            p = problem.system.unpack(tensor)
            if y0 is not None:
                rows = np.asarray(y0, dtype=np.float64)
                start = problem.public_start(rows[:, None] if many and rows.ndim == 2 else rows)
            else:
                start = problem.start(p, problem.stimulus.like.new_full(shape, neuron.v_rest))
            run = problem.run(p, start, voltage=voltage)
        samples = run.samples[:, problem.system.to_public].flatten(2).permute(2, 0, 1)
        y = samples.double().cpu().contiguous().numpy()
        if problem.system.clamped:
            for i, row in enumerate(y):
                own = protocols[i if n > 1 else 0](saveat)
                after = np.inf if ends is None else ends[i if n > 1 else 0]
                row[:, 0] = np.where(saveat <= after, own, np.nan)
        stats = {k: x.reshape(-1) for k, x in statistics(run).items()}
        status = run.status.cpu().numpy().reshape(-1)
        steps = None if voltage is None else voltage.result()
        return RawSolution(np.asarray(saveat), y, stats, status, steps)

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
        check_mode(mode, ends)
        sets = Sets.of(theta, cells, len(recordings))
        tensor = parameters(sets.theta, options)
        if mode == "clamped":
            found = clamped.value_and_grad(
                neuron, recordings, tensor, loss, y0, options, sets.cells
            )
        elif (method := kernel_method(neuron, recordings, options)) is not None:
            run = CompiledSimulation(neuron, recordings, sets, y0, method, options)
            found = run.value_and_grad(loss, ends)
        else:
            run = Simulation(neuron, recordings, tensor, y0, options, sets.cells)
            found = run.value_and_grad(recordings, loss, ends)
        found = replace(found, gradient=sets.shaped(found.gradient))
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
        check_mode(mode)
        sets = Sets.of(theta, cells, len(recordings))
        tensor = parameters(sets.theta, options)
        if mode == "clamped":
            found = clamped.predict(neuron, recordings, tensor, y0, options, sets.cells)
        elif (method := kernel_method(neuron, recordings, options)) is not None:
            simulated = CompiledSimulation(neuron, recordings, sets, y0, method, options)
            simulated.solve(keep=False)
            seen = simulated.observable()
            found = [seen[:, i, : len(r)] for i, r in enumerate(recordings)]
        else:
            run = Simulation(neuron, recordings, tensor, y0, options, sets.cells)
            p = {k: x.detach() for k, x in run.p.items()}
            seen = run.observable(run.solve(keep=False).samples, p)
            found = [seen[:, i, : len(r)].double().cpu().numpy() for i, r in enumerate(recordings)]
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
        rest: dict[str, Any] = {"mode": mode, "y0": y0, "options": options}
        local = derivatives_of(neuron, options)
        return linearize(self, local, neuron, recordings, theta, loss, **rest)


def kernel_method(
    neuron: Neuron, recordings: Sequence[Recording], options: SolveOptions
) -> Explicit | Rosenbrock | None:
    """The method that the compiled integrators take recordings by, where they can."""
    if len({r.observed for r in recordings}) != 1:
        raise InputError("recordings: a batch is all current clamp or all voltage clamp")
    system = cached_system(neuron, is_clamped([r.protocol for r in recordings]))
    method = method_of(options.solver, system)
    if not isinstance(method, (Explicit, Rosenbrock)):
        return None
    return method if compiled.tables_for(neuron, options) else None


def parameters(theta: FloatArray, options: SolveOptions) -> Tensor:
    """`theta` as a tensor (K, …, P) of the dtype and on the device of the options."""
    return tensor_of(np.atleast_2d(theta), options)
