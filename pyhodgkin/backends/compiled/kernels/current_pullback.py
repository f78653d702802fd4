"""The way back through the ionic currents in a kernel: to conductances, gates and the voltage.

Of gates, what flows back goes to the slots from `GATE_X_BAR` on. Where it is `paired`, the tangent
of the current along a direction is differentiated too: that of v is `w`, those of the gates are in
the slots from `GATE_W` on; what flows back to these goes to the slots from `GATE_DX_BAR` on.
"""

from __future__ import annotations

from .elementary import compiled
from .equations import whole_power
from .layout import (
    CHANNEL_BOUNDS,
    CHANNEL_PLACES,
    CHANNELS,
    CURRENT_BOUNDS,
    CURRENT_GATES,
    CURRENT_NETWORK,
    CURRENT_NUMBERS,
    CURRENTS,
    FACTORS,
    GATE_DX_BAR,
    GATE_W,
    GATE_X,
    GATE_X_BAR,
    NET,
    NET_D,
    PARAMETER,
    PARAMETER_BAR,
    UNIT,
    UNIT_D,
)
from .network_pullback import add, network_kept, network_pullback
from .vectors import fill, fma, load, store


@compiled
def currents_pullback(like, m, c, x, v, w, bar, bar_d, paired, weighted):
    """`bar` of the current and `bar_d` of its tangent back; the current, its tangent, v's bar."""
    total, total_d, v_bar = fill(like, 0.0), fill(like, 0.0), fill(like, 0.0)
    for i in range(m[CHANNELS]):
        e = m[m[CHANNEL_PLACES] + 2 * i + 1]
        off = v - load(like, x, m[PARAMETER] + e)
        open_, open_d = product_of_gates(like, m, x, i, -1, paired)
        g = m[m[CHANNEL_PLACES] + 2 * i]
        conductance = load(like, x, m[PARAMETER] + g)
        total = fma(conductance * open_, off, total)
        by_off = bar * open_
        by_open = bar * off
        if paired:
            total_d = total_d + conductance * (open_d * off + open_ * w)
            by_off = fma(bar_d, open_d, by_off)
            by_open = fma(bar_d, w, by_open)
        by_tangent = bar_d * off
        by_g = by_open * open_
        if paired:
            by_g = fma(by_tangent, open_d, by_g)
        add(like, x, m[PARAMETER_BAR] + g, by_g)
        by_off = by_off * conductance
        add(like, x, m[PARAMETER_BAR] + e, -by_off)
        v_bar = v_bar + by_off
        by_open, by_tangent = by_open * conductance, by_tangent * conductance
        gates_of_channel(like, m, x, i, by_open, by_tangent, paired)
    for i in range(m[CURRENTS]):
        found, found_d, back = network_current(like, m, c, x, v, w, i, bar, bar_d, paired, weighted)
        total, total_d, v_bar = total + found, total_d + found_d, v_bar + back
    return total, total_d, v_bar


@compiled
def product_of_gates(like, m, x, i, skipped, paired):
    """Π x^p of a channel without one of its factors, and the tangent of that."""
    value, tangent = fill(like, 1.0), fill(like, 0.0)
    for j in range(m[m[CHANNEL_BOUNDS] + i], m[m[CHANNEL_BOUNDS] + i + 1]):
        if j == skipped:
            continue
        gate, p = m[m[FACTORS] + 2 * j], m[m[FACTORS] + 2 * j + 1]
        own = load(like, x, m[GATE_X] + gate)
        factor = whole_power(own, p)
        if paired:
            slope = load(like, x, m[GATE_W] + gate)
            if p > 1:
                slope = slope * float(p) * whole_power(own, p - 1)
            tangent = tangent * factor + value * slope
        value = value * factor
    return value, tangent


@compiled
def gates_of_channel(like, m, x, i, by_open, by_tangent, paired):
    """Bars of the product of the gates of a channel to each of them."""
    for j in range(m[m[CHANNEL_BOUNDS] + i], m[m[CHANNEL_BOUNDS] + i + 1]):
        gate, p = m[m[FACTORS] + 2 * j], m[m[FACTORS] + 2 * j + 1]
        rest, rest_d = product_of_gates(like, m, x, i, j, paired)
        own = load(like, x, m[GATE_X] + gate)
        slope = fill(like, 1.0) if p == 1 else float(p) * whole_power(own, p - 1)
        back = by_open * rest
        if paired:
            back = fma(by_tangent, rest_d, back)
            along = by_tangent * rest
            add(like, x, m[GATE_DX_BAR] + gate, along * slope)
            if p > 1:
                bend = fill(like, 2.0)
                if p > 2:
                    bend = float(p * (p - 1)) * whole_power(own, p - 2)
                along = along * bend * load(like, x, m[GATE_W] + gate)
                add(like, x, m[GATE_X_BAR] + gate, along)
        add(like, x, m[GATE_X_BAR] + gate, back * slope)


@compiled
def network_current(like, m, c, x, v, w, i, bar, bar_d, paired, weighted):
    """A current that is a network: its value, its tangent, and what flows back to v."""
    numbers, net = m[CURRENT_NUMBERS] + 3 * i, m[m[CURRENT_NETWORK] + i]
    scale, steep = c[numbers], c[numbers + 2]
    first, last = m[m[CURRENT_BOUNDS] + i], m[m[CURRENT_BOUNDS] + i + 1]
    store(x, m[UNIT], (v - c[numbers + 1]) * steep)
    store(x, m[UNIT_D], w * steep)
    for j in range(first, last):
        gate = m[m[CURRENT_GATES] + j]
        store(x, m[UNIT] + 1 + j - first, load(like, x, m[GATE_X] + gate))
        if paired:
            store(x, m[UNIT_D] + 1 + j - first, load(like, x, m[GATE_W] + gate))
    out = network_kept(like, m, x, net, paired)
    value = scale * load(like, x, m[UNIT] + out)
    tangent = scale * load(like, x, m[UNIT_D] + out)
    store(x, m[NET], bar * scale)
    store(x, m[NET_D], bar_d * scale)
    back, back_d = network_pullback(like, m, x, net, paired, weighted)
    for j in range(first, last):
        gate = m[m[CURRENT_GATES] + j]
        add(like, x, m[GATE_X_BAR] + gate, load(like, x, back + 1 + j - first))
        if paired:
            add(like, x, m[GATE_DX_BAR] + gate, load(like, x, back_d + 1 + j - first))
    return value, tangent, steep * load(like, x, back)
