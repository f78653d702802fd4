"""A small network in a kernel: its outputs, and their tangent along that of the inputs."""

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
)
from .vectors import fma, load, store

TANH, SOFTPLUS = 0, 1  # places in numerics.mlp.ACTIVATIONS; the third is silu


@compiled
def activate(z, activation):
    if activation == TANH:
        return hyperbolic_tangent(z)
    if activation == SOFTPLUS:
        return softplus(z)
    return z * logistic(z)


@compiled
def activate_and_slope(z, activation):
    if activation == TANH:
        y = hyperbolic_tangent(z)
        return y, 1.0 - y * y
    s = logistic(z)
    if activation == SOFTPLUS:
        return softplus(z), s
    y = z * s
    return y, s + y * (1.0 - s)


@compiled
def n_inputs(m, net):
    return m[m[LAYERS] + m[m[NETWORK_BOUNDS] + net]]


@compiled
def network(like, m, x, net):
    """Outputs for the inputs in the slots from `NET` on; the slot of the first output."""
    first = m[LAYERS] + m[m[NETWORK_BOUNDS] + net]
    last = m[LAYERS] + m[m[NETWORK_BOUNDS] + net + 1] - 1
    activation = m[m[NETWORK_ACTIVATION] + net]
    weights = m[PARAMETER] + m[m[NETWORK_PLACE] + net]
    source, target = m[NET], m[NET_OTHER]
    for layer in range(first, last):
        n_in, n_out = m[layer], m[layer + 1]
        bias = weights + n_in * n_out
        o = 0
        while o + 4 <= n_out:  # four outputs at once share their inputs
            w = weights + o * n_in
            a, b = load(like, x, bias + o), load(like, x, bias + o + 1)
            c, d = load(like, x, bias + o + 2), load(like, x, bias + o + 3)
            for i in range(n_in):
                z = load(like, x, source + i)
                a = fma(load(like, x, w + i), z, a)
                b = fma(load(like, x, w + n_in + i), z, b)
                c = fma(load(like, x, w + 2 * n_in + i), z, c)
                d = fma(load(like, x, w + 3 * n_in + i), z, d)
            if layer + 1 < last:
                a, b = activate(a, activation), activate(b, activation)
                c, d = activate(c, activation), activate(d, activation)
            store(x, target + o, a)
            store(x, target + o + 1, b)
            store(x, target + o + 2, c)
            store(x, target + o + 3, d)
            o += 4
        while o < n_out:
            a = load(like, x, bias + o)
            for i in range(n_in):
                a = fma(load(like, x, weights + o * n_in + i), load(like, x, source + i), a)
            if layer + 1 < last:
                a = activate(a, activation)
            store(x, target + o, a)
            o += 1
        source, target = target, source
        weights = bias + n_out
    return source


@compiled
def network_and_tangent(like, m, x, net):
    """As `network`, with the tangent of the inputs in the slots from `NET_D` on.

    Returns the slots of the first output and of its tangent.
    """
    first = m[LAYERS] + m[m[NETWORK_BOUNDS] + net]
    last = m[LAYERS] + m[m[NETWORK_BOUNDS] + net + 1] - 1
    activation = m[m[NETWORK_ACTIVATION] + net]
    weights = m[PARAMETER] + m[m[NETWORK_PLACE] + net]
    source, target = m[NET], m[NET_OTHER]
    d_source, d_target = m[NET_D], m[NET_D_OTHER]
    for layer in range(first, last):
        n_in, n_out = m[layer], m[layer + 1]
        bias = weights + n_in * n_out
        for o in range(n_out):
            a = load(like, x, bias + o)
            d = 0.0 * a
            for i in range(n_in):
                w = load(like, x, weights + o * n_in + i)
                a = fma(w, load(like, x, source + i), a)
                d = fma(w, load(like, x, d_source + i), d)
            if layer + 1 < last:
                a, slope = activate_and_slope(a, activation)
                d = d * slope
            store(x, target + o, a)
            store(x, d_target + o, d)
        source, target = target, source
        d_source, d_target = d_target, d_source
        weights = bias + n_out
    return source, d_source
