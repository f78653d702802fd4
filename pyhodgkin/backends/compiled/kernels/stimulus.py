"""The stimulus of every element in a kernel: a line and sinusoids, as in `protocols.Segments`.

Times are in double precision whatever the states are in. The piece that holds now lies in slots of
`z`, of each element its own; sinusoids are evaluated one element after the other.
"""

from __future__ import annotations

import math

from .elementary import compiled
from .vectors import convert, load, store, width

# -- slots of z ---------------------------------------------------------------------------
(
    T,
    H,
    T_END,  # of the piece that holds
    T_STOP,  # of the solve
    NEXT,  # sample
    START,  # of the piece: its time, value and slope there
    OFFSET,
    RATE,
    AT,  # where sinusoids are evaluated, and their sum
    SUM,
    SPARE,
    NORM,  # of the error of the last step
    LIVE,  # 1 for a column that holds an element
    STEPS,  # accepted, and rejected
    REJECTS,
    REMAINING,  # steps of fixed size in the piece that holds
    PAST,  # of the step before: 1 over its size and what its error made of that; 0 if unknown
    N_Z,
) = range(18)

# -- rows of n: of each element an integer --------------------------------------------------
(
    ELEMENT,  # which of the batch it is; -1 for none
    PROTOCOL,
    PIECE,
    SAMPLE,  # the next one
    FRESH,  # whether the first stage is known from the last step
    ENTERED,  # 1 until its first step
    N_N,
) = range(7)


@compiled
def stimulus(like, z, n, sines, t, order):
    """The stimulus at `t`, or its first or second derivative, in the precision of `like`."""
    off = t - load(like, z, START)
    if order == 0:
        line = load(like, z, OFFSET) + load(like, z, RATE) * off
    elif order == 1:
        line = load(like, z, RATE)
    else:
        line = 0.0 * off
    if sines.shape[2] > 0:
        store(z, AT, off)
        sinusoids(width(like), z, n, sines, order)
        line = line + load(like, z, SUM)
    return convert(like, line)


@compiled
def sinusoids(w, z, n, sines, order):
    """Their sum, or that of their derivatives, at the times in the slot `AT`, to the slot `SUM`."""
    for e in range(w):
        total = 0.0
        if n[ELEMENT * w + e] >= 0:
            protocol, piece = n[PROTOCOL * w + e], n[PIECE * w + e]
            tau = z[AT * w + e]
            for j in range(sines.shape[2]):
                total += sinusoid(sines, protocol, piece, j, tau, order)
        z[SUM * w + e] = total


@compiled
def sinusoid(sines, protocol, piece, j, tau, order):
    amplitude = sines[protocol, piece, j, 0]
    omega, chirp = sines[protocol, piece, j, 1], sines[protocol, piece, j, 2]
    angle = sines[protocol, piece, j, 3] + tau * (omega + 0.5 * chirp * tau)
    speed = omega + chirp * tau
    if order == 0:
        return amplitude * math.sin(angle)
    if order == 1:
        return amplitude * speed * math.cos(angle)
    return amplitude * (chirp * math.cos(angle) - speed * speed * math.sin(angle))


@compiled
def command(w, z, n, sines, e):
    """The value of the stimulus of one element at its own time."""
    tau = z[T * w + e] - z[START * w + e]
    total = z[OFFSET * w + e] + z[RATE * w + e] * tau
    for j in range(sines.shape[2]):
        total += sinusoid(sines, n[PROTOCOL * w + e], n[PIECE * w + e], j, tau, 0)
    return total


@compiled
def enter_piece(w, z, n, lines, e):
    """Take the numbers of the piece of one element to its slots."""
    protocol, piece = n[PROTOCOL * w + e], n[PIECE * w + e]
    z[START * w + e] = lines[protocol, piece, 0]
    z[OFFSET * w + e] = lines[protocol, piece, 1]
    z[RATE * w + e] = lines[protocol, piece, 2]
    stop = z[T_STOP * w + e]
    following = lines[protocol, piece + 1, 0] if piece + 1 < lines.shape[1] else math.inf
    z[T_END * w + e] = min(stop, following)
