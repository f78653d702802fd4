"""The curves of a neuron at one voltage: values, and their slopes by the voltage."""

from __future__ import annotations

from .elementary import compiled, exponential, linoid, linoid_slope, logistic, power
from .layout import (
    CHILDREN,
    EXPONENTIALS,
    LEAF_A,
    LEAF_HEIGHT,
    LEAF_INVERSE,
    LEAF_SHIFT,
    LEAVES,
    LINOIDS,
    NODE_BOUNDS,
    NODE_EXPONENT,
    NODE_KIND,
    NODES,
    SIGMOIDS,
    SLOPE,
    VALUE,
)
from .vectors import absolute, fill, fma, load, select, store

SUM, PRODUCT = 0, 1  # places in neuron.tables.NODE_KINDS; the third is a power
LARGEST = 700.0


@compiled
def curves(like, m, c, x, v):
    """Values of all curves at `v`."""
    a, inverse, shift = m[LEAF_A], m[LEAF_INVERSE], m[LEAF_SHIFT]
    height, values = m[LEAF_HEIGHT], m[VALUE]
    exponentials, sigmoids, linoids = m[EXPONENTIALS], m[SIGMOIDS], m[LINOIDS]
    for i in range(exponentials):
        z = fma(v, load(like, x, inverse + i), load(like, x, shift + i))
        store(x, values + i, load(like, x, a + i) * exponential(z))
    for i in range(exponentials, sigmoids):
        z = fma(v, load(like, x, inverse + i), load(like, x, shift + i))
        store(x, values + i, load(like, x, a + i) * logistic(z))
    for i in range(sigmoids, linoids):
        z = fma(v, load(like, x, inverse + i), load(like, x, shift + i))
        store(x, values + i, load(like, x, height + i) * linoid(z))
    for i in range(linoids, m[LEAVES]):
        store(x, values + i, load(like, x, a + i))
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
    a, inverse, shift, height = m[LEAF_A], m[LEAF_INVERSE], m[LEAF_SHIFT], m[LEAF_HEIGHT]
    values, slopes = m[VALUE], m[SLOPE]
    exponentials, sigmoids, linoids = m[EXPONENTIALS], m[SIGMOIDS], m[LINOIDS]
    for i in range(exponentials):
        steep = load(like, x, inverse + i)
        z = fma(v, steep, load(like, x, shift + i))
        value = load(like, x, a + i) * exponential(z)
        store(x, values + i, value)
        store(x, slopes + i, select(z < LARGEST, value * steep, 0.0))
    for i in range(exponentials, sigmoids):
        steep = load(like, x, inverse + i)
        z = fma(v, steep, load(like, x, shift + i))
        e = exponential(-absolute(z))
        share = load(like, x, a + i) / (1.0 + e)
        store(x, values + i, select(z >= 0.0, 1.0, e) * share)
        store(x, slopes + i, e * share / (1.0 + e) * steep)
    for i in range(sigmoids, linoids):
        z = fma(v, load(like, x, inverse + i), load(like, x, shift + i))
        store(x, values + i, load(like, x, height + i) * linoid(z))
        slope = linoid_slope(z, exponential(-absolute(z)))
        store(x, slopes + i, load(like, x, a + i) * slope)
    for i in range(linoids, m[LEAVES]):
        store(x, values + i, load(like, x, a + i))
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
