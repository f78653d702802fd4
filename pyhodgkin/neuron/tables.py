"""The tables that a neuron is lowered to, and the numbers in them that stand for names."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import IntEnum
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..numerics.arrays import FloatArray
from ..numerics.cached import cached_property
from .curves import Curve, Power, Product, Sum
from .program import Program, no_program

Integers = NDArray[np.int64]
NONE = -1  # in place of an index

# The numbers that stand for names; the Julia module has the same ones, counted from 0.
LEAF_FORMS = ("exponential", "sigmoid", "linoid", "constant")
NODE_FORMS = (
    "sum",
    "product",
    "power",
    "number",
    "voltage",
    "exp",
    "log",
    "tanh",
    "linoid",
    "choice",
    "table",
)
NODE_KINDS: tuple[type[Curve], ...] = (Sum, Product, Power)  # the first of them as classes
PRIOR_KINDS = ("", "rates", "steady_state")


class GateKind(IntEnum):
    """How the rates of a gate come from its curves or its network."""

    RATES = 0
    STEADY_STATE = 1
    INSTANTANEOUS = 2
    NEURAL_STEADY_STATE = 3
    NEURAL_RATES = 4
    FREE = 5


def _none(name: str) -> NDArray:
    return getattr(no_program(), name)


@dataclass(frozen=True, eq=False)
class Tables:
    """The equations of a neuron without the values of its parameters.

    Places in theta, in the state, of curves, gates and networks count from 0; -1 stands for none.
    A *curve* is an elementary one (L of them, sorted by form) or, with a number from L on, made of
    others that come before it (a sum, product, power or function of them), v, or a number. Ranges
    are given by their bounds: those of the i-th are ``bounds[i]`` to ``bounds[i + 1]``.

    Attributes
    ----------
    states : tuple of str (S,)
        In the public order: v, then the gates in the order of the channels.
    v_rest : float
        mV.
    initial : array (S,)
        Where gates start; NaN for the steady state.
    c_m : int
        Place of the capacitance.
    size : int
        P, the length of theta.
    leaf_form, leaf_place : array (L,)
        Index in `LEAF_FORMS`; place of `a`, with v0 and k right after it.
    node_kind, node_exponent : array (M,)
        Index in `NODE_FORMS`; the exponent of a power, the value of a number, which of the tables
        a table is.
    node_bounds, children : array (M + 1,), (…)
        The curves that each is made of: a choice (a, b, p, q) is p where a < b, else q.
    table_bounds, table_grid, table_rows : array (T + 1,), (T, 2), (…, 5)
        Piecewise cubics, as `numerics.piecewise_cubic.cubic_rows` gives them; the first knot and
        1/h of evenly spaced ones, 0 for others.
    gate_kind, gate_state, gate_curves : array (G,), (G,), (G, 2)
        `GateKind`; place in the state; the curves alpha and beta, or x_inf and tau (of the prior
        where there is one).
    gate_prior, gate_network, gate_numbers : array (G,), (G,), (G, 6)
        Index in `PRIOR_KINDS`; the temperature factor, v_shift, 1/v_scale, tau_min,
        log(tau_max/tau_min) (NaN without tau_max), bound.
    channel_places, channel_bounds, factors : array (C, 2), (C + 1,), (…, 2)
        Places of g and e; the gates of each channel and their powers.
    current_network, current_bounds, current_gates, current_numbers : (U,), (U + 1,), (…), (U, 3)
        Currents that are networks: the gates that are inputs; scale, v_shift, 1/v_scale.
    network_place, network_activation, network_bounds, layers : (W,), (W,), (W + 1,), (…)
        Place of the first weight (each matrix row by row, then its biases); index in `ACTIVATIONS`;
        the sizes of the layers.
    box_numbers : array (3, S)
        Of a whole right-hand side: shift, scale and scale/time_scale of each state.
    box_stimulus : float
        1/stimulus_scale, 0 where the network does not see the stimulus.
    program_kind, … : array
        The fields of `Program`: the equations of a neuron with a calcium pool or a Markov scheme,
        as operations; it has no gates, channels and currents in the other tables.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> squid = ph.library.get("squid_axon")
    >>> tables = squid.tables
    >>> tables.states, tables.size, len(tables.leaf_form)
    (('v', 'n', 'm', 'h'), 25, 6)
    >>> squid.theta[tables.channel_places[0]].tolist()  # g and e of the potassium channel
    [36.0, -77.0]
    """

    name: str
    states: tuple[str, ...]
    v_rest: float
    initial: FloatArray
    c_m: int
    size: int
    leaf_form: Integers
    leaf_place: Integers
    node_kind: Integers
    node_exponent: FloatArray
    node_bounds: Integers
    children: Integers
    table_bounds: Integers
    table_grid: FloatArray
    table_rows: FloatArray
    gate_kind: Integers
    gate_state: Integers
    gate_curves: Integers
    gate_prior: Integers
    gate_network: Integers
    gate_numbers: FloatArray
    channel_places: Integers
    channel_bounds: Integers
    factors: Integers
    current_network: Integers
    current_bounds: Integers
    current_gates: Integers
    current_numbers: FloatArray
    network_place: Integers
    network_activation: Integers
    network_bounds: Integers
    layers: Integers
    box_numbers: FloatArray
    box_stimulus: float = 0.0
    program_kind: Integers = field(default_factory=partial(_none, "kind"))
    program_operands: Integers = field(default_factory=partial(_none, "operands"))
    program_number: FloatArray = field(default_factory=partial(_none, "number"))
    program_terms: Integers = field(default_factory=partial(_none, "terms"))
    program_slopes: Integers = field(default_factory=partial(_none, "slopes"))
    program_start: Integers = field(default_factory=partial(_none, "start"))
    program_currents: Integers = field(default_factory=partial(_none, "currents"))
    program_held: Integers = field(default_factory=partial(_none, "held"))

    @cached_property
    def program(self) -> Program:
        """The equations of a neuron whose states are coupled; empty for others."""
        return Program(*(getattr(self, f"program_{f.name}") for f in fields(Program)))

    @property
    def is_program(self) -> bool:
        """Whether the equations are `program`: the tables of gates and currents are empty then."""
        return len(self.program_kind) > 0

    @property
    def is_black_box(self) -> bool:
        """Whether the whole right-hand side is one network."""
        return self.c_m == NONE

    def arrays(self) -> dict[str, Integers | FloatArray]:
        """All that are arrays, by name, in the order of the fields."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: x for name, x in found.items() if isinstance(x, np.ndarray)}
