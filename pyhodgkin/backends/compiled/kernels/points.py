"""The equations of a neuron at many states in a kernel: values, and derivatives of them.

Each column of the workspace walks through some of the points, one after the other.
"""

from __future__ import annotations

from numba import njit

from .columns import parameters
from .current_pullback import currents_pullback
from .curve_pullback import curves_pullback
from .curves import curves
from .elementary import compiled
from .equations import ionic_current, right_hand_side
from .gate_pullback import gates_pullback, instantaneous_pullback
from .gates import FREE, INSTANTANEOUS, rates
from .jacobian import right_hand_side_and_jacobian
from .layout import (
    BLACK_BOX,
    GATE_A,
    GATE_A_BAR,
    GATE_KIND,
    GATE_S,
    GATE_S_BAR,
    GATE_STATE,
    GATES,
    MATRIX,
    PARAMETER_BAR,
    PARAMETERS,
    RESIDUAL,
    STAGE_BAR,
    STAGES,
    STATE_BAR,
    STATES,
    Y,
)
from .pullback import gate_values, look, pullback, to_gates
from .stimulus import AT, ELEMENT, PIECE
from .vectors import fill, load, pointer, store, width

RIGHT_HAND_SIDE, STEADY_STATE, RATES, CURRENT = range(4)
VALUE, JACOBIAN, PULLBACK, SLOPES = range(4)


@njit(inline="always")
def at_points(like, arrays, tables, task, quantity, batch, entries, weighted, out):
    """Do a `task` for a `quantity` of F components at N states.

    Parameters
    ----------
    like : vector
    arrays : (x, z, n)
        The workspace.
    tables : (m, c)
    batch : (theta (K, P), theta_of (N,), y (N, S), u (N,), bars (N, F))
    entries : array of int (m,)
        Of theta, for slopes.
    weighted : bool
        Whether something flows back to the weights of networks other than the last biases.
    out : (values (N, F), jacobians (N, S, S), by_theta (K, P), by_state (N, S), slopes (N, F, m))
        What the task does not give has no rows.
    """
    work = (pointer(arrays[0]), pointer(arrays[1]), pointer(arrays[2]))
    m, c = pointer(tables[0]), pointer(tables[1])
    x, z, n = work
    w, count = width(like), len(batch[1])
    chunk, f = -(-count // w), batch[4].shape[1]
    for e in range(w):
        n[ELEMENT * w + e] = -1
    for j in range(m[PARAMETERS]):
        store(x, m[PARAMETER_BAR] + j, fill(like, 0.0))
    for i in range(chunk):
        for e in range(w):
            enter(w, work, m, batch, out, task, chunk, i, e)
        u = load(like, z, AT)
        if task == VALUE:
            value(like, m, c, x, u, quantity)
            for e in range(w):
                if n[PIECE * w + e] >= 0:
                    for j in range(f):
                        out[0][n[PIECE * w + e], j] = x[(m[STAGES] + j) * w + e]
        elif task == JACOBIAN:
            right_hand_side_and_jacobian(like, m, c, x, m[Y], u, False, m[STAGES])
            for e in range(w):
                if n[PIECE * w + e] >= 0:
                    write_jacobian(w, m, x, out[1][n[PIECE * w + e]], e)
        elif task == PULLBACK:
            back(like, m, c, x, u, quantity, weighted)
            for e in range(w):
                if n[PIECE * w + e] >= 0:
                    for j in range(m[STATES]):
                        out[3][n[PIECE * w + e], j] = x[(m[STATE_BAR] + j) * w + e]
        else:
            for k in range(f):
                for j in range(f):
                    store(x, m[STAGE_BAR] + j, fill(like, 1.0 if j == k else 0.0))
                for j in range(len(entries)):
                    store(x, m[PARAMETER_BAR] + entries[j], fill(like, 0.0))
                back(like, m, c, x, u, quantity, weighted)
                for e in range(w):
                    if n[PIECE * w + e] >= 0:
                        for j in range(len(entries)):
                            own = x[(m[PARAMETER_BAR] + entries[j]) * w + e]
                            out[4][n[PIECE * w + e], k, j] = own
    if task == PULLBACK:
        for e in range(w):
            flush(w, work, m, out, e)


@compiled
def enter(w, work, m, batch, out, task, chunk, i, e):
    """A point to its column; where there are no more, the last one once more, for nothing."""
    x, z, n = work
    theta, theta_of, y, u, bars = batch
    point = e * chunk + i
    n[PIECE * w + e] = point if point < len(theta_of) else -1
    mine = min(point, len(theta_of) - 1)
    if n[ELEMENT * w + e] != theta_of[mine]:
        if task == PULLBACK:
            flush(w, work, m, out, e)
        n[ELEMENT * w + e] = theta_of[mine]
        parameters(w, m, x, theta[theta_of[mine]], e)
    for j in range(m[STATES]):
        x[(m[Y] + j) * w + e] = y[mine, j]
    z[AT * w + e] = u[mine]
    if task == PULLBACK:
        for j in range(bars.shape[1]):
            bar = bars[mine, j] if point < len(theta_of) else 0.0
            x[(m[STAGE_BAR] + j) * w + e] = bar


@compiled
def flush(w, work, m, out, e):
    """Add what has flowed back to the parameters of a column to its row of theta."""
    x, _, n = work
    if n[ELEMENT * w + e] < 0:
        return
    for j in range(m[PARAMETERS]):
        out[2][n[ELEMENT * w + e], j] += x[(m[PARAMETER_BAR] + j) * w + e]
        x[(m[PARAMETER_BAR] + j) * w + e] = 0.0


@compiled
def write_jacobian(w, m, x, target, e):
    """An arrowhead or a full matrix, as a full one."""
    s, at = m[STATES], m[MATRIX]
    if m[BLACK_BOX]:
        for i in range(s):
            for j in range(s):
                target[i, j] = x[(at + i * s + j) * w + e]
        return
    for j in range(s):
        target[0, j] = x[(at + j) * w + e]
    for j in range(1, s):
        target[j, 0] = x[(at + s + j) * w + e]
        target[j, j] = x[(at + 2 * s + j) * w + e]


@compiled
def value(like, m, c, x, u, quantity):
    """A quantity, to the slots from `STAGES` on."""
    s, target = m[STATES], m[STAGES]
    if quantity == RIGHT_HAND_SIDE:
        right_hand_side(like, m, c, x, m[Y], u, False, target)
        return
    v = load(like, x, m[Y])
    if quantity == CURRENT:
        curves(like, m, c, x, v)
        gate_values(like, m, x, m[Y], False)
        store(x, target, ionic_current(like, m, c, x, v))
        return
    if quantity == STEADY_STATE:
        for j in range(s):
            store(x, target + j, v if j == 0 else fill(like, 0.5))
        if m[BLACK_BOX]:
            for j in range(1, s):
                store(x, target + j, load(like, x, m[Y] + j))
            return
    curves(like, m, c, x, v)
    rates(like, m, c, x, v)
    for g in range(m[GATES]):
        kind = m[m[GATE_KIND] + g]
        if kind == INSTANTANEOUS or kind == FREE:
            continue
        state = m[m[GATE_STATE] + g]
        a, total = load(like, x, m[GATE_A] + g), load(like, x, m[GATE_S] + g)
        if quantity == RATES:
            store(x, target + state - 1, a)
            store(x, target + s + state - 2, total)
        else:
            store(x, target + state, a / total)


@compiled
def back(like, m, c, x, u, quantity, weighted):
    """From the bars of a quantity in the slots from `STAGE_BAR` on to the state and parameters."""
    s = m[STATES]
    for j in range(s):
        store(x, m[STATE_BAR] + j, fill(like, 0.0))
    if quantity == RIGHT_HAND_SIDE:
        for j in range(s):
            store(x, m[RESIDUAL] + j, load(like, x, m[STAGE_BAR] + j))
        pullback(like, m, c, x, m[Y], u, False, False, weighted, -1)
        return
    if m[BLACK_BOX]:  # its steady state is its start
        return
    v = load(like, x, m[Y])
    look(like, m, c, x, v, False, -1)
    gate_values(like, m, x, m[Y], False)
    v_bar = fill(like, 0.0)
    if quantity == CURRENT:
        none = fill(like, 0.0)
        bar = load(like, x, m[STAGE_BAR])
        _, _, v_bar = currents_pullback(like, m, c, x, v, none, bar, none, False, weighted)
        to_gates(like, m, x, False)
        instantaneous_pullback(like, m, x)
    else:
        bars_of_rates(like, m, c, x, v, quantity)
        if quantity == STEADY_STATE:
            v_bar = load(like, x, m[STAGE_BAR])
        v_bar = v_bar + gates_pullback(like, m, c, x, v, False, weighted)
    v_bar = v_bar + curves_pullback(like, m, c, x, v, False)
    store(x, m[STATE_BAR], v_bar)


@compiled
def bars_of_rates(like, m, c, x, v, quantity):
    """From the bars of rates or of steady states to a and s of each gate."""
    s = m[STATES]
    if quantity == STEADY_STATE:
        rates(like, m, c, x, v)
    for g in range(m[GATES]):
        kind = m[m[GATE_KIND] + g]
        if kind == INSTANTANEOUS or kind == FREE:
            continue
        state = m[m[GATE_STATE] + g]
        if quantity == RATES:
            a_bar = load(like, x, m[STAGE_BAR] + state - 1)
            s_bar = load(like, x, m[STAGE_BAR] + s + state - 2)
        else:
            total = load(like, x, m[GATE_S] + g)
            a_bar = load(like, x, m[STAGE_BAR] + state) / total
            s_bar = -a_bar * load(like, x, m[GATE_A] + g) / total
        store(x, m[GATE_A_BAR] + g, a_bar)
        store(x, m[GATE_S_BAR] + g, s_bar)
