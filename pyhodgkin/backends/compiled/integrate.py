"""The adaptive time loop of a kernel: a few elements side by side, each with its own steps.

A column of the workspace holds one element of the batch until it has arrived or failed, and then
the next of the queue. What an element computes does not depend on its neighbours.
"""

from __future__ import annotations

import math

from numba import njit

from ...status import Status
from .elementary import compiled, exponential, logarithm
from .equations import right_hand_side, steady_state
from .layout import (
    BOUNDED,
    C_M,
    INVERSE_C,
    LEAF_A,
    LEAF_HEIGHT,
    LEAF_INVERSE,
    LEAF_PLACE,
    LEAF_SHIFT,
    LEAVES,
    LINOIDS,
    PARAMETER,
    PARAMETERS,
    STAGES,
    STATES,
    Y_NEW,
    Y,
)
from .methods import combined, explicit_step, rosenbrock_step
from .record import record, sample_start
from .stimulus import (
    ELEMENT,
    ENTERED,
    FRESH,
    LIVE,
    NEXT,
    NORM,
    PIECE,
    PROTOCOL,
    REJECTS,
    SAMPLE,
    SPARE,
    STEPS,
    T_END,
    T_STOP,
    H,
    T,
    command,
    enter_piece,
    stimulus,
)
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
# A step is too small when it is a few roundings of t, or as good as nothing, ms.
ROUNDING, SMALLEST = 16 * 2.0**-52, 1e-32
# `max_steps` holds for each second, and for each so many breakpoints.
SECOND, MANY = 1000.0, 100
UNDERFLOW, NONFINITE = int(Status.STEP_UNDERFLOW), int(Status.NONFINITE)
TOO_MANY = int(Status.MAX_STEPS)
RTOL, ATOL, V_SCALE, LONGEST, EXPONENT, MOST_STEPS = range(6)  # places in the options


@njit(inline="always")
def integrate(like, arrays, tables, lines, sines, tableau, gamma, options, flags, batch, out):
    """Solve the elements of a queue; False where it stopped before: there was no more room
    to write down steps, or so many were taken that Python is to look after other things.

    It is then called again, with the same arguments and emptied lists.

    Parameters
    ----------
    like : what is computed with: a number or a vector
    arrays : (x, z, n, counters)
        The workspace, and counters: the place in the queue, the rows of the two lists of
        steps, and how many steps may still be taken.
    tables : (m, c)
    lines, sines : array (protocols, pieces, 3), (protocols, pieces, sinusoids, 4)
    tableau : (a, c, matrix, d or weights of the error, dense)
    gamma : float, or None for an explicit method
    options : array (6,)
    flags : (clamped, moving, keep, watch)
    batch : (queue, theta, theta_of, protocol_of, v0, y0, saveat, t_stop)
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
    w = width(like)
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
            explicit_step(like, m, c, x, z, n, sines, method, stages, t, step, clamped)
        else:
            rosenbrock_step(
                like, m, c, x, z, n, sines, method, stages, gamma, t, step, clamped, moving
            )
        norm = error_norm(like, m, x, method[3], stages, gamma, step, options)
        store(z, NORM, convert(t, norm))
        cut = keep_gates(like, m, c, x)
        accepted = (norm <= 1.0) & live_in(like, z, norm)
        propose(like, z, norm, accepted, crossed, step, options)
        t_next = select(crossed, load(like, z, T_END), t + step)
        record(
            like,
            work,
            neuron,
            method[4],
            stages,
            powers,
            gamma,
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
def propose(like, z, norm, accepted, crossed, step, options):
    """The sizes of the next steps."""
    held = select(norm > 1e-10, norm, 1e-10)
    factor = SAFETY * exponential(options[EXPONENT] * logarithm(held))
    factor = select(factor < SHRINK, SHRINK, factor)
    factor = select(norm < math.inf, select(factor > GROW, GROW, factor), SHRINK)
    proposed = step * convert(step, factor)
    # A step cut short by a breakpoint says little about the next one: never shrink for it.
    h = load(like, z, H)
    longer = select(h > proposed, h, proposed)
    h = select(accepted & crossed, longer, proposed)
    store(z, H, select(h > options[LONGEST], options[LONGEST], h))


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
        store(x, m[Y] + j, select(accepted, after, before))
    if gamma is None:
        last = m[STAGES] + (stages - 1) * s
        for j in range(s):
            before, after = load(like, x, m[STAGES] + j), load(like, x, last + j)
            store(x, m[STAGES] + j, select(accepted, after, before))
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
    """Take elements of the queue to the columns that are free; whether there were any."""
    x, z, n, counters = work
    m = neuron[0]
    queue, theta, theta_of, protocol_of, v0, _, _, t_stop = batch
    w = width(like)
    taken = False
    for e in range(w):
        if n[ELEMENT * w + e] >= 0 or counters[0] >= len(queue):
            continue
        element = queue[counters[0]]
        counters[0] += 1
        n[ELEMENT * w + e], n[PROTOCOL * w + e] = element, protocol_of[element]
        n[PIECE * w + e] = n[SAMPLE * w + e] = n[FRESH * w + e] = 0
        n[ENTERED * w + e] = 1
        z[T * w + e] = z[STEPS * w + e] = z[REJECTS * w + e] = 0.0
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
    if m[C_M] >= 0:
        x[m[INVERSE_C] * w + e] = 1.0 / theta[m[C_M]]


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
