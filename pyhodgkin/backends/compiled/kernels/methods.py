"""One step of each method in a kernel; the same steps as those of the eager torch engine.

A step goes from the state in the slots `Y` over `h` to the slots `Y_NEW`; its stages stay in their
slots for the dense output.
"""

from __future__ import annotations

from .black_box import stimulus_slope
from .elementary import compiled
from .equations import right_hand_side
from .jacobian import right_hand_side_and_jacobian
from .layout import SCALE_SLOPE, STAGES, STATES, Y_NEW, Y_STAGE, Y
from .linear import factor, solve
from .stimulus import stimulus
from .vectors import convert, fma, load, store


@compiled
def combined(like, x, first, s, j, weights, place, count):
    """Σ_q weights_q u_q[j] over the first `count` stages; the weights begin at `place`."""
    total = weights[place] * load(like, x, first + j)
    for q in range(1, count):
        total = fma(weights[place + q], load(like, x, first + q * s + j), total)
    return total


@compiled
def combined_twice(like, x, first, s, j, weights, others, place, count):
    """Two sums of the same stages, as in `combined`."""
    u = load(like, x, first + j)
    total, other = weights[place] * u, others[place] * u
    for q in range(1, count):
        u = load(like, x, first + q * s + j)
        total = fma(weights[place + q], u, total)
        other = fma(others[place + q], u, other)
    return total, other


@compiled
def repeats(a, i, count):
    """Whether a row of `a` is the one before, with the newest stage added to it."""
    same = i > 1 and a[i * count + i - 1] == 1.0
    for q in range(i - 1):
        same = same and a[i * count + q] == a[(i - 1) * count + q]
    return same


@compiled
def explicit_step(like, m, c, x, z, n, sines, tableau, count, t, h, clamped, moving):
    """A step of an explicit pair whose first stage is there."""
    a, nodes = tableau[0], tableau[1]
    s, stages, y = m[STATES], m[STAGES], m[Y]
    step, first = convert(like, h), 1 if clamped else 0
    u = stimulus(like, z, n, sines, t, first)
    for i in range(1, count):
        target = m[Y_NEW] if i == count - 1 else m[Y_STAGE]
        for j in range(s):
            moved = combined(like, x, stages, s, j, a, i * count, i)
            store(x, target + j, fma(step, moved, load(like, x, y + j)))
        if moving:
            u = stimulus(like, z, n, sines, t + nodes[i] * h, first)
        right_hand_side(like, m, c, x, target, u, clamped, stages + i * s)


@compiled
def rosenbrock_step(like, m, c, x, z, n, sines, tableau, count, gamma, t, h, clamped, moving):
    """A step of a Rosenbrock method."""
    a, nodes, matrix, d = tableau[0], tableau[1], tableau[2], tableau[3]
    s, stages, y, at, spare = m[STATES], m[STAGES], m[Y], m[Y_STAGE], m[Y_NEW]
    first = 1 if clamped else 0
    step = convert(like, h)
    inverse = 1.0 / step
    u = stimulus(like, z, n, sines, t, first)
    right_hand_side_and_jacobian(like, m, c, x, y, u, clamped, stages)
    factor(like, m, x, inverse / gamma)
    if moving:
        du = stimulus(like, z, n, sines, t, first + 1)
        stimulus_slope(like, m, c, x, y, u, du, clamped, m[SCALE_SLOPE])
        for j in range(s):
            slope = load(like, x, m[SCALE_SLOPE] + j) * step
            store(x, m[SCALE_SLOPE] + j, slope)
            store(x, stages + j, fma(d[0], slope, load(like, x, stages + j)))
    solve(like, m, x, stages)
    for i in range(1, count):
        own = stages + i * s
        if repeats(a, i, count):
            for j in range(s):
                store(x, at + j, load(like, x, at + j) + load(like, x, own - s + j))
                moved = combined(like, x, stages, s, j, matrix, i * count, i)
                store(x, spare + j, moved * inverse)
        else:
            for j in range(s):
                state, moved = combined_twice(like, x, stages, s, j, a, matrix, i * count, i)
                store(x, at + j, load(like, x, y + j) + state)
                store(x, spare + j, moved * inverse)
        if moving:
            u = stimulus(like, z, n, sines, t + nodes[i] * h, first)
        right_hand_side(like, m, c, x, at, u, clamped, own)
        for j in range(s):
            r = load(like, x, own + j) + load(like, x, spare + j)
            if moving and d[i] != 0.0:
                r = fma(d[i], load(like, x, m[SCALE_SLOPE] + j), r)
            store(x, own + j, r)
        solve(like, m, x, own)
    last = stages + (count - 1) * s
    for j in range(s):
        store(x, spare + j, load(like, x, at + j) + load(like, x, last + j))
