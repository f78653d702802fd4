"""The Jacobian of the right-hand side of a neuron in a kernel."""

from __future__ import annotations

from .black_box import box_and_jacobian
from .curves import curves_and_slopes
from .elementary import compiled
from .equations import current_inputs, free_inputs, whole_power
from .gates import FREE, INSTANTANEOUS, rates_and_slopes
from .layout import (
    BLACK_BOX,
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
    GATE_DA,
    GATE_DS,
    GATE_DX,
    GATE_KIND,
    GATE_NETWORK,
    GATE_NUMBERS,
    GATE_S,
    GATE_STATE,
    GATE_X,
    GATES,
    INVERSE_C,
    MATRIX,
    NET_D,
    PARAMETER,
    STATES,
)
from .networks import n_inputs, network_and_tangent
from .vectors import fill, fma, load, store


@compiled
def right_hand_side_and_jacobian(like, m, c, x, y, u, clamped, target):
    """As `right_hand_side`, with its Jacobian by the state.

    In the slots from `MATRIX` on: the row of v (S), the column of v (S) and the diagonal (S) of an
    arrowhead; of a black box S rows of S.
    """
    if m[BLACK_BOX]:
        box_and_jacobian(like, m, c, x, y, u, clamped, target)
        return
    s, matrix = m[STATES], m[MATRIX]
    for j in range(s):
        store(x, matrix + j, fill(like, 0.0))
    v = load(like, x, y)
    curves_and_slopes(like, m, c, x, v)
    rates_and_slopes(like, m, c, x, v)
    for g in range(m[GATES]):
        kind = m[m[GATE_KIND] + g]
        if kind == INSTANTANEOUS:
            continue
        state = m[m[GATE_STATE] + g]
        own = load(like, x, y + state)
        store(x, m[GATE_X] + g, own)
        if kind == FREE:
            dx, column, diagonal = free_gate_and_slopes(like, m, c, x, v, own, g)
        else:
            a, rate = load(like, x, m[GATE_A] + g), load(like, x, m[GATE_S] + g)
            dx = a - rate * own
            column = load(like, x, m[GATE_DA] + g) - load(like, x, m[GATE_DS] + g) * own
            diagonal = -rate
        store(x, target + state, dx)
        store(x, matrix + s + state, column)
        store(x, matrix + 2 * s + state, diagonal)
    if clamped:
        store(x, target, u)
        return
    inverse_c = load(like, x, m[INVERSE_C])
    total = current_and_slopes(like, m, c, x, v, inverse_c)
    store(x, target, (u - total) * inverse_c)


@compiled
def free_gate_and_slopes(like, m, c, x, v, own, g):
    """dx/dt of a free gate, and its slopes by v and by x."""
    factor, net = c[m[GATE_NUMBERS] + 6 * g], m[m[GATE_NETWORK] + g]
    last = n_inputs(m, net) - 1
    by_v = fill(like, 0.0)
    if last > 0:
        free_inputs(like, m, c, x, v, own, g)
        store(x, m[NET_D], fill(like, c[m[GATE_NUMBERS] + 6 * g + 2]))
        store(x, m[NET_D] + 1, fill(like, 0.0))
        _, slope = network_and_tangent(like, m, x, net)
        by_v = factor * load(like, x, slope)
    free_inputs(like, m, c, x, v, own, g)
    if last > 0:
        store(x, m[NET_D], fill(like, 0.0))
    store(x, m[NET_D] + last, fill(like, 1.0))
    out, slope = network_and_tangent(like, m, x, net)
    return factor * load(like, x, out), by_v, factor * load(like, x, slope)


@compiled
def add_to_row(like, m, c, x, g, slope, by_v):
    """Add the slope of the current by gate `g` to the Jacobian; what goes to v is returned.

    `slope` is negative and over c_m already.
    """
    if m[m[GATE_KIND] + g] == INSTANTANEOUS:
        return fma(slope, load(like, x, m[GATE_DX] + g), by_v)
    place = m[MATRIX] + m[m[GATE_STATE] + g]
    store(x, place, load(like, x, place) + slope)
    return by_v


@compiled
def current_and_slopes(like, m, c, x, v, inverse_c):
    """The sum of the ionic currents; the first row of the Jacobian to its slots."""
    total, by_v = fill(like, 0.0), fill(like, 0.0)
    for i in range(m[CHANNELS]):
        g, e = m[m[CHANNEL_PLACES] + 2 * i], m[m[CHANNEL_PLACES] + 2 * i + 1]
        conductance = load(like, x, m[PARAMETER] + g)
        off = v - load(like, x, m[PARAMETER] + e)
        first, last = m[m[CHANNEL_BOUNDS] + i], m[m[CHANNEL_BOUNDS] + i + 1]
        open_ = conductance
        for j in range(first, last):
            factor = m[FACTORS] + 2 * j
            open_ = open_ * whole_power(load(like, x, m[GATE_X] + m[factor]), m[factor + 1])
        total = fma(open_, off, total)
        by_v = by_v - open_ * inverse_c
        for j in range(first, last):
            gate, p = m[m[FACTORS] + 2 * j], m[m[FACTORS] + 2 * j + 1]
            slope = -conductance * off * inverse_c
            for k in range(first, last):
                own = load(like, x, m[GATE_X] + m[m[FACTORS] + 2 * k])
                if k != j:
                    slope = slope * whole_power(own, m[m[FACTORS] + 2 * k + 1])
                elif p > 1:
                    slope = slope * float(p) * whole_power(own, p - 1)
            by_v = add_to_row(like, m, c, x, gate, slope, by_v)
    for i in range(m[CURRENTS]):
        scale, net = c[m[CURRENT_NUMBERS] + 3 * i], m[m[CURRENT_NETWORK] + i]
        first, last = m[m[CURRENT_BOUNDS] + i], m[m[CURRENT_BOUNDS] + i + 1]
        for direction in range(-1, last - first):
            current_inputs(like, m, c, x, v, i)
            for j in range(-1, last - first):
                store(x, m[NET_D] + 1 + j, fill(like, 1.0 if j == direction else 0.0))
            out, d_out = network_and_tangent(like, m, x, net)
            slope = -scale * load(like, x, d_out) * inverse_c
            if direction < 0:
                total = fma(scale, load(like, x, out), total)
                by_v = fma(c[m[CURRENT_NUMBERS] + 3 * i + 2], slope, by_v)
            else:
                gate = m[m[CURRENT_GATES] + first + direction]
                by_v = add_to_row(like, m, c, x, gate, slope, by_v)
    store(x, m[MATRIX], load(like, x, m[MATRIX]) + by_v)
    return total


# -- a whole right-hand side --------------------------------------------------------------
