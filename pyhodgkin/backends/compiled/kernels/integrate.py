"""The adaptive time loop of a kernel: a few elements side by side, each with its own steps.

A column of the workspace holds one element of the batch until it has arrived or failed, and then
the next of the queue. What an element computes does not depend on its neighbours.
"""

from __future__ import annotations

import math

from numba import njit

from .columns import attend, fill_columns
from .elementary import compiled, exponential, logarithm
from .layout import BOUNDED, STAGES, STATES, Y_NEW, Y
from .methods import combined, explicit_step, rosenbrock_step
from .options import ATOL, EXPONENT, LONGEST, MOST_STEPS, ROUNDING, RTOL, SMALLEST, V_SCALE
from .record import record, sample_start
from .start import begin, first_stage
from .stimulus import FRESH, LIVE, NORM, PAST, REJECTS, STEPS, T_END, H, T
from .vectors import (
    absolute,
    any_of,
    bits_of,
    convert,
    fill,
    fma,
    load,
    pointer,
    root,
    select,
    store,
    width,
)

SAFETY, SHRINK, GROW = 0.9, 0.2, 5.0
MOST_CHANGE = 100.0  # over which an error is not believed to have been too small


@njit(inline="always")
def integrate(like, arrays, tables, lines, sines, tableau, gamma, options, flags, batch, out):
    """Solve the elements of a queue; False where it stopped before: there was no more room
    to write down steps, or so many were taken that Python is to look after other things.

    It is then called again, with the same arguments and emptied lists.

    Parameters
    ----------
    like : what is computed with: a number or a vector
    arrays : (x, z, n, counters)
        The workspace, and counters: the rows of the two lists of steps from the second on, and
        how many steps may still be taken.
    tables : (m, c)
    lines, sines : array (protocols, pieces, 3), (protocols, pieces, sinusoids, 4)
    tableau : (a, c, matrix, d or weights of the error, dense)
    gamma : float, or None for an explicit method
    options : array (8,)
    flags : (clamped, moving, keep, watch)
    batch : (queue, theta, theta_of, protocol_of, v0, y0, saveat, t_stop, place in the queue (1,))
    out : (samples, results, tape_integers, tape_numbers, rising_element, rising_numbers)
    """
    work = (pointer(arrays[0]), pointer(arrays[1]), pointer(arrays[2]), pointer(arrays[3]))
    neuron = (pointer(tables[0]), pointer(tables[1]))
    a, nodes, matrix = pointer(tableau[0]), pointer(tableau[1]), pointer(tableau[2])
    method = (a, nodes, matrix, pointer(tableau[3]), pointer(tableau[4]))
    stages, powers = len(tableau[1]), len(tableau[4])
    x, z, n, counters = work
    m, c = neuron
    clamped, moving = flags[0], flags[1]
    w, most = width(like), MOST_CHANGE ** -options[EXPONENT]
    while True:
        full = counters[1] + w > len(out[2]) or counters[2] + w > len(out[4])
        if full or counters[3] == 0:
            return False
        counters[3] -= 1
        while fill_columns(like, work, neuron, lines, sines, batch, clamped):
            begin(like, work, neuron, sines, options, batch, clamped)
            sample_start(w, work, m, batch, out)
        if not any_of(load(like, z, LIVE) > 0.5):
            return True
        t, h = load(like, z, T), load(like, z, H)
        left = load(like, z, T_END) - t
        crossed = h >= left * (1.0 - 1e-6)
        step = select(crossed, left, h)
        if gamma is None:
            first_stage(like, work, neuron, sines, t, clamped)
            explicit_step(like, m, c, x, z, n, sines, method, stages, t, step, clamped, moving)
        else:
            rosenbrock_step(
                like, m, c, x, z, n, sines, method, stages, gamma, t, step, clamped, moving
            )
        norm = error_norm(like, m, x, method[3], stages, gamma, step, options)
        store(z, NORM, convert(t, norm))
        cut = keep_gates(like, m, c, x)
        accepted = (norm <= 1.0) & live_in(like, z, norm)
        propose(like, z, norm, accepted, crossed, step, options, most, gamma is not None)
        t_next = select(crossed, load(like, z, T_END), t + step)
        record(
            like,
            work,
            neuron,
            method[4],
            stages,
            powers,
            gamma,
            options,
            flags,
            batch,
            out,
            t,
            step,
            t_next,
            accepted,
        )
        take(like, work, m, stages, gamma, t, t_next, accepted, cut)
        events = happened(like, z, norm, accepted, crossed, clamped, options)
        if events:
            attend(like, work, neuron, sines, lines, options, batch, out, clamped, events)


@compiled
def live_in(like, z, norm):
    """Which columns hold an element, as a condition on numbers of the precision of `norm`."""
    return convert(norm, load(like, z, LIVE)) > 0.5


@compiled
def propose(like, z, norm, accepted, crossed, step, options, most, predict):
    """The sizes of the next steps.

    `predict` goes on with what the errors of the last two steps made of their sizes: K. Gustafsson,
    ACM Trans. Math. Softw. 20, 496-517 (1994), 10.1145/198429.198437.
    """
    held = select(norm > 1e-10, norm, 1e-10)
    change = exponential(options[EXPONENT] * logarithm(held))
    factor = SAFETY * change
    if predict:
        past, size = convert(like, load(like, z, PAST)), convert(like, step)
        ahead = factor * (size * past * change)
        factor = select(accepted & (past > 0.0) & (ahead < factor), ahead, factor)
        known = convert(step, 1.0 / (size * select(change > most, most, change)))
        gone_on = select(crossed, fill(step, 0.0), known)
        store(z, PAST, select(accepted, gone_on, apart(load(like, z, PAST))))
    factor = select(factor < SHRINK, SHRINK, factor)
    factor = select(norm < math.inf, select(factor > GROW, GROW, factor), SHRINK)
    proposed = step * convert(step, factor)
    # A step cut short by a breakpoint says little about the next one: never shrink for it.
    h = load(like, z, H)
    longer = select(h > proposed, h, proposed)
    h = select(accepted & crossed, longer, proposed)
    store(z, H, select(h > options[LONGEST], options[LONGEST], h))


@compiled
def apart(x):
    """`x`, so that its place is written with all that is chosen between it and another value.

    Compilers would write only what changes, with an instruction that takes many times as long.
    """
    return x + 0.0


@compiled
def take(like, work, m, stages, gamma, t, t_next, accepted, cut):
    """The accepted steps become the state; where a gate was cut the last stage is of no use."""
    x, z, n, _ = work
    s, w = m[STATES], width(like)
    store(z, T, select(accepted, t_next, t))
    one, none = fill(t, 1.0), fill(t, 0.0)
    live = load(like, z, LIVE)
    store(z, STEPS, load(like, z, STEPS) + select(accepted, one, none))
    store(z, REJECTS, load(like, z, REJECTS) + select(accepted, none, live))
    for j in range(s):
        before, after = load(like, x, m[Y] + j), load(like, x, m[Y_NEW] + j)
        store(x, m[Y] + j, select(accepted, after, apart(before)))
    if gamma is None:
        last = m[STAGES] + (stages - 1) * s
        for j in range(s):
            before, after = load(like, x, m[STAGES] + j), load(like, x, last + j)
            store(x, m[STAGES] + j, select(accepted, after, apart(before)))
        stale = cut & bits_of(accepted)
        if stale:
            for e in range(w):
                if (stale >> e) & 1:
                    n[FRESH * w + e] = 0


@compiled
def happened(like, z, norm, accepted, crossed, clamped, options):
    """The columns, as bits, in which more than the next step is to be looked at."""
    t, h = load(like, z, T), load(like, z, H)
    tiny = ROUNDING * absolute(t)
    stuck = h <= select(tiny > SMALLEST, tiny, SMALLEST)
    spent = load(like, z, STEPS) + load(like, z, REJECTS) >= options[MOST_STEPS]
    events = bits_of(accepted & crossed) | (bits_of(stuck) & ~bits_of(accepted)) | bits_of(spent)
    if clamped:
        events |= bits_of(accepted)
    return events & bits_of(load(like, z, LIVE) > 0.5)


@compiled
def error_norm(like, m, x, weights, count, gamma, step, options):
    """The root mean square of the estimated errors over what is allowed."""
    s, stages = m[STATES], m[STAGES]
    h = convert(like, step)
    total = fill(like, 0.0)
    for j in range(s):
        if gamma is None:
            error = h * combined(like, x, stages, s, j, weights, 0, count)
        else:
            error = load(like, x, stages + (count - 1) * s + j)
        before, after = absolute(load(like, x, m[Y] + j)), absolute(load(like, x, m[Y_NEW] + j))
        size = select(before > after, before, after)
        allowed = fma(options[RTOL], size, options[ATOL] * (options[V_SCALE] if j == 0 else 1.0))
        ratio = error / allowed
        total = fma(ratio, ratio, total)
    return root(total / float(s))


@compiled
def keep_gates(like, m, c, x):
    """The gates that cannot leave [0, 1] back into it; the columns, as bits, where one had."""
    cut = 0
    for j in range(1, m[STATES]):
        if c[m[BOUNDED] + j] != 0.0:
            y = load(like, x, m[Y_NEW] + j)
            low, high = y < 0.0, y > 1.0
            cut |= bits_of(low) | bits_of(high)
            store(x, m[Y_NEW] + j, select(high, 1.0, select(low, 0.0, y)))
    return cut
