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
def explicit_step(like, m, c, x, z, n, sines, tableau, count, t, h, clamped):
    """A step of an explicit pair whose first stage is there."""
    a, nodes = tableau[0], tableau[1]
    s, stages, y = m[STATES], m[STAGES], m[Y]
    step = convert(like, h)
    for i in range(1, count):
        target = m[Y_NEW] if i == count - 1 else m[Y_STAGE]
        for j in range(s):
            moved = combined(like, x, stages, s, j, a, i * count, i)
            store(x, target + j, fma(step, moved, load(like, x, y + j)))
        u = stimulus(like, z, n, sines, t + nodes[i] * h, 1 if clamped else 0)
        right_hand_side(like, m, c, x, target, u, clamped, stages + i * s)


@compiled
def rosenbrock_step(like, m, c, x, z, n, sines, tableau, count, gamma, t, h, clamped, moving):
    """A step of a Rosenbrock method."""
    a, nodes, matrix, d = tableau[0], tableau[1], tableau[2], tableau[3]
    s, stages, y = m[STATES], m[STAGES], m[Y]
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
        for j in range(s):
            moved = combined(like, x, stages, s, j, a, i * count, i)
            store(x, m[Y_STAGE] + j, load(like, x, y + j) + moved)
        u = stimulus(like, z, n, sines, t + nodes[i] * h, first)
        own = stages + i * s
        right_hand_side(like, m, c, x, m[Y_STAGE], u, clamped, own)
        for j in range(s):
            moved = combined(like, x, stages, s, j, matrix, i * count, i)
            r = fma(moved, inverse, load(like, x, own + j))
            if moving and d[i] != 0.0:
                r = fma(d[i], load(like, x, m[SCALE_SLOPE] + j), r)
            store(x, own + j, r)
        solve(like, m, x, own)
    last = stages + (count - 1) * s
    for j in range(s):
        store(x, m[Y_NEW] + j, load(like, x, m[Y_STAGE] + j) + load(like, x, last + j))
