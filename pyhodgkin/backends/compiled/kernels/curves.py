"""The curves of a neuron at one voltage: values, and their slopes by the voltage."""

from __future__ import annotations

from .elementary import (
    compiled,
    exponential,
    held_below,
    linoid,
    linoid_of,
    linoid_slope,
    linoid_slope_of,
    logistic,
    power,
)
from .functions import other_node
from .layout import (
    CHILDREN,
    EXPONENTIALS,
    LEAF_A,
    LEAF_HEIGHT,
    LEAF_INVERSE,
    LEAF_POWER,
    LEAF_SCALE,
    LEAF_SHIFT,
    LEAVES,
    LINOIDS,
    NODE_BOUNDS,
    NODE_EXPONENT,
    NODE_KIND,
    NODES,
    SHARED,
    SHARED_BASES,
    SHARED_PAIRS,
    SHARED_PRODUCTS,
    SHARED_RATES,
    SIGMOIDS,
    SLOPE,
    VALUE,
)
from .vectors import absolute, fill, fma, load, select, store

SUM, PRODUCT, POWER = range(3)  # the first of neuron.tables.NODE_FORMS
LARGEST = 700.0


@compiled
def share(like, m, c, x, v):
    """The exponentials at `v` that several curves are made of: bases, and products of them."""
    bases, pairs, place = m[SHARED_BASES], m[SHARED_PAIRS], m[SHARED]
    for i in range(bases):
        store(x, place + i, exponential(v * c[m[SHARED_RATES] + i]))
    for i in range(m[SHARED_PRODUCTS]):
        one, other = place + m[pairs + 2 * i], place + m[pairs + 2 * i + 1]
        store(x, place + bases + i, load(like, x, one) * load(like, x, other))


@compiled
def shared(like, m, x, i):
    """The exponential of curve `i` among those that are shared, where it is one of them."""
    own = load(like, x, m[SHARED] + m[m[LEAF_POWER] + i])
    return held_below(load(like, x, m[LEAF_SCALE] + i) * own)


@compiled
def curves(like, m, c, x, v):
    """Values of all curves at `v`."""
    a, inverse, shift = m[LEAF_A], m[LEAF_INVERSE], m[LEAF_SHIFT]
    height, values = m[LEAF_HEIGHT], m[VALUE]
    exponentials, sigmoids, linoids = m[EXPONENTIALS], m[SIGMOIDS], m[LINOIDS]
    share(like, m, c, x, v)
    for i in range(exponentials):
        if m[m[LEAF_POWER] + i] >= 0:
            e = shared(like, m, x, i)
        else:
            e = exponential(fma(v, load(like, x, inverse + i), load(like, x, shift + i)))
        store(x, values + i, load(like, x, a + i) * e)
    for i in range(exponentials, sigmoids):
        if m[m[LEAF_POWER] + i] >= 0:
            value = load(like, x, a + i) / (1.0 + shared(like, m, x, i))
        else:
            z = fma(v, load(like, x, inverse + i), load(like, x, shift + i))
            value = load(like, x, a + i) * logistic(z)
        store(x, values + i, value)
    for i in range(sigmoids, linoids):
        z = fma(v, load(like, x, inverse + i), load(like, x, shift + i))
        if m[m[LEAF_POWER] + i] >= 0:
            unit = linoid_of(z, shared(like, m, x, i))
        else:
            unit = linoid(z)
        store(x, values + i, load(like, x, height + i) * unit)
    for i in range(linoids, m[LEAVES]):
        store(x, values + i, load(like, x, a + i))
    for n in range(m[NODES]):
        if m[m[NODE_KIND] + n] <= POWER:
            node(like, m, c, x, n)
        else:
            other_node(like, m, c, x, n, v, False)


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
    a, inverse, shift, height = m[LEAF_A], m[LEAF_INVERSE], m[LEAF_SHIFT], m[LEAF_HEIGHT]
    values, slopes = m[VALUE], m[SLOPE]
    exponentials, sigmoids, linoids = m[EXPONENTIALS], m[SIGMOIDS], m[LINOIDS]
    share(like, m, c, x, v)
    for i in range(exponentials):
        steep = load(like, x, inverse + i)
        z = fma(v, steep, load(like, x, shift + i))
        if m[m[LEAF_POWER] + i] >= 0:
            e = shared(like, m, x, i)
        else:
            e = exponential(z)
        value = load(like, x, a + i) * e
        store(x, values + i, value)
        store(x, slopes + i, select(z < LARGEST, value * steep, 0.0))
    for i in range(exponentials, sigmoids):
        steep = load(like, x, inverse + i)
        if m[m[LEAF_POWER] + i] >= 0:
            e = shared(like, m, x, i)
            value = load(like, x, a + i) / (1.0 + e)
            rest = value
        else:
            z = fma(v, steep, load(like, x, shift + i))
            e = exponential(-absolute(z))
            rest = load(like, x, a + i) / (1.0 + e)
            value = select(z >= 0.0, 1.0, e) * rest
        store(x, values + i, value)
        store(x, slopes + i, e * rest / (1.0 + e) * steep)
    for i in range(sigmoids, linoids):
        z = fma(v, load(like, x, inverse + i), load(like, x, shift + i))
        if m[m[LEAF_POWER] + i] >= 0:
            e = shared(like, m, x, i)
            unit, slope = linoid_of(z, e), linoid_slope_of(z, e)
        else:
            unit = linoid(z)
            slope = linoid_slope(z, exponential(-absolute(z)))
        store(x, values + i, load(like, x, height + i) * unit)
        store(x, slopes + i, load(like, x, a + i) * slope)
    for i in range(linoids, m[LEAVES]):
        store(x, values + i, load(like, x, a + i))
        store(x, slopes + i, fill(like, 0.0))
    for n in range(m[NODES]):
        if m[m[NODE_KIND] + n] <= POWER:
            node(like, m, c, x, n)
            node_slope(like, m, c, x, n)
        else:
            other_node(like, m, c, x, n, v, True)


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
