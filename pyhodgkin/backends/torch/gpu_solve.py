"""The kernels for GPUs in place of the eager loop: what goes in, and what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ...errors import InputError
from ...neuron.neuron import Neuron
from ...numerics.arrays import FloatArray
from ...protocols import Protocol, Segments
from ...solution.voltage_steps import KEPT, Collector, VoltageSteps
from ..base import RawSolution, SolveOptions, is_clamped
from ..gpu import why_not
from ..step_limit import check_max_steps
from .adjoint import Gradients
from .arrays import check_device
from .gpu import Launch, chunks
from .gpu_batch import Batch, Rising, Steps, every_row
from .integrate import Run
from .steps import Explicit, Method, Rosenbrock
from .tape import Tape

if TYPE_CHECKING:
    from .solve import Problem

DEVICES = ("cuda",)
# Elements from which on only the steps are kept in which v rises through 0 mV.
MANY = 20_000


def kernel_for(neuron: Neuron, method: Method, options: SolveOptions) -> bool:
    """Whether the kernels can do this solve."""
    if options.device.split(":")[0] not in DEVICES or why_not():
        return False
    if not isinstance(method, (Explicit, Rosenbrock)):
        return False
    try:
        tables = neuron.tables
        plain = len(tables.table_grid) == 0 and not tables.is_program  # others: the eager one
        return tables.size > 0 and plain
    except InputError:  # a form of kinetics that is a Python function
        return False


def solve(
    neuron: Neuron,
    protocols: Sequence[Protocol],
    theta: FloatArray,
    start: FloatArray,
    saveat: FloatArray,
    method: Method,
    options: SolveOptions,
    ends: FloatArray | None,
) -> RawSolution:
    """See `Backend.solve`; `start` are states (0, S), (1, S) or (B, S) to start from."""
    check_device(options.device)
    check_max_steps(options.max_steps, protocols, saveat[-1] if ends is None else ends)
    sets, clamped = np.atleast_2d(theta), is_clamped(protocols)
    count = max(len(sets), len(protocols))
    every, none = np.arange(count), np.zeros(count, dtype=np.int64)
    stops = np.broadcast_to(saveat[-1] if ends is None else ends, (count,)).astype(np.float64)

    segments, own = different(protocols)

    def tensor(array: np.ndarray) -> Tensor:
        return torch.as_tensor(np.array(array), device=options.device)

    batch = Batch(
        tensor(sets.astype(np.float64)),
        tensor(every if len(sets) > 1 else none),
        tensor(own if len(protocols) > 1 else none),
        segments,
        tensor(np.full(count, neuron.v_rest, dtype=np.float64)),
        tensor(start),
        tensor(np.asarray(saveat, dtype=np.float64)[None]),
        tensor(stops),
        clamped,
    )
    watch = ends is not None and not clamped
    assert isinstance(method, (Explicit, Rosenbrock))
    crossing = count > MANY
    launch = Launch(neuron.tables, method.tableau, batch, options, watch=watch, crossing=crossing)
    y = np.empty((count, len(saveat), len(neuron.states)))
    results = np.empty((3, count), dtype=np.int64)
    rising = _Risings(count, crossing)
    for first, last in chunks(launch, count):
        found = launch(first, last)
        y[first:last] = found.samples.permute(2, 0, 1).double().cpu().numpy()
        results[:, first:last] = found.results.cpu().numpy()
        if found.rising is not None:
            rising.add(first, found.rising)
    if clamped:
        for i, row in enumerate(y):
            own = protocols[i if len(protocols) > 1 else 0](saveat)
            row[:, 0] = np.where(saveat <= stops[i], own, np.nan)
    evaluations = (results[1] + results[2]) * method.evaluations
    stats = {"n_steps": results[1], "n_rejected": results[2], "n_f_evals": evaluations}
    steps = rising.result() if watch else None
    return RawSolution(np.asarray(saveat), y, stats, results[0], steps)


def different(protocols: Sequence[Protocol]) -> tuple[Segments, np.ndarray]:
    """The stimuli of the protocols that are not the same, and which of them each protocol has."""
    places: dict[int, int] = {}
    which = np.array([places.setdefault(id(p), len(places)) for p in protocols], dtype=np.int64)
    first = np.unique(which, return_index=True)[1]
    return Segments.stack([protocols[i].segments for i in first]), which


class _Risings:
    """Collects the steps in which v rises from several launches."""

    def __init__(self, size: int, crossing: bool) -> None:
        self.size, self.crossing = size, crossing
        self.collector = Collector(size)
        self.parts: list[tuple[np.ndarray, ...]] = []

    def add(self, first: int, rising: Rising) -> None:
        """Those of elements from `first` on."""
        longest = int(rising.count.max()) if len(rising.count) else 0
        there = torch.arange(longest, device=rising.count.device) < rising.count.unsqueeze(1)
        rows = rising.numbers[:longest].permute(2, 0, 1)[there].cpu().numpy()
        element = torch.nonzero(there)[:, 0].cpu().numpy() + first
        part = (element, rows[:, 0], rows[:, 1], rows[:, 2:])
        if self.crossing:
            self.parts.append(part)
        else:
            self.collector.add(*part)

    def result(self) -> VoltageSteps:
        if not self.crossing:
            return self.collector.result()
        joined = [np.concatenate(x) for x in zip(*self.parts, strict=True)]
        return VoltageSteps(self.size, *joined, threshold=KEPT)


def run(problem: Problem, theta: Tensor, y0: Tensor, keep: bool) -> Run:
    """As `Problem.run`, without a recorder of voltages."""
    shape = k, q = tuple(problem.t0.shape)
    device = problem.t0.device
    every, protocols = torch.arange(k * q, device=device), problem.protocols
    segments, which = different(protocols)
    own = every // q if q == 1 else every % q
    times = problem.saveat.reshape(len(problem.saveat), -1).t()
    start = y0[problem.system.to_public].flatten(1).t().double()
    sets = theta.detach().double().reshape(k, -1)
    batch = Batch(
        sets,
        every // q,
        torch.as_tensor(which, device=device)[own] if len(which) > 1 else torch.zeros_like(every),
        segments,
        start[:, 0].contiguous(),
        start.contiguous(),
        times.contiguous(),
        problem.t1.flatten(),
        problem.system.clamped,
    )
    method = problem.method
    assert isinstance(method, (Explicit, Rosenbrock))
    launch = Launch(problem.neuron.tables, method.tableau, batch, problem.options, keep=keep)
    found = launch(0, k * q)
    order = problem.system.from_public
    samples = found.samples[:, order].reshape(len(found.samples), -1, *shape)
    status, steps, rejected = found.results.long().reshape(3, *shape)
    evaluations = (steps + rejected) * method.evaluations
    taped = found.steps
    if taped is not None and isinstance(method, Explicit):
        back = partial(gradients, launch, taped, sets, order)
        return Run(samples, steps, rejected, evaluations, status, None, back)
    tape = None if taped is None else tape_of(taped, shape, order)
    return Run(samples, steps, rejected, evaluations, status, tape)


def gradients(
    launch: Launch, steps: Steps, theta: Tensor, from_public: Tensor, cotangent: Tensor
) -> Gradients:
    """By theta (K, P) and the start, for a cotangent (T, S, K, Q) in the engine's order."""
    public = torch.argsort(from_public)
    shape = cotangent.shape[2:]
    each, start = launch.back(steps, cotangent[:, public].flatten(2))
    by_row = torch.zeros((len(theta), each.shape[1]), dtype=torch.float64, device=each.device)
    by_row.index_add_(0, launch.batch.set_of, each.double())
    with torch.enable_grad():
        leaf = theta.detach().requires_grad_()
        table = every_row(launch.tables, leaf)
    (found,) = torch.autograd.grad(table, leaf, by_row)
    y0 = start[from_public].reshape(-1, *shape)
    return Gradients({}, y0, {}, found.to(cotangent.dtype))


def tape_of(steps: Steps, shape: tuple[int, ...], from_public: Tensor) -> Tape | None:
    """The accepted steps of K·Q elements as a tape, whose states are in the engine's order."""
    count = steps.count.long()
    longest = int(count.max())
    if longest == 0:
        return None
    # The rows of an element that has fewer steps repeat its last one.
    row = torch.arange(longest, device=count.device).unsqueeze(1)
    row = torch.minimum(row, (count - 1).clamp(min=0))
    t, h, t_next = (steps.numbers[:longest, i].gather(0, row) for i in range(3))
    there = count > 0
    t, t_next = torch.where(there, t, 0.0), torch.where(there, t_next, 0.0)
    h = torch.where(there, h, 1e-9)
    piece = torch.where(there, steps.pieces[:longest].long().gather(0, row), 0)
    y = steps.states[:longest][:, from_public.to(count.device)]
    y = y.gather(0, row.unsqueeze(1).expand(-1, y.shape[1], -1))
    y = torch.where(there, y, 0.0)
    t, h, t_next, piece = (x.reshape(longest, *shape) for x in (t, h, t_next, piece))
    return Tape(t, h, t_next, piece, y.reshape(longest, -1, *shape), count.reshape(shape))
