"""A network integrated by numpy: the scheme of the compiled kernels, where numba cannot run."""

from __future__ import annotations

import numpy as np

from ..backends.network_plan import Group, Inputs, Plan, Receptor, Spikes
from ..numerics.arrays import FloatArray, Indices
from .cell_equations import CellEquations

_SMALLEST = 1e-150


class _Conductance:
    """One synaptic conductance of a group, and the ring of what arrives in the next steps."""

    def __init__(self, receptor: Receptor, n: int, h: float, interval: int) -> None:
        self.receptor, self.h = receptor, h
        self.state = receptor.start.copy()
        self.depth = receptor.depth(h, interval)
        # For each component: at the start of the step or at arrival, and at the end of the step.
        self.ring = np.zeros((self.depth, len(receptor.tau), 2, n))

    def relax(self, step: int) -> FloatArray:
        """The mean over a step; the state goes to its end."""
        receptor, h, came = self.receptor, self.h, self.ring[step % self.depth]
        decay, mean = receptor.decay(h), receptor.mean(h)
        first = self.state[0].copy()
        total: FloatArray = np.zeros(len(first))
        for k, (own, arrived) in enumerate(zip(self.state, came, strict=True)):
            after = own * decay[k] + arrived[1]
            if k == 1 and receptor.kind == "alpha":
                after = after + decay[k] * (h / receptor.tau[k]) * first
            total = total + mean[k] * (own + arrived[0] - after)
            self.state[k] = np.where(np.abs(after) > _SMALLEST, after, 0.0)
        came[...] = 0.0
        return total

    def add(self, targets: Indices, weights: FloatArray, arrival: FloatArray, step: int) -> None:
        """Spikes at the times `arrival` (K,) or (1,) to `targets` (K,), in order."""
        h, receptor = self.h, self.receptor
        k = np.maximum((arrival / h).astype(np.int64), step)
        after = np.maximum((k + 1) * h - arrival, 0.0)
        slot, parts = k % self.depth, (np.maximum(after - h, 0.0), after)
        for which, left in enumerate(parts):
            for c, tau in enumerate(receptor.tau):
                share = np.exp(-left / tau)
                if c == 1 and receptor.kind == "alpha":
                    share = share * (left / tau)
                places = (np.broadcast_to(slot, targets.shape), targets)
                np.add.at(self.ring[:, c, which], places, weights * share)


class EagerNetwork:
    """The state of a network, which `advance` carries on; see `CompiledNetwork`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.cells = [CellEquations(g.neuron.tables, g.theta) for g in plan.groups]
        self.y = [group.y0.copy() for group in plan.groups]
        self.conductances = [
            [_Conductance(r, group.size, plan.h, plan.interval) for r in group.receptors]
            for group in plan.groups
        ]
        self.latest = [np.full(group.size, -np.inf) for group in plan.groups]
        self.first = np.cumsum([0, *(group.size for group in plan.groups)])
        self.ahead = np.concatenate([y[:, 0] for y in self.y])
        self.totals = None if plan.gaps is None else plan.gaps.totals()

    def advance(self, first: int, last: int, inputs: Inputs, samples: FloatArray) -> Spikes:
        """The steps from `first` to `last`; `samples` (recorded cells, T) are written."""
        plan, found = self.plan, []
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for start in range(first, last, plan.interval):
                end = min(start + plan.interval, last)
                for i in range(inputs.bounds[start - first], inputs.bounds[end - first]):
                    node, cell = inputs.cells[i]
                    self._deliver(node, cell, inputs.times[i], start)
                spikes = [
                    self._step(k, inputs.injected[k - first], samples) for k in range(start, end)
                ]
                cells = np.concatenate([c for x in spikes for c, _ in x])
                times = np.concatenate([t for x in spikes for _, t in x])
                order = np.lexsort((times, cells[:, 1], cells[:, 0]))
                for (node, cell), time in zip(cells[order], times[order], strict=True):
                    self._deliver(node, cell, time, end)
                found.append((cells, times))
        cells = np.concatenate([c for c, _ in found])
        times = np.concatenate([t for _, t in found])
        order = np.lexsort((cells[:, 1], cells[:, 0], times))
        return Spikes(cells[order], times[order])

    def voltages(self, index: int) -> FloatArray:
        """The voltages (N,) of the group `index`, mV."""
        return self.y[index][:, 0]

    def _deliver(self, node: int, cell: int, time: float, step: int) -> None:
        for i in self.plan.of_node[node]:
            p = self.plan.projections[i]
            low, high = p.rows[cell], p.rows[cell + 1]
            if low < high:
                delays = p.delays if len(p.delays) == 1 else p.delays[low:high]
                conductance = self.conductances[p.group][p.receptor]
                conductance.add(p.targets[low:high], p.weights[low:high], time + delays, step)

    def _step(self, step: int, injected: FloatArray, samples: FloatArray):
        plan, spikes, row = self.plan, [], 0
        coupling, ahead = self._coupling(), self.ahead.copy()
        for index, group in enumerate(plan.groups):
            y, span = self.y[index], slice(self.first[index], self.first[index + 1])
            u, g = self._injected(group, injected), np.zeros(group.size)
            for conductance in self.conductances[index]:
                mean = conductance.relax(step)
                g, u = g + mean, u + mean * conductance.receptor.reversal
            if coupling is not None and group.coupled:
                u, g = u + coupling[span], g + self.totals[span]  # type: ignore[index]
            before, after = y[:, 0].copy(), self.cells[index].relax_voltage(y, u, g, plan.h)
            y[:, 0] = after
            ahead[span] = 1.5 * after - 0.5 * before
            up, times = _crossings(group, step * plan.h, plan.h, before, after)
            counted = times - self.latest[index][up] > group.refractory
            up, times = up[counted], times[counted]
            self.latest[index][up] = times
            spikes.append((np.stack([np.full(len(up), index), up], axis=1).astype(np.int64), times))
            self.cells[index].relax_gates(y, after, plan.h)
            count = len(group.recorded)
            if count and (step + 1) % plan.stride == 0:
                samples[row : row + count, (step + 1) // plan.stride] = after[group.recorded]
            row += count
        self.ahead = ahead
        return spikes

    def _injected(self, group: Group, injected: FloatArray) -> FloatArray:
        u = np.zeros(group.size) if group.bias is None else np.array(group.bias, dtype=np.float64)
        return u if group.column_of is None else u + injected[group.column_of]

    def _coupling(self) -> FloatArray | None:
        """Σ g v of the neighbours of every cell."""
        gaps = self.plan.gaps
        if gaps is None:
            return None
        sums = np.concatenate([[0.0], np.cumsum(gaps.conductance * self.ahead[gaps.neighbours])])
        return sums[gaps.rows[1:]] - sums[gaps.rows[:-1]]


def _crossings(
    group: Group, t: float, h: float, before: FloatArray, after: FloatArray
) -> tuple[Indices, FloatArray]:
    """The cells (K,) that cross their threshold upwards in a step, and when."""
    up = np.flatnonzero((before < group.threshold) & (after >= group.threshold))
    return up, t + h * ((group.threshold - before[up]) / (after[up] - before[up]))
