"""The time loop of a network in a kernel: every thread has its own blocks of cells.

All cells take the steps of an interval, which is not longer than the shortest delay; then the
threads wait for one another, and each delivers all spikes of the interval to its own cells. Sums
are in the order of the cells that spike, so that no bit depends on the number of threads.
"""

from __future__ import annotations

from numba import njit

from ..kernels.elementary import compiled
from ..kernels.vectors import pointer, width
from . import columns as at
from .cells import advance_block
from .delivery import deliver
from .threads import shifted, wait_for_all


@compiled
def own_blocks(row, thread, threads):
    """The blocks of a group that belong to a thread."""
    count = row[at.BLOCKS]
    return count * thread // threads, count * (thread + 1) // threads


@compiled
def deliver_to_own(w, node, cell, time, step, h, team, groups, receptors, connections, ring):
    """One spike over all projections of its node, to the cells of this thread."""
    thread, threads = team
    projections, of_node, rows, synapses = connections
    for i in range(of_node[node], of_node[node + 1]):
        row = projections[i]
        low, high = own_blocks(groups[row[at.GROUP]], thread, threads)
        if low < high:
            own, numbers = receptors[0][row[at.RECEPTOR]], receptors[1][row[at.RECEPTOR]]
            deliver(
                w, cell, time, step, h, row, own, numbers, ring, rows, synapses, low * w, high * w
            )


@njit(inline="always")
def advance(like, team, span, clock, tables, network, arrays, connections, inputs, spikes, counts):
    """The steps from span[0] to span[1] in intervals of span[2]; `team` is thread and threads.

    Spikes are written to those of this thread, and their number after each interval to `counts`.
    """
    thread, threads = team
    groups, limits, latest, barrier = network
    receptors, stored, moving = arrays
    w, h = width(like), clock[0]
    m, c, x = pointer(tables[0]), pointer(tables[1]), pointer(tables[2][thread])
    scratch, ring = pointer(tables[3][thread]), pointer(stored[2])
    fixed = (
        receptors[0], receptors[1], pointer(stored[0]), pointer(stored[1]), ring,
        stored[3], pointer(stored[4]),
    )  # fmt: skip
    injected, column_of, bias, gaps, ahead, recorded = moving
    ahead_0, ahead_1 = pointer(ahead[0]), pointer(ahead[1])
    gap_arrays = (pointer(gaps[0]), gaps[1], gaps[2], gaps[3])
    changing = (
        injected, column_of, pointer(bias), gap_arrays, ahead, (ahead_0, ahead_1), recorded
    )  # fmt: skip
    count, step, interval = 0, span[0], 0
    while step < span[1]:
        end = min(step + span[2], span[1])
        for i in range(inputs[0][step - span[0]], inputs[0][end - span[0]]):
            deliver_to_own(
                w, inputs[1][i, 0], inputs[1][i, 1], inputs[2][i], step, h, team,
                groups, receptors, connections, ring,
            )  # fmt: skip
        for node in range(len(groups)):
            row = groups[node]
            own = (
                shifted(m, row[at.M]), shifted(c, row[at.C]), shifted(x, row[at.X] * w), scratch
            )  # fmt: skip
            first, last = own_blocks(row, thread, threads)
            for block in range(first, last):
                count = advance_block(
                    like, node, block, (step, end), clock, row, limits[node], own,
                    (fixed, changing), (spikes[0][thread], spikes[1][thread], latest), count,
                )  # fmt: skip
        interval += 1
        counts[interval, thread] = count
        wait_for_all(pointer(barrier), threads)
        for other in range(threads):
            for i in range(counts[interval - 1, other], counts[interval, other]):
                node, cell = spikes[0][other, i, 0], spikes[0][other, i, 1]
                deliver_to_own(
                    w, node, cell, spikes[1][other, i], end, h, team,
                    groups, receptors, connections, ring,
                )  # fmt: skip
        step = end
