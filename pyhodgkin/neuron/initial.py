"""Where the states of a neuron begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..numerics.arrays import FloatArray

if TYPE_CHECKING:
    from .neuron import Neuron


def initial_state(neuron: Neuron, v: float | None = None) -> FloatArray:
    """`Neuron.initial_state`."""
    v = neuron.v_rest if v is None else float(v)
    if neuron.right_hand_side is not None:
        return np.array([v, *neuron.right_hand_side.shift[1:]])
    if neuron.is_coupled:
        from .steady import steady_state

        return steady_state(neuron, v)
    fixed = dict(neuron.initial)
    values = [v]
    for gate in neuron.gates:
        if not gate.has_state:
            continue
        default = float(gate.kinetics.x_inf(v)) if gate.kinetics.is_linear else 0.5
        values.append(fixed.get(gate.name, default))
    return np.array(values)
