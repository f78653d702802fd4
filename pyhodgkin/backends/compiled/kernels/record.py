"""What a kernel writes down of its steps: samples, the steps themselves, those in which v rises."""

from __future__ import annotations

import math

from .elementary import compiled
from .layout import BOUNDED, DENSE, STAGES, STATES, Y
from .methods import combined
from .options import CROSSING
from .stimulus import AT, ELEMENT, ENTERED, NEXT, PIECE, SAMPLE, SPARE, SUM
from .vectors import bits_of, convert, fill, fma, load, select, store, width

SLACK = 1e-3  # mV: a crossing may lie between the ends of two steps, a rounding apart
PLACES = 8  # a polynomial is looked at in so many parts of its step


@compiled
def next_sample(w, z, n, saveat, e):
    """When the next sample of one element is, to its slot."""
    row = n[ELEMENT * w + e] if len(saveat) > 1 else 0
    place = n[SAMPLE * w + e]
    z[NEXT * w + e] = saveat[row, place] if place < saveat.shape[1] else math.inf


@compiled
def sample_start(w, work, m, batch, out):
    """Samples at the start of the elements that have just been taken."""
    x, z, n, _ = work
    saveat, samples = batch[6], out[0]
    for e in range(w):
        if not n[ENTERED * w + e]:
            continue
        n[ENTERED * w + e] = 0
        next_sample(w, z, n, saveat, e)
        while z[NEXT * w + e] <= 0.0:
            for j in range(samples.shape[2]):
                samples[n[ELEMENT * w + e], n[SAMPLE * w + e], j] = x[(m[Y] + j) * w + e]
            n[SAMPLE * w + e] += 1
            next_sample(w, z, n, saveat, e)


@compiled
def record(
    like,
    work,
    neuron,
    dense,
    stages,
    powers,
    gamma,
    options,
    flags,
    batch,
    out,
    t,
    h,
    t_next,
    accepted,
):
    """Write down the accepted steps; nothing where nothing is asked for."""
    x, z = work[0], work[1]
    m = neuron[0]
    keep, watch = flags[2], flags[3]
    now = bits_of(accepted)
    sampled = now & bits_of(load(like, z, NEXT) <= t_next)
    if keep:
        keep_steps(like, work, m, out, now, t, h, t_next)
    if not (sampled or watch):
        return
    s, few = m[STATES], out[0].shape[2]
    for p in range(powers):
        for j in range(few if sampled else 1):
            found = combined(like, x, m[STAGES], s, j, dense, p * stages, stages)
            store(x, m[DENSE] + p * s + j, found)
    if gamma is None:  # the stages are slopes
        step = convert(like, h)
        for p in range(powers):
            for j in range(few if sampled else 1):
                place = m[DENSE] + p * s + j
                store(x, place, step * load(like, x, place))
    if watch:
        watch_voltage(like, work, m, powers, options, out, now, t, h)
    if sampled:
        sample(like, work, neuron, powers, batch, out, sampled, t, h, t_next)


@compiled
def sample(like, work, neuron, powers, batch, out, sampled, t, h, t_next):
    """Samples inside the steps, from their polynomials: of as many states as there is room for."""
    x, z, n, _ = work
    m, c = neuron
    saveat, samples = batch[6], out[0]
    w, s = width(like), m[STATES]
    store(z, AT, t)
    store(z, SPARE, h)
    store(z, SUM, t_next)
    for e in range(w):
        if not (sampled >> e) & 1:
            continue
        element, start, size = n[ELEMENT * w + e], z[AT * w + e], z[SPARE * w + e]
        while z[NEXT * w + e] <= z[SUM * w + e]:
            part = (z[NEXT * w + e] - start) / size
            for j in range(samples.shape[2]):
                total = x[(m[DENSE] + (powers - 1) * s + j) * w + e]
                for p in range(powers - 2, -1, -1):
                    total = total * part + x[(m[DENSE] + p * s + j) * w + e]
                y = x[(m[Y] + j) * w + e] + total * part
                if c[m[BOUNDED] + j] != 0.0:
                    y = min(max(y, 0.0), 1.0)
                samples[element, n[SAMPLE * w + e], j] = y
            n[SAMPLE * w + e] += 1
            next_sample(w, z, n, saveat, e)


@compiled
def keep_steps(like, work, m, out, accepted, t, h, t_next):
    """The accepted steps as rows: element and piece; t, h, the end and the state at the start."""
    x, z, n, counters = work
    integers, numbers = out[2], out[3]
    w = width(like)
    store(z, AT, t)
    store(z, SPARE, h)
    store(z, SUM, t_next)
    for e in range(w):
        if (accepted >> e) & 1:
            row = counters[1]
            counters[1] += 1
            integers[row, 0], integers[row, 1] = n[ELEMENT * w + e], n[PIECE * w + e]
            numbers[row, 0], numbers[row, 1] = z[AT * w + e], z[SPARE * w + e]
            numbers[row, 2] = z[SUM * w + e]
            for j in range(m[STATES]):
                numbers[row, 3 + j] = x[(m[Y] + j) * w + e]


@compiled
def may_cross(like, x, m, powers, threshold):
    """The columns, as bits, in which v may cross the threshold within the step: bounds of v."""
    top = load(like, x, m[Y])
    bottom, nothing = top, fill(like, 0.0)
    for p in range(powers):
        part = load(like, x, m[DENSE] + p * m[STATES])
        top = top + select(part > 0.0, part, nothing)
        bottom = bottom + select(part < 0.0, part, nothing)
    return bits_of(top >= threshold - SLACK) & bits_of(bottom <= threshold + SLACK)


@compiled
def watch_voltage(like, work, m, powers, options, out, accepted, t, h):
    """The accepted steps in which v rises as rows: t, h and the coefficients of v."""
    x, z, n, counters = work
    w, s = width(like), m[STATES]
    if not math.isnan(options[CROSSING]):  # then only the steps that may cross this are wanted
        accepted &= may_cross(like, x, m, powers, options[CROSSING])
        if not accepted:
            return
    before, rises = fill(like, 0.0), fill(like, 0.0) > 1.0
    for i in range(1, PLACES + 1):
        part = i / PLACES
        value = load(like, x, m[DENSE] + (powers - 1) * s)
        for p in range(powers - 2, -1, -1):
            value = fma(part, value, load(like, x, m[DENSE] + p * s))
        value = value * part
        rises = rises | (value > before)
        before = value
    rising = bits_of(rises) & accepted
    if not rising:
        return
    store(z, AT, t)
    store(z, SPARE, h)
    elements, numbers = out[4], out[5]
    for e in range(w):
        if (rising >> e) & 1:
            row = counters[2]
            counters[2] += 1
            elements[row] = n[ELEMENT * w + e]
            numbers[row, 0], numbers[row, 1] = z[AT * w + e], z[SPARE * w + e]
            numbers[row, 2] = x[m[Y] * w + e]
            for p in range(powers):
                numbers[row, 3 + p] = x[(m[DENSE] + p * s) * w + e]
