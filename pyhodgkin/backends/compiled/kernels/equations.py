"""The right-hand side of a neuron in a kernel, and its steady state."""

from __future__ import annotations

import math

from .black_box import box
from .curves import curves
from .elementary import compiled
from .gates import FREE, INSTANTANEOUS, rates
from .layout import (
    BLACK_BOX,
    BOX_NUMBERS,
    CHANNEL_BOUNDS,
    CHANNEL_PLACES,
    CHANNELS,
    CURRENT_BOUNDS,
    CURRENT_GATES,
    CURRENT_NETWORK,
    CURRENT_NUMBERS,
    CURRENTS,
    FACTORS,
    GATE_A,
    GATE_KIND,
    GATE_NETWORK,
    GATE_NUMBERS,
    GATE_S,
    GATE_STATE,
    GATE_X,
    GATES,
    INITIAL,
    INVERSE_C,
    NET,
    PARAMETER,
    STATES,
)
from .networks import n_inputs, network
from .vectors import fill, fma, load, store


@compiled
def right_hand_side(like, m, c, x, y, u, clamped, target):
    """dy/dt of the state in the slots from `y` on, under the stimulus `u`, to those of `target`.

    Under voltage clamp `u` is the slope of the command.
    """
    if m[BLACK_BOX]:
        box(like, m, c, x, y, u, clamped, target)
        return
    v = load(like, x, y)
    curves(like, m, c, x, v)
    rates(like, m, c, x, v)
    for g in range(m[GATES]):
        kind = m[m[GATE_KIND] + g]
        if kind == INSTANTANEOUS:
            continue
        state = m[m[GATE_STATE] + g]
        own = load(like, x, y + state)
        store(x, m[GATE_X] + g, own)
        if kind == FREE:
            dx = free_gate(like, m, c, x, v, own, g)
        else:
            dx = load(like, x, m[GATE_A] + g) - load(like, x, m[GATE_S] + g) * own
        store(x, target + state, dx)
    dv = u
    if not clamped:
        dv = (u - ionic_current(like, m, c, x, v)) * load(like, x, m[INVERSE_C])
    store(x, target, dv)


@compiled
def free_gate(like, m, c, x, v, own, g):
    """dx/dt of a gate that is a network of v and x, or of x."""
    free_inputs(like, m, c, x, v, own, g)
    out = network(like, m, x, m[m[GATE_NETWORK] + g])
    return c[m[GATE_NUMBERS] + 6 * g] * load(like, x, out)


@compiled
def free_inputs(like, m, c, x, v, own, g):
    numbers, net = m[GATE_NUMBERS] + 6 * g, m[m[GATE_NETWORK] + g]
    last = n_inputs(m, net) - 1
    if last > 0:
        store(x, m[NET], (v - c[numbers + 1]) * c[numbers + 2])
    store(x, m[NET] + last, own)


@compiled
def ionic_current(like, m, c, x, v):
    """The sum of the ionic currents, from the gates in their slots."""
    total = fill(like, 0.0)
    for i in range(m[CHANNELS]):
        g, e = m[m[CHANNEL_PLACES] + 2 * i], m[m[CHANNEL_PLACES] + 2 * i + 1]
        open_ = load(like, x, m[PARAMETER] + g)
        for j in range(m[m[CHANNEL_BOUNDS] + i], m[m[CHANNEL_BOUNDS] + i + 1]):
            factor = m[FACTORS] + 2 * j
            open_ = open_ * whole_power(load(like, x, m[GATE_X] + m[factor]), m[factor + 1])
        total = fma(open_, v - load(like, x, m[PARAMETER] + e), total)
    for i in range(m[CURRENTS]):
        current_inputs(like, m, c, x, v, i)
        out = network(like, m, x, m[m[CURRENT_NETWORK] + i])
        total = fma(c[m[CURRENT_NUMBERS] + 3 * i], load(like, x, out), total)
    return total


@compiled
def current_inputs(like, m, c, x, v, i):
    """What the network of an unknown current sees: the scaled voltage and its gates."""
    numbers = m[CURRENT_NUMBERS] + 3 * i
    store(x, m[NET], (v - c[numbers + 1]) * c[numbers + 2])
    first = m[m[CURRENT_BOUNDS] + i]
    for j in range(first, m[m[CURRENT_BOUNDS] + i + 1]):
        gate = m[m[CURRENT_GATES] + j]
        store(x, m[NET] + 1 + j - first, load(like, x, m[GATE_X] + gate))


@compiled
def whole_power(x, n):
    """xⁿ for a whole number n of at least 1."""
    total = x
    if n == 1:
        return total
    square = x * x
    if n == 2:
        return square
    if n == 3:
        return square * x
    if n == 4:
        return square * square
    for _ in range(n - 1):
        total = total * x
    return total


@compiled
def steady_state(like, m, c, x, v, target):
    """The state at `v` with every gate at its steady state, or where it starts on its own."""
    store(x, target, v)
    if m[BLACK_BOX]:
        for j in range(1, m[STATES]):
            store(x, target + j, fill(like, c[m[BOX_NUMBERS] + j]))
    else:
        curves(like, m, c, x, v)
        rates(like, m, c, x, v)
        for g in range(m[GATES]):
            kind = m[m[GATE_KIND] + g]
            if kind == INSTANTANEOUS:
                continue
            level = fill(like, 0.5)
            if kind != FREE:
                level = load(like, x, m[GATE_A] + g) / load(like, x, m[GATE_S] + g)
            store(x, target + m[m[GATE_STATE] + g], level)
    for j in range(1, m[STATES]):
        own = c[m[INITIAL] + j]
        if not math.isnan(own):
            store(x, target + j, fill(like, own))
