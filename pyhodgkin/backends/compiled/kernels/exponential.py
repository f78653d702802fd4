"""A step of the exponential scheme in a kernel, and the time loop with steps of a fixed size.

The gates take half a step with the voltage held, the voltage a whole exponential step with the
gates held, the gates the other half: 10.1109/TBME.1978.326270, symmetrised.
"""

from __future__ import annotations

import math

from numba import njit

from ....status import Status
from .columns import attend, fill_columns, leave
from .curves import curves, curves_and_slopes
from .elementary import compiled, exponential, linoid
from .equations import free_gate
from .gates import FREE, INSTANTANEOUS, rates, rates_and_slopes
from .integrate import take
from .jacobian import current_and_slopes
from .layout import (
    GATE_A,
    GATE_KIND,
    GATE_S,
    GATE_STATE,
    GATE_X,
    GATES,
    INVERSE_C,
    MATRIX,
    STAGES,
    STATES,
    Y_NEW,
    Y,
)
from .options import DT, MOST_STEPS
from .record import record, sample_start
from .start import begin
from .stimulus import ENTERED, FRESH, LIVE, REMAINING, STEPS, T_END, T_STOP, H, T, stimulus
from .vectors import any_of, bits_of, convert, fill, fma, load, pointer, select, store, width

NONFINITE = int(Status.NONFINITE)


@compiled
def relax_gates(like, m, c, x, v, source, half, target):
    """The gates after `half` at a held voltage, whose rates are there; exact but for free ones."""
    for g in range(m[GATES]):
        kind = m[m[GATE_KIND] + g]
        if kind == INSTANTANEOUS:
            continue
        state = m[m[GATE_STATE] + g]
        own = load(like, x, source + state)
        if kind == FREE:
            middle = fma(0.5 * half, free_gate(like, m, c, x, v, own, g), own)
            own = fma(half, free_gate(like, m, c, x, v, middle, g), own)
        else:
            s = load(like, x, m[GATE_S] + g)
            level = load(like, x, m[GATE_A] + g) / s
            own = fma(own - level, exponential(-half * s), level)
        store(x, target + state, own)


@compiled
def relax_voltage(like, m, c, x, v, gates, u, h):
    """The voltage after `h` with the gates held: exponential, second order."""
    instantaneous = False
    for g in range(m[GATES]):
        instantaneous = instantaneous or m[m[GATE_KIND] + g] == INSTANTANEOUS
    if instantaneous:  # their slopes are part of that of the current
        curves_and_slopes(like, m, c, x, v)
        rates_and_slopes(like, m, c, x, v)
    for g in range(m[GATES]):
        if m[m[GATE_KIND] + g] != INSTANTANEOUS:
            store(x, m[GATE_X] + g, load(like, x, gates + m[m[GATE_STATE] + g]))
    for j in range(m[STATES]):
        store(x, m[MATRIX] + j, fill(like, 0.0))
    inverse = load(like, x, m[INVERSE_C])
    total = current_and_slopes(like, m, c, x, v, inverse)
    slope = load(like, x, m[MATRIX])
    return v + h * ((u - total) * inverse) / linoid(-h * slope)


@compiled
def exponential_step(like, m, c, x, z, n, sines, t, h, clamped):
    """A step from the slots `Y` to `Y_NEW`; the change of the state to those of a stage."""
    s, step = m[STATES], convert(like, h)
    half, new = 0.5 * step, m[Y_NEW]
    v = load(like, x, m[Y])
    if stale(width(like), n):
        curves(like, m, c, x, v)
        rates(like, m, c, x, v)
    relax_gates(like, m, c, x, v, m[Y], half, new)
    if clamped:
        v = stimulus(like, z, n, sines, t + h, 0)
    else:
        u = stimulus(like, z, n, sines, t + 0.5 * h, 0)
        v = relax_voltage(like, m, c, x, v, new, u, step)
    store(x, new, v)
    curves(like, m, c, x, v)
    rates(like, m, c, x, v)
    relax_gates(like, m, c, x, v, new, half, new)
    for j in range(s):
        store(x, m[STAGES] + j, load(like, x, new + j) - load(like, x, m[Y] + j))


@compiled
def stale(w, n):
    """Whether the rates at the start of a step are not those at the end of the one before."""
    found = False
    for e in range(w):
        found = found or n[FRESH * w + e] == 0
        n[FRESH * w + e] = 1
    return found


@compiled
def divide(w, z, options, e):
    """How many steps are left in the piece of an element, and their size."""
    left = max(z[T_END * w + e] - z[T * w + e], 1e-12)
    count = max(math.ceil(left / options[DT] - 1e-9), 1.0)
    z[REMAINING * w + e], z[H * w + e] = count, left / count


@njit(inline="always")
def integrate_fixed(like, arrays, tables, lines, sines, dense, options, flags, batch, out):
    """As `integrate.integrate`, in steps of a size that divides each piece of the stimulus.

    `dense` (1, 1) holds a one: inside a step states are on a line.
    """
    work = (pointer(arrays[0]), pointer(arrays[1]), pointer(arrays[2]), pointer(arrays[3]))
    neuron = (pointer(tables[0]), pointer(tables[1]))
    line = pointer(dense)
    x, z, n, counters = work
    m, c = neuron
    clamped, w = flags[0], width(like)
    while True:
        full = counters[1] + w > len(out[2]) or counters[2] + w > len(out[4])
        if full or counters[3] == 0:
            return False
        counters[3] -= 1
        while fill_columns(like, work, neuron, lines, sines, batch, clamped):
            begin(like, work, neuron, sines, options, batch, clamped)
            for e in range(w):
                if n[ENTERED * w + e]:
                    divide(w, z, options, e)
            sample_start(w, work, m, batch, out)
        live = load(like, z, LIVE) > 0.5
        if not any_of(live):
            return True
        t, h, remaining = load(like, z, T), load(like, z, H), load(like, z, REMAINING)
        exponential_step(like, m, c, x, z, n, sines, t, h, clamped)
        crossed = live & (remaining < 1.5)
        t_next = select(crossed, load(like, z, T_END), t + h)
        accepted = convert(like, load(like, z, LIVE)) > 0.5
        record(
            like, work, neuron, line, 1, 1, 1.0, options, flags, batch, out, t, h, t_next, accepted
        )
        take(like, work, m, 1, 1.0, t, t_next, accepted, 0)
        store(z, REMAINING, remaining - fill(t, 1.0))
        spent = load(like, z, STEPS) >= options[MOST_STEPS]
        events = bits_of(crossed) | (bits_of(spent) & bits_of(live))
        if events:
            after(like, work, neuron, sines, lines, options, batch, out, clamped, events)


@compiled
def after(like, work, neuron, sines, lines, options, batch, out, clamped, events):
    """End the elements that have arrived; go on to the next piece of the others."""
    x, z, n, _ = work
    m, w = neuron[0], width(like)
    going = 0
    for e in range(w):
        if not (events >> e) & 1:
            continue
        if z[T * w + e] >= z[T_STOP * w + e]:
            finite = True
            for j in range(m[STATES]):
                finite = finite and abs(x[(m[Y] + j) * w + e]) < math.inf
            leave(w, z, n, out, e, 0 if finite else NONFINITE)
        else:
            going |= 1 << e
    if going:
        attend(like, work, neuron, sines, lines, options, batch, out, clamped, going)
        for e in range(w):
            if (going >> e) & 1 and z[REMAINING * w + e] < 0.5:
                divide(w, z, options, e)
