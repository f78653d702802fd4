"""The gates of a neuron at one voltage: dx/dt = a(v) - s(v) x, and the slopes of a and s by v."""

from __future__ import annotations

import math

from .elementary import compiled, exponential, hyperbolic_tangent, logistic
from .layout import (
    GATE_A,
    GATE_CURVES,
    GATE_DA,
    GATE_DS,
    GATE_DX,
    GATE_KIND,
    GATE_NETWORK,
    GATE_NUMBERS,
    GATE_PRIOR,
    GATE_S,
    GATE_X,
    GATES,
    NET,
    NET_D,
    SLOPE,
    VALUE,
)
from .networks import network, network_and_tangent
from .vectors import fill, load, select, store

RATES, STEADY_STATE, INSTANTANEOUS, NEURAL_STEADY_STATE, NEURAL_RATES, FREE = range(6)
PRIOR_RATES = 1  # places in neuron.tables.PRIOR_KINDS; 0 is none, 2 a steady state
# Where a network's logarithm of a time constant without a limit is held.
LEAST, MOST = -40.0, 60.0


@compiled
def rates(like, m, c, x, v):
    """a and s of every gate that is a state, and x of the instantaneous ones, to their slots.

    The curves must have been computed.
    """
    for g in range(m[GATES]):
        kind = m[m[GATE_KIND] + g]
        curve = m[GATE_CURVES] + 2 * g
        if kind == INSTANTANEOUS:
            store(x, m[GATE_X] + g, load(like, x, m[VALUE] + m[curve]))
        elif kind != FREE:
            factor = c[m[GATE_NUMBERS] + 6 * g]
            if kind == RATES:
                a = factor * load(like, x, m[VALUE] + m[curve])
                s = a + factor * load(like, x, m[VALUE] + m[curve + 1])
            elif kind == STEADY_STATE:
                s = factor / load(like, x, m[VALUE] + m[curve + 1])
                a = s * load(like, x, m[VALUE] + m[curve])
            else:
                a, s = neural_rates(like, m, c, x, v, g, factor)
            store(x, m[GATE_A] + g, a)
            store(x, m[GATE_S] + g, s)


@compiled
def neural_rates(like, m, c, x, v, g, factor):
    """a and s of a gate whose rates come from a network."""
    numbers = m[GATE_NUMBERS] + 6 * g
    store(x, m[NET], (v - c[numbers + 1]) * c[numbers + 2])
    out = network(like, m, x, m[m[GATE_NETWORK] + g])
    first, second = load(like, x, out), load(like, x, out + 1)
    if m[m[GATE_KIND] + g] == NEURAL_STEADY_STATE:
        s = factor / time_constant(second, c[numbers + 3], c[numbers + 4])
        return s * logistic(first), s
    bound = c[numbers + 5]
    alpha = factor * exponential(bound * hyperbolic_tangent(first / bound))
    beta = factor * exponential(bound * hyperbolic_tangent(second / bound))
    prior = m[m[GATE_PRIOR] + g]
    if prior != 0:
        curve = m[GATE_CURVES] + 2 * g
        one = load(like, x, m[VALUE] + m[curve])
        other = load(like, x, m[VALUE] + m[curve + 1])
        if prior == PRIOR_RATES:
            alpha, beta = alpha * one, beta * other
        else:
            alpha, beta = alpha * (one / other), beta * ((1.0 - one) / other)
    return alpha, alpha + beta


@compiled
def time_constant(y, tau_min, span):
    """tau of the form "steady_state" for the second output of its network, ms."""
    if math.isnan(span):
        return tau_min + exponential(held(y))
    return tau_min * exponential(span * logistic(y))


@compiled
def held(y):
    y = select(y < LEAST, LEAST, y)
    return select(y > MOST, MOST, y)


@compiled
def rates_and_slopes(like, m, c, x, v):
    """As `rates`, with the slopes by v; the curves and their slopes must have been computed."""
    for g in range(m[GATES]):
        kind = m[m[GATE_KIND] + g]
        curve = m[GATE_CURVES] + 2 * g
        if kind == INSTANTANEOUS:
            store(x, m[GATE_X] + g, load(like, x, m[VALUE] + m[curve]))
            store(x, m[GATE_DX] + g, load(like, x, m[SLOPE] + m[curve]))
        elif kind != FREE:
            factor = c[m[GATE_NUMBERS] + 6 * g]
            if kind == RATES or kind == STEADY_STATE:
                one, other = (
                    load(like, x, m[VALUE] + m[curve]),
                    load(like, x, m[VALUE] + m[curve + 1]),
                )
                done, dother = (
                    load(like, x, m[SLOPE] + m[curve]),
                    load(like, x, m[SLOPE] + m[curve + 1]),
                )
                if kind == RATES:
                    a, da = factor * one, factor * done
                    s, ds = a + factor * other, da + factor * dother
                else:
                    s = factor / other
                    ds = -s * dother / other
                    a, da = s * one, ds * one + s * done
            else:
                a, s, da, ds = neural_rates_and_slopes(like, m, c, x, v, g, factor)
            store(x, m[GATE_A] + g, a)
            store(x, m[GATE_S] + g, s)
            store(x, m[GATE_DA] + g, da)
            store(x, m[GATE_DS] + g, ds)


@compiled
def neural_rates_and_slopes(like, m, c, x, v, g, factor):
    """a, s and their slopes of a gate whose rates come from a network."""
    numbers = m[GATE_NUMBERS] + 6 * g
    store(x, m[NET], (v - c[numbers + 1]) * c[numbers + 2])
    store(x, m[NET_D], fill(like, c[numbers + 2]))
    out, d_out = network_and_tangent(like, m, x, m[m[GATE_NETWORK] + g])
    first, second = load(like, x, out), load(like, x, out + 1)
    d_first, d_second = load(like, x, d_out), load(like, x, d_out + 1)
    if m[m[GATE_KIND] + g] == NEURAL_STEADY_STATE:
        s, ds = sum_and_slope(factor, second, d_second, c[numbers + 3], c[numbers + 4])
        level = logistic(first)
        return s * level, s, ds * level + s * level * (1.0 - level) * d_first, ds
    bound = c[numbers + 5]
    alpha, d_alpha = bounded_exponential(factor, first, d_first, bound)
    beta, d_beta = bounded_exponential(factor, second, d_second, bound)
    prior = m[m[GATE_PRIOR] + g]
    if prior != 0:
        curve = m[GATE_CURVES] + 2 * g
        one, done = load(like, x, m[VALUE] + m[curve]), load(like, x, m[SLOPE] + m[curve])
        other, dother = (
            load(like, x, m[VALUE] + m[curve + 1]),
            load(like, x, m[SLOPE] + m[curve + 1]),
        )
        if prior != PRIOR_RATES:
            inverse = 1.0 / other
            level, d_level = one, done
            one, done = level * inverse, (d_level - level * inverse * dother) * inverse
            rest = (1.0 - level) * inverse
            other, dother = rest, (-d_level - rest * dother) * inverse
        d_alpha, d_beta = d_alpha * one + alpha * done, d_beta * other + beta * dother
        alpha, beta = alpha * one, beta * other
    return alpha, alpha + beta, d_alpha, d_alpha + d_beta


@compiled
def sum_and_slope(factor, y, dy, tau_min, span):
    """s = factor/tau of the form "steady_state" and its slope."""
    if math.isnan(span):
        e = exponential(held(y))
        s = factor / (tau_min + e)
        inside = select((y > LEAST) & (y < MOST), dy, 0.0)
        return s, -s * e / (tau_min + e) * inside
    w = logistic(y)
    s = factor / tau_min * exponential(-span * w)
    return s, -s * span * w * (1.0 - w) * dy


@compiled
def bounded_exponential(factor, y, dy, bound):
    """factor·exp(bound·tanh(y/bound)) and its slope."""
    t = hyperbolic_tangent(y / bound)
    value = factor * exponential(bound * t)
    return value, value * (1.0 - t * t) * dy
