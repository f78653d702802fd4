"""NMODL executed on expressions instead of numbers: what each variable is as a formula."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager

from ..errors import InputError
from .algebra import Node, choice, num, power, put, ref
from .arrays import element, loop, no_array
from .built_in import ARITHMETIC, BUILT_IN, compared
from .naming import with_name
from .source import Source
from .syntax import Block, Mechanism, Statement, Term

MOST_STATEMENTS, MOST_CALLS = 20_000, 25
_IGNORED = {"printf", "fprintf"}
AT_STEP = "@STEP"  # marks what changes at every step of the integration
AT_START = "@INITIAL"  # marks what INITIAL computes from the voltage of that moment


class Execution:
    """Runs INITIAL once and BREAKPOINT until nothing changes.

    Attributes
    ----------
    values : dict of str to Node
        Variables of the mechanism, by expressions of ``v``, the states, and names without a value.
    lines : dict of str to int
        Where each of them was assigned last.
    slopes : dict of str to (Node, int)
        The derivative of each state, and the line that says so.
    named : dict of str to Node
        Functions of the voltage that have a name in the file, by that name and ``#``.
    updates : dict of str to (Node, int)
        The next value of each state, where a PROCEDURE is solved instead of derivatives.
    """

    def __init__(self, source: Source, mechanism: Mechanism) -> None:
        self.source, self.mechanism = source, mechanism
        self.values: dict[str, Node] = {}
        self.lines: dict[str, int] = {}
        self.slopes: dict[str, tuple[Node, int]] = {}
        self.updates: dict[str, tuple[Node, int]] = {}
        self.local: list[dict[str, Node]] = []
        self.calls: list[str] = []
        self.named: dict[str, Node] = {}
        self.count, self.within, self.solving = 0, "", False
        self.naming, self.branches = False, 0

    def run(self) -> None:
        found = self.mechanism
        if found.breakpoint is None:
            self.source.refuse(found.line, "has no BREAKPOINT, and so no current")
        if found.initial is not None:
            self.block(found.initial, "INITIAL")
        moment = {"v", "t", "dt", *found.states}
        read = {name for ion in found.ions for name in ion.reads}  # each time from the cell
        for name, value in list(self.values.items()):
            if name in found.states or name in read:
                del self.values[name]
            elif value.free & moment or any(x.endswith(AT_START) for x in value.free):
                self.values[name] = ref(name + AT_START)
        before: tuple[dict, dict, dict] = ({}, {}, {})
        for _ in range(6):
            before = dict(self.values), dict(self.slopes), dict(self.updates)
            self.block(found.breakpoint, "BREAKPOINT")
            if before == (self.values, self.slopes, self.updates):
                return
        self.unsettled(*before)

    def unsettled(self, values: dict, slopes: dict, updates: dict) -> None:
        """Take the value from variables that change at every step, and refuse such equations."""
        for before, now in ((slopes, self.slopes), (updates, self.updates)):
            for name, (value, line) in now.items():
                if before.get(name) != (value, line):
                    self.source.refuse(line, "changes at every step of the integration")
        for name, value in self.values.items():
            if values.get(name) != value:
                self.values[name] = ref(name + AT_STEP)

    def currents(self) -> dict[str, Node]:
        """The variables once more, with ``name#`` in the place of named functions of v."""
        assert self.mechanism.breakpoint is not None
        kept, self.naming = dict(self.values), True
        equations = dict(self.slopes), dict(self.updates)
        for name, value in kept.items():
            self.values[name] = self.with_name(name, value)
        self.block(self.mechanism.breakpoint, "BREAKPOINT")
        found, self.values, self.naming = self.values, kept, False
        self.slopes, self.updates = equations
        return found

    def with_name(self, name: str, value: Node) -> Node:
        """A function of v alone by its name."""
        return with_name(name, value, self.named, self.mechanism.states)

    def block(self, block: Block, within: str) -> None:
        self.within = within
        with self.frame({}):
            self.statements(block.body)
        self.restored()

    @contextmanager
    def frame(self, values: dict[str, Node]):
        self.local.append(values)
        yield
        self.local.pop()

    def statements(self, body: tuple[Statement, ...]) -> None:
        for statement in body:
            self.count += 1
            if self.count > MOST_STATEMENTS:
                self.source.refuse(statement.line, f"comes after {MOST_STATEMENTS} statements")
            try:
                self.statement(statement)
            except InputError as error:
                if self.source.is_named(str(error)):
                    raise
                raise self.source.error(statement.line, str(error)) from None

    def statement(self, s: Statement) -> None:
        if s.kind == "skip":
            return
        if s.kind == "refused":
            self.source.refuse(s.line, s.name)
        if s.kind == "local":
            return self.local[-1].update((name, ref(f"{name}@LOCAL")) for name in s.names)
        if s.kind == "solve":
            return self.solve(s)
        assert s.term is not None
        if s.kind == "assign":
            self.assign(s, self.value(s.term))
        elif s.kind == "element":
            at, value = s.term.parts
            self.assign(s._replace(name=element(self, s.name, at)), self.value(value))
        elif s.kind == "prime":
            self.prime(s, self.value(s.term))
        elif s.kind == "if":
            self.condition(s)
        elif s.kind == "loop":
            loop(self, s)
        elif s.kind == "call" and s.name not in _IGNORED:
            self.called(s.term)

    def assign(self, s: Statement, value: Node) -> None:
        if s.name in self.local[-1]:
            self.local[-1][s.name] = value
            return
        no_array(self, s.name)
        found = self.mechanism
        if s.name in found.states and self.within != "INITIAL":
            if not self.solving:
                self.source.refuse(s.line, f"sets the state {s.name} outside its equation")
            self.updates[s.name] = (value, s.line)
            return
        if s.name == "v":  # moved for the statements until it is set back
            self.lines["v"] = s.line
            self.values["v"] = value
            if value == ref("v"):
                del self.values["v"]
            return
        if s.name in ("t", "dt", "celsius"):
            self.source.refuse(s.line, f"sets {s.name}")
        if self.naming and not self.branches:
            value = self.with_name(s.name, value)
        elif self.naming:
            value = put(value, self.named)
        self.values[s.name] = value
        self.lines[s.name] = s.line

    def restored(self) -> None:
        """Refuse v that a block leaves at another value than it had."""
        if "v" in self.values:
            self.source.refuse(self.lines["v"], "sets v and does not set it back")

    def prime(self, s: Statement, value: Node) -> None:
        if s.name not in self.mechanism.states:
            self.source.refuse(s.line, f"is the equation of {s.name}, which is no STATE")
        self.slopes[s.name] = (value, s.line)

    def condition(self, s: Statement) -> None:
        """Both branches; variables that differ after them become choices."""
        assert s.term is not None
        if s.term.kind == "==" and not s.other and all(x.name == "v" for x in s.body):
            return  # a step aside where a rate is 0/0: its limit is taken there
        decide = self.test(s.term)
        if decide(num(1.0), num(0.0)).value is not None:
            self.statements(s.body if decide(num(1.0), num(0.0)).value else s.other)
            return
        start = (dict(self.values), dict(self.local[-1]), dict(self.slopes), dict(self.updates))
        self.branches += 1
        self.statements(s.body)
        yes = (self.values, self.local[-1], self.slopes, self.updates)
        self.values, self.local[-1], self.slopes, self.updates = start
        self.statements(s.other)
        self.branches -= 1
        for mine, other in ((self.values, yes[0]), (self.local[-1], yes[1])):
            for name in {*mine, *other}:
                a, b = other.get(name, ref(name)), mine.get(name, ref(name))
                mine[name] = a if a == b else decide(a, b)
        for mine, other in ((self.slopes, yes[2]), (self.updates, yes[3])):
            for name in {*mine, *other}:
                a, b = other.get(name), mine.get(name)
                if a is None or b is None:
                    self.source.refuse(s.line, f"gives the equation of {name} in one case only")
                mine[name] = (decide(a[0], b[0]), b[1])

    def solve(self, s: Statement) -> None:
        block = self.mechanism.blocks.get(s.name)
        if block is None or block.kind == "FUNCTION":
            self.source.refuse(s.line, f"solves {s.name}, which is no block of the file")
        method = s.names[0]
        if method == "after_cvode" or (block.kind == "PROCEDURE" and method):
            self.source.refuse(s.line, f"has the method {method} for a {block.kind}")
        self.solving = True
        with self.frame({}):
            self.statements(block.body)
        self.restored()
        self.solving = False

    def value(self, x: Term) -> Node:
        if x.kind == "number":
            return num(float(x.value))
        if x.kind == "name":
            return self.variable(str(x.value))
        if x.kind == "[]":
            return self.variable(element(self, str(x.value), x.parts[0]))
        if x.kind == "call":
            return self.called(x)
        if x.kind in _CONDITIONS:
            return self.test(x)(num(1.0), num(0.0))
        if x.kind == "neg":
            return -self.value(x.parts[0])
        if x.kind == "text":
            raise InputError("has a text as a value")
        if x.kind == "^":
            return power(self.value(x.parts[0]), self.value(x.parts[1]))
        chain = []  # a - b + c is ((a - b) + c): from the inside out, without recursion
        while x.kind in ("+", "-", "*", "/"):
            chain.append(x)
            x = x.parts[0]
        found = self.value(x)
        for each in reversed(chain):
            other = self.value(each.parts[1])
            if each.kind == "/" and other.value == 0.0:
                raise InputError("divides by zero")
            found = ARITHMETIC[each.kind](found, other)
        return found

    def variable(self, name: str) -> Node:
        if name in self.local[-1]:
            return self.local[-1][name]
        no_array(self, name)
        return self.values.get(name, ref(name))

    def called(self, x: Term) -> Node:
        """A call of a function or procedure of the file, or of one that NMODL has."""
        name = str(x.value)
        block = self.mechanism.blocks.get(name)
        if block is None:
            if name not in BUILT_IN:
                raise InputError(f"calls {name}(), which is neither in the file nor known here")
            count, make = BUILT_IN[name]
            if len(x.parts) != count:
                raise InputError(f"calls {name}() with {len(x.parts)} arguments")
            return make(*(self.value(part) for part in x.parts))
        if block.kind == "DERIVATIVE" or len(x.parts) != len(block.arguments):
            raise InputError(f"calls {name}() with {len(x.parts)} arguments")
        if name in self.calls or len(self.calls) > MOST_CALLS:
            raise InputError(f"calls {name}() within itself")
        given = dict(zip(block.arguments, map(self.value, x.parts), strict=True))
        if block.kind == "FUNCTION":
            given[name] = num(0.0)
        self.calls.append(name)
        with self.frame(given):
            self.statements(block.body)
            found = self.local[-1].get(name, num(0.0))
        self.restored()
        self.calls.pop()
        return found

    def test(self, x: Term) -> Callable[[Node, Node], Node]:
        """A condition, as the choice between two expressions."""
        if x.kind == "!":
            inner = self.test(x.parts[0])
            return lambda yes, no: inner(no, yes)
        if x.kind in ("&&", "||"):
            one, two = map(self.test, x.parts)
            if x.kind == "&&":
                return lambda yes, no: one(two(yes, no), no)
            return lambda yes, no: one(yes, two(yes, no))
        if x.kind not in _CONDITIONS:
            value = self.value(x)
            return lambda yes, no: choice("same", value, num(0.0), no, yes)
        a, b = map(self.value, x.parts)
        return compared(x.kind, a, b)


_CONDITIONS = ("<", ">", "<=", ">=", "==", "!=", "&&", "||", "!")
