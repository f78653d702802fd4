"""The discrete adjoint of the steps of an explicit method as Triton code.

One thread goes back through the tape of one element. The stages of each step are computed again
and gone through in reverse order; gradients by the parameters that were read once are summed in
variables, those by weights in memory, both for each element. Step sizes are constants.
"""

from __future__ import annotations

from ...neuron.tables import Tables
from ..tableau import ExplicitTableau
from .derivatives import adjoints
from .equations import bounded
from .functions import Functions
from .graph import Node
from .loops import coefficient, coefficients, stage_sum
from .methods import Calls, dense, polynomial, powers
from .printing import lines
from .rows import WIDTH
from .signal import enter, signal
from .templates import ADJOINT_ARGUMENTS, ADJOINT_BEGIN, HEADER, LOAD
from .text import indented
from .variant import Variant


class AdjointKernel:
    """The code of one kernel: `text` is a module with a function `adjoint`."""

    def __init__(self, tables: Tables, tableau: ExplicitTableau, variant: Variant) -> None:
        self.tableau, self.variant = tableau, variant
        self.states, self.stages = len(tables.states), len(tableau.c)
        self.bounded = bounded(tables)
        self.functions = Functions(tables, tableau, variant, solve=False)
        self.calls = Calls(
            self.states,
            self.functions.call,
            self._stimulus,
            variant.clamped,
            variant.moving,
        )
        title = f"The adjoint of {tables.name!r} in Triton; written by pyhodgkin."
        head = HEADER.replace("{title}", title.replace('"', "'").replace("\\", "/"))
        text = [*self.functions.text, *self._transposed()]
        self.text = head + "\n".join([*text, *self._kernel()])

    def _stimulus(self, t: str, order: int) -> list[str]:
        if not self.variant.moving:
            return []
        return [f"u = ({signal(self.variant, t, order + self.variant.clamped)}).to(F)"]

    # -- the product with the transposed Jacobian -------------------------------------------------

    def _transposed(self) -> list[str]:
        """A function: Σ b·f differentiated by the state and the rows, by weights to memory."""
        equations, rows = self.functions.equations, self.functions.rows
        graph = equations.graph
        b = [graph.name(f"b{j}") for j in range(self.states)]
        needed = graph.needed(equations.slopes)
        weights = [i for i in needed if graph.operations[i].name == "weight"]
        inputs = [
            *equations.y,
            *(graph.name(row) for row in rows),
            *(Node(graph, i) for i in weights),
        ]
        found = adjoints(graph, equations.slopes, b, inputs)
        self.has_weights = bool(weights)
        body, names = lines(graph, found, self.variant.read_row)
        returned = names[: self.states + len(rows)]
        for i, x in enumerate(found[: len(returned)]):
            if not isinstance(x, Node) or x.constant is not None:
                returned[i] = f"tl.full(b0.shape, {returned[i]}, b0.dtype)"
        for i, x, name in zip(weights, found[len(returned) :], names[len(returned) :], strict=True):
            if isinstance(x, Node):
                row = int(graph.operations[i].extra)  # type: ignore[arg-type]
                body += self.variant.add_to_row(row, name)
        y = [f"y{j}" for j in range(self.states)]
        arguments = [*y, "u", *rows, "weights", "gradients", *(f"b{j}" for j in range(self.states))]
        head = f"def transposed({', '.join([*arguments, 'held'])}):"
        return ["@triton.jit", head, *indented(body), f"    return {', '.join(returned)}", "", ""]

    # -- the kernel -----------------------------------------------------------------------------

    def _kernel(self) -> list[str]:
        head = ["@triton.jit", "def adjoint(", *(f"    {x}," for x in ADJOINT_ARGUMENTS), "):"]
        calls, rows, count = self.calls, self.functions.rows, self.functions.equations.rows.count
        begin = ADJOINT_BEGIN.replace("ROWS", str(count)).replace("WIDTH", str(WIDTH))
        body = [
            *self.variant.load(LOAD, count),
            *([f"{', '.join(rows)} = read_rows(weights, PTX)"] if rows else []),
            *begin.strip().split("\n"),
            *(["adds = adds.to(tl.int64)"] if self.variant.ptx else []),
            *calls.each("adjoint{j} = tl.zeros([BLOCK], F)"),
            *(f"by_{row} = tl.zeros([BLOCK], F)" for row in rows),
            "while tl.max((n >= 0).to(tl.int32), 0) > 0:",
            *indented([*self._forward(), *self._samples(), *self._end(), *self._backward()]),
            *self._early(),
            "write_states(start_gradient + i, elements, " + calls.names("adjoint") + ", mask, PTX)",
        ]
        for row in rows:
            place = f"sums + {int(row[1:]) * WIDTH}"
            body.append(f"write({place}, by_{row}, mask, PTX)")
        return [*head, *indented(body), ""]

    def _forward(self) -> list[str]:
        """The step that is gone through: its stages, and its polynomial."""
        n, calls = self.stages, self.calls
        text = STEP.strip().split("\n") + enter(self.variant)
        load = f"tape_states + row * {self.states} * elements + i"
        text += calls.each(f"y{{j}} = read({load} + {{j}} * elements, PTX)")
        if self.variant.clamped:
            text.append(f"y0 = ({signal(self.variant, 't', 0)}).to(F)")
        text += [line for q in range(n) for line in calls.each(f"k{q}_{{j}} = 0.0 * h_step")]
        text += [*calls.each("at{j} = y{j}"), "stage = 0"]
        inner = [*self._state(), *self._at_stage(), calls.call("right_hand_side", "g", "at")]
        for q in range(n):
            inner += calls.each(f"k{q}_{{j}} = tl.where(stage == {q}, g{{j}}, k{q}_{{j}})")
        return [*text, f"while stage < {n}:", *indented([*inner, "stage += 1"])]

    def _state(self) -> list[str]:
        """The state at a stage, to ``at…``."""
        n = self.stages
        text = coefficients(n, "a", 0, n - 1)
        return text + [
            f"at{j} = y{j} + h_step * ({stage_sum('a', n - 1, j)})" for j in range(self.states)
        ]

    def _at_stage(self) -> list[str]:
        text = self.calls.stimulus("t + node * step", 0)
        return [f"node = {coefficient(self.stages, 2 * self.stages)}", *text] if text else []

    def _samples(self) -> list[str]:
        """Cotangents of the samples of this step, to its start and to its polynomial."""
        count, calls = powers(self.tableau), self.calls
        text = calls.each("by_start{j} = 0.0 * h_step")
        text += [x for p in range(count) for x in calls.each(f"by_dense{p}_{{j}} = 0.0 * h_step")]
        condition = "active & (due > t)"
        inner = [f"own = {condition}", "part = ((due - t) / step).to(F)"]
        for j in range(self.states):
            place = f"cotangent + (tl.where(own, place, 0) * {self.states} + {j}) * elements + i"
            inner.append(f"c{j} = tl.where(own, read({place}, PTX), 0.0)")
            if self.bounded[j]:
                inner.append(f"found{j} = y{j} + {polynomial(j, count, 'part')}")
                inner.append(f"c{j} = tl.where((found{j} >= 0.0) & (found{j} <= 1.0), c{j}, 0.0)")
            inner += [f"by_start{j} += c{j}", f"c{j} = c{j} * part"]
            for p in range(count):
                inner.append(f"by_dense{p}_{j} += c{j}")
                if p < count - 1:
                    inner.append(f"c{j} = c{j} * part")
        inner += ["place = tl.where(own, place - 1, place)", DUE]
        loop = [f"while tl.max(({condition}).to(tl.int32), 0) > 0:", *indented(inner)]
        return [*text, *dense(self.tableau, calls, self.states), *loop]

    def _end(self) -> list[str]:
        """From the end of the step and its polynomial to the slopes of its stages."""
        text, rows = [], list(zip(*self.tableau.dense, strict=True))
        for j in range(self.states):
            text.append(f"end{j} = tl.where(active, adjoint{j}, 0.0)")
            if self.bounded[j]:  # nothing flows back through a gate that was cut
                text.append(f"end{j} = tl.where((at{j} >= 0.0) & (at{j} <= 1.0), end{j}, 0.0)")
            text.append(f"by_start{j} += end{j}")
            for q in range(self.stages):
                parts = [
                    f"{rows[p][q]!r} * by_dense{p}_{j}" for p in range(len(rows)) if rows[p][q]
                ]
                if q < self.stages - 1 and self.tableau.a[-1][q]:
                    parts.append(f"{self.tableau.a[-1][q]!r} * end{j}")
                text.append(f"s{q}_{j} = h_step * ({' + '.join(parts) or '0.0 * h_step'})")
        return text

    def _backward(self) -> list[str]:
        """Through the stages in reverse order, to the start of the step."""
        n, calls, rows = self.stages, self.calls, self.functions.rows
        inner = [*self._state(), *self._at_stage()]
        for j in range(self.states):
            inner.append(f"b{j} = s0_{j}")
            inner += [f"b{j} = tl.where(stage == {q}, s{q}_{j}, b{j})" for q in range(1, n)]
        results = [f"x{j}" for j in range(self.states)] + [f"x_{row}" for row in rows]
        at = [calls.names("at"), "u", *rows, "weights", "adds", calls.names("b"), "active"]
        inner.append(f"{', '.join(results)} = transposed({', '.join(at)})")
        inner += [f"by_{row} += tl.where(active, x_{row}, 0.0)" for row in rows]
        inner += calls.each("by_start{j} += x{j}")
        for q in range(n - 1):
            inner += calls.each(f"s{q}_{{j}} += h_step * a{q} * x{{j}}")
        text = [f"stage = {n - 1}", "while stage >= 0:", *indented([*inner, "stage -= 1"])]
        if self.variant.clamped:  # the voltage is that of the command
            text.append("by_start0 = 0.0 * h_step")
        text += calls.each("adjoint{j} = tl.where(active, by_start{j}, adjoint{j})")
        return [*text, "n -= 1"]

    def _early(self) -> list[str]:
        """What was asked for at or before the start is the start itself."""
        text = ["while tl.max((mask & (place >= 0)).to(tl.int32), 0) > 0:"]
        inner = ["own = mask & (place >= 0)"]
        for j in range(self.states):
            place = f"cotangent + (tl.where(own, place, 0) * {self.states} + {j}) * elements + i"
            inner.append(f"adjoint{j} += tl.where(own & (due <= 0.0), read({place}, PTX), 0.0)")
        return [*text, *indented([*inner, "place = tl.where(own, place - 1, place)", DUE])]


DUE = "due = tl.where(place >= 0, read(times + tl.where(place >= 0, place, 0), PTX), -1.0)"

STEP = """
active = n >= 0
row = tl.where(active, n, 0)
t = read(tape_numbers + row * 3 * elements + i, PTX)
step = read(tape_numbers + row * 3 * elements + i + elements, PTX)
step = tl.where(active, step, 1.0)
h_step = step.to(F)
piece = tl.load(tape_pieces + row * elements + i).to(tl.int64)
"""
