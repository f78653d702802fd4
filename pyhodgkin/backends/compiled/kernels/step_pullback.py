"""The way back through one step of a method in a kernel.

Bars of the end of the step are in the slots from `END_BAR` on and of its polynomial from
`DENSE_BAR` on; those of its start are added to the slots from `START_BAR` on.
"""

from __future__ import annotations

from .black_box import stimulus_slope
from .elementary import compiled
from .equations import right_hand_side
from .jacobian import right_hand_side_and_jacobian
from .layout import (
    BLACK_BOX,
    DENSE_BAR,
    END_BAR,
    LEAVES,
    NODES,
    RESIDUAL,
    ROW,
    SCALE_SLOPE,
    STAGE_BAR,
    STAGE_STATE,
    STAGE_VALUES,
    STAGES,
    START_BAR,
    STATE_BAR,
    STATES,
    STIMULUS_BAR,
    VALUE,
    Y,
)
from .linear import factor, solve, solve_transposed
from .methods import combined
from .network_pullback import add
from .pullback import pullback
from .stimulus import stimulus
from .vectors import convert, fill, fma, load, store


@compiled
def bars_of_stages(like, m, x, weights, dense, count, powers, scale):
    """What flows back to the stages from the end and from the polynomial, `scale` times."""
    s = m[STATES]
    for i in range(count):
        for j in range(s):
            total = weights[i] * load(like, x, m[END_BAR] + j)
            for p in range(powers):
                total = fma(dense[p * count + i], load(like, x, m[DENSE_BAR] + p * s + j), total)
            store(x, m[STAGE_BAR] + i * s + j, scale * total)
    for j in range(s):
        add(like, x, m[START_BAR] + j, load(like, x, m[END_BAR] + j))


@compiled
def no_state_bars(like, m, x):
    for j in range(m[STATES]):
        store(x, m[STATE_BAR] + j, fill(like, 0.0))


@compiled
def explicit_pullback(like, m, c, work, sines, tableau, count, powers, t, h, clamped):
    """That of an explicit method; its last stage is at the end of the step."""
    x, z, n = work
    a, nodes, weights, dense = tableau[0], tableau[1], tableau[5], tableau[4]
    s, first, step = m[STATES], 1 if clamped else 0, convert(like, h)
    for i in range(count):
        state = m[STAGE_STATE] + i * s
        for j in range(s):
            y = load(like, x, m[Y] + j)
            if i > 0:
                y = fma(step, combined(like, x, m[STAGES], s, j, a, i * count, i), y)
            store(x, state + j, y)
        u = stimulus(like, z, n, sines, t + nodes[i] * h, first)
        right_hand_side(like, m, c, x, state, u, clamped, m[STAGES] + i * s)
        keep_curves(like, m, x, i)
    bars_of_stages(like, m, x, weights, dense, count, powers, step)
    for i in range(count - 1, -1, -1):
        for j in range(s):
            store(x, m[RESIDUAL] + j, load(like, x, m[STAGE_BAR] + i * s + j))
        no_state_bars(like, m, x)
        u = stimulus(like, z, n, sines, t + nodes[i] * h, first)
        pullback(like, m, c, x, m[STAGE_STATE] + i * s, u, clamped, False, True, values_of(m, i))
        to_earlier(like, m, x, a, i, count, step)


@compiled
def values_of(m, i):
    """Where the curves of stage `i` are kept for the way back."""
    return m[STAGE_VALUES] + i * (m[LEAVES] + m[NODES])


@compiled
def keep_curves(like, m, x, i):
    for j in range(m[LEAVES] + m[NODES]):
        store(x, values_of(m, i) + j, load(like, x, m[VALUE] + j))


@compiled
def to_earlier(like, m, x, a, i, count, scale):
    """What flows back to the state of stage `i` to the start and the stages before."""
    s = m[STATES]
    for j in range(s):
        back = load(like, x, m[STATE_BAR] + j)
        add(like, x, m[START_BAR] + j, back)
        for k in range(i):
            add(like, x, m[STAGE_BAR] + k * s + j, scale * (a[i * count + k] * back))


@compiled
def rosenbrock_pullback(
    like, m, c, work, sines, tableau, count, powers, gamma, t, h, clamped, moving
):
    """That of a Rosenbrock method: of its stages, and of the Jacobian that they share."""
    x, z, n = work
    a, nodes, matrix, d, dense, weights = tableau
    s, first, step = m[STATES], 1 if clamped else 0, convert(like, h)
    inverse = 1.0 / step
    rosenbrock_stages(like, m, c, work, sines, tableau, count, gamma, t, h, clamped, moving)
    bars_of_stages(like, m, x, weights, dense, count, powers, fill(like, 1.0))
    no_weights(like, m, x)
    for i in range(count - 1, -1, -1):
        for j in range(s):
            store(x, m[RESIDUAL] + j, load(like, x, m[STAGE_BAR] + i * s + j))
        solve_transposed(like, m, x, m[RESIDUAL])
        if clamped:
            store(x, m[RESIDUAL], fill(like, 0.0))
        weigh(like, m, x, m[STAGES] + i * s, d[i] * step)
        if i == 0:  # the Jacobian is that at the state of the first stage
            for j in range(s):
                bar = load(like, x, m[STIMULUS_BAR] + j)
                if moving:
                    bar = bar * stimulus(like, z, n, sines, t, first + 1)
                else:
                    bar = fill(like, 0.0)
                store(x, m[STIMULUS_BAR] + j, bar)
        no_state_bars(like, m, x)
        u = stimulus(like, z, n, sines, t + nodes[i] * h, first)
        pullback(like, m, c, x, m[STAGE_STATE] + i * s, u, clamped, i == 0, True, values_of(m, i))
        to_earlier(like, m, x, a, i, count, fill(like, 1.0))
        for j in range(s):
            r = load(like, x, m[RESIDUAL] + j) * inverse
            for k in range(i):
                add(like, x, m[STAGE_BAR] + k * s + j, matrix[i * count + k] * r)


@compiled
def rosenbrock_stages(like, m, c, work, sines, tableau, count, gamma, t, h, clamped, moving):
    """The stages of a step, the states that they are at, and the factored matrix."""
    x, z, n = work
    a, nodes, matrix, d = tableau[0], tableau[1], tableau[2], tableau[3]
    s, first, step = m[STATES], 1 if clamped else 0, convert(like, h)
    inverse = 1.0 / step
    u = stimulus(like, z, n, sines, t, first)
    right_hand_side_and_jacobian(like, m, c, x, m[Y], u, clamped, m[STAGES])
    factor(like, m, x, inverse / gamma)
    if moving:
        du = stimulus(like, z, n, sines, t, first + 1)
        stimulus_slope(like, m, c, x, m[Y], u, du, clamped, m[SCALE_SLOPE])
    for i in range(count):
        state, own = m[STAGE_STATE] + i * s, m[STAGES] + i * s
        for j in range(s):
            y = load(like, x, m[Y] + j)
            if i > 0:
                y = y + combined(like, x, m[STAGES], s, j, a, i * count, i)
            store(x, state + j, y)
        if i > 0:
            u = stimulus(like, z, n, sines, t + nodes[i] * h, first)
            right_hand_side(like, m, c, x, state, u, clamped, own)
            keep_curves(like, m, x, i)
        for j in range(s):
            r = load(like, x, own + j)
            if i > 0:
                r = fma(combined(like, x, m[STAGES], s, j, matrix, i * count, i), inverse, r)
            if moving:
                r = fma(d[i] * step, load(like, x, m[SCALE_SLOPE] + j), r)
            store(x, own + j, r)
        solve(like, m, x, own)


@compiled
def no_weights(like, m, x):
    s = m[STATES]
    for j in range(s * s if m[BLACK_BOX] else 3 * s):
        store(x, m[ROW] + j, fill(like, 0.0))
    for j in range(s):
        store(x, m[STIMULUS_BAR] + j, fill(like, 0.0))


@compiled
def weigh(like, m, x, stage, share):
    """Add to the weights of the Jacobian what flows back to J·u, and to those of its stimulus."""
    s, row, r = m[STATES], m[ROW], m[RESIDUAL]
    for j in range(s):
        add(like, x, m[STIMULUS_BAR] + j, share * load(like, x, r + j))
    if m[BLACK_BOX]:
        for i in range(s):
            for j in range(s):
                w = load(like, x, r + i) * load(like, x, stage + j)
                add(like, x, row + i * s + j, w)
        return
    v, r_v = load(like, x, stage), load(like, x, r)
    add(like, x, row, r_v * v)
    for j in range(1, s):
        u, r_x = load(like, x, stage + j), load(like, x, r + j)
        add(like, x, row + j, r_v * u)
        add(like, x, row + s + j, r_x * v)
        add(like, x, row + 2 * s + j, r_x * u)
