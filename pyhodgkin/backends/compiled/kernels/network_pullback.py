"""The way back through a small network in a kernel, with the tangent along a direction or without.

A *bar* is the derivative of the final number by something; bars flow back from outputs to inputs
and weights.
"""

from __future__ import annotations

from .elementary import compiled, hyperbolic_tangent, logistic, softplus
from .layout import (
    LAYERS,
    NET,
    NET_D,
    NET_D_OTHER,
    NET_OTHER,
    NETWORK_ACTIVATION,
    NETWORK_BOUNDS,
    NETWORK_PLACE,
    PARAMETER,
    PARAMETER_BAR,
    UNIT,
    UNIT_BEND,
    UNIT_D,
    UNIT_SLOPE,
)
from .networks import SOFTPLUS, TANH
from .vectors import fill, fma, load, store


@compiled
def add(like, x, slot, value):
    """Add to what is in a slot."""
    store(x, slot, load(like, x, slot) + value)


@compiled
def activation_slopes(z, activation):
    """The value of an activation and its first and second derivative."""
    if activation == TANH:
        y = hyperbolic_tangent(z)
        slope = 1.0 - y * y
        return y, slope, -2.0 * y * slope
    s = logistic(z)
    bend = s * (1.0 - s)
    if activation == SOFTPLUS:
        return softplus(z), s, bend
    return z * s, fma(z, bend, s), bend * fma(z, 1.0 - 2.0 * s, fill(z, 2.0))


@compiled
def network_kept(like, m, x, net, paired):
    """Outputs of a network for inputs in the slots from `UNIT` on (tangents: `UNIT_D`).

    The values of all units stay in their slots. Returns the number of the first output there.
    """
    first = m[LAYERS] + m[m[NETWORK_BOUNDS] + net]
    last = m[LAYERS] + m[m[NETWORK_BOUNDS] + net + 1] - 1
    activation = m[m[NETWORK_ACTIVATION] + net]
    weights = m[PARAMETER] + m[m[NETWORK_PLACE] + net]
    unit, unit_d, unit_slope, unit_bend = m[UNIT], m[UNIT_D], m[UNIT_SLOPE], m[UNIT_BEND]
    source = 0
    for layer in range(first, last):
        n_in, n_out = m[layer], m[layer + 1]
        target, bias = source + n_in, weights + n_in * n_out
        for o in range(n_out):
            w = weights + o * n_in
            a = load(like, x, bias + o)
            d = fill(like, 0.0)
            for i in range(n_in):
                a = fma(load(like, x, w + i), load(like, x, unit + source + i), a)
            if paired:
                for i in range(n_in):
                    d = fma(load(like, x, w + i), load(like, x, unit_d + source + i), d)
            if layer + 1 < last:
                a, slope, bend = activation_slopes(a, activation)
                store(x, unit_slope + target + o, slope)
                store(x, unit_bend + target + o, bend * d)
                d = d * slope
            store(x, unit + target + o, a)
            store(x, unit_d + target + o, d)
        source, weights = target, bias + n_out
    return source


@compiled
def network_pullback(like, m, x, net, paired, weighted):
    """Bars of the outputs (in the slots from `NET` on; of their tangents: `NET_D`) to the inputs.

    `network_kept` has left the values. Those of the weights are added to `PARAMETER_BAR`; without
    `weighted` only those of the last biases. Returns the slots of the bars of the inputs and of
    their tangents.
    """
    first = m[LAYERS] + m[m[NETWORK_BOUNDS] + net]
    last = m[LAYERS] + m[m[NETWORK_BOUNDS] + net + 1] - 1
    size, target = 0, 0
    for layer in range(first, last):
        size += (m[layer] + 1) * m[layer + 1]
        target += m[layer]
    place = m[NETWORK_PLACE] + net
    weights, bars = m[PARAMETER] + m[place] + size, m[PARAMETER_BAR] + m[place] + size
    bar, other, bar_d, other_d = m[NET], m[NET_OTHER], m[NET_D], m[NET_D_OTHER]
    for layer in range(last - 1, first - 1, -1):
        n_in, n_out = m[layer], m[layer + 1]
        weights, bars = weights - (n_in + 1) * n_out, bars - (n_in + 1) * n_out
        source = target - n_in
        if layer + 1 < last:
            through_activation(like, m, x, bar, bar_d, target, n_out, paired)
        if weighted or layer + 1 == last:
            for o in range(n_out):
                add(like, x, bars + n_in * n_out + o, load(like, x, bar + o))
        for i in range(n_in):
            back = fill(like, 0.0)
            y = load(like, x, m[UNIT] + source + i)
            for o in range(n_out):
                b = load(like, x, bar + o)
                back = fma(load(like, x, weights + o * n_in + i), b, back)
                if weighted:
                    place = bars + o * n_in + i
                    store(x, place, fma(b, y, load(like, x, place)))
            store(x, other + i, back)
            if paired:
                back_d = fill(like, 0.0)
                y = load(like, x, m[UNIT_D] + source + i)
                for o in range(n_out):
                    b = load(like, x, bar_d + o)
                    back_d = fma(load(like, x, weights + o * n_in + i), b, back_d)
                    if weighted:
                        place = bars + o * n_in + i
                        store(x, place, fma(b, y, load(like, x, place)))
                store(x, other_d + i, back_d)
        bar, other, bar_d, other_d = other, bar, other_d, bar_d
        target = source
    return bar, bar_d


@compiled
def through_activation(like, m, x, bar, bar_d, target, n, paired):
    """Bars of the outputs of a layer back to what goes into its activation."""
    for o in range(n):
        slope = load(like, x, m[UNIT_SLOPE] + target + o)
        b = load(like, x, bar + o) * slope
        if paired:
            d = load(like, x, bar_d + o)
            b = fma(d, load(like, x, m[UNIT_BEND] + target + o), b)
            store(x, bar_d + o, d * slope)
        store(x, bar + o, b)
