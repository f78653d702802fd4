"""A program written as straight-line Python, and its Jacobian beside it.

Reading a program operation by operation takes longer than the arithmetic on plain numbers. So the
operations are written once as the body of a function: names and numbers of our own, no text of the
user's. Of the Jacobian only what is not zero is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...neuron.program import Op
from ...neuron.program_values import ProgramValues

_SIGNS = {Op.ADD: "+", Op.SUBTRACT: "-", Op.MULTIPLY: "*", Op.DIVIDE: "/"}
_CALLS = {
    Op.EXP: "exp",
    Op.LOG: "log",
    Op.TANH: "tanh",
    Op.LOGISTIC: "logistic",
    Op.LINOID: "linoid",
}
NAMES = (
    *("exp", "log", "tanh", "logistic", "linoid", "power"),
    *("exp_slope", "linoid_slope", "cubic", "network", "network_jacobian"),
)


def compiled(
    values: ProgramValues, known: Sequence[int], functions: Any, jacobian: bool
) -> Callable[..., Any]:
    """A function of (y, u, c), c the values of the operations `known`.

    It returns dy/dt as a list and, with `jacobian`, also the rows of the Jacobian.

    Parameters
    ----------
    functions : object
        With the functions of `NAMES`.
    """
    writer = _Writer(values, {place: row for row, place in enumerate(known)}, jacobian)
    names: dict[str, Any] = {name: getattr(functions, name) for name in NAMES}
    exec(compile(writer.source(), "<program>", "exec"), names)
    return names["computed"]


class _Writer:
    """Writes the lines of the function."""

    def __init__(self, values: ProgramValues, known: Mapping[int, int], jacobian: bool) -> None:
        self._values, self._known, self._jacobian = values, known, jacobian
        self.lines: list[str] = []
        # Of each operation the names of its derivatives by the states, where they are not zero.
        self.tangents: dict[int, dict[int, str]] = {}

    def source(self) -> str:
        """The text of the function."""
        places = self._values.program.slopes.tolist()
        for i in self._values.needed(places):
            self._operation(i)
        out = f"[{', '.join(f'v{i}' for i in places)}]"
        if self._jacobian:
            states = range(self._values.states)
            rows = [[self.tangents.get(i, {}).get(j, "0.0") for j in states] for i in places]
            out += f", [{', '.join('[' + ', '.join(row) + ']' for row in rows)}]"
        body = "\n".join(f"    {line}" for line in (*self.lines, f"return {out}"))
        return f"def computed(y, u, c):\n{body}\n"

    def _operation(self, i: int) -> None:
        kind, row, number = self._values.row(i)
        a, b = f"v{row[0]}", f"v{row[1]}"
        if i in self._known:
            self.lines.append(f"v{i} = c[{self._known[i]}]")
        elif kind == Op.NUMBER:
            self.lines.append(f"v{i} = {number!r}")
        elif kind == Op.STATE:
            self.lines.append(f"v{i} = y[{row[0]}]")
            self.tangents[i] = {row[0]: "1.0"}
        elif kind == Op.STIMULUS:
            self.lines.append(f"v{i} = u")
        elif kind in _SIGNS:
            self.lines.append(f"v{i} = {a} {_SIGNS[kind]} {b}")
            self._of_two(i, kind, row[0], row[1])
        elif kind == Op.CHOICE:
            self._choice(i, row)
        elif kind == Op.NETWORK:
            self._network(i, row)
        else:
            self._function(i, kind, row, number)

    def _named(self, i: int, by_state: Mapping[int, str]) -> None:
        if self._jacobian and by_state:
            for j, text in by_state.items():
                self.lines.append(f"t{i}_{j} = {text}")
            self.tangents[i] = {j: f"t{i}_{j}" for j in by_state}

    def _of_two(self, i: int, kind: Op, a: int, b: int) -> None:
        left, right, found = self.tangents.get(a, {}), self.tangents.get(b, {}), {}
        for j in {**left, **right}:
            x, y = left.get(j), right.get(j)
            if kind == Op.MULTIPLY:
                parts = [f"v{b}*{x}" if x else "", f"v{a}*{y}" if y else ""]
                found[j] = " + ".join(filter(None, parts))
            elif kind == Op.DIVIDE:
                top = f"{x or '0.0'}" + (f" - v{i}*{y}" if y else "")
                found[j] = f"({top})/v{b}"
            else:
                sign = "-" if kind == Op.SUBTRACT else "+"
                found[j] = (x or "") + (f" {sign} {y}" if y else "")
        self._named(i, {j: text.strip() for j, text in found.items()})

    def _choice(self, i: int, row: Sequence[int]) -> None:
        a, b, yes, no = row
        self.lines.append(f"b{i} = v{a} < v{b}")
        self.lines.append(f"v{i} = v{yes} if b{i} else v{no}")
        left, right = self.tangents.get(yes, {}), self.tangents.get(no, {})
        found = {
            j: f"{left.get(j, '0.0')} if b{i} else {right.get(j, '0.0')}" for j in {**left, **right}
        }
        self._named(i, found)

    def _network(self, i: int, row: Sequence[int]) -> None:
        net, output = row[0], row[1]
        inputs = self._values.operands(i)
        given = ", ".join(f"v{j}" for j in inputs)
        call = "network_jacobian" if self._jacobian else "network"
        # Every output asks: of those of one network all but the first may not be needed.
        name = f"n{net}"
        if not any(line.startswith((f"{name} =", f"{name}, ")) for line in self.lines):
            target = f"{name}, j{net}" if self._jacobian else name
            self.lines.append(f"{target} = {call}({net}, [{given}])")
        self.lines.append(f"v{i} = {name}[{output}]")
        found: dict[int, list[str]] = {}
        for place, j in enumerate(inputs):
            for state, text in self.tangents.get(j, {}).items():
                found.setdefault(state, []).append(f"j{net}[{output}][{place}]*{text}")
        self._named(i, {state: " + ".join(parts) for state, parts in found.items()})

    def _function(self, i: int, kind: Op, row: Sequence[int], number: float) -> None:
        x, inner = f"v{row[0]}", self.tangents.get(row[0], {})
        wanted = bool(inner) and self._jacobian
        if kind == Op.TABLE:
            self.lines.append(f"v{i}, d{i} = cubic({row[1]}, {x})")
        elif kind == Op.POWER:
            self.lines.append(f"v{i} = power({x}, {number!r})")
        else:
            self.lines.append(f"v{i} = {_CALLS[kind]}({x})")
        if not wanted:
            return
        slopes = {
            Op.EXP: f"exp_slope({x}, v{i})",
            Op.LOG: f"1.0/{x}",
            Op.TANH: f"1.0 - v{i}*v{i}",
            Op.LOGISTIC: f"v{i}*(1.0 - v{i})",
            Op.LINOID: f"linoid_slope({x})",
            Op.POWER: f"{number!r}*power({x}, {number - 1.0!r})",
        }
        if kind in slopes:
            self.lines.append(f"d{i} = {slopes[kind]}")
        self._named(i, {j: f"d{i}*{text}" for j, text in inner.items()})
