"""A step of the cells of a network: synaptic conductances, voltage, spikes, gates.

The gates are half a step ahead of the voltage. A step of the voltage is exponential at held gates
and at the mean of each synaptic conductance over the step, which is exact.
"""

from __future__ import annotations

from ..kernels.curves import curves, curves_and_slopes
from ..kernels.elementary import compiled, linoid
from ..kernels.equations import whole_power
from ..kernels.exponential import relax_gates
from ..kernels.gates import INSTANTANEOUS, rates, rates_and_slopes
from ..kernels.jacobian import current_and_slopes
from ..kernels.layout import (
    CHANNEL_BOUNDS,
    CHANNEL_PLACES,
    CHANNELS,
    FACTORS,
    GATE_KIND,
    GATE_STATE,
    GATE_X,
    GATES,
    INVERSE_C,
    MATRIX,
    PARAMETER,
    STATES,
    Y,
)
from ..kernels.vectors import absolute, bits_of, fill, fma, load, select, store, width
from . import columns as at


@compiled
def relax_conductance(like, row, numbers, conductance, ring, block, slot):
    """A synaptic conductance after a step, to its slots; its mean over the step."""
    n, kind = row[at.COMPONENTS], row[at.KIND]
    own = row[at.CONDUCTANCE] + block * n
    came = row[at.RING] + (slot * row[at.RECEPTOR_BLOCKS] + block) * 2 * n
    zero = fill(like, 0.0)
    first, start = load(like, conductance, own), load(like, ring, came)
    after = fma(first, numbers[at.DECAY], load(like, ring, came + 1))
    mean = numbers[at.MEAN] * (first + start - after)
    store(ring, came, zero)
    store(ring, came + 1, zero)
    store(conductance, own, select(absolute(after) > at.SMALLEST, after, 0.0))
    if kind == at.EXPONENTIAL:
        return mean
    second, start_2 = load(like, conductance, own + 1), load(like, ring, came + 2)
    late = load(like, ring, came + 3)
    if kind == at.ALPHA:
        late = fma(numbers[at.DECAY] * numbers[at.RATIO], first, late)
    after_2 = fma(second, numbers[at.DECAY_2], late)
    mean = fma(numbers[at.MEAN_2], second + start_2 - after_2, mean)
    store(ring, came + 2, zero)
    store(ring, came + 3, zero)
    store(conductance, own + 1, select(absolute(after_2) > at.SMALLEST, after_2, 0.0))
    return mean


@compiled
def relax_linear(like, m, x, v, u, g, h):
    """The voltage after `h` where u - g v and channels of held gates are all that flows."""
    for i in range(m[CHANNELS]):
        place = m[CHANNEL_PLACES] + 2 * i
        open_ = load(like, x, m[PARAMETER] + m[place])
        for j in range(m[m[CHANNEL_BOUNDS] + i], m[m[CHANNEL_BOUNDS] + i + 1]):
            factor = m[FACTORS] + 2 * j
            own = load(like, x, m[Y] + m[m[GATE_STATE] + m[factor]])
            open_ = open_ * whole_power(own, m[factor + 1])
        u = fma(open_, load(like, x, m[PARAMETER] + m[place + 1]), u)
        g = g + open_
    inverse = load(like, x, m[INVERSE_C])
    return v + h * ((u - g * v) * inverse) / linoid(h * g * inverse)


@compiled
def relax_any(like, m, c, x, v, u, g, h):
    """As `relax_linear`, with instantaneous gates and networks, linearised at `v`."""
    curves_and_slopes(like, m, c, x, v)
    rates_and_slopes(like, m, c, x, v)
    for gate in range(m[GATES]):
        if m[m[GATE_KIND] + gate] != INSTANTANEOUS:
            store(x, m[GATE_X] + gate, load(like, x, m[Y] + m[m[GATE_STATE] + gate]))
    for j in range(m[STATES]):
        store(x, m[MATRIX] + j, fill(like, 0.0))
    inverse = load(like, x, m[INVERSE_C])
    total = u - g * v - current_and_slopes(like, m, c, x, v, inverse)
    slope = load(like, x, m[MATRIX]) - g * inverse
    return v + h * (total * inverse) / linoid(-h * slope)


@compiled
def stimulus_of(like, w, row, injected, column_of, step, block, scratch):
    """The stimulus of a block, the mean over a step."""
    if row[at.STIMULUS_KIND] == at.ONE_STIMULUS:
        return fill(like, injected[step, row[at.STIMULUS]])
    for e in range(w):
        scratch[e] = injected[step, column_of[row[at.STIMULUS] + block * w + e]]
    return load(like, scratch, 0)


@compiled
def gap_current(like, w, row, gaps, ahead, block, scratch):
    """Σ g v of the neighbours of each cell of a block, v extrapolated to the middle of the step."""
    rows, neighbours, values = gaps[1], gaps[2], gaps[3]
    for e in range(w):
        total, cell = 0.0, row[at.GAP_ROWS] + block * w + e
        for j in range(rows[cell], rows[cell + 1]):
            total += values[j] * ahead[neighbours[j]]
        scratch[e] = total
    return load(like, scratch, 0)


@compiled
def note_spikes(w, row, found, scratch, t, h, limits, block, node, spikes, count):
    """Write down the upward crossings of a step; how many spikes there are now.

    `scratch` holds the voltages before and after the step.
    """
    cells, times, latest = spikes
    first = row[at.FIRST_BLOCK] * w
    for e in range(w):
        cell = block * w + e
        if (found >> e) & 1 and cell < row[at.CELLS] and count < len(times):
            before, after = scratch[e], scratch[w + e]
            time = t + h * ((limits[at.THRESHOLD] - before) / (after - before))
            if time - latest[first + cell] > limits[at.REFRACTORY]:
                cells[count, 0], cells[count, 1] = node, cell
                times[count] = latest[first + cell] = time
                count += 1
    return count


@compiled
def to_workspace(like, row, block, x, varied_slots, values, own, s, y):
    """The state of a block, and what differs between its cells, to the workspace."""
    count = row[at.VARIED]
    for j in range(count):
        place = row[at.VARIED_VALUES] + block * count + j
        store(x, varied_slots[row[at.VARIED_SLOTS] + j], load(like, values, place))
    for j in range(s):
        store(x, y + j, load(like, own, row[at.STATE] + block * s + j))


@compiled
def advance_block(like, node, block, steps, clock, row, limits, tables, arrays, spikes, count):
    """Some steps of one block of cells; how many spikes there are now."""
    m, c, x, scratch = tables
    (receptors, receptor_numbers, state, conductance, ring, varied_slots, values) = arrays[0]
    (injected, column_of, bias, gaps, ahead, cells_ahead, recorded) = arrays[1]
    h, first_step, stride = clock
    w, s = width(like), m[STATES]
    to_workspace(like, row, block, x, varied_slots, values, state, s, m[Y])
    v = load(like, x, m[Y])
    for step in range(steps[0], steps[1]):
        u, g = fill(like, 0.0), fill(like, 0.0)
        if row[at.BIAS] >= 0:
            u = load(like, bias, row[at.BIAS] + block)
        if row[at.STIMULUS_KIND] != at.NO_STIMULUS:
            local = step - first_step
            u = u + stimulus_of(like, w, row, injected, column_of, local, block, scratch)
        for r in range(row[at.RECEPTORS], row[at.RECEPTORS_END]):
            own, numbers = receptors[r], receptor_numbers[r]
            slot = step % own[at.DEPTH]
            mean = relax_conductance(like, own, numbers, conductance, ring, block, slot)
            g, u = g + mean, fma(mean, numbers[at.REVERSAL], u)
        if row[at.GAP] >= 0:
            g = g + load(like, gaps[0], row[at.GAP] + block)
            u = u + gap_current(like, w, row, gaps, ahead[step % 2], block, scratch)
        if row[at.LINEAR]:
            v_new = relax_linear(like, m, x, v, u, g, h)
        else:
            v_new = relax_any(like, m, c, x, v, u, g, h)
        found = bits_of((v < limits[at.THRESHOLD]) & (v_new >= limits[at.THRESHOLD]))
        if found:
            store(scratch, 0, v)
            store(scratch, 1, v_new)
            t = step * h
            count = note_spikes(w, row, found, scratch, t, h, limits, block, node, spikes, count)
        if row[at.GAP] >= 0:
            store(cells_ahead[1 - step % 2], row[at.FIRST_BLOCK] + block, 1.5 * v_new - 0.5 * v)
        v = v_new
        curves(like, m, c, x, v)
        rates(like, m, c, x, v)
        relax_gates(like, m, c, x, v, m[Y], fill(like, h), m[Y])
        if row[at.RECORDED] >= 0 and (step + 1) % stride == 0:
            write_recorded(like, w, row, block, recorded, v, (step + 1) // stride, scratch)
    store(x, m[Y], v)
    for j in range(s):
        store(state, row[at.STATE] + block * s + j, load(like, x, m[Y] + j))
    return count


@compiled
def write_recorded(like, w, row, block, recorded, v, sample, scratch):
    """The voltages of the recorded cells of a block."""
    bounds, columns, samples = recorded
    first, last = bounds[row[at.RECORDED] + block], bounds[row[at.RECORDED] + block + 1]
    if first == last:
        return
    store(scratch, 0, v)
    for j in range(first, last):
        samples[j, sample] = scratch[columns[j]]
