"""A whole right-hand side that is one network, in a kernel; how any moves with its stimulus."""

from __future__ import annotations

from .elementary import compiled
from .layout import BLACK_BOX, BOX_NUMBERS, BOX_STIMULUS, INVERSE_C, MATRIX, NET, NET_D, STATES
from .networks import n_inputs, network, network_and_tangent
from .vectors import fill, load, store


@compiled
def box_inputs(like, m, c, x, y, u):
    s, numbers = m[STATES], m[BOX_NUMBERS]
    for j in range(s):
        store(x, m[NET] + j, (load(like, x, y + j) - c[numbers + j]) / c[numbers + s + j])
    if n_inputs(m, 0) > s:
        store(x, m[NET] + s, u * c[m[BOX_STIMULUS]])


@compiled
def box(like, m, c, x, y, u, clamped, target):
    s, rate = m[STATES], m[BOX_NUMBERS] + 2 * m[STATES]
    box_inputs(like, m, c, x, y, u)
    out = network(like, m, x, 0)
    for j in range(s):
        store(x, target + j, load(like, x, out + j) * c[rate + j])
    if clamped:
        store(x, target, u)


@compiled
def box_and_jacobian(like, m, c, x, y, u, clamped, target):
    s, rate = m[STATES], m[BOX_NUMBERS] + 2 * m[STATES]
    for i in range(s):
        box_inputs(like, m, c, x, y, u)
        for j in range(n_inputs(m, 0)):
            store(x, m[NET_D] + j, fill(like, 1.0 / c[m[BOX_NUMBERS] + s + i] if j == i else 0.0))
        out, d_out = network_and_tangent(like, m, x, 0)
        for j in range(s):
            store(x, target + j, load(like, x, out + j) * c[rate + j])
            store(x, m[MATRIX] + j * s + i, load(like, x, d_out + j) * c[rate + j])
    if clamped:
        store(x, target, u)
        for i in range(s):
            store(x, m[MATRIX] + i, fill(like, 0.0))


@compiled
def stimulus_slope(like, m, c, x, y, u, du, clamped, target):
    """How dy/dt moves along a change `du` of the stimulus."""
    s = m[STATES]
    for j in range(s):
        store(x, target + j, fill(like, 0.0))
    if clamped:
        store(x, target, du)
    elif not m[BLACK_BOX]:
        store(x, target, du * load(like, x, m[INVERSE_C]))
    elif n_inputs(m, 0) > s:
        box_inputs(like, m, c, x, y, u)
        for j in range(s):
            store(x, m[NET_D] + j, fill(like, 0.0))
        store(x, m[NET_D] + s, du * c[m[BOX_STIMULUS]])
        _, d_out = network_and_tangent(like, m, x, 0)
        for j in range(s):
            rate = c[m[BOX_NUMBERS] + 2 * s + j]
            store(x, target + j, load(like, x, d_out + j) * rate)
