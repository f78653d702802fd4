"""The kernel of a solve as Triton code: the adaptive time loop, straight-line for one neuron.

One thread holds one element of the batch from its start to its end, with its own step size, error
control, status and statistics; a thread whose element has ended waits for the others of its block.
"""

from __future__ import annotations

from ...neuron.tables import Tables
from ...status import Status
from ..tableau import ExplicitTableau
from . import recording
from .equations import bounded
from .functions import Functions
from .loops import explicit_loop, rosenbrock_loop
from .methods import Calls, Tableau, explicit_step, rosenbrock_step
from .printing import number
from .signal import enter, signal
from .templates import (
    ARGUMENTS,
    ATTEND,
    BEGIN,
    FIRST,
    HEADER,
    LOAD,
    PREDICT,
    PROPOSE,
    SETTINGS,
    STEP,
    TAKE,
)
from .text import indented
from .variant import Variant

# Weights of networks from which on the stages of a step are a loop, as with sinusoids: the code is
# compiled sooner.
LARGE = 60


class Kernel:
    """The code of one kernel: `text` is a module with a function `solve`."""

    def __init__(self, tables: Tables, tableau: Tableau, variant: Variant) -> None:
        self.tableau, self.variant = tableau, variant
        self.explicit = isinstance(tableau, ExplicitTableau)
        large = int((tables.layers[:-1] * tables.layers[1:]).sum()) > LARGE
        self.looped = large or variant.sines
        self.bounded = bounded(tables)
        self.states = len(tables.states)
        self.functions = Functions(tables, tableau, variant)
        self.calls = Calls(
            self.states, self.functions.call, self._stimulus, variant.clamped, variant.moving
        )
        title = f"The equations of {tables.name!r} in Triton; written by pyhodgkin."
        head = HEADER.replace("{title}", title.replace('"', "'").replace("\\", "/"))
        self.text = head + "\n".join([*self.functions.text, *self._kernel()])

    def _stimulus(self, t: str, order: int) -> list[str]:
        """Lines for ``u``, or ``u`` as its derivative: the stimulus that enters the equations."""
        if not self.variant.moving:
            return []
        return [f"u = ({signal(self.variant, t, order + self.variant.clamped)}).to(F)"]

    # -- the kernel ---------------------------------------------------------------------------

    def _kernel(self) -> list[str]:
        head = ["@triton.jit", "def solve(", *(f"    {x}," for x in ARGUMENTS), "):"]
        body = [
            *self._load(),
            *self._begin(),
            "while tl.max(live.to(tl.int32), 0) > 0:",
            *indented(self._step()),
            "write(results + i, status, mask, PTX)",
            "write(results + elements + i, n_steps, mask, PTX)",
            "write(results + 2 * elements + i, n_rejected, mask, PTX)",
            "if WATCH:",
            "    write(rising_count + i, n_rising, mask, PTX)",
        ]
        return [*head, *indented(body), ""]

    def _load(self) -> list[str]:
        text = self.variant.load(LOAD + SETTINGS, self.functions.equations.rows.count)
        used = self.functions.rows
        return [*text, f"{', '.join(used)} = read_rows(weights, PTX)"] if used else text

    def _command(self) -> str:
        return f"({signal(self.variant, 't', 0)}).to(F)"

    def _begin(self) -> list[str]:
        """The start: the state, the first step, the samples at t = 0."""
        calls, text = self.calls, [*BEGIN.strip().split("\n"), *enter(self.variant)]
        text.append(
            f"y0 = {self._command()}"
            if self.variant.clamped
            else "y0 = read(v_start + i, PTX).to(F)"
        )
        text += [self.functions.call("steady", "new", "y"), *calls.each("y{j} = new{j}")]
        text.append("if GIVEN:")
        first = 1 if self.variant.clamped else 0
        text.append(
            f"    {calls.names('given')} = read_states(y_start + i * y_stride * {self.states}, PTX)"
        )
        text += indented(calls.each("y{j} = given{j}.to(F)", first))
        text += [*calls.stimulus("t", 0), self.functions.call("right_hand_side", "k0_", "y")]
        text += self._first_step()
        text += ["while tl.max((mask & (due <= 0.0)).to(tl.int32), 0) > 0:"]
        text += indented(
            ["early = mask & (due <= 0.0)", *recording.store_sample(calls, "early", "y")]
        )
        if not self.explicit:
            return [*text, "past = tl.zeros([BLOCK], tl.float64)"]
        return text + (["fresh = live"] if not self.variant.clamped else [])

    def _first_step(self) -> list[str]:
        text = ["d0 = tl.zeros([BLOCK], F)", "d1 = tl.zeros([BLOCK], F)"]
        for j in range(self.states):
            atol = "atol_v" if j == 0 else "atol"
            text += [
                f"scale = rtol * tl.abs(y{j}) + {atol}",
                f"d0 += (y{j} / scale) * (y{j} / scale)",
                f"d1 += (k0_{j} / scale) * (k0_{j} / scale)",
            ]
        s = number(float(self.states))
        text += [f"d0 = tl.sqrt(d0 / {s})", f"d1 = tl.sqrt(d1 / {s})"]
        return text + FIRST.strip().split("\n")

    def _step(self) -> list[str]:
        """One turn of the time loop: a step of every thread, taken or not."""
        calls, text = self.calls, STEP.strip().split("\n")
        text += self._stages()
        text += self._norm() + self._keep_gates() + self._propose()
        text += recording.record(self.tableau, calls, self.bounded)
        text += calls.each("y{j} = tl.where(accepted, new{j}, y{j})")
        if self.explicit and not self.variant.clamped:
            last = len(self.tableau.c) - 1
            text += calls.each(f"k0_{{j}} = tl.where(accepted, k{last}_{{j}}, k0_{{j}})")
            text.append("fresh = fresh & ~(accepted & cut)")
        text += TAKE.strip().split("\n")
        text += indented(self._attend())
        if self.variant.clamped:
            text.append(f"y0 = tl.where(live, {self._command()}, y0)")
        return text

    def _propose(self) -> list[str]:
        """The size of the next step; Rosenbrock methods look at the step before for it."""
        text = PROPOSE.replace("PREDICT", "" if self.explicit else PREDICT.strip())
        return [*text.strip().split("\n")]

    def _stages(self) -> list[str]:
        """The stages of a step, one after the other or, of a large neuron, as a loop."""
        calls, tableau = self.calls, self.tableau
        if isinstance(tableau, ExplicitTableau):
            if self.looped:
                return explicit_loop(tableau, calls)
            return [*self._first_stage(), *explicit_step(tableau, calls)]
        step = rosenbrock_loop if self.looped else rosenbrock_step
        return step(tableau, calls)

    def _first_stage(self) -> list[str]:
        calls = self.calls
        compute = [*calls.stimulus("t", 0)]
        if self.variant.clamped:
            return [*compute, self.functions.call("right_hand_side", "k0_", "y")]
        inner = [*compute, self.functions.call("right_hand_side", "g", "y")]
        inner += [*calls.each("k0_{j} = tl.where(fresh, k0_{j}, g{j})"), "fresh = live"]
        return ["if tl.max((live & ~fresh).to(tl.int32), 0) > 0:", *indented(inner)]

    def _norm(self) -> list[str]:
        text = ["norm = tl.zeros([BLOCK], F)"]
        for j in range(self.states):
            atol = "atol_v" if j == 0 else "atol"
            text += [
                f"size = tl.where(tl.abs(y{j}) > tl.abs(new{j}), tl.abs(y{j}), tl.abs(new{j}))",
                f"ratio = error{j} / (rtol * size + {atol})",
                "norm += ratio * ratio",
            ]
        return [*text, f"norm = tl.sqrt(norm / {number(float(self.states))})"]

    def _keep_gates(self) -> list[str]:
        text = ["cut = norm < 0.0"]
        for j, own in enumerate(self.bounded):
            if own:
                text.append(f"cut = cut | (new{j} < 0.0) | (new{j} > 1.0)")
                text.append(f"new{j} = within(new{j}, 0.0, 1.0)")
        return text

    def _attend(self) -> list[str]:
        """End what has arrived or cannot go on; go on to the next piece of the stimulus."""
        names = {"underflow": "STEP_UNDERFLOW", "nonfinite": "NONFINITE", "too_many": "MAX_STEPS"}
        numbers = {name: int(Status[status]) for name, status in names.items()}
        text = ATTEND.strip().format(**numbers).split("\n")
        where = next(i for i, line in enumerate(text) if line == "ENTER")
        text[where : where + 1] = enter(self.variant)
        if self.explicit and not self.variant.clamped:
            text.append("fresh = fresh & ~moved")
        return text
