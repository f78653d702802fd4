"""The columns of the workspace: an element comes, goes on to its next piece, and leaves."""

from __future__ import annotations

import math

from ....status import Status
from .atomic import take_next
from .elementary import compiled
from .layout import (
    C_M,
    EXPONENTIALS,
    INVERSE_C,
    LEAF_A,
    LEAF_HEIGHT,
    LEAF_INVERSE,
    LEAF_PLACE,
    LEAF_POWER,
    LEAF_SCALE,
    LEAF_SHIFT,
    LEAVES,
    LINOIDS,
    PARAMETER,
    PARAMETERS,
    Y,
)
from .options import MANY, MOST_STEPS, ROUNDING, SECOND, SMALLEST
from .stimulus import (
    ELEMENT,
    ENTERED,
    FRESH,
    LIVE,
    NEXT,
    NORM,
    PAST,
    PIECE,
    PROTOCOL,
    REJECTS,
    SAMPLE,
    STEPS,
    T_END,
    T_STOP,
    H,
    T,
    command,
    enter_piece,
)
from .vectors import pointer, width

UNDERFLOW, NONFINITE = int(Status.STEP_UNDERFLOW), int(Status.NONFINITE)
TOO_MANY = int(Status.MAX_STEPS)


@compiled
def attend(like, work, neuron, sines, lines, options, batch, out, clamped, events):
    """End what has arrived or cannot go on; go on to the next piece of the stimulus."""
    x, z, n, _ = work
    m = neuron[0]
    w = width(like)
    for e in range(w):
        if not (events >> e) & 1:
            continue
        t = z[T * w + e]
        if t >= z[T_STOP * w + e]:
            leave(w, z, n, out, e, 0)
            continue
        if clamped:
            n[FRESH * w + e] = 0
        if t >= z[T_END * w + e]:
            n[PIECE * w + e] += 1
            n[FRESH * w + e] = 0
            enter_piece(w, z, n, lines, e)
        elif z[H * w + e] <= max(ROUNDING * abs(t), SMALLEST):
            leave(w, z, n, out, e, UNDERFLOW)
            continue
        if clamped:
            x[m[Y] * w + e] = command(w, z, n, sines, e)
        allowed = options[MOST_STEPS] * (1.0 + t // SECOND + n[PIECE * w + e] // MANY)
        if z[STEPS * w + e] + z[REJECTS * w + e] >= allowed:
            leave(w, z, n, out, e, TOO_MANY)


@compiled
def leave(w, z, n, out, e, status):
    """An element is done; its column is free."""
    results = out[1]
    element = n[ELEMENT * w + e]
    if status == UNDERFLOW and not z[NORM * w + e] < math.inf:
        status = NONFINITE
    results[element, 0] = status
    results[element, 1] = int(z[STEPS * w + e])
    results[element, 2] = int(z[REJECTS * w + e])
    n[ELEMENT * w + e] = -1
    z[LIVE * w + e] = 0.0
    z[T * w + e], z[H * w + e] = 0.0, 1.0
    z[T_END * w + e] = z[T_STOP * w + e] = z[NEXT * w + e] = math.inf


@compiled
def fill_columns(like, work, neuron, lines, sines, batch, clamped):
    """Take elements of the queue to the columns that are free; whether there were any.

    Several threads may take from one queue.
    """
    x, z, n, _ = work
    m = neuron[0]
    queue, theta, theta_of, protocol_of, v0, _, _, t_stop, place = batch
    following = pointer(place)
    w = width(like)
    taken = False
    for e in range(w):
        if n[ELEMENT * w + e] >= 0 or following[0] >= len(queue):
            continue
        mine = take_next(following)
        if mine >= len(queue):
            continue
        element = queue[mine]
        n[ELEMENT * w + e], n[PROTOCOL * w + e] = element, protocol_of[element]
        n[PIECE * w + e] = n[SAMPLE * w + e] = n[FRESH * w + e] = 0
        n[ENTERED * w + e] = 1
        z[T * w + e] = z[STEPS * w + e] = z[REJECTS * w + e] = z[PAST * w + e] = 0.0
        z[LIVE * w + e], z[T_STOP * w + e] = 1.0, t_stop[element]
        parameters(w, m, x, theta[theta_of[element]], e)
        while piece_is_over(w, n, lines, e):
            n[PIECE * w + e] += 1
        enter_piece(w, z, n, lines, e)
        x[m[Y] * w + e] = command(w, z, n, sines, e) if clamped else v0[element]
        taken = True
    return taken


@compiled
def piece_is_over(w, n, lines, e):
    """Whether a piece after that of an element has begun at t = 0."""
    following = n[PIECE * w + e] + 1
    return following < lines.shape[1] and lines[n[PROTOCOL * w + e], following, 0] <= 0.0


@compiled
def parameters(w, m, x, theta, e):
    """The parameters of one element to its column."""
    for i in range(m[PARAMETERS]):
        x[(m[PARAMETER] + i) * w + e] = theta[i]
    for i in range(m[LEAVES]):
        place = m[m[LEAF_PLACE] + i]
        a = theta[place]
        x[(m[LEAF_A] + i) * w + e] = a
        if i < m[LINOIDS]:
            v0, k = theta[place + 1], theta[place + 2]
            x[(m[LEAF_INVERSE] + i) * w + e] = 1.0 / k
            x[(m[LEAF_SHIFT] + i) * w + e] = -v0 / k
            x[(m[LEAF_HEIGHT] + i) * w + e] = a * k
            if m[m[LEAF_POWER] + i] >= 0:
                off = v0 / k if i >= m[EXPONENTIALS] else -v0 / k
                x[(m[LEAF_SCALE] + i) * w + e] = math.exp(off)
    if m[C_M] >= 0:
        x[m[INVERSE_C] * w + e] = 1.0 / theta[m[C_M]]
