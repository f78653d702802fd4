"""The discrete adjoint in a kernel: the exact derivative of the steps that were taken.

Each step of an element is computed again from its start, and what flows back to its end and to the
samples inside it goes on to its start and to the parameters. Step sizes are constants.
"""

from __future__ import annotations

from numba import njit

from .columns import parameters
from .elementary import compiled
from .layout import (
    BOUNDED,
    DENSE_BAR,
    END_BAR,
    PARAMETER_BAR,
    PARAMETERS,
    START_BAR,
    STATES,
    Y,
)
from .step_pullback import explicit_pullback, rosenbrock_pullback
from .stimulus import ELEMENT, PIECE, PROTOCOL, SAMPLE, T_END, T_STOP, H, T, command, enter_piece
from .vectors import fill, load, pointer, select, store, width

TINY = 1e-9  # ms: a step of an element that has none left


@njit(inline="always")
def adjoint(like, arrays, tables, lines, sines, tableau, gamma, flags, batch, steps, bars, out):
    """Gradients of a batch by parameters and starts.

    Parameters
    ----------
    like : vector
    arrays : (x, z, n)
        The workspace.
    tables : (m, c)
    tableau : (a, c, matrix, d or error weights, dense, weights)
    gamma : float
        Of a Rosenbrock method; 0 for an explicit one.
    flags : (clamped, moving)
    batch : (queue, theta, theta_of, protocol_of, saveat)
    steps : (first (B,), count (B,), integers (N, 2), numbers (N, 3 + S))
    bars : (samples (B, T, S), what flows back to them)
    out : (parameters (B, P), starts (B, S))
    """
    work = (pointer(arrays[0]), pointer(arrays[1]), pointer(arrays[2]))
    neuron = (pointer(tables[0]), pointer(tables[1]))
    method = (
        pointer(tableau[0]),
        pointer(tableau[1]),
        pointer(tableau[2]),
        pointer(tableau[3]),
        pointer(tableau[4]),
        pointer(tableau[5]),
    )
    stages, powers, w = len(tableau[1]), len(tableau[4]), width(like)
    x, z, _ = work
    m, c = neuron
    queue, count = batch[0], steps[1]
    for group in range(0, len(queue), w):
        longest = 0
        for e in range(w):
            element = queue[min(group + e, len(queue) - 1)]
            longest = max(longest, count[element])
            take_element(w, work, m, batch, steps, element, e)
        for j in range(m[PARAMETERS]):
            store(x, m[PARAMETER_BAR] + j, fill(like, 0.0))
        for j in range(m[STATES]):
            store(x, m[END_BAR] + j, fill(like, 0.0))
        for i in range(longest - 1, -1, -1):
            no_bars(like, m, x, powers)
            for e in range(w):
                enter_step(w, work, m, c, lines, sines, batch, steps, bars, powers, flags, i, e)
            t, h = load(like, z, T), load(like, z, H)
            if gamma == 0.0:
                explicit_pullback(like, m, c, work, sines, method, stages, powers, t, h, flags[0])
            else:
                rosenbrock_pullback(
                    like,
                    m,
                    c,
                    work,
                    sines,
                    method,
                    stages,
                    powers,
                    gamma,
                    t,
                    h,
                    flags[0],
                    flags[1],
                )
            to_step_before(like, m, c, x, i)
        for e in range(min(w, len(queue) - group)):
            leave(w, work, m, batch, bars, out, queue[group + e], e, count)


@compiled
def take_element(w, work, m, batch, steps, element, e):
    """An element to its column, at the end of its last step."""
    x, z, n = work
    _, theta, theta_of, protocol_of, saveat = batch
    first, count, _, numbers = steps
    n[ELEMENT * w + e], n[PROTOCOL * w + e] = element, protocol_of[element]
    n[PIECE * w + e] = -1
    parameters(w, m, x, theta[theta_of[element]], e)
    row, sample = element if len(saveat) > 1 else 0, saveat.shape[1] - 1
    end = numbers[first[element] + count[element] - 1, 2] if count[element] > 0 else 0.0
    while sample >= 0 and saveat[row, sample] > end:
        sample -= 1
    n[SAMPLE * w + e] = sample
    z[T_STOP * w + e] = z[T_END * w + e] = 0.0
    for j in range(m[STATES]):
        x[(m[Y] + j) * w + e] = 0.0
    z[T * w + e], z[H * w + e] = 0.0, TINY


@compiled
def no_bars(like, m, x, powers):
    """Nothing flows back yet to the start of a step and its polynomial."""
    for j in range(m[STATES]):
        store(x, m[START_BAR] + j, fill(like, 0.0))
        for p in range(powers):
            store(x, m[DENSE_BAR] + p * m[STATES] + j, fill(like, 0.0))


@compiled
def to_step_before(like, m, c, x, i):
    """What flows back to the start of a step flows to the end of that before, where it was not cut.

    A gate that had left [0, 1] at the end of a step is at its edge.
    """
    for j in range(m[STATES]):
        bar = load(like, x, m[START_BAR] + j)
        if i > 0 and c[m[BOUNDED] + j] != 0.0:
            y = load(like, x, m[Y] + j)
            bar = select((y > 0.0) & (y < 1.0), bar, 0.0)
        store(x, m[END_BAR] + j, bar)


@compiled
def enter_step(w, work, m, c, lines, sines, batch, steps, bars, powers, flags, i, e):
    """Step `i` of an element to its column; its last one, very short, where it has fewer."""
    x, z, n = work
    first, count, integers, numbers = steps
    element = n[ELEMENT * w + e]
    if count[element] == 0:
        if n[PIECE * w + e] < 0:
            n[PIECE * w + e] = 0
            enter_piece(w, z, n, lines, e)
        return
    row = first[element] + min(i, count[element] - 1)
    if n[PIECE * w + e] != integers[row, 1]:
        n[PIECE * w + e] = integers[row, 1]
        enter_piece(w, z, n, lines, e)
    z[T * w + e] = numbers[row, 0]
    for j in range(m[STATES]):
        x[(m[Y] + j) * w + e] = numbers[row, 3 + j]
    if flags[0]:
        x[m[Y] * w + e] = command(w, z, n, sines, e)
    if i >= count[element]:
        z[H * w + e] = TINY
        return
    z[H * w + e] = numbers[row, 1]
    from_samples(w, work, m, c, batch, bars, powers, element, e)


@compiled
def from_samples(w, work, m, c, batch, bars, powers, element, e):
    """What flows back from the samples in a step to its start and its polynomial."""
    x, z, n = work
    saveat, (samples, cotangent) = batch[4], bars
    place = element if len(saveat) > 1 else 0
    while n[SAMPLE * w + e] >= 0:
        k = n[SAMPLE * w + e]
        off = saveat[place, k] - z[T * w + e]
        if not off > 0.0:
            return
        for j in range(m[STATES]):
            bar = cotangent[element, k, j]
            if bar == 0.0:
                continue
            y = samples[element, k, j]
            if c[m[BOUNDED] + j] != 0.0 and not (0.0 < y < 1.0):
                continue  # nothing flows back through a sample that was cut
            x[(m[START_BAR] + j) * w + e] += bar
            power = off / z[H * w + e]
            for p in range(powers):
                at = (m[DENSE_BAR] + p * m[STATES] + j) * w + e
                x[at] += bar * power
                power *= off / z[H * w + e]
        n[SAMPLE * w + e] = k - 1


@compiled
def leave(w, work, m, batch, bars, out, element, e, count):
    """The gradients of an element to where they belong; samples at its start are the start."""
    x, _, n = work
    for j in range(m[PARAMETERS]):
        total = x[(m[PARAMETER_BAR] + j) * w + e]
        out[0][element, j] = total if count[element] > 0 else 0.0
    for j in range(m[STATES]):
        total = x[(m[END_BAR] + j) * w + e] if count[element] > 0 else 0.0
        for k in range(n[SAMPLE * w + e] + 1):
            total += bars[1][element, k, j]
        out[1][element, j] = total
