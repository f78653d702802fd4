"""Spikes to the conductances that they open, each at its own time within a step.

What arrives in a step is added to a ring of steps: to each component of a conductance its value at
the start of the step, or at the arrival where that is later, and its value at the end of the step.
"""

from __future__ import annotations

from ..kernels.elementary import compiled, exponential
from . import columns as at


@compiled
def shares(kind, numbers, late, after):
    """What a weight of one is `late` ms after its arrival, and at the end of the step, by parts."""
    rate = 1.0 / numbers[at.TAU]
    a, b = exponential(-late * rate), exponential(-after * rate)
    if kind == at.EXPONENTIAL:
        return a, b, 0.0, 0.0
    if kind == at.ALPHA:
        return a, b, late * rate * a, after * rate * b
    rate = 1.0 / numbers[at.TAU_2]
    return a, b, exponential(-late * rate), exponential(-after * rate)


@compiled
def arrival(time, delay, step, h):
    """The step in which a spike arrives, its lateness, and the time left in that step, ms."""
    s = time + delay
    k = max(int(s / h), step)
    after = max((k + 1) * h - s, 0.0)
    return k, max(after - h, 0.0), after


@compiled
def first_at_least(targets, low, high, wanted):
    """The first place in targets[low:high], increasing, that is not below `wanted`."""
    while low < high:
        middle = (low + high) // 2
        if targets[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def deliver(w, cell, time, step, h, row, receptor, numbers, ring, rows, synapses, low, high):
    """One spike over one projection, to the targets from `low` to `high`."""
    targets, weights, delays = synapses
    start = rows[row[at.ROWS] + cell]
    end = rows[row[at.ROWS] + cell + 1]
    if start == end:
        return
    start = first_at_least(targets, start, end, low)
    kind, n, blocks = receptor[at.KIND], receptor[at.COMPONENTS], receptor[at.RECEPTOR_BLOCKS]
    one = row[at.ONE_DELAY] == 1
    k, late, after = arrival(time, delays[row[at.DELAYS]], step, h)
    p, q, p2, q2 = shares(kind, numbers, late, after)
    for j in range(start, end):
        target = targets[j]
        if target >= high:
            return
        if not one:
            k, late, after = arrival(time, delays[j + row[at.DELAYS]], step, h)
            p, q, p2, q2 = shares(kind, numbers, late, after)
        slot = k % receptor[at.DEPTH]
        block, column = target // w, target % w
        place = (receptor[at.RING] + (slot * blocks + block) * 2 * n) * w + column
        weight = weights[j]
        ring[place] += weight * p
        ring[place + w] += weight * q
        if n == 2:
            ring[place + 2 * w] += weight * p2
            ring[place + 3 * w] += weight * q2
