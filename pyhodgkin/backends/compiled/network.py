"""A network of neurons integrated by the compiled kernels, over several threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from ...neuron.tables import GateKind
from ...numerics.arrays import FloatArray
from ..network_plan import Group, Inputs, Plan, Receptor, Spikes
from . import entries_network as entries
from .announce import first_call
from .kernels import layout
from .kernels.vectors import WIDE
from .solve import threads as threads_of
from .spiking import columns as at
from .spiking.threads import BARRIER_SIZE, CAN_WAIT

KINDS = ("exponential", "double_exponential", "alpha")
# Blocks of cells that make another thread worth its waiting.
FEWEST_BLOCKS = 4


class CompiledNetwork:
    """The state of a network, which `advance` carries on."""

    def __init__(self, plan: Plan, threads: int | None = None, wide: bool | None = None) -> None:
        if wide is None:
            from .check import integrator_is_right
            from .solve import FixedStep

            wide = integrator_is_right("float64", FixedStep())
        self.plan, self.width = plan, WIDE if wide else 1
        self.kernel = entries.vectors if wide else entries.one_by_one
        blocks = max(self._blocks(group) for group in plan.groups)
        most = max(1, blocks * self.width // (WIDE * FEWEST_BLOCKS)) if CAN_WAIT else 1
        asked = threads_of() if threads is None else threads
        self.threads = max(1, min(asked, most if threads is None else blocks))
        self._pack()
        self._compile()

    def _blocks(self, group: Group) -> int:
        return -(-group.size // self.width)

    def _pack(self) -> None:
        """All arrays as the kernel reads them."""
        plan, w = self.plan, self.width
        packs = [layout.packed(g.neuron.tables, 1, 1) for g in plan.groups]
        groups = np.zeros((len(packs), at.N_GROUP), dtype=np.int64)
        lists: dict[str, list] = {
            name: [] for name in ("x", "state", "varied_slots", "varied", "bias", "column_of")
        }
        sizes = dict.fromkeys(
            ("m", "c", "x", "state", "varied_slots", "varied", "bias", "injected"), 0
        )
        sizes |= {"blocks": 0, "receptors": 0, "cells": 0, "recorded": 0}
        for row, group, pack in zip(groups, plan.groups, packs, strict=True):
            self._group(row, group, pack, lists, sizes)
        self._receptors(groups)
        x = np.concatenate(lists["x"])
        self.tables = (
            np.concatenate([p.m for p in packs]),
            np.concatenate([p.c for p in packs]),
            np.repeat(x[None], self.threads, axis=0),
            np.zeros((self.threads, 2 * w)),
        )
        self.state = _joined(lists["state"])
        self.moving = (
            _joined(lists["column_of"], np.int64),
            _joined(lists["bias"]),
            *self._gaps(groups, sizes["blocks"]),
        )
        self.varied = _joined(lists["varied_slots"], np.int64), _joined(lists["varied"])
        limits = np.array([(group.threshold, group.refractory) for group in plan.groups])
        latest = np.full(sizes["blocks"] * w, -np.inf)
        self.network = groups, limits, latest, np.zeros(BARRIER_SIZE, dtype=np.int64)
        self.connections = self._connections()

    def _group(self, row: NDArray, group: Group, pack, lists: dict, sizes: dict) -> None:
        w, tables, blocks = self.width, group.neuron.tables, self._blocks(group)
        row[[at.M, at.C, at.X, at.STATE]] = [sizes[k] for k in ("m", "c", "x", "state")]
        row[at.BLOCKS], row[at.CELLS], row[at.FIRST_BLOCK] = blocks, group.size, sizes["blocks"]
        instantaneous = (tables.gate_kind == GateKind.INSTANTANEOUS).any()
        row[at.LINEAR] = not instantaneous and len(tables.current_network) == 0
        slots, values = _constants(pack, group.theta)
        x = np.zeros((pack.slots, w))
        x[slots] = values[0][:, None]
        varied = np.flatnonzero((values != values[0]).any(axis=0))
        row[[at.VARIED, at.VARIED_SLOTS, at.VARIED_VALUES]] = (
            len(varied), sizes["varied_slots"], sizes["varied"],
        )  # fmt: skip
        lists["x"].append(x.ravel())
        lists["state"].append(self._in_blocks(group.y0))
        lists["varied_slots"].append(slots[varied])
        if len(varied):
            lists["varied"].append(self._in_blocks(values[:, varied]))
        row[[at.BIAS, at.GAP, at.RECORDED]] = -1
        if group.bias is not None:
            row[at.BIAS] = sizes["bias"]
            lists["bias"].append(self._in_blocks(group.bias[:, None]))
            sizes["bias"] += blocks
        if isinstance(group.column_of, int):
            row[at.STIMULUS_KIND], row[at.STIMULUS] = at.ONE_STIMULUS, group.column_of
        elif group.column_of is not None:
            row[at.STIMULUS_KIND], row[at.STIMULUS] = at.OWN_STIMULI, sizes["injected"]
            padded = self._in_blocks(group.column_of[:, None])
            lists["column_of"].append(padded)
            sizes["injected"] += len(padded)
        for key, size in {
            "m": len(pack.m), "c": len(pack.c), "x": pack.slots, "varied_slots": len(varied),
            "state": blocks * len(tables.states), "varied": blocks * len(varied), "blocks": blocks,
        }.items():  # fmt: skip
            sizes[key] += size

    def _in_blocks(self, values: NDArray) -> NDArray:
        """Rows of cells (N, K) as blocks of K slots; the last block is filled with its first."""
        blocks = -(-len(values) // self.width)
        padded = np.concatenate([values, values[:1].repeat(blocks * self.width - len(values), 0)])
        return padded.reshape(blocks, self.width, -1).swapaxes(1, 2).ravel()

    def _receptors(self, groups: NDArray) -> None:
        plan, h, rows, numbers, state = self.plan, self.plan.h, [], [], []
        ring = conductance = 0
        for row, group in zip(groups, plan.groups, strict=True):
            blocks = self._blocks(group)
            row[at.RECEPTORS], row[at.RECEPTORS_END] = len(rows), len(rows) + len(group.receptors)
            for receptor in group.receptors:
                n, depth = len(receptor.tau), receptor.depth(h, plan.interval)
                kind = KINDS.index(receptor.kind)
                rows.append((kind, n, conductance, ring, depth, blocks))
                numbers.append(_numbers(receptor, h))
                state.append(self._in_blocks(receptor.start.T))
                conductance += blocks * n
                ring += blocks * 2 * n * depth
        table = np.array(rows, dtype=np.int64).reshape(-1, at.N_RECEPTOR)
        self.receptors = table, np.array(numbers).reshape(-1, at.N_RECEPTOR_NUMBERS)
        self.conductance, self.ring = _joined(state), np.zeros(max(ring, 1) * self.width)

    def _gaps(self, groups: NDArray, blocks: int) -> tuple:
        """Gap junctions by padded cells; voltages ahead; where recorded cells are."""
        plan, w = self.plan, self.width
        first = np.cumsum([0, *(g.size for g in plan.groups)])
        place = np.concatenate(
            [row[at.FIRST_BLOCK] * w + np.arange(g.size)
             for row, g in zip(groups, plan.groups, strict=True)]
        )  # fmt: skip
        ahead = np.zeros((2, blocks * w if plan.gaps else 1))
        gaps = (np.zeros(w), np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1))
        if plan.gaps is not None:
            totals, counts = np.zeros(blocks * w), np.zeros(blocks * w + 1, dtype=np.int64)
            totals[place] = plan.gaps.totals()
            counts[place + 1] = np.diff(plan.gaps.rows)
            gaps = (
                totals, np.cumsum(counts), place[plan.gaps.neighbours], plan.gaps.conductance
            )  # fmt: skip
            for row, a, b, g in zip(groups, first, first[1:], plan.groups, strict=False):
                ahead[:, place[a:b]] = g.y0[:, 0]
                if g.coupled:
                    row[at.GAP], row[at.GAP_ROWS] = row[at.FIRST_BLOCK], row[at.FIRST_BLOCK] * w
        return gaps, ahead, self._recorded(groups)

    def _recorded(self, groups: NDArray) -> tuple:
        """Bounds of the recorded cells of each block, and their places in it."""
        none = np.zeros(0, dtype=np.int64)
        bounds, columns = [none], [none]
        rows = first = 0
        for row, group in zip(groups, self.plan.groups, strict=True):
            if not len(group.recorded):
                continue
            row[at.RECORDED], blocks = first, self._blocks(group)
            edges = np.arange(blocks + 1) * self.width
            bounds.append(rows + np.searchsorted(group.recorded, edges))
            columns.append(group.recorded % self.width)
            rows, first = rows + len(group.recorded), first + blocks + 1
        return np.concatenate([*bounds, [0]]).astype(np.int64), np.concatenate([*columns, [0]])

    def _connections(self) -> tuple:
        plan = self.plan
        table = np.zeros((len(plan.projections), at.N_PROJECTION), dtype=np.int64)
        firsts = np.cumsum([0, *(len(g.receptors) for g in plan.groups)])
        listed = [i for of in plan.of_node for i in of]
        rows, synapses, delays = [], 0, 0
        for out, i in zip(table, listed, strict=True):
            p = plan.projections[i]
            one = len(p.delays) == 1
            out[:] = (
                p.node, p.group, firsts[p.group] + p.receptor, sum(map(len, rows)), one,
                delays if one else delays - synapses,
            )  # fmt: skip
            rows.append(p.rows + synapses)
            synapses, delays = synapses + len(p.targets), delays + len(p.delays)
        found = [plan.projections[i] for i in listed]
        of_node = np.cumsum([0, *map(len, plan.of_node)])
        joined = (
            _joined([p.targets for p in found], np.int64),
            _joined([p.weights for p in found]),
            _joined([p.delays for p in found]),
        )
        return table, of_node, _joined(rows, np.int64), joined

    def _compile(self) -> None:
        """One call without steps: threads that wait for one another must not wait for that."""
        none = np.zeros(0, dtype=np.int64)
        inputs = Inputs(np.zeros((1, 1)), np.zeros(1, np.int64), none.reshape(0, 2), np.zeros(0))
        with first_call(self.kernel, None):
            self._run(0, 1, (0, 0), inputs, np.zeros((1, 1)), *self._room(0))

    def _room(self, steps: int) -> tuple[tuple[NDArray, NDArray], NDArray]:
        """Where the spikes of some steps are written by each thread, and their numbers."""
        own = sum(-(-self._blocks(g) // self.threads) * self.width for g in self.plan.groups)
        shape = self.threads, own * (steps // 2 + 1)
        counts = np.zeros((-(-steps // self.plan.interval) + 1, self.threads), dtype=np.int64)
        return (np.empty((*shape, 2), dtype=np.int64), np.empty(shape)), counts

    def advance(self, first: int, last: int, inputs: Inputs, samples: FloatArray) -> Spikes:
        """The steps from `first` to `last`; `samples` (recorded cells, T) are written."""
        spikes, counts = self._room(last - first)
        more = (first, last), inputs, samples, spikes, counts
        if self.threads == 1:
            self._run(0, 1, *more)
        else:
            with ThreadPoolExecutor(self.threads, "pyhodgkin-network") as pool:
                list(pool.map(lambda i: self._run(i, self.threads, *more), range(self.threads)))
        return _sorted(spikes, counts)

    def _run(
        self,
        thread: int,
        threads: int,
        steps: tuple[int, int],
        inputs: Inputs,
        samples: FloatArray,
        spikes: tuple[NDArray, NDArray],
        counts: NDArray,
    ) -> None:
        plan = self.plan
        column_of, bias, gaps, ahead, recorded = self.moving
        stored = (self.state, self.conductance, self.ring, *self.varied)
        moving = (inputs.injected, column_of, bias, gaps, ahead, (*recorded, samples))
        self.kernel(
            (thread, threads), (*steps, plan.interval), (plan.h, steps[0], plan.stride),
            self.tables, self.network, (self.receptors, stored, moving), self.connections,
            (inputs.bounds, inputs.cells, inputs.times), spikes, counts,
        )  # fmt: skip

    def voltages(self, index: int) -> FloatArray:
        """The voltages (N,) of the group `index`, mV."""
        row, group = self.network[0][index], self.plan.groups[index]
        s = len(group.neuron.states)
        start, w = row[at.STATE] * self.width, self.width
        block = self.state[start : start + row[at.BLOCKS] * s * w].reshape(-1, s, w)
        return block[:, 0].ravel()[: group.size]


def _sorted(spikes: tuple[NDArray, NDArray], counts: NDArray) -> Spikes:
    """The spikes of all threads by time, node and cell."""
    ends = counts[-1].tolist()
    cells = np.concatenate([x[:n] for x, n in zip(spikes[0], ends, strict=True)])
    times = np.concatenate([x[:n] for x, n in zip(spikes[1], ends, strict=True)])
    order = np.lexsort((cells[:, 1], cells[:, 0], times))
    return Spikes(cells[order], times[order])


def _numbers(receptor: Receptor, h: float) -> list[float]:
    decay, mean, tau = receptor.decay(h), receptor.mean(h), list(receptor.tau)
    return [
        receptor.reversal, decay[0], decay[-1], mean[0], mean[-1] if len(tau) > 1 else 0.0,
        h / tau[0], tau[0], tau[-1],
    ]  # fmt: skip


def _joined(parts: list, kind: type = float) -> NDArray:
    return np.ascontiguousarray(np.concatenate([*parts, np.zeros(1)]).astype(kind))


def _constants(pack: layout.Packed, theta: FloatArray) -> tuple[NDArray, FloatArray]:
    """The slots of the workspace that hold parameters, and their values (1 or N, slots)."""
    m = pack.m
    place = m[m[layout.LEAF_PLACE] : m[layout.LEAF_PLACE] + m[layout.LEAVES]]
    lines = place[: m[layout.LINOIDS]]
    a, v0, k = theta[:, place], theta[:, lines + 1], theta[:, lines + 2]
    parts = {
        layout.PARAMETER: theta,
        layout.LEAF_A: a,
        layout.LEAF_INVERSE: 1.0 / k,
        layout.LEAF_SHIFT: -v0 / k,
        layout.LEAF_HEIGHT: a[:, : len(lines)] * k,
        layout.INVERSE_C: 1.0 / theta[:, [m[layout.C_M]]],
    }
    slots = [m[header] + np.arange(values.shape[1]) for header, values in parts.items()]
    return np.concatenate(slots), np.concatenate(list(parts.values()), axis=1)
