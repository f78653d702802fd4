"""The start of a solve in a kernel: the state, the first step and its first stage."""

from __future__ import annotations

import math

from .elementary import compiled, exponential, logarithm
from .equations import right_hand_side, steady_state
from .layout import STAGES, STATES, Y_NEW, Y
from .options import ATOL, EXPONENT, LONGEST, RTOL, V_SCALE
from .stimulus import ELEMENT, ENTERED, FRESH, SPARE, T_STOP, H, T, stimulus
from .vectors import absolute, convert, fill, fma, load, root, select, store, width


@compiled
def begin(like, work, neuron, sines, options, batch, clamped):
    """The start of the elements that have just been taken: their state and their first step."""
    x, z, n, _ = work
    m, c = neuron
    y0 = batch[5]
    w, s = width(like), m[STATES]
    steady_state(like, m, c, x, load(like, x, m[Y]), m[Y_NEW])
    for e in range(w):
        if n[ENTERED * w + e]:
            element = n[ELEMENT * w + e]
            for j in range(s):
                own = x[(m[Y_NEW] + j) * w + e]
                if len(y0) > 0 and not (clamped and j == 0):
                    own = y0[element if len(y0) > 1 else 0, j]
                x[(m[Y] + j) * w + e] = own
    spare = m[STAGES] + s  # the second stage is not needed yet
    u = stimulus(like, z, n, sines, load(like, z, T), 1 if clamped else 0)
    right_hand_side(like, m, c, x, m[Y], u, clamped, spare)
    store(z, SPARE, first_step(like, m, x, z, spare, options))
    for e in range(w):
        if n[ENTERED * w + e]:
            z[H * w + e] = z[SPARE * w + e]


@compiled
def first_step(like, m, x, z, f, options):
    """A first step in the spirit of Hairer, Nørsett & Wanner, Solving ODEs I, section II.4."""
    s = m[STATES]
    d0, d1 = fill(like, 0.0), fill(like, 0.0)
    for j in range(s):
        y = load(like, x, m[Y] + j)
        scale = fma(
            options[RTOL], absolute(y), options[ATOL] * (options[V_SCALE] if j == 0 else 1.0)
        )
        y, slope = y / scale, load(like, x, f + j) / scale
        d0, d1 = fma(y, y, d0), fma(slope, slope, d1)
    d0, d1 = root(d0 / float(s)), root(d1 / float(s))
    d1 = select(d1 > 1e-12, d1, 1e-12)
    # The error of the first step goes like h^(order + 1): bring it near the tolerance.
    by_order = exponential(options[EXPONENT] * logarithm(d1))
    h = 0.01 * d0 / d1
    h = select(h < by_order, h, by_order)
    h = convert(load(like, z, T), select((h > 0.0) & (h < math.inf), h, 1e-6))
    h = select(h > options[LONGEST], options[LONGEST], h)
    h = select(h < 1e-28, 1e-28, h)
    left = load(like, z, T_STOP) - load(like, z, T)
    left = select(left < 1e-12, 1e-12, left)
    return select(h < left, h, left)


@compiled
def first_stage(like, work, neuron, sines, t, clamped):
    """The right-hand side at the start of a step, where the last stage before is not that."""
    x, z, n, _ = work
    m, c = neuron
    w, s = width(like), m[STATES]
    stale = False
    for e in range(w):
        stale = stale or n[FRESH * w + e] == 0
    if not stale:
        return
    spare = m[STAGES] + s
    u = stimulus(like, z, n, sines, t, 1 if clamped else 0)
    right_hand_side(like, m, c, x, m[Y], u, clamped, spare)
    for e in range(w):
        if n[FRESH * w + e] == 0:
            for j in range(s):
                x[(m[STAGES] + j) * w + e] = x[(spare + j) * w + e]
            n[FRESH * w + e] = 1
