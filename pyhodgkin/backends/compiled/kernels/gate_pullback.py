"""The way back through the rates of gates in a kernel: to their curves, networks and the voltage.

Numbers come in pairs: a value, and its slope by the voltage. What flows back to a pair is a pair of
bars. Without `paired` slopes are neither known nor differentiated.
"""

from __future__ import annotations

import math

from .elementary import compiled, exponential, hyperbolic_tangent, logistic
from .gates import (
    FREE,
    INSTANTANEOUS,
    LEAST,
    MOST,
    NEURAL_STEADY_STATE,
    PRIOR_RATES,
    RATES,
    STEADY_STATE,
    held,
)
from .layout import (
    GATE_A,
    GATE_A_BAR,
    GATE_CURVES,
    GATE_DA,
    GATE_DA_BAR,
    GATE_DS,
    GATE_DS_BAR,
    GATE_DX_BAR,
    GATE_KIND,
    GATE_NETWORK,
    GATE_NUMBERS,
    GATE_PRIOR,
    GATE_S,
    GATE_S_BAR,
    GATE_X_BAR,
    GATES,
    NET,
    NET_D,
    SLOPE,
    SLOPE_BAR,
    UNIT,
    UNIT_D,
    VALUE,
    VALUE_BAR,
)
from .network_pullback import add, network_kept, network_pullback
from .vectors import fill, load, select, store


@compiled
def gates_pullback(like, m, c, x, v, paired, weighted):
    """Bars of a and s of every gate to curves and networks; what flows back to v by networks.

    The curves must have been computed, with their slopes where it is paired. a, s and their slopes
    are computed on the way, to their slots.
    """
    v_bar = fill(like, 0.0)
    for g in range(m[GATES]):
        kind = m[m[GATE_KIND] + g]
        if kind == RATES:
            rates_pullback(like, m, c, x, g, paired)
        elif kind == STEADY_STATE:
            steady_state_pullback(like, m, c, x, g, paired)
        elif kind != FREE and kind != INSTANTANEOUS:
            v_bar = v_bar + neural_pullback(like, m, c, x, v, g, paired, weighted)
    instantaneous_pullback(like, m, x)
    return v_bar


@compiled
def instantaneous_pullback(like, m, x):
    """Bars of the gates that are curves of the voltage themselves to these."""
    for g in range(m[GATES]):
        if m[m[GATE_KIND] + g] == INSTANTANEOUS:
            curve = m[m[GATE_CURVES] + 2 * g]
            add(like, x, m[VALUE_BAR] + curve, load(like, x, m[GATE_X_BAR] + g))
            add(like, x, m[SLOPE_BAR] + curve, load(like, x, m[GATE_DX_BAR] + g))


@compiled
def pair_of(like, m, x, curve, paired):
    """A curve and its slope, 0 where that is not known."""
    slope = load(like, x, m[SLOPE] + curve) if paired else fill(like, 0.0)
    return load(like, x, m[VALUE] + curve), slope


@compiled
def bars_of(like, m, x, g, paired):
    """The bars of a and s of a gate, and of their slopes."""
    none = fill(like, 0.0)
    da = load(like, x, m[GATE_DA_BAR] + g) if paired else none
    ds = load(like, x, m[GATE_DS_BAR] + g) if paired else none
    return load(like, x, m[GATE_A_BAR] + g), load(like, x, m[GATE_S_BAR] + g), da, ds


@compiled
def keep_rates(m, x, g, a, s, da, ds):
    store(x, m[GATE_A] + g, a)
    store(x, m[GATE_S] + g, s)
    store(x, m[GATE_DA] + g, da)
    store(x, m[GATE_DS] + g, ds)


@compiled
def add_pair(like, m, x, curve, bar, bar_d):
    add(like, x, m[VALUE_BAR] + curve, bar)
    add(like, x, m[SLOPE_BAR] + curve, bar_d)


@compiled
def rates_pullback(like, m, c, x, g, paired):
    first, second = m[m[GATE_CURVES] + 2 * g], m[m[GATE_CURVES] + 2 * g + 1]
    factor = c[m[GATE_NUMBERS] + 6 * g]
    alpha, d_alpha = pair_of(like, m, x, first, paired)
    beta, d_beta = pair_of(like, m, x, second, paired)
    a, s, da, ds = bars_of(like, m, x, g, paired)
    add_pair(like, m, x, first, factor * (a + s), factor * (da + ds))
    add_pair(like, m, x, second, factor * s, factor * ds)
    keep_rates(
        m,
        x,
        g,
        factor * alpha,
        factor * (alpha + beta),
        factor * d_alpha,
        factor * (d_alpha + d_beta),
    )


@compiled
def steady_state_pullback(like, m, c, x, g, paired):
    first, second = m[m[GATE_CURVES] + 2 * g], m[m[GATE_CURVES] + 2 * g + 1]
    level, d_level = pair_of(like, m, x, first, paired)
    tau, d_tau = pair_of(like, m, x, second, paired)
    a, s, da, ds = bars_of(like, m, x, g, paired)
    total = c[m[GATE_NUMBERS] + 6 * g] / tau
    slope = -total / tau
    bend = -2.0 * slope / tau
    d_total = slope * d_tau
    s, ds = s + a * level + da * d_level, ds + da * level
    add_pair(like, m, x, first, a * total + da * d_total, da * total)
    add_pair(like, m, x, second, s * slope + ds * bend * d_tau, ds * slope)
    keep_rates(m, x, g, total * level, total, d_total * level + total * d_level, d_total)


@compiled
def neural_pullback(like, m, c, x, v, g, paired, weighted):
    """That of a gate whose rates come from a network; what flows back to v through it."""
    numbers, net = m[GATE_NUMBERS] + 6 * g, m[m[GATE_NETWORK] + g]
    store(x, m[UNIT], (v - c[numbers + 1]) * c[numbers + 2])
    store(x, m[UNIT_D], fill(like, c[numbers + 2]))
    out = network_kept(like, m, x, net, paired)
    if m[m[GATE_KIND] + g] == NEURAL_STEADY_STATE:
        neural_steady_state_bars(like, m, c, x, g, out, paired)
    else:
        neural_rates_bars(like, m, c, x, g, out, paired)
    bar, _ = network_pullback(like, m, x, net, paired, weighted)
    return c[numbers + 2] * load(like, x, bar)


@compiled
def neural_steady_state_bars(like, m, c, x, g, out, paired):
    """To the outputs of the network of the form "steady_state"."""
    numbers = m[GATE_NUMBERS] + 6 * g
    y, dy = load(like, x, m[UNIT] + out), load(like, x, m[UNIT_D] + out)
    z, dz = load(like, x, m[UNIT] + out + 1), load(like, x, m[UNIT_D] + out + 1)
    a, s, da, ds = bars_of(like, m, x, g, paired)
    total, slope, bend = sum_of_rates(c[numbers], z, c[numbers + 3], c[numbers + 4])
    d_total = slope * dz
    level = logistic(y)
    rise = level * (1.0 - level)
    d_level = rise * dy
    s, ds = s + a * level + da * d_level, ds + da * level
    b, db = a * total + da * d_total, da * total
    store(x, m[NET], b * rise + db * rise * (1.0 - 2.0 * level) * dy)
    store(x, m[NET_D], db * rise)
    store(x, m[NET] + 1, s * slope + ds * bend * dz)
    store(x, m[NET_D] + 1, ds * slope)
    keep_rates(m, x, g, total * level, total, d_total * level + total * d_level, d_total)


@compiled
def sum_of_rates(factor, y, tau_min, span):
    """s = factor/tau of the form "steady_state", and its derivatives by the second output."""
    if math.isnan(span):
        e = exponential(held(y))
        tau = tau_min + e
        s = factor / tau
        slope = select((y > LEAST) & (y < MOST), -s * e / tau, 0.0)
        return s, slope, slope * (1.0 - 2.0 * e / tau)
    w = logistic(y)
    s = factor / tau_min * exponential(-span * w)
    rise = w * (1.0 - w)
    slope = -s * span * rise
    return s, slope, slope * (1.0 - 2.0 * w - span * rise)


@compiled
def neural_rates_bars(like, m, c, x, g, out, paired):
    """To the outputs of the network of the form "rates", and to the curves of its prior."""
    numbers = m[GATE_NUMBERS] + 6 * g
    factor, bound = c[numbers], c[numbers + 5]
    a, s, da, ds = bars_of(like, m, x, g, paired)
    p, dp, q, dq = prior_of(like, m, x, g, paired)
    dy, dz = load(like, x, m[UNIT_D] + out), load(like, x, m[UNIT_D] + out + 1)
    up, up_slope, up_bend = bounded(load(like, x, m[UNIT] + out), bound)
    down, down_slope, down_bend = bounded(load(like, x, m[UNIT] + out + 1), bound)
    d_up, d_down = up_slope * dy, down_slope * dz
    # To both rates, then to each as a product of what the network gives and the prior.
    a, da = factor * (a + s), factor * (da + ds)
    s, ds = factor * s, factor * ds
    b, db = a * p + da * dp, da * p
    store(x, m[NET], b * up_slope + db * up_bend * dy)
    store(x, m[NET_D], db * up_slope)
    b, db = s * q + ds * dq, ds * q
    store(x, m[NET] + 1, b * down_slope + db * down_bend * dz)
    store(x, m[NET_D] + 1, db * down_slope)
    prior_pullback(
        like, m, x, g, paired, a * up + da * d_up, da * up, s * down + ds * d_down, ds * down
    )
    alpha, beta = factor * up * p, factor * down * q
    d_alpha = factor * (d_up * p + up * dp)
    d_beta = factor * (d_down * q + down * dq)
    keep_rates(m, x, g, alpha, alpha + beta, d_alpha, d_alpha + d_beta)


@compiled
def bounded(y, bound):
    """exp(bound·tanh(y/bound)) and its first and second derivative."""
    t = hyperbolic_tangent(y / bound)
    rise = 1.0 - t * t
    value = exponential(bound * t)
    slope = value * rise
    return value, slope, slope * (rise - 2.0 * t / bound)


@compiled
def prior_of(like, m, x, g, paired):
    """The opening and the closing rate of the prior of a gate, 1 where there is none."""
    kind = m[m[GATE_PRIOR] + g]
    one, none = fill(like, 1.0), fill(like, 0.0)
    if kind == 0:
        return one, none, one, none
    p, dp = pair_of(like, m, x, m[m[GATE_CURVES] + 2 * g], paired)
    q, dq = pair_of(like, m, x, m[m[GATE_CURVES] + 2 * g + 1], paired)
    if kind == PRIOR_RATES:
        return p, dp, q, dq
    inverse = 1.0 / q
    d_inverse = -inverse * inverse * dq
    rest = 1.0 - p
    return (
        p * inverse,
        dp * inverse + p * d_inverse,
        rest * inverse,
        rest * d_inverse - dp * inverse,
    )


@compiled
def prior_pullback(like, m, x, g, paired, a, da, b, db):
    """Bars of both rates of the prior to its curves."""
    kind = m[m[GATE_PRIOR] + g]
    if kind == 0:
        return
    first, second = m[m[GATE_CURVES] + 2 * g], m[m[GATE_CURVES] + 2 * g + 1]
    if kind == PRIOR_RATES:
        add_pair(like, m, x, first, a, da)
        add_pair(like, m, x, second, b, db)
        return
    level, d_level = pair_of(like, m, x, first, paired)
    tau, d_tau = pair_of(like, m, x, second, paired)
    inverse = 1.0 / tau
    slope = -inverse * inverse
    bend = -2.0 * slope * inverse
    less, d_less = a - b, da - db
    add_pair(like, m, x, first, less * inverse + d_less * slope * d_tau, d_less * inverse)
    back = a * level + da * d_level + b * (1.0 - level) - db * d_level
    back_d = da * level + db * (1.0 - level)
    add_pair(like, m, x, second, back * slope + back_d * bend * d_tau, back_d * slope)
