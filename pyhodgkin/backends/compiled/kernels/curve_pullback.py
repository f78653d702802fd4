"""The way back through the curves of a neuron in a kernel: to their parameters and the voltage.

Bars of the values are in the slots from `VALUE_BAR` on; where it is `paired`, those of the slopes
by the voltage from `SLOPE_BAR` on.
"""

from __future__ import annotations

from .curves import LARGEST, POWER, PRODUCT, SUM
from .elementary import compiled, exponential, linoid, linoid_bend, linoid_slope, power
from .functions import other_pullback
from .layout import (
    CHILDREN,
    EXPONENTIALS,
    LEAF_A,
    LEAF_INVERSE,
    LEAF_PLACE,
    LEAF_SHIFT,
    LEAVES,
    LINOIDS,
    NODE_BOUNDS,
    NODE_EXPONENT,
    NODE_KIND,
    NODES,
    PARAMETER_BAR,
    SIGMOIDS,
    SLOPE,
    SLOPE_BAR,
    VALUE,
    VALUE_BAR,
)
from .network_pullback import add
from .vectors import absolute, fill, fma, load, select, store


@compiled
def no_curve_bars(like, m, x):
    """Nothing flows back to any curve yet."""
    for i in range(m[LEAVES] + m[NODES]):
        store(x, m[VALUE_BAR] + i, fill(like, 0.0))
        store(x, m[SLOPE_BAR] + i, fill(like, 0.0))


@compiled
def curves_pullback(like, m, c, x, v, paired):
    """Bars of the curves to their parameters (added to `PARAMETER_BAR`); that of v."""
    v_bar = fill(like, 0.0)
    for n in range(m[NODES] - 1, -1, -1):
        if m[m[NODE_KIND] + n] <= POWER:
            node_pullback(like, m, c, x, n, paired)
        else:
            v_bar = v_bar + other_pullback(like, m, c, x, n, paired)
    for i in range(m[LINOIDS]):
        v_bar = v_bar + leaf_pullback(like, m, x, v, i, paired)
    for i in range(m[LINOIDS], m[LEAVES]):
        place = m[PARAMETER_BAR] + m[m[LEAF_PLACE] + i]
        add(like, x, place, load(like, x, m[VALUE_BAR] + i))
    return v_bar


@compiled
def leaf_pullback(like, m, x, v, i, paired):
    """That of A·g((v - v0)/k), where A is a, or a·k for a linoid."""
    inverse = load(like, x, m[LEAF_INVERSE] + i)
    z = fma(v, inverse, load(like, x, m[LEAF_SHIFT] + i))
    a, bar = load(like, x, m[LEAF_A] + i), load(like, x, m[VALUE_BAR] + i)
    g, slope, bend = shape_of(like, m, z, i)
    is_linoid = i >= m[SIGMOIDS]
    k = 1.0 / inverse if is_linoid else fill(like, 1.0)
    height = a * k
    z_bar = bar * height * slope
    a_bar = bar * k * g
    k_bar = bar * a * g if is_linoid else fill(like, 0.0)
    if paired:  # the slope by v is A·g'(z)/k
        steep = load(like, x, m[SLOPE_BAR] + i) * inverse
        z_bar = fma(steep * height, bend, z_bar)
        a_bar = fma(steep, slope * k, a_bar)
        if not is_linoid:
            k_bar = k_bar - steep * a * slope * inverse
    place = m[PARAMETER_BAR] + m[m[LEAF_PLACE] + i]
    z_bar = z_bar * inverse
    add(like, x, place, a_bar)
    add(like, x, place + 1, -z_bar)
    add(like, x, place + 2, k_bar - z_bar * z)
    return z_bar


@compiled
def shape_of(like, m, z, i):
    """g(z), g'(z) and g''(z) of an elementary curve."""
    if i < m[EXPONENTIALS]:
        g = exponential(z)
        slope = select(z < LARGEST, g, 0.0)
        return g, slope, slope
    e = exponential(-absolute(z))
    if i < m[SIGMOIDS]:
        share = 1.0 / (1.0 + e)
        g = select(z >= 0.0, 1.0, e) * share
        slope = e * share * share
        return g, slope, slope * select(z >= 0.0, e - 1.0, 1.0 - e) * share
    return linoid(z), linoid_slope(z, e), linoid_bend(z, e)


@compiled
def node_pullback(like, m, c, x, n, paired):
    """Bars of a sum, product or power to what it is made of."""
    kind, own = m[m[NODE_KIND] + n], m[LEAVES] + n
    first = m[CHILDREN] + m[m[NODE_BOUNDS] + n]
    end = m[CHILDREN] + m[m[NODE_BOUNDS] + n + 1]
    bar, bar_d = load(like, x, m[VALUE_BAR] + own), load(like, x, m[SLOPE_BAR] + own)
    for j in range(first, end):
        child = m[j]
        if kind == SUM:
            rest, rest_d = fill(like, 1.0), fill(like, 0.0)
        elif kind == PRODUCT:
            rest, rest_d = product_of_others(like, m, x, first, end, j, paired)
        else:
            exponent = c[m[NODE_EXPONENT] + n]
            base = load(like, x, m[VALUE] + child)
            rest = exponent * power(base, exponent - 1.0)
            rest_d = fill(like, 0.0)
            if paired and exponent != 1.0:
                bend = exponent * (exponent - 1.0) * power(base, exponent - 2.0)
                rest_d = bend * load(like, x, m[SLOPE] + child)
        back = bar * rest
        if paired:
            back = fma(bar_d, rest_d, back)
            add(like, x, m[SLOPE_BAR] + child, bar_d * rest)
        add(like, x, m[VALUE_BAR] + child, back)


@compiled
def product_of_others(like, m, x, first, end, j, paired):
    """The product of all children but one, and its slope."""
    rest, rest_d = fill(like, 1.0), fill(like, 0.0)
    for k in range(first, end):
        if k != j:
            value = load(like, x, m[VALUE] + m[k])
            if paired:
                rest_d = rest_d * value + rest * load(like, x, m[SLOPE] + m[k])
            rest = rest * value
    return rest, rest_d
