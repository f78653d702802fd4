"""The equations of a neuron as one list of operations, for neurons whose states are coupled.

Gates that depend on the voltage alone are lowered to tables of rates, currents and factors
(`lowering`). With a calcium pool or a Markov scheme everything may depend on everything: these
neurons are lowered to a *program*, single operations on numbers in the order in which they can be
computed. An engine computes it forwards, and differentiates it by the rules of its operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from ..numerics.arrays import FloatArray

NONE = -1
WIDTH = 4  # whole numbers beside an operation


class Op(IntEnum):
    """What an operation computes from others a, b, … and a fixed number c.

    The Julia module has the same ones, counted from 0.
    """

    NUMBER = 0  # c
    PARAMETER = 1  # theta at the place a
    STATE = 2  # the state a
    STIMULUS = 3
    ADD = 4
    SUBTRACT = 5
    MULTIPLY = 6
    DIVIDE = 7
    EXP = 8  # held at its value at 700
    LOG = 9
    TANH = 10
    LOGISTIC = 11  # 1/(1 + exp(-a))
    LINOID = 12  # a/(1 - exp(-a))
    POWER = 13  # a to the power c
    CHOICE = 14  # the third where a < b, else the fourth
    TABLE = 15  # the piecewise cubic b at a
    NETWORK = 16  # output b of the network a, its inputs in `Program.terms`


@dataclass(frozen=True, eq=False)
class Program:
    """N operations, and which of them are the quantities that are asked for.

    Attributes
    ----------
    kind : array of int (N,)
        `Op`.
    operands : array of int (N, 4)
        The operations that each one takes, all before it, or what `Op` says; -1 for none. Of a
        ``NETWORK``: its number, the output, where its inputs begin in `terms`, how many.
    number : array (N,)
    terms : array of int
        Operations that are inputs of networks.
    slopes : array of int (S,)
        The operations that are dy/dt.
    start : array of int (S,)
        Where the search for the steady state begins: functions of v and theta.
    currents : array of int (C + 1,)
        The current of each channel, and last their sum.
    held : array of int (S,)
        1 for states that have no steady state: gates of the form "free", and v.
    """

    kind: NDArray[np.int64]
    operands: NDArray[np.int64]
    number: FloatArray
    terms: NDArray[np.int64]
    slopes: NDArray[np.int64]
    start: NDArray[np.int64]
    currents: NDArray[np.int64]
    held: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.kind)

    def arrays(self) -> dict[str, NDArray]:
        """All of them by name, in the order of the fields."""
        return {f"program_{name}": getattr(self, name) for name in self.__dataclass_fields__}


def no_program() -> Program:
    """That of a neuron which needs none."""
    none = np.zeros(0, dtype=np.int64)
    wide = np.zeros((0, WIDTH), dtype=np.int64)
    return Program(none, wide, np.zeros(0), none, none, none, none, none)


@dataclass
class Builder:
    """Collects operations, each once, however often it is asked for.

    Examples
    --------
    >>> build = Builder()
    >>> x = build.state(1)
    >>> build.add(x, build.number(1.0)) == build.add(x, build.number(1.0))
    True
    >>> len(build.kinds)
    3
    """

    kinds: list[Op] = field(default_factory=list)
    rows: list[tuple[int, ...]] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)
    terms: list[int] = field(default_factory=list)
    known: dict[tuple, int] = field(default_factory=dict)

    def apply(self, kind: Op, *operands: int, number: float = 0.0) -> int:
        """The place of an operation."""
        key = (kind, operands, number)
        place = self.known.setdefault(key, len(self.kinds))
        if place == len(self.kinds):
            self.kinds.append(kind)
            self.rows.append(operands + (NONE,) * (WIDTH - len(operands)))
            self.numbers.append(float(number))
        return place

    def number(self, value: float) -> int:
        return self.apply(Op.NUMBER, number=float(value))

    def parameter(self, place: int) -> int:
        return self.apply(Op.PARAMETER, place)

    def state(self, place: int) -> int:
        return self.apply(Op.STATE, place)

    def stimulus(self) -> int:
        return self.apply(Op.STIMULUS)

    def fixed(self, a: int) -> float | None:
        """The value of an operation that is a fixed number."""
        return self.numbers[a] if self.kinds[a] == Op.NUMBER else None

    def add(self, a: int, b: int) -> int:
        if self.fixed(a) == 0.0 or self.fixed(b) == 0.0:
            return b if self.fixed(a) == 0.0 else a
        return self._binary(Op.ADD, a, b)

    def subtract(self, a: int, b: int) -> int:
        return a if self.fixed(b) == 0.0 else self._binary(Op.SUBTRACT, a, b)

    def multiply(self, a: int, b: int) -> int:
        if self.fixed(a) == 1.0 or self.fixed(b) == 1.0:
            return b if self.fixed(a) == 1.0 else a
        return self._binary(Op.MULTIPLY, a, b)

    def _binary(self, kind: Op, a: int, b: int) -> int:
        """An operation on two; of two fixed numbers it is done at once."""
        p, q = self.fixed(a), self.fixed(b)
        if p is None or q is None:
            return self.apply(kind, a, b)
        if kind == Op.DIVIDE:
            return self.number(p / q)
        return self.number({Op.ADD: p + q, Op.SUBTRACT: p - q, Op.MULTIPLY: p * q}[kind])

    def times(self, factor: float, a: int) -> int:
        """A fixed number times `a`."""
        return self.multiply(self.number(factor), a)

    def divide(self, a: int, b: int) -> int:
        return self._binary(Op.DIVIDE, a, b)

    def power(self, a: int, exponent: float) -> int:
        known = self.fixed(a)
        if known is not None:
            return self.number(known**exponent)
        return self.apply(Op.POWER, a, number=float(exponent))

    def whole_power(self, a: int, n: int) -> int:
        """aⁿ for a whole number n of at least 1."""
        found = a
        for _ in range(n - 1):
            found = self.multiply(found, a)
        return found

    def choice(self, a: int, b: int, yes: int, no: int) -> int:
        return self.apply(Op.CHOICE, a, b, yes, no)

    def sum(self, values: Sequence[int]) -> int:
        """The sum of operations; 0 of none."""
        if not values:
            return self.number(0.0)
        total = values[0]
        for value in values[1:]:
            total = self.add(total, value)
        return total

    def network(self, which: int, outputs: int, inputs: Sequence[int]) -> list[int]:
        """The outputs of a network of the tables; each network stands in a program once."""
        first = len(self.terms)
        self.terms += inputs
        return [self.apply(Op.NETWORK, which, row, first, len(inputs)) for row in range(outputs)]

    def program(
        self,
        slopes: Sequence[int],
        start: Sequence[int],
        currents: Sequence[int],
        held: Sequence[bool],
    ) -> Program:
        """All that was collected."""

        def whole(values: Sequence) -> NDArray[np.int64]:
            return np.array(values, dtype=np.int64)

        rows = whole(self.rows).reshape(-1, WIDTH)
        numbers, terms = np.array(self.numbers), whole(self.terms)
        outputs = map(whole, (slopes, start, currents, held))
        return Program(whole(self.kinds), rows, numbers, terms, *outputs)
