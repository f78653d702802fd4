"""The functions of a neuron in a kernel, and how they are called."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...neuron.tables import Tables
from ..tableau import ExplicitTableau
from .equations import Equations
from .graph import Value
from .linear import factors, n_factors, solution
from .methods import Tableau, powers
from .printing import function, names
from .variant import Variant


class Functions:
    """The code of the functions of a neuron.

    Attributes
    ----------
    text : list of str
        Lines of code; without those for the start of a solve if `solve` is false.
    rows : list of str
        The variables of rows that are read once, such as ``p3``.
    """

    def __init__(
        self, tables: Tables, tableau: Tableau, variant: Variant, *, solve: bool = True
    ) -> None:
        self.equations = Equations(tables, variant.clamped)
        self.states = len(tables.states)
        self.text: list[str] = []
        self.rows: list[str] = []
        self._arguments: dict[str, list[str]] = {}
        self._read = variant.read_row
        explicit = isinstance(tableau, ExplicitTableau)
        self._of_state(explicit, solve)
        self.text += memory_functions(self.states, powers(tableau), self.rows, self._read)
        if not explicit:
            self._solved(tables.is_black_box)

    def _of_state(self, explicit: bool, solve: bool) -> None:
        """Functions of the state, the stimulus and the parameters."""
        equations, y = self.equations, [f"y{j}" for j in range(self.states)]
        outputs: dict[str, Sequence[Value]]
        outputs = {"right_hand_side": equations.slopes}
        if solve:
            outputs["steady"] = equations.steady_state()
        if not explicit:
            outputs["factored"] = [*factors(equations), *equations.slopes]
            outputs["by_stimulus"] = equations.by_stimulus()
        used: set[str] = set()
        for name, values in outputs.items():
            found = names(equations.graph, values)
            rows = sorted((x for x in found if x[0] == "p"), key=_place)
            used.update(rows)
            rest = [x for x in ("u", "shift") if x in found]
            rest += [*rows, *(["weights"] if "weights" in found else [])]
            self._arguments[name] = rest
            own = [*(y if name != "steady" else y[:1]), *rest]
            self.text += function(name, own, equations.graph, values, self._read)
        self.rows = sorted(used, key=_place)

    def _solved(self, black_box: bool) -> None:
        graph, values = solution(self.states, black_box)
        own = self._arguments["solved"] = [f"m{i}" for i in range(n_factors(self.equations))]
        r = [f"r{j}" for j in range(self.states)]
        self.text += function("solved", [*r, *own], graph, values, self._read, "r0")

    def call(self, name: str, target: str, state: str) -> str:
        """See `methods.Calls`."""
        states, results = ([f"{x}{j}" for j in range(self.states)] for x in (state, target))
        if name == "factored":
            results = [*(f"m{i}" for i in range(n_factors(self.equations))), *results]
        own = [*(states if name != "steady" else states[:1]), *self._arguments[name]]
        return f"{', '.join(results)} = {name}({', '.join(own)})"


def _place(row: str) -> int:
    return int(row[1:])


def memory_functions(
    states: int, count: int, rows: Sequence[str], read_row: Callable[[int], str]
) -> list[str]:
    """Functions that read parameters and states, and write samples and steps; see `memory`.

    `count` is that of the coefficients of the polynomial inside of a step.
    """
    head, text = "@triton.jit", []
    read = {
        "rows(weights": [read_row(int(x[1:])) for x in rows],
        "states(place": [f"read(place + {j}, PTX)" for j in range(states)],
    }
    for name, values in read.items():
        if values:
            text += [head, f"def read_{name}, PTX: tl.constexpr):"]
            text += [f"    return {', '.join(values)}", "", ""]
    write = {
        "states": [f"y{j}" for j in range(states)],
        "step": ["t", "step", "t_next"],
        "rising": ["t", "step", "v", *(f"c{p}" for p in range(count))],
    }
    for name, values in write.items():
        text += [
            head,
            f"def write_{name}(place, stride, {', '.join(values)}, held, PTX: tl.constexpr):",
        ]
        text += [f"    write(place + {j} * stride, {x}, held, PTX)" for j, x in enumerate(values)]
        text += ["", ""]
    return text
