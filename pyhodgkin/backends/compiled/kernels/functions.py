"""Curves that are functions of other curves, v or numbers: values, slopes, and the way back."""

from __future__ import annotations

import math

from .elementary import (
    compiled,
    exponential,
    hyperbolic_tangent,
    linoid,
    linoid_bend,
    linoid_slope,
    logarithm,
)
from .layout import (
    CHILDREN,
    LEAVES,
    NODE_BOUNDS,
    NODE_EXPONENT,
    NODE_KIND,
    SLOPE,
    SLOPE_BAR,
    VALUE,
    VALUE_BAR,
)
from .lookup import table
from .network_pullback import add
from .vectors import absolute, fill, fma, load, select, store

# Places in neuron.tables.NODE_FORMS; sums, products and powers come before.
NUMBER, VOLTAGE, EXP, LOG, TANH, LINOID, CHOICE, TABLE = range(3, 11)
LARGEST = 700.0


@compiled
def function_of(like, m, c, kind, number, u):
    """A function of one curve, with its first and second derivative."""
    if kind == EXP:
        value = exponential(u)
        slope = select(u < LARGEST, value, 0.0)
        return value, slope, slope
    if kind == LOG:
        inverse = 1.0 / u
        value = select(u > 0.0, logarithm(u), fill(like, math.nan))
        return value, inverse, -inverse * inverse
    if kind == TANH:
        t = hyperbolic_tangent(u)
        slope = 1.0 - t * t
        return t, slope, -2.0 * t * slope
    if kind == LINOID:
        e = exponential(-absolute(u))
        return linoid(u), linoid_slope(u, e), linoid_bend(u, e)
    return table(like, m, c, int(number), u)


@compiled
def other_node(like, m, c, x, n, v, with_slope):
    """The value, and the slope where asked for, of a curve that is no sum, product or power."""
    kind, number = m[m[NODE_KIND] + n], c[m[NODE_EXPONENT] + n]
    own = m[LEAVES] + n
    children = m[CHILDREN] + m[m[NODE_BOUNDS] + n]
    value, slope = fill(like, number), fill(like, 0.0)
    if kind == VOLTAGE:
        value, slope = v, fill(like, 1.0)
    elif kind == CHOICE:
        yes, no = m[children + 2], m[children + 3]
        below = load(like, x, m[VALUE] + m[children]) < load(like, x, m[VALUE] + m[children + 1])
        value = select(below, load(like, x, m[VALUE] + yes), load(like, x, m[VALUE] + no))
        if with_slope:
            slope = select(below, load(like, x, m[SLOPE] + yes), load(like, x, m[SLOPE] + no))
    elif kind != NUMBER:
        child = m[children]
        u = load(like, x, m[VALUE] + child)
        value, slope, _ = function_of(like, m, c, kind, number, u)
        if with_slope:
            slope = slope * load(like, x, m[SLOPE] + child)
    store(x, m[VALUE] + own, value)
    if with_slope:
        store(x, m[SLOPE] + own, slope)


@compiled
def other_pullback(like, m, c, x, n, paired):
    """Bars of such a curve to those that it is made of; that of v, where it is v."""
    kind, own = m[m[NODE_KIND] + n], m[LEAVES] + n
    children = m[CHILDREN] + m[m[NODE_BOUNDS] + n]
    bar, bar_d = load(like, x, m[VALUE_BAR] + own), load(like, x, m[SLOPE_BAR] + own)
    if kind == VOLTAGE:
        return bar
    zero = fill(like, 0.0)
    if kind == CHOICE:
        yes, no = m[children + 2], m[children + 3]
        below = load(like, x, m[VALUE] + m[children]) < load(like, x, m[VALUE] + m[children + 1])
        add(like, x, m[VALUE_BAR] + yes, select(below, bar, zero))
        add(like, x, m[VALUE_BAR] + no, select(below, zero, bar))
        if paired:
            add(like, x, m[SLOPE_BAR] + yes, select(below, bar_d, zero))
            add(like, x, m[SLOPE_BAR] + no, select(below, zero, bar_d))
    elif kind != NUMBER:
        child = m[children]
        u = load(like, x, m[VALUE] + child)
        _, slope, bend = function_of(like, m, c, kind, c[m[NODE_EXPONENT] + n], u)
        back = bar * slope
        if paired:
            back = fma(bar_d * bend, load(like, x, m[SLOPE] + child), back)
            add(like, x, m[SLOPE_BAR] + child, bar_d * slope)
        add(like, x, m[VALUE_BAR] + child, back)
    return zero
