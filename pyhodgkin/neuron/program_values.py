"""A program computed: its values and their derivatives by the state, for arrays of any kind.

The functions that the arrays have are given (`NumpyFunctions`, or those of an engine), so that one
set of rules serves all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..numerics.cached import cached_property
from .program import Op
from .tables import Tables

_BINARY = {Op.ADD, Op.SUBTRACT, Op.MULTIPLY, Op.DIVIDE}


class ProgramValues:
    """The values of the operations of a program, and their derivatives by the state.

    Parameters
    ----------
    tables : Tables
        Of a neuron with a program.
    known : iterable of int
        Operations whose values will be given.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> from pyhodgkin.neuron.program_numpy import NumpyFunctions
    >>> pool = ph.CalciumPool(ca_inf=1e-4, tau=10.0, k=1e-4, sources=("l",))
    >>> cell = ph.Neuron("cell", (ph.leak(0.1, -70.0),), calcium=pool)
    >>> values = ProgramValues(cell.tables)
    >>> found = values.slopes(NumpyFunctions(cell.tables, cell.theta), [-70.0, 2e-4], 1.0)
    >>> [float(x) for x in found]
    [1.0, -1e-05]
    """

    def __init__(self, tables: Tables, known: Iterable[int] = ()) -> None:
        self.program, self._given = tables.program, frozenset(known)
        self.states = len(tables.states)
        rows = zip(
            self.program.kind.tolist(),
            self.program.operands.tolist(),
            self.program.number.tolist(),
            strict=True,
        )
        self._rows = [(Op(kind), row, number) for kind, row, number in rows]
        self._terms = self.program.terms.tolist()

    def operands(self, index: int) -> list[int]:
        """The operations that one is computed from."""
        kind, row, _ = self._rows[index]
        if kind in (Op.NUMBER, Op.PARAMETER, Op.STATE, Op.STIMULUS):
            return []
        if kind == Op.NETWORK:
            return self._terms[row[2] : row[2] + row[3]]
        if kind == Op.TABLE:
            return row[:1]
        return [x for x in row if x >= 0]

    def row(self, index: int) -> tuple[Op, list[int], float]:
        """What an operation is, its operands as they are in the program, its number."""
        return self._rows[index]

    def needed(self, outputs: Iterable[int]) -> list[int]:
        """The operations that `outputs` are computed from, in order; a network as a whole."""
        found = set(outputs)
        for index in range(len(self._rows) - 1, -1, -1):
            if index in found and index not in self._given:
                found.update(self.operands(index))
        return sorted(found)

    @cached_property
    def constant(self) -> NDArray[np.bool_]:
        """Which operations depend neither on the state nor on the stimulus."""
        moving = (Op.STATE, Op.STIMULUS)
        found = np.ones(len(self._rows), dtype=bool)
        for i, (kind, _, _) in enumerate(self._rows):
            found[i] = kind not in moving and all(found[j] for j in self.operands(i))
        return found

    @cached_property
    def _of_slopes(self) -> list[int]:
        return self.needed(self.program.slopes.tolist())

    def run(
        self, f: Any, y: Any, u: Any, which: Iterable[int], known: dict[int, Any]
    ) -> dict[int, Any]:
        """The values of the operations `which`, in order, besides those that are `known`."""
        values = dict(known)
        for i in which:
            if i not in values:
                self._compute(f, i, values, y, u)
        return values

    def _compute(self, f: Any, i: int, values: dict[int, Any], y: Any, u: Any) -> None:
        kind, row, number = self._rows[i]
        if kind in _BINARY:
            a, b = values[row[0]], values[row[1]]
            if kind == Op.MULTIPLY:
                values[i] = a * b
            elif kind == Op.ADD:
                values[i] = a + b
            else:
                values[i] = a - b if kind == Op.SUBTRACT else a / b
        elif kind == Op.NUMBER:
            values[i] = number
        elif kind == Op.PARAMETER:
            values[i] = f.parameter(row[0])
        elif kind == Op.STATE:
            values[i] = y[row[0]]
        elif kind == Op.STIMULUS:
            values[i] = u
        elif kind == Op.POWER:
            values[i] = f.power(values[row[0]], number)
        elif kind == Op.CHOICE:
            a, b, yes, no = (values[j] for j in row)
            values[i] = f.where(a < b, yes, no)
        elif kind == Op.TABLE:
            values[i] = f.cubic(row[1], values[row[0]])[0]
        elif kind == Op.NETWORK:
            outputs = f.network(row[0], [values[j] for j in self.operands(i)])
            for offset, out in enumerate(outputs):
                values[i - row[1] + offset] = out
        else:
            values[i] = getattr(f, _NAMES[kind])(values[row[0]])

    def tangents(
        self, f: Any, values: dict[int, Any], seeds: Sequence[Any], which: Iterable[int]
    ) -> dict[int, Any]:
        """Derivatives of the operations `which` by the states, where they are not zero.

        `seeds` are those (S, …) of the states: rows of an identity.
        """
        out: dict[int, Any] = {}
        for i in which:
            kind, row, _ = self._rows[i]
            if kind == Op.STATE:
                out[i] = seeds[row[0]]
            elif i not in out and any(j in out for j in self.operands(i)):
                self._tangent(f, i, values, out)
        return out

    def _tangent(self, f: Any, i: int, values: dict[int, Any], out: dict[int, Any]) -> None:
        kind, row, number = self._rows[i]
        if kind == Op.CHOICE:
            yes, no = out.get(row[2]), out.get(row[3])
            if yes is None and no is None:
                return
            below = values[row[0]] < values[row[1]]
            out[i] = f.where(below, 0.0 if yes is None else yes, 0.0 if no is None else no)
            return
        if kind == Op.NETWORK:
            places = self.operands(i)
            inputs = [values[j] for j in places]
            like = next(out[j] for j in places if j in out)
            along = [out[j] if j in out else 0.0 * like for j in places]
            for offset, tangent in enumerate(f.network_tangents(row[0], inputs, along)):
                out[i - row[1] + offset] = tangent
            return
        if kind in _BINARY:
            out[i] = _BY_OPERANDS[kind](
                values[row[0]], values[row[1]], values[i], out.get(row[0]), out.get(row[1])
            )
            return
        x, value = values[row[0]], values[i]
        if kind == Op.EXP:
            slope = f.exp_slope(x, value)
        elif kind == Op.LOG:
            slope = 1.0 / x
        elif kind == Op.TANH:
            slope = 1.0 - value * value
        elif kind == Op.LOGISTIC:
            slope = value * (1.0 - value)
        elif kind == Op.LINOID:
            slope = f.linoid_slope(x)
        elif kind == Op.POWER:
            slope = number * f.power(x, number - 1.0)
        else:
            slope = f.cubic(row[1], x)[1]
        out[i] = slope * out[row[0]]

    # -- what is asked for ----------------------------------------------------------------------

    def slopes(self, f: Any, y: Any, u: Any, known: Any = None) -> list[Any]:
        """dy/dt, one array for each state."""
        values = self.run(f, y, u, self._of_slopes, known or {})
        return [values[i] for i in self.program.slopes.tolist()]

    def jacobian(
        self, f: Any, y: Any, u: Any, seeds: Any, known: Any = None
    ) -> tuple[list[Any], list[Any]]:
        """dy/dt, and of each of it the derivatives (S, …) by the states."""
        values = self.run(f, y, u, self._of_slopes, known or {})
        along = self.tangents(f, values, seeds, self._of_slopes)
        zero, places = 0.0 * seeds[0], self.program.slopes.tolist()
        return [values[i] for i in places], [along.get(i, zero) + zero for i in places]

    def outputs(self, f: Any, y: Any, which: Sequence[int], known: Any = None) -> list[Any]:
        """Other operations, which do not depend on the stimulus."""
        values = self.run(f, y, 0.0, self.needed(which), known or {})
        return [values[i] for i in which]


_NAMES = {
    Op.EXP: "exp",
    Op.LOG: "log",
    Op.TANH: "tanh",
    Op.LOGISTIC: "logistic",
    Op.LINOID: "linoid",
}


def _scaled(factor: Any, tangent: Any) -> Any:
    return None if tangent is None else factor * tangent


def _plus(a: Any, b: Any) -> Any:
    if a is None or b is None:
        return b if a is None else a
    return a + b


# Of a binary operation: from its operands, its value and their tangents to its own.
_BY_OPERANDS: dict[Op, Callable[..., Any]] = {
    Op.ADD: lambda a, b, value, da, db: _plus(da, db),
    Op.SUBTRACT: lambda a, b, value, da, db: _plus(da, _scaled(-1.0, db)),
    Op.MULTIPLY: lambda a, b, value, da, db: _plus(_scaled(b, da), _scaled(a, db)),
    Op.DIVIDE: lambda a, b, value, da, db: _plus(_scaled(1.0 / b, da), _scaled(-value / b, db)),
}
