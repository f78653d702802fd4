"""The way back through a right-hand side in a kernel, and through its Jacobian.

Bars of dy/dt are in the slots from `RESIDUAL` on; what flows back to the state is added to those
from `STATE_BAR` on, what flows back to the parameters to `PARAMETER_BAR`.
"""

from __future__ import annotations

from .black_box import box_inputs
from .current_pullback import currents_pullback
from .curve_pullback import curves_pullback, no_curve_bars
from .curves import curves, curves_and_slopes
from .elementary import compiled
from .gate_pullback import gates_pullback
from .gates import FREE, INSTANTANEOUS
from .layout import (
    BLACK_BOX,
    BOX_NUMBERS,
    BOX_STIMULUS,
    C_M,
    GATE_A_BAR,
    GATE_CURVES,
    GATE_DA_BAR,
    GATE_DS,
    GATE_DS_BAR,
    GATE_DX_BAR,
    GATE_KIND,
    GATE_NETWORK,
    GATE_NUMBERS,
    GATE_S,
    GATE_S_BAR,
    GATE_STATE,
    GATE_W,
    GATE_X,
    GATE_X_BAR,
    GATES,
    INVERSE_C,
    LEAVES,
    NET,
    NET_D,
    NODES,
    PARAMETER_BAR,
    RESIDUAL,
    ROW,
    SLOPE,
    STATE_BAR,
    STATES,
    STIMULUS_BAR,
    UNIT,
    UNIT_D,
    VALUE,
)
from .network_pullback import add, network_kept, network_pullback
from .networks import n_inputs
from .vectors import fill, load, store


@compiled
def pullback(like, m, c, x, y, u, clamped, paired, weighted, known):
    """From bars of dy/dt at the state in the slots from `y` on to the state and the parameters.

    Where it is `paired`, the gradient of Σ w·J is added, with the weights w of the Jacobian in the
    slots from `ROW` on, and that of Σ b·df, with the change df of dy/dt by the stimulus and the
    weights b in the slots from `STIMULUS_BAR` on. Without `weighted` nothing flows back to the
    weights of networks but their last biases. The values of the curves are in the slots from
    `known` on, where that is not negative and it is not paired.
    """
    if m[BLACK_BOX]:
        box_pullback(like, m, c, x, y, u, clamped, paired, weighted)
        return
    v = load(like, x, y)
    look(like, m, c, x, v, paired, known)
    gate_values(like, m, x, y, paired)
    v_bar = fill(like, 0.0)
    if not clamped:
        v_bar = voltage_pullback(like, m, c, x, v, u, paired, weighted)
        to_gates(like, m, x, paired)
    bars_of_rates(like, m, c, x, v, y, paired)
    v_bar = v_bar + gates_pullback(like, m, c, x, v, paired, weighted)
    through_rates(like, m, x, paired)
    v_bar = v_bar + free_pullback(like, m, c, x, v, y, paired, weighted)
    v_bar = v_bar + curves_pullback(like, m, c, x, v, paired)
    if not clamped:
        add(like, x, m[STATE_BAR], v_bar)


@compiled
def look(like, m, c, x, v, paired, known):
    """The curves at v; nothing flows back to anything yet."""
    if paired:
        curves_and_slopes(like, m, c, x, v)
    elif known >= 0:
        for i in range(m[LEAVES] + m[NODES]):
            store(x, m[VALUE] + i, load(like, x, known + i))
    else:
        curves(like, m, c, x, v)
    no_curve_bars(like, m, x)
    for g in range(m[GATES]):
        store(x, m[GATE_X_BAR] + g, fill(like, 0.0))
        store(x, m[GATE_DX_BAR] + g, fill(like, 0.0))


@compiled
def gate_values(like, m, x, y, paired):
    """Every gate and, where it is paired, its tangent along the row of v in the weights."""
    for g in range(m[GATES]):
        if m[m[GATE_KIND] + g] == INSTANTANEOUS:
            curve = m[m[GATE_CURVES] + 2 * g]
            store(x, m[GATE_X] + g, load(like, x, m[VALUE] + curve))
            if paired:
                slope = load(like, x, m[SLOPE] + curve)
                store(x, m[GATE_W] + g, slope * load(like, x, m[ROW]))
        else:
            state = m[m[GATE_STATE] + g]
            store(x, m[GATE_X] + g, load(like, x, y + state))
            if paired:
                store(x, m[GATE_W] + g, load(like, x, m[ROW] + state))


@compiled
def voltage_pullback(like, m, c, x, v, u, paired, weighted):
    """That of dv/dt, (u - I)/c_m, and of its row of the Jacobian; what flows back to v."""
    inverse = load(like, x, m[INVERSE_C])
    r, w = load(like, x, m[RESIDUAL]), fill(like, 0.0)
    if paired:
        w = load(like, x, m[ROW])
    total, tangent, v_bar = currents_pullback(
        like, m, c, x, v, w, -r * inverse, -inverse, paired, weighted
    )
    by_inverse = r * (u - total)
    if paired:
        by_inverse = by_inverse - tangent + load(like, x, m[STIMULUS_BAR])
    add(like, x, m[PARAMETER_BAR] + m[C_M], -by_inverse * inverse * inverse)
    return v_bar


@compiled
def to_gates(like, m, x, paired):
    """What flows back to gates to the state; to the slope of an instantaneous one, its own."""
    for g in range(m[GATES]):
        if m[m[GATE_KIND] + g] != INSTANTANEOUS:
            add(like, x, m[STATE_BAR] + m[m[GATE_STATE] + g], load(like, x, m[GATE_X_BAR] + g))
        elif paired:
            bar = load(like, x, m[GATE_DX_BAR] + g) * load(like, x, m[ROW])
            store(x, m[GATE_DX_BAR] + g, bar)


@compiled
def bars_of_rates(like, m, c, x, v, y, paired):
    """From dx/dt = a - s x and its derivatives a' - s' x and -s to a, s and their slopes."""
    column = m[ROW] + m[STATES]
    for g in range(m[GATES]):
        kind = m[m[GATE_KIND] + g]
        if kind == INSTANTANEOUS or kind == FREE:
            continue
        state = m[m[GATE_STATE] + g]
        own, r = load(like, x, y + state), load(like, x, m[RESIDUAL] + state)
        s_bar = -r * own
        if paired:
            weight = load(like, x, column + state)
            s_bar = s_bar - load(like, x, column + m[STATES] + state)
            store(x, m[GATE_DA_BAR] + g, weight)
            store(x, m[GATE_DS_BAR] + g, -weight * own)
        store(x, m[GATE_A_BAR] + g, r)
        store(x, m[GATE_S_BAR] + g, s_bar)


@compiled
def through_rates(like, m, x, paired):
    """From dx/dt and its derivative by v to x itself."""
    column = m[ROW] + m[STATES]
    for g in range(m[GATES]):
        kind = m[m[GATE_KIND] + g]
        if kind == INSTANTANEOUS or kind == FREE:
            continue
        state = m[m[GATE_STATE] + g]
        back = load(like, x, m[RESIDUAL] + state) * load(like, x, m[GATE_S] + g)
        if paired:
            back = back + load(like, x, column + state) * load(like, x, m[GATE_DS] + g)
        add(like, x, m[STATE_BAR] + state, -back)


@compiled
def free_pullback(like, m, c, x, v, y, paired, weighted):
    """That of the gates that are networks of v and x, or of x; what flows back to v."""
    v_bar, column = fill(like, 0.0), m[ROW] + m[STATES]
    for g in range(m[GATES]):
        if m[m[GATE_KIND] + g] != FREE:
            continue
        numbers, net = m[GATE_NUMBERS] + 6 * g, m[m[GATE_NETWORK] + g]
        state, last = m[m[GATE_STATE] + g], n_inputs(m, net) - 1
        factor, steep = c[numbers], c[numbers + 2]
        if last > 0:
            store(x, m[UNIT], (v - c[numbers + 1]) * steep)
            if paired:
                store(x, m[UNIT_D], load(like, x, column + state) * steep)
        store(x, m[UNIT] + last, load(like, x, y + state))
        if paired:
            store(x, m[UNIT_D] + last, load(like, x, column + m[STATES] + state))
        network_kept(like, m, x, net, paired)
        store(x, m[NET], factor * load(like, x, m[RESIDUAL] + state))
        store(x, m[NET_D], fill(like, factor))
        back, _ = network_pullback(like, m, x, net, paired, weighted)
        add(like, x, m[STATE_BAR] + state, load(like, x, back + last))
        if last > 0:
            v_bar = v_bar + steep * load(like, x, back)
    return v_bar


# -- a whole right-hand side --------------------------------------------------------------


@compiled
def box_pullback(like, m, c, x, y, u, clamped, paired, weighted):
    """That of a whole right-hand side that is one network."""
    s = m[STATES]
    box_values(like, m, c, x, y, u)
    network_kept(like, m, x, 0, False)
    for j in range(s):
        rate = c[m[BOX_NUMBERS] + 2 * s + j]
        store(x, m[NET] + j, load(like, x, m[RESIDUAL] + j) * rate)
    if clamped:
        store(x, m[NET], fill(like, 0.0))
    back, _ = network_pullback(like, m, x, 0, False, weighted)
    box_to_state(like, m, c, x, back)
    if paired:
        for i in range(s + 1):  # along each state, and along the stimulus
            box_tangent_pullback(like, m, c, x, y, u, clamped, i)


@compiled
def box_values(like, m, c, x, y, u):
    """The inputs of the network, to the slots of its units."""
    box_inputs(like, m, c, x, y, u)
    for j in range(n_inputs(m, 0)):
        store(x, m[UNIT] + j, load(like, x, m[NET] + j))


@compiled
def box_tangent_pullback(like, m, c, x, y, u, clamped, i):
    """From weights of column `i` of the Jacobian; of the slope by the stimulus, the last one."""
    s, n = m[STATES], n_inputs(m, 0)
    if i == s and n <= s:
        return
    box_values(like, m, c, x, y, u)
    for j in range(n):
        scale = c[m[BOX_STIMULUS]] if j == s else 1.0 / c[m[BOX_NUMBERS] + s + j]
        store(x, m[UNIT_D] + j, fill(like, scale if j == i else 0.0))
    network_kept(like, m, x, 0, True)
    for j in range(s):
        place = m[STIMULUS_BAR] + j if i == s else m[ROW] + j * s + i
        rate = c[m[BOX_NUMBERS] + 2 * s + j]
        store(x, m[NET_D] + j, load(like, x, place) * rate)
        store(x, m[NET] + j, fill(like, 0.0))
    if clamped:
        store(x, m[NET_D], fill(like, 0.0))
    back, _ = network_pullback(like, m, x, 0, True, True)
    box_to_state(like, m, c, x, back)


@compiled
def box_to_state(like, m, c, x, back):
    s = m[STATES]
    for j in range(s):
        scale = c[m[BOX_NUMBERS] + s + j]
        add(like, x, m[STATE_BAR] + j, load(like, x, back + j) / scale)
