"""Synapses and gap junctions between groups: which cells, how strong, how late."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import InputError
from ..numerics.arrays import FloatArray, Indices
from . import checks
from .connectivity import pairs_of_matrix, random_pairs, random_undirected
from .kinetics import SynapseKinetics

# Of the random numbers of connections, beside the seed of the network.
SYNAPSES_TAG, GAPS_TAG = 0, 1


@dataclass(frozen=True, eq=False)
class Connections:
    """Pairs of cells i, j (K,) sorted by i and then j, their weights, and delays (K,) or (1,)."""

    i: Indices
    j: Indices
    weight: FloatArray
    delay: FloatArray


@dataclass(frozen=True, eq=False)
class Synapses:
    """Chemical synapses of one kind from a group or source to a group.

    Which cells are connected is said in one of three ways: arrays `i` and `j`, a probability `p`,
    or a matrix of weights.

    Parameters
    ----------
    pre, post : str
        Names of the groups; `pre` may be a source of spikes.
    kinetics : ExponentialSynapse, DoubleExponentialSynapse or AlphaSynapse
    weight : float, array (K,) or matrix (n_pre, n_post)
        Peak conductance of one spike, in the unit of the neurons of `post`: mS/cm² (µS or nS of a
        whole cell). A matrix, dense or of scipy.sparse, connects where it is not zero.
    delay : float or array (K,)
        From the spike to its arrival, ms; with a matrix in its order by rows.
    i, j : array of int (K,), optional
        Cells of `pre` and of `post` that are connected.
    p : float, optional
        Probability of each pair, drawn with the seed of the network.
    autapses : bool
        Whether `p` may connect a cell of a group to itself (as in Brian2).
    initial : float or array (n_post,)
        Conductance of the cells of `post` at t = 0, as if left by spikes before.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> synapse = ph.ExponentialSynapse(e=0.0, tau=5.0)
    >>> Synapses("e", "i", synapse, weight=0.03, p=0.02, delay=1.5).delay.item()
    1.5
    """

    pre: str
    post: str
    kinetics: SynapseKinetics
    weight: Any
    delay: Any = 0.0
    i: Any = None
    j: Any = None
    p: Any = None
    autapses: bool = True
    initial: Any = 0.0
    shape: tuple[int, int] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        who = f'Synapses("{self.pre}", "{self.post}")'
        if not isinstance(self.kinetics, SynapseKinetics):
            raise InputError(
                f"{who}: kinetics is a {type(self.kinetics).__name__}; give ExponentialSynapse, "
                "DoubleExponentialSynapse or AlphaSynapse"
            )
        _resolve(self, who, "weight")
        self._keep("delay", checks.numbers(f"{who}: delay", self.delay, "ms", least=0.0))
        self._keep("initial", checks.numbers(f"{who}: initial", self.initial, "", least=0.0))
        if self.delay.ndim and self.p is not None:
            raise InputError(f"{who}: a delay of each connection goes with i and j, not with p")
        if self.delay.ndim and self.delay.shape != self.i.shape:
            raise InputError(
                f"{who}: delay has shape {self.delay.shape} for {len(self.i)} connections"
            )

    def _keep(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def connections(self, n_pre: int, n_post: int, seed: int, index: int) -> Connections:
        """The connections between `n_pre` and `n_post` cells, the `index`-th of a network."""
        who = f'Synapses("{self.pre}", "{self.post}")'
        _check_shape(self, who, n_pre, n_post)
        if self.p is not None:
            same = self.pre == self.post and not self.autapses
            i, j = random_pairs(n_pre, n_post, self.p, [seed, SYNAPSES_TAG, index], same)
            return Connections(i, j, np.full(len(i), float(self.weight)), self.delay.reshape(-1))
        checks.indices(f"{who}: i", self.i, n_pre)
        checks.indices(f"{who}: j", self.j, n_post)
        order = np.lexsort((self.j, self.i))
        weight = np.broadcast_to(self.weight, self.i.shape)[order]
        delay = self.delay[order] if self.delay.ndim else self.delay.reshape(1)
        return Connections(self.i[order], self.j[order], weight, delay)


@dataclass(frozen=True, eq=False)
class GapJunctions:
    """Electrical synapses: a current g (v_i - v_j) out of cell i, and its opposite out of j.

    Which cells are connected is said as for `Synapses`; each pair is named once.

    Parameters
    ----------
    a, b : str
        Names of the groups of i and of j.
    g : float, array (K,) or matrix (n_a, n_b)
        Conductance, in the unit of the neurons, which must be the same in both groups.
    i, j : array of int (K,), optional
    p : float, optional
        Probability of each pair of different cells.

    Examples
    --------
    >>> GapJunctions("e", "e", g=0.1, i=[0], j=[1]).g.item()
    0.1
    """

    a: str
    b: str
    g: Any
    i: Any = None
    j: Any = None
    p: Any = None
    shape: tuple[int, int] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        who = f'GapJunctions("{self.a}", "{self.b}")'
        _resolve(self, who, "g")
        if self.p is None and self.a == self.b and (self.i == self.j).any():
            cell = int(self.i[np.argmax(self.i == self.j)])
            raise InputError(f"{who}: cell {cell} is joined to itself; i and j must differ")

    def connections(self, n_a: int, n_b: int, seed: int, index: int) -> Connections:
        """The junctions between `n_a` and `n_b` cells, the `index`-th of a network."""
        who = f'GapJunctions("{self.a}", "{self.b}")'
        _check_shape(self, who, n_a, n_b)
        if self.p is not None:
            draw = random_undirected if self.a == self.b else random_pairs
            i, j = draw(n_a, n_b, self.p, [seed, GAPS_TAG, index])
            return Connections(i, j, np.full(len(i), float(self.g)), np.zeros(1))
        checks.indices(f"{who}: i", self.i, n_a)
        checks.indices(f"{who}: j", self.j, n_b)
        return Connections(self.i, self.j, np.broadcast_to(self.g, self.i.shape), np.zeros(1))


def _resolve(pairs: Any, who: str, name: str) -> None:
    """Check the ways of saying what is connected; a matrix becomes i, j and weights."""

    def keep(field: str, value: Any) -> None:
        object.__setattr__(pairs, field, value)

    i: Any
    j: Any
    given, i, j = getattr(pairs, name), pairs.i, pairs.j
    listed = i is not None or j is not None
    matrix = hasattr(given, "tocoo") or np.ndim(given) == 2
    ways = int(matrix) + int(listed) + int(pairs.p is not None)
    if ways != 1 or (i is None) != (j is None):
        raise InputError(
            f"{who}: say in one way what is connected: i= and j=, p=, or a matrix as {name}"
        )
    if matrix:
        shape, i, j, given = pairs_of_matrix(who, given)
        keep("shape", shape)
        keep("i", i)
        keep("j", j)
    elif listed:
        i, j = (checks.indices(f"{who}: {n}", x, None) for n, x in (("i", i), ("j", j)))
        keep("i", i)
        keep("j", j)
        if len(i) != len(j):
            raise InputError(f"{who}: {len(i)} indices i and {len(j)} indices j")
    else:
        p = checks.number(f"{who}: p", pairs.p, "", least=0.0)
        if p > 1.0:
            raise InputError(f"{who}: p = {p:g} is a probability: give 0 to 1")
        keep("p", p)
    try:
        values = checks.numbers(f"{who}: {name}", given, "", least=0.0)
    except InputError as wrong:
        more = "; a conductance is not negative: the sign is that of v - e"
        raise InputError(f"{wrong}{more if 'at least' in str(wrong) else ''}") from None
    if values.ndim and (i is None or values.shape != i.shape):
        allowed = "one number with p" if i is None else f"a number or ({len(i)},)"
        raise InputError(f"{who}: {name} has shape {values.shape}; give {allowed}")
    keep(name, values)


def _check_shape(pairs: Any, who: str, n_a: int, n_b: int) -> None:
    shape: Any = pairs.shape
    if shape not in (None, (n_a, n_b)):
        raise InputError(f"{who}: a matrix of shape {shape} for groups of {n_a} and {n_b}")
