"""From a network to the arrays that an engine integrates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..backends.network_plan import Gaps, Group, Plan, Projection, Receptor
from ..errors import InputError
from ..numerics.arrays import FloatArray, Indices
from .cell_equations import CellEquations
from .kinetics import SynapseKinetics
from .network import SpikingNetwork
from .stimulus import Stimuli
from .synapses import Connections, Synapses

# Steps of at most so many ms resolve a spike.
LARGEST_STEP = 0.5
# Of h Σg/c_m: with v extrapolated gap junctions are stable up to 1.1.
GAP_LIMIT = 0.5
# Steps between two exchanges of spikes, where delays allow as many; numbers in rings of arrivals.
MOST_STEPS, MOST_ARRIVALS = 20, 2.5e8


def plan_of(
    network: SpikingNetwork, h: float, stride: int, recorded: dict[str, Indices]
) -> tuple[Plan, Stimuli]:
    """The plan of a network for steps of `h` ms, and its stimuli."""
    nodes = {name: i for i, name in enumerate([*network.groups, *network.sources])}
    connections = [
        s.connections(network.size_of(s.pre), network.size_of(s.post), network.seed, index)
        for index, s in enumerate(network.synapses)
    ]
    kinds = {name: _kinds(network.synapses, name) for name in network.groups}
    projections = [
        _projection(nodes, network, s, c, kinds[s.post].index(s.kinetics))
        for s, c in zip(network.synapses, connections, strict=True)
    ]
    gaps = _gaps(network)
    stimuli, groups = Stimuli(), []
    for name, group in network.groups.items():
        receptors = tuple(
            _receptor(network, name, kind, connections) for kind in kinds[name]
        )  # fmt: skip
        theta = group.theta
        groups.append(
            Group(
                name,
                group.neuron,
                group.n,
                theta,
                CellEquations(group.neuron.tables, theta).steady_state(group.starts()),
                group.threshold,
                group.refractory,
                None if group.current is None else np.broadcast_to(group.current, group.n),
                stimuli.of_group(group),
                receptors,
                recorded.get(name, np.zeros(0, dtype=np.int64)),
                _is_coupled(gaps, network, name),
            )
        )
    interval = _interval(network, connections, h, gaps is not None)
    plan = Plan(tuple(groups), tuple(projections), len(nodes), gaps, h, interval, stride)
    _check(plan, network)
    return plan, stimuli


def _kinds(synapses: Sequence[Synapses], post: str) -> list[SynapseKinetics]:
    """The different conductances of the cells of a group; equal ones are shared."""
    return list(dict.fromkeys(s.kinetics for s in synapses if s.post == post))


def _projection(
    nodes: dict[str, int], network: SpikingNetwork, s: Synapses, c: Connections, receptor: int
) -> Projection:
    rows = np.searchsorted(c.i, np.arange(network.size_of(s.pre) + 1))
    return Projection(
        nodes[s.pre], nodes[s.post], receptor, rows.astype(np.int64), c.j,
        np.ascontiguousarray(c.weight, dtype=np.float64), np.ascontiguousarray(c.delay),
    )  # fmt: skip


def _receptor(
    network: SpikingNetwork, post: str, kind: SynapseKinetics, connections: list[Connections]
) -> Receptor:
    n = network.groups[post].n
    start, longest = np.zeros((len(kind.time_constants), n)), 0.0
    for s, c in zip(network.synapses, connections, strict=True):
        if s.post == post and s.kinetics == kind:
            # A conductance at t = 0 is one that only decays from there.
            start[-1] += s.initial / kind.factors[-1]
            longest = max(longest, float(c.delay.max(initial=0.0)))
    return Receptor(kind.kind, kind.e, kind.time_constants, kind.factors, start, longest)


def _gaps(network: SpikingNetwork) -> Gaps | None:
    """Neighbours of all cells of all groups, in the order of the groups."""
    if not network.gap_junctions:
        return None
    first = dict(
        zip(network.groups, np.cumsum([0, *(g.n for g in network.groups.values())]), strict=False)
    )
    cells, neighbours, values = [], [], []
    for index, junctions in enumerate(network.gap_junctions):
        a, b = junctions.a, junctions.b
        sizes = network.size_of(a), network.size_of(b)
        c = junctions.connections(*sizes, network.seed, index)
        i, j = c.i + first[a], c.j + first[b]
        cells += [i, j]
        neighbours += [j, i]
        values += [c.weight, c.weight]
    cell, neighbour, g = (np.concatenate(x) for x in (cells, neighbours, values))
    order = np.lexsort((neighbour, cell))
    total = sum(group.n for group in network.groups.values())
    rows = np.searchsorted(cell[order], np.arange(total + 1))
    return Gaps(rows.astype(np.int64), neighbour[order], np.ascontiguousarray(g[order]))


def _is_coupled(gaps: Gaps | None, network: SpikingNetwork, name: str) -> bool:
    return gaps is not None and any(name in (x.a, x.b) for x in network.gap_junctions)


def _interval(
    network: SpikingNetwork, connections: list[Connections], h: float, coupled: bool
) -> int:
    """Steps in which no spike of the network can arrive at a cell of it."""
    if coupled:
        return 1
    delays = [
        float(c.delay.min(initial=np.inf)) if len(c.delay) else np.inf
        for s, c in zip(network.synapses, connections, strict=True)
        if s.pre in network.groups and len(c.i)
    ]
    return max(1, int(min([*delays, MOST_STEPS * h]) / h + 1e-9))


def _check(plan: Plan, network: SpikingNetwork) -> None:
    """Raise where the step is too large, or delays ask for too much memory."""
    h = plan.h
    for group in plan.groups:
        for receptor in group.receptors:
            shortest = min(receptor.tau)
            if h > shortest:
                raise InputError(
                    f"dt = {h:g} ms is longer than a time constant of {shortest:g} ms of a synapse "
                    f'on "{group.name}"; give dt = {shortest / 4:g} or less'
                )
    arrivals = sum(
        2 * len(r.tau) * r.depth(h, plan.interval) * g.size
        for g in plan.groups
        for r in g.receptors
    )
    if arrivals > MOST_ARRIVALS:
        raise InputError(
            f"delays of up to {max(r.longest for g in plan.groups for r in g.receptors):g} ms at "
            f"dt = {h:g} ms need {8e-9 * arrivals:.1f} GB for spikes on their way; a larger dt or "
            "shorter delays need less"
        )
    if plan.gaps is not None:
        _check_gaps(plan, h)


def _check_gaps(plan: Plan, h: float) -> None:
    assert plan.gaps is not None
    totals, first = plan.gaps.totals(), 0
    for group in plan.groups:
        own: FloatArray = totals[first : first + group.size]
        first += group.size
        c_m = group.theta[:, group.neuron.tables.c_m]
        worst = float((own / c_m).max())
        if worst * h > GAP_LIMIT:
            raise InputError(
                f'gap junctions of "{group.name}" have a time constant of {1.0 / worst:.3g} ms '
                f"(c_m over the sum of g of a cell), too short for dt = {h:g} ms; give dt = "
                f"{0.999 * GAP_LIMIT / worst:.2g} or less"
            )
