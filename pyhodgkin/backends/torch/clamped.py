"""Clamped training: gates driven by a known voltage, compared by the current.

No solver: a gate under a known voltage is a linear recurrence, solved for a whole recording by
one scan (`scan`), with rates that are evaluated once per voltage (`tabulate`). Under voltage
clamp the observable is the current; in current clamp the measured voltage drives the gates and
the ionic current is compared with i_stim - c_m dv/dt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...neuron.neuron import Neuron
from ...numerics.arrays import FloatArray
from ...recordings import Recording
from ...status import Status
from ..base import SolveOptions, ValueAndGradient
from ..loss import Loss
from ..voltage_grid import balance_of, check_linear
from .clamped_plan import Plan, passes
from .kinetics import Params
from .losses import cost_of
from .scan import linear_scan
from .solve import cached_system, one_thread_for
from .system import ConductanceSystem, System
from .tabulate import Table

MANY = 1_000_000  # steps times parameter sets from which on several threads pay


def value_and_grad(
    neuron: Neuron,
    recordings: Sequence[Recording],
    theta: Tensor,
    loss: Loss,
    y0: FloatArray | None,
    options: SolveOptions,
    cells: NDArray[np.int64] | None = None,
) -> ValueAndGradient:
    """Mean loss over `recordings` and its gradient, for `theta` (K, C, P).

    The solver and its tolerances have no say here. `y0` is None (the starts that the neuron
    names, else the steady state at the first voltage), (R, S) or (K, R, S); its voltage is not
    used, since v is known.
    """
    system, k, r = _checked(neuron), len(theta), len(recordings)
    start = None if y0 is None else np.broadcast_to(y0, (k, r, len(neuron.states)))
    each, gradient = np.zeros((k, r)), np.zeros(tuple(theta.shape))
    by_start = None if start is None else np.zeros(start.shape)
    for cell, own, elements, plan in _cell_passes(neuron, recordings, k, options, cells):
        x = theta[elements, cell].detach().requires_grad_()
        s = None if start is None else _tensor(start[elements][:, own], x).requires_grad_()
        begin = _named(neuron, x) if s is None else s
        with one_thread_for(len(x) * len(plan.h), MANY):
            cost = _losses(plan, loss, _residual(system, plan, x, begin, loss.observer_conductance))
            cost.sum().backward()
        each[elements, own] = _array(cost.detach())
        gradient[elements, cell] += _array(x.grad) / r
        if by_start is not None and s is not None:
            by_start[elements, own] = _array(s.grad) / r
    return _answer(each, gradient, by_start)


def predict(
    neuron: Neuron,
    recordings: Sequence[Recording],
    theta: Tensor,
    y0: FloatArray | None,
    options: SolveOptions,
    cells: NDArray[np.int64] | None = None,
) -> list[FloatArray]:
    """The current of each recording (K, T), by the gates that its voltage drives.

    In current clamp this is the ionic current, to be compared with i_stim - c_m dv/dt.
    """
    system, k = _checked(neuron), len(theta)
    start = None if y0 is None else np.broadcast_to(y0, (k, len(recordings), len(neuron.states)))
    out = [np.zeros((k, len(r))) for r in recordings]
    for cell, own, elements, plan in _cell_passes(neuron, recordings, k, options, cells):
        x = theta[elements, cell].detach()
        s = _named(neuron, x) if start is None else _tensor(start[elements][:, own], x)
        with torch.no_grad(), one_thread_for(len(x) * len(plan.h), MANY):
            current, _ = _current(system, plan, system.unpack(x), s)
        parts = current.split(plan.lengths, -1)
        for i, part in zip(own, parts, strict=True):
            out[i][elements] = _array(part)
    return out


def measured_current(recording: Recording, c_m: float = 1.0) -> FloatArray:
    """What `predict` is compared with: the current, or in current clamp i_stim - c_m dv/dt.

    The slope is taken from the sample before to the one after, and the stimulus averaged there.
    """
    return recording.data if recording.observed == "current" else balance_of(recording).target(c_m)


# -- the passes -----------------------------------------------------------------------------


def _checked(neuron: Neuron) -> ConductanceSystem:
    check_linear(neuron)
    system: System = cached_system(neuron, False)
    assert isinstance(system, ConductanceSystem)
    return system


def _cell_passes(
    neuron: Neuron,
    recordings: Sequence[Recording],
    k: int,
    options: SolveOptions,
    cells: NDArray[np.int64] | None,
) -> Iterator[tuple[int, list[int], slice, Plan]]:
    """Cell by cell its recordings (by their places) and parameter sets, in groups."""
    which = np.zeros(len(recordings), np.int64) if cells is None else cells
    for cell in np.unique(which).tolist():
        places = np.flatnonzero(which == cell).tolist()
        mine = [recordings[i] for i in places]
        for own, elements, plan in passes(neuron, mine, k, options):
            yield cell, places[own], elements, plan


def _answer(
    each: FloatArray, gradient: FloatArray, by_start: FloatArray | None
) -> ValueAndGradient:
    """Values that are not finite become a status; their gradient is zero."""
    fine = np.array(np.isfinite(each))
    lost = np.array(~np.isfinite(gradient).all(axis=(-2, -1)))
    if by_start is not None:
        lost |= ~np.isfinite(by_start).all(axis=(-2, -1))
    # A gradient that overflows while every value is finite is nobody's in particular.
    fine &= ~(lost & fine.all(axis=-1))[:, None]
    each = np.where(fine, each, np.inf)
    good = np.array(fine.all(axis=-1))
    gradient = np.where(good[:, None, None], gradient, 0.0)
    if by_start is not None:
        by_start = np.where(good[:, None, None], by_start, 0.0)
    status = np.where(fine, int(Status.SUCCESS), int(Status.NONFINITE))
    value = each.mean(axis=-1)
    return ValueAndGradient(value, gradient, by_start, each, status)


def _tensor(x: FloatArray, like: Tensor) -> Tensor:
    return torch.as_tensor(np.array(x), dtype=like.dtype, device=like.device)


def _named(neuron: Neuron, like: Tensor) -> Tensor | None:
    """The starts (1, 1, S) that a neuron names for its gates, NaN for the others."""
    if not neuron.initial:
        return None
    given = dict(neuron.initial)
    return _tensor(np.array([[[given.get(name, np.nan) for name in neuron.states]]]), like)


def _array(x: Tensor | None) -> FloatArray:
    assert x is not None
    return x.cpu().double().numpy()


# -- one pass on tensors --------------------------------------------------------------------


def _gates(system: ConductanceSystem, plan: Plan, p: Params, y0: Tensor | None) -> Tensor:
    """The gates (G, K, T) at the samples."""
    k = p["inverse_c"].shape[0]
    if system.gates.n_bounded == 0:
        return plan.v.new_zeros((0, k, len(plan.v)))
    nodes = plan.table.nodes.expand(k, -1)
    rates = system.gates.rates(nodes, p, system.gates.leaves(nodes, p))
    alpha, total = _spread(plan.table, rates.a, rates.s)
    exponent = -total * plan.h
    drive = -(alpha / total) * torch.expm1(exponent)
    if y0 is not None:
        own = y0[..., system.to_public.argsort()][..., 1:].permute(2, 0, 1)
        steady = drive.index_select(-1, plan.starts)
        first = torch.where(torch.isnan(own), steady, own.to(drive.dtype))
        drive = drive.index_copy(-1, plan.starts, first)
    decay = torch.exp(exponent)
    x = linear_scan(decay, drive, torch.zeros_like(decay[..., 0]))
    return x.index_select(-1, plan.places)


def _spread(table: Table, a: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
    """Opening rate and sum of rates in every step."""
    if table.exact:
        alpha, total = table.spread(torch.stack([a, s]))
        return alpha, total
    # Logarithms of both rates: exact for exponentials, and x_inf cannot leave [0, 1]. A rate
    # that is lost next to the other one does no harm where it is, but its logarithm would.
    least = torch.finfo(a.dtype)
    s = s.clamp(min=least.tiny / least.eps)
    floor = 0.1 * least.eps * s
    logs = torch.log(torch.stack([torch.maximum(a, floor), torch.maximum(s - a, floor)]))
    alpha, beta = torch.exp(table.spread(logs))
    return alpha, alpha + beta


def _current(
    system: ConductanceSystem, plan: Plan, p: Params, y0: Tensor | None
) -> tuple[Tensor, Tensor]:
    """The ionic current (K, T), averaged around each sample in current clamp; conductances."""
    x = _gates(system, plan, p, y0)
    v = plan.v.expand(x.shape[1], -1)
    bank = system.gates
    instant = bank.instant(bank.leaves(v, p)) if bank.instantaneous else []
    total, conductance = system.conductances.totals(v, x, instant, p)
    if system.unknown:
        total = total + system.unknown.total(v, x, instant, p)
    if plan.weights is None:
        return total, conductance
    # The weights are zero where a recording has no neighbour, so rolling never mixes two.
    before, here, after = plan.weights
    total = before * total.roll(1, -1) + here * total + after * total.roll(-1, -1)
    return total, conductance


def _residual(
    system: ConductanceSystem,
    plan: Plan,
    theta: Tensor,
    y0: Tensor | None,
    gain: float | None,
) -> Tensor:
    """Predicted minus measured (K, n_used): currents, or mV with a `gain` in current clamp."""
    current, conductance = _current(system, plan, system.unpack(theta), y0)
    error = current - plan.target
    if plan.slope is not None:
        error = error + theta[:, system.c_m, None] * plan.slope
        error = error if gain is None else error / (conductance + gain)
    return error.index_select(-1, plan.used)


def _losses(plan: Plan, loss: Loss, error: Tensor) -> Tensor:
    """The loss of each recording (K, R)."""
    owner = plan.owner.index_select(0, plan.used)
    spread = plan.deviation if loss.observer_conductance is None else plan.deviation_v
    scales = spread if loss.scale is None else [loss.scale] * len(spread)
    scale = torch.tensor(scales, dtype=error.dtype, device=error.device)
    cost = cost_of(loss, error / scale.index_select(0, owner))
    sums = cost.new_zeros(len(cost), len(scales)).index_add(1, owner, cost)
    return sums / plan.counts
