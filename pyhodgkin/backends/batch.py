"""A batch of neurons of one structure, some of them warmer than others.

To an engine the parameters of a neuron are numbers, one set for each element of a batch, but its
temperature is part of the equations. So neurons of equal temperature factors are solved together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..errors import InputError
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray
from ..protocols import Protocol
from ..solution.recomputed import merged
from .base import Backend, RawSolution, SolveOptions


def check_one_structure(neurons: Sequence[Neuron]) -> None:
    """Raise unless the neurons differ in numbers only.

    These are the parameters of the layout, temperature, q10, the size of the cell, and where a
    simulation starts.
    """
    first = neurons[0]
    bare = None
    for neuron in neurons[1:]:
        if neuron is first:
            continue
        bare = _bare(first, first) if bare is None else bare
        if neuron.layout.size != first.layout.size or _bare(neuron, first) != bare:
            raise InputError(
                f'neuron: "{neuron.name}" has other equations than "{first.name}"; a batch holds '
                "neurons of one structure, with different parameters or temperatures"
            )


def _bare(neuron: Neuron, like: Neuron) -> Neuron:
    """What is left of `neuron` with the parameters of `like` and all that may differ removed."""
    cell = neuron.with_theta(like.theta)
    channels = tuple(
        channel.with_gates(tuple(replace(gate, q10=1.0, t_ref=None) for gate in channel.gates))
        for channel in cell.channels
    )
    return replace(
        cell,
        name="",
        channels=channels,
        v_rest=0.0,
        temperature=None,
        initial=(),
        doi="",
        note="",
        current_unit=None,
        area=None,
    )


def starts_of(
    neurons: Sequence[Neuron], theta: FloatArray, protocols: Sequence[Protocol]
) -> FloatArray | None:
    """Where each neuron starts, (B, S); None where they all start as the first one does."""
    first = neurons[0]
    if all(n.v_rest == first.v_rest and n.initial == first.initial for n in neurons):
        return None
    rows = []
    for i, neuron in enumerate(neurons):
        protocol = protocols[i if len(protocols) > 1 else 0]
        v = float(protocol(0.0)) if protocol.kind == "voltage" else None
        rows.append(neuron.with_theta(theta[i]).initial_state(v))
    return np.array(rows)


def solve_in_groups(
    engine: Backend,
    neurons: Sequence[Neuron],
    protocols: Sequence[Protocol],
    theta: FloatArray,
    y0: FloatArray | None,
    saveat: FloatArray,
    options: SolveOptions,
) -> RawSolution:
    """`engine.solve` for `theta` (1, P) or (B, P), once for each set of temperature factors.

    Each element goes to the end of its protocol.
    """
    if len(neurons) == 1:
        values = theta if len(theta) > 1 else theta[0]
        return engine.solve(neurons[0], protocols, values, y0, saveat, options, to_end=True)
    groups: dict[tuple[float, ...], list[int]] = {}
    for i, neuron in enumerate(neurons):
        factors = tuple(gate.rate_factor(neuron.temperature) for gate in neuron.gates)
        groups.setdefault(factors, []).append(i)
    if len(groups) == 1:
        values = theta if len(theta) > 1 else theta[0]
        return engine.solve(neurons[0], protocols, values, y0, saveat, options, to_end=True)
    parts = []
    for members in groups.values():
        mine = [protocols[i] for i in members] if len(protocols) > 1 else protocols
        start = y0[members] if y0 is not None and y0.ndim == 2 and len(y0) > 1 else y0
        neuron = neurons[members[0]]
        rows = theta[members]
        parts.append(engine.solve(neuron, mine, rows, start, saveat, options, to_end=True))
    order = np.argsort([i for members in groups.values() for i in members])
    steps: list = [part.steps for part in parts]
    return RawSolution(
        saveat,
        np.concatenate([part.y for part in parts])[order],
        {k: np.concatenate([part.stats[k] for part in parts])[order] for k in parts[0].stats},
        np.concatenate([part.status for part in parts])[order],
        None if None in steps else merged(steps, list(groups.values())),
    )
