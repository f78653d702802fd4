"""Where what a kernel reads and writes lies: one array of integers, one of numbers, one of slots.

The tables of a neuron go into one array of integers `m` and one of numbers `c`, so that a kernel
has few arguments. The first integers say where everything else begins. The workspace `x` has slots
of one value for each of the elements that are computed side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ....neuron.tables import GateKind, Tables
from ..sharing import Sharing, nothing_shared

UNBOUNDED = [GateKind.FREE, GateKind.INSTANTANEOUS]

# -- header of m: counts ------------------------------------------------------------------
(
    STATES,
    EXPONENTIALS,  # elementary curves up to here, by their forms
    SIGMOIDS,
    LINOIDS,
    LEAVES,
    NODES,
    GATES,
    CHANNELS,
    CURRENTS,
    NETWORKS,
    BLACK_BOX,
    PARAMETERS,
    C_M,
    SHARED_BASES,
    SHARED_PRODUCTS,
    # -- header of m: where the tables begin, in m --
    LEAF_PLACE,
    NODE_KIND,
    NODE_BOUNDS,
    CHILDREN,
    TABLE_BOUNDS,
    GATE_KIND,
    GATE_STATE,
    GATE_CURVES,
    GATE_PRIOR,
    GATE_NETWORK,
    CHANNEL_PLACES,
    CHANNEL_BOUNDS,
    FACTORS,
    CURRENT_NETWORK,
    CURRENT_BOUNDS,
    CURRENT_GATES,
    NETWORK_PLACE,
    NETWORK_ACTIVATION,
    NETWORK_BOUNDS,
    LAYERS,
    SHARED_PAIRS,
    LEAF_POWER,  # of each elementary curve, the slot of its exponential from `SHARED` on, or -1
    # -- in c --
    NODE_EXPONENT,
    TABLE_GRID,
    TABLE_ROWS,
    GATE_NUMBERS,
    CURRENT_NUMBERS,
    BOX_NUMBERS,
    BOX_STIMULUS,
    INITIAL,
    BOUNDED,
    SHARED_RATES,
    # -- slots of x --
    PARAMETER,  # theta
    LEAF_A,  # of each elementary curve: a, 1/k, -v0/k and a k
    LEAF_INVERSE,
    LEAF_SHIFT,
    LEAF_HEIGHT,
    LEAF_SCALE,  # what its shared exponential is multiplied with
    SHARED,
    INVERSE_C,
    VALUE,  # of each curve and its slope by v
    SLOPE,
    GATE_A,  # dx/dt = a - s x, and the slopes of both by v
    GATE_S,
    GATE_DA,
    GATE_DS,
    GATE_X,  # x itself, and its slope for an instantaneous one
    GATE_DX,
    NET,  # two layers of a network, and their tangents
    NET_OTHER,
    NET_D,
    NET_D_OTHER,
    MATRIX,  # S rows of S, or the arrowhead: row, column, diagonal
    Y,
    Y_NEW,
    Y_STAGE,
    SCALE_SLOPE,  # of the right-hand side by time
    STAGES,  # S slots for each stage
    DENSE,  # S slots for each power of the dense output
    # -- slots of x that only gradients need; a bar is what flows back to something --
    UNIT,  # every unit of a network: its value and tangent, the slope of its activation, and
    UNIT_D,  # how that slope moves along the tangent
    UNIT_SLOPE,
    UNIT_BEND,
    PARAMETER_BAR,
    VALUE_BAR,
    SLOPE_BAR,
    GATE_A_BAR,
    GATE_S_BAR,
    GATE_DA_BAR,
    GATE_DS_BAR,
    GATE_X_BAR,
    GATE_DX_BAR,
    GATE_W,  # the tangent of each gate
    ROW,  # weights of the Jacobian: its row of v, column of v and diagonal, or S rows of S
    STATE_BAR,
    START_BAR,
    END_BAR,
    STIMULUS_BAR,
    RESIDUAL,
    STAGE_STATE,
    STAGE_BAR,
    STAGE_VALUES,  # the curves of each stage
    DENSE_BAR,
    N_HEADER,
) = range(99)

INTEGER_TABLES = {
    LEAF_PLACE: "leaf_place",
    NODE_KIND: "node_kind",
    NODE_BOUNDS: "node_bounds",
    CHILDREN: "children",
    TABLE_BOUNDS: "table_bounds",
    GATE_KIND: "gate_kind",
    GATE_STATE: "gate_state",
    GATE_CURVES: "gate_curves",
    GATE_PRIOR: "gate_prior",
    GATE_NETWORK: "gate_network",
    CHANNEL_PLACES: "channel_places",
    CHANNEL_BOUNDS: "channel_bounds",
    FACTORS: "factors",
    CURRENT_NETWORK: "current_network",
    CURRENT_BOUNDS: "current_bounds",
    CURRENT_GATES: "current_gates",
    NETWORK_PLACE: "network_place",
    NETWORK_ACTIVATION: "network_activation",
    NETWORK_BOUNDS: "network_bounds",
    LAYERS: "layers",
}
NUMBER_TABLES = {
    NODE_EXPONENT: "node_exponent",
    TABLE_GRID: "table_grid",
    TABLE_ROWS: "table_rows",
    GATE_NUMBERS: "gate_numbers",
    CURRENT_NUMBERS: "current_numbers",
    BOX_NUMBERS: "box_numbers",
    INITIAL: "initial",
}


@dataclass(frozen=True, eq=False)
class Packed:
    """A neuron as a kernel reads it, for a method of so many stages and powers of dense output.

    Parameters
    ----------
    m : array of int
    c : array
    slots : int
        The length of the workspace of one element.
    """

    m: NDArray[np.int64]
    c: NDArray[np.float64]
    slots: int


@lru_cache(maxsize=64)
def packed(
    tables: Tables,
    stages: int,
    powers: int,
    gradients: bool = False,
    shared: Sharing | None = None,
) -> Packed:
    """The tables of a neuron as a kernel reads them, and the places of its workspace.

    Kernels that give `gradients` need more of it, and share no exponentials.
    """
    m = [0] * N_HEADER
    numbers: list[NDArray[np.float64]] = []
    forms = np.searchsorted(tables.leaf_form, [1, 2, 3, 4])
    m[STATES], m[PARAMETERS], m[C_M] = len(tables.states), tables.size, tables.c_m
    m[EXPONENTIALS], m[SIGMOIDS], m[LINOIDS], m[LEAVES] = forms.tolist()
    m[NODES], m[GATES] = len(tables.node_kind), len(tables.gate_kind)
    m[CHANNELS], m[CURRENTS] = len(tables.channel_places), len(tables.current_network)
    m[NETWORKS], m[BLACK_BOX] = len(tables.network_place), int(tables.is_black_box)
    for place, name in INTEGER_TABLES.items():
        m[place] = len(m)
        m += getattr(tables, name).ravel().tolist()
    shared = shared or nothing_shared(tables)
    m[SHARED_BASES], m[SHARED_PRODUCTS] = len(shared.rates), len(shared.pairs)
    m[SHARED_PAIRS] = len(m)
    m += [place for pair in shared.pairs for place in pair]
    m[LEAF_POWER] = len(m)
    m += shared.powers
    place = 0
    for header, name in NUMBER_TABLES.items():
        m[header] = place
        numbers.append(getattr(tables, name).ravel())
        place += numbers[-1].size
    bounded = np.zeros(len(tables.states))
    bounded[tables.gate_state[np.isin(tables.gate_kind, UNBOUNDED, invert=True)]] = 1.0
    m[BOX_STIMULUS], m[BOUNDED] = place, place + 1
    m[SHARED_RATES] = m[BOUNDED] + len(bounded)
    numbers += [np.array([tables.box_stimulus]), bounded, np.array(shared.rates)]
    sizes = _sizes(m, tables, stages, powers)
    if gradients:
        sizes |= _sizes_of_gradients(m, tables, stages, powers)
    slots = _place(m, sizes)
    return Packed(np.array(m, dtype=np.int64), np.concatenate(numbers), slots)


def _sizes(m: list[int], tables: Tables, stages: int, powers: int) -> dict[int, int]:
    """How many slots everything in the workspace needs."""
    s, curves, gates = m[STATES], m[LEAVES] + m[NODES], m[GATES]
    widest = int(tables.layers.max(initial=0))
    sizes = {PARAMETER: tables.size, INVERSE_C: 1}
    of_leaves = (LEAF_A, LEAF_INVERSE, LEAF_SHIFT, LEAF_HEIGHT, LEAF_SCALE)
    sizes |= dict.fromkeys(of_leaves, m[LEAVES])
    sizes |= {SHARED: m[SHARED_BASES] + m[SHARED_PRODUCTS]}
    sizes |= dict.fromkeys((VALUE, SLOPE), curves)
    sizes |= dict.fromkeys((GATE_A, GATE_S, GATE_DA, GATE_DS, GATE_X, GATE_DX), gates)
    sizes |= dict.fromkeys((NET, NET_OTHER, NET_D, NET_D_OTHER), widest)
    sizes |= {MATRIX: 2 * s * s if m[BLACK_BOX] else 3 * s}
    sizes |= dict.fromkeys((Y, Y_NEW, Y_STAGE, SCALE_SLOPE), s)
    return sizes | {STAGES: stages * s, DENSE: powers * s}


def _sizes_of_gradients(m: list[int], tables: Tables, stages: int, powers: int) -> dict[int, int]:
    """How many slots gradients need besides."""
    s, curves, gates = m[STATES], m[LEAVES] + m[NODES], m[GATES]
    bounds = tables.network_bounds.tolist()
    units = max((int(tables.layers[i:j].sum()) for i, j in pairwise(bounds)), default=0)
    sizes = dict.fromkeys((UNIT, UNIT_D, UNIT_SLOPE, UNIT_BEND), units)
    sizes |= {PARAMETER_BAR: tables.size, VALUE_BAR: curves, SLOPE_BAR: curves}
    of_gates = GATE_A_BAR, GATE_S_BAR, GATE_DA_BAR, GATE_DS_BAR, GATE_X_BAR, GATE_DX_BAR, GATE_W
    sizes |= dict.fromkeys(of_gates, gates) | {ROW: s * s if m[BLACK_BOX] else 3 * s}
    sizes |= dict.fromkeys((STATE_BAR, START_BAR, END_BAR, STIMULUS_BAR, RESIDUAL), s)
    sizes |= {STAGE_STATE: stages * s, STAGE_BAR: stages * s, STAGE_VALUES: stages * curves}
    return sizes | {DENSE_BAR: powers * s}


def _place(m: list[int], sizes: dict[int, int]) -> int:
    """Write the places of the workspace to the header; its length."""
    place = 0
    for header, size in sizes.items():
        m[header] = place
        place += size
    return place
