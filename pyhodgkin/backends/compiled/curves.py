"""The curves of a neuron at one voltage: values, and their slopes by the voltage."""

from __future__ import annotations

from .elementary import compiled, exponential, linoid, linoid_slope, power
from .layout import (
    CHILDREN,
    EXPONENTIALS,
    LEAF_INVERSE,
    LEAF_PLACE,
    LEAVES,
    LINOIDS,
    NODE_BOUNDS,
    NODE_EXPONENT,
    NODE_KIND,
    NODES,
    PARAMETER,
    SIGMOIDS,
    SLOPE,
    VALUE,
)
from .vectors import absolute, fill, load, select, store

SUM, PRODUCT = 0, 1  # places in neuron.tables.NODE_KINDS; the third is a power
LARGEST = 700.0


@compiled
def scaled_voltage(like, m, x, v, i):
    """The height a of the elementary curve `i`, and (v - v0)/k."""
    a = m[PARAMETER] + m[m[LEAF_PLACE] + i]
    return load(like, x, a), (v - load(like, x, a + 1)) * load(like, x, m[LEAF_INVERSE] + i)


@compiled
def curves(like, m, c, x, v):
    """Values of all curves at `v`."""
    values = m[VALUE]
    for i in range(m[EXPONENTIALS]):
        a, z = scaled_voltage(like, m, x, v, i)
        store(x, values + i, a * exponential(z))
    for i in range(m[EXPONENTIALS], m[SIGMOIDS]):
        a, z = scaled_voltage(like, m, x, v, i)
        e = exponential(-absolute(z))
        store(x, values + i, a * select(z >= 0.0, 1.0, e) / (1.0 + e))
    for i in range(m[SIGMOIDS], m[LINOIDS]):
        a, z = scaled_voltage(like, m, x, v, i)
        k = load(like, x, m[PARAMETER] + m[m[LEAF_PLACE] + i] + 2)
        store(x, values + i, a * k * linoid(z, exponential(-absolute(z))))
    for i in range(m[LINOIDS], m[LEAVES]):
        store(x, values + i, load(like, x, m[PARAMETER] + m[m[LEAF_PLACE] + i]))
    for n in range(m[NODES]):
        node(like, m, c, x, n)


@compiled
def node(like, m, c, x, n):
    """The value of a sum, product or power."""
    kind, values = m[m[NODE_KIND] + n], m[VALUE]
    children = m[CHILDREN] + m[m[NODE_BOUNDS] + n]
    end = m[CHILDREN] + m[m[NODE_BOUNDS] + n + 1]
    total = load(like, x, values + m[children])
    if kind == SUM:
        for j in range(children + 1, end):
            total = total + load(like, x, values + m[j])
    elif kind == PRODUCT:
        for j in range(children + 1, end):
            total = total * load(like, x, values + m[j])
    else:
        total = power(total, c[m[NODE_EXPONENT] + n])
    store(x, values + m[LEAVES] + n, total)


@compiled
def curves_and_slopes(like, m, c, x, v):
    """Values and slopes of all curves at `v`."""
    values, slopes = m[VALUE], m[SLOPE]
    for i in range(m[EXPONENTIALS]):
        a, z = scaled_voltage(like, m, x, v, i)
        value = a * exponential(z)
        store(x, values + i, value)
        inverse = load(like, x, m[LEAF_INVERSE] + i)
        store(x, slopes + i, select(z < LARGEST, value * inverse, 0.0))
    for i in range(m[EXPONENTIALS], m[SIGMOIDS]):
        a, z = scaled_voltage(like, m, x, v, i)
        e = exponential(-absolute(z))
        share = 1.0 / (1.0 + e)
        store(x, values + i, a * select(z >= 0.0, 1.0, e) * share)
        store(x, slopes + i, a * e * share * share * load(like, x, m[LEAF_INVERSE] + i))
    for i in range(m[SIGMOIDS], m[LINOIDS]):
        a, z = scaled_voltage(like, m, x, v, i)
        e = exponential(-absolute(z))
        k = load(like, x, m[PARAMETER] + m[m[LEAF_PLACE] + i] + 2)
        store(x, values + i, a * k * linoid(z, e))
        store(x, slopes + i, a * linoid_slope(z, e))
    for i in range(m[LINOIDS], m[LEAVES]):
        store(x, values + i, load(like, x, m[PARAMETER] + m[m[LEAF_PLACE] + i]))
        store(x, slopes + i, fill(like, 0.0))
    for n in range(m[NODES]):
        node(like, m, c, x, n)
        node_slope(like, m, c, x, n)


@compiled
def node_slope(like, m, c, x, n):
    """The slope of a sum, product or power, whose value is there."""
    kind, values, slopes = m[m[NODE_KIND] + n], m[VALUE], m[SLOPE]
    children = m[CHILDREN] + m[m[NODE_BOUNDS] + n]
    end = m[CHILDREN] + m[m[NODE_BOUNDS] + n + 1]
    value, slope = load(like, x, values + m[children]), load(like, x, slopes + m[children])
    if kind == SUM:
        for j in range(children + 1, end):
            slope = slope + load(like, x, slopes + m[j])
    elif kind == PRODUCT:
        for j in range(children + 1, end):
            other = load(like, x, values + m[j])
            slope = slope * other + value * load(like, x, slopes + m[j])
            value = value * other
    else:
        exponent = c[m[NODE_EXPONENT] + n]
        slope = exponent * power(value, exponent - 1.0) * slope
    store(x, slopes + m[LEAVES] + n, slope)
