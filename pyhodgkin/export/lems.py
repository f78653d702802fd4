"""LEMS: a ComponentType whose output is one curve, where NeuroML has no type for it."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

from .expressions import (
    Assignment,
    Call,
    Choice,
    Expression,
    Lookup,
    Negative,
    Number,
    Operation,
    Symbol,
    expressions_of,
    renamed,
)
from .printing import Printer, unrolled
from .programs import GateProgram


class Lems(Printer):
    """The voltage in mV is V."""

    def __init__(self) -> None:
        super().__init__({"log": "ln"}, power="^")

    def symbol(self, name: str) -> str:
        return "V" if name == "v" else name

    def text(self, x: Expression) -> str:
        return super().text(_without_signs(x))


def _without_signs(x: Expression) -> Expression:
    """The expression without unary minus, which LEMS does not read everywhere."""
    if isinstance(x, Number):
        return x if x.value >= 0 else Operation("-", Number(0.0), Number(-x.value))
    if isinstance(x, Negative):
        return Operation("-", Number(0.0), _without_signs(x.of))
    if isinstance(x, Operation):
        if x.op == "/" and isinstance(x.left, Negative):
            return Operation("-", Number(0.0), _without_signs(Operation("/", x.left.of, x.right)))
        return Operation(x.op, _without_signs(x.left), _without_signs(x.right))
    return Call(x.name, _without_signs(x.of)) if isinstance(x, Call) else x


def component(name: str, kind: str, gate: GateProgram, role: str) -> Iterator[str]:
    """The type `name` of a "Rate", "Variable" or "Time" of a gate."""
    text = Lems()
    base = f"baseVoltageDep{kind}"
    exposure = {"Rate": "r", "Variable": "x", "Time": "t"}[kind]
    dimension = {"Rate": "per_time", "Variable": "none", "Time": "time"}[kind]
    yield f'<ComponentType name="{name}" extends="{base}">'
    yield '    <Constant name="TIME_SCALE" dimension="time" value="1ms"/>'
    yield '    <Constant name="VOLT_SCALE" dimension="voltage" value="1mV"/>'
    yield "    <Dynamics>"
    yield '        <DerivedVariable name="V" dimension="none" value="v/VOLT_SCALE"/>'
    lines: list[str] = []
    last: dict[str, str] = {}
    for count, each in enumerate(unrolled(gate.statements)):
        # A variable is defined once in LEMS: partial sums have names of their own.
        own = f"{each.name}_{count}"
        if isinstance(each, Assignment):
            lines += _derived(own, renamed(each.value, last), text, f"n{count}")
        elif isinstance(each, Choice):
            lines += _chosen(own, each, last, text, f"n{count}")
        else:
            lines += _looked_up(own, each, text)
        last[each.name] = own
    value = renamed(gate.values[role], last)
    lines += _derived("value", value, text, "end")
    plain, by_cases = _divided(lines)
    yield from (f"        {line}" for line in plain)
    end = {"Rate": "value/TIME_SCALE", "Variable": "value", "Time": "value*TIME_SCALE"}[kind]
    yield f'        <DerivedVariable name="{exposure}" exposure="{exposure}"'
    yield f'            dimension="{dimension}" value="{end}"/>'
    yield from (f"        {line}" for line in by_cases)
    yield "    </Dynamics>"
    yield "</ComponentType>"


def _divided(lines: list[str]) -> tuple[list[str], list[str]]:
    """Variables without cases, and those with, which come after all others in the schema."""
    plain = [line for line in lines if line.startswith("<DerivedVariable")]
    return plain, [line for line in lines if not line.startswith("<DerivedVariable")]


def _derived(name: str, value: Expression, text: Printer, mark: str) -> list[str]:
    """A variable, before it those of the functions that LEMS does not have."""
    before: list[str] = []
    value = _expanded(value, before, text, mark)
    return [*before, _variable(name, text.text(value))]


def _chosen(name: str, choice: Choice, last: dict[str, str], text: Printer, mark: str) -> list[str]:
    """A variable by cases, before it the variables that it needs."""
    before: list[str] = []
    left, right, yes, no = (
        text.text(_expanded(renamed(x, last), before, text, mark)) for x in expressions_of(choice)
    )
    return [
        *before,
        f'<ConditionalDerivedVariable name="{name}" dimension="none">',
        f'    <Case condition="{escape(left)} .lt. {escape(right)}" value="{escape(yes)}"/>',
        f'    <Case value="{escape(no)}"/>',
        "</ConditionalDerivedVariable>",
    ]


def _looked_up(name: str, table: Lookup, text: Printer) -> list[str]:
    cases = [
        f'    <Case condition="V .lt. {text.text(Number(float(end)))}" '
        f'value="{escape(text.text(table.cubic(i)))}"/>'
        for i, end in enumerate(table.rows[1:, 0])
    ]
    last = escape(text.text(table.cubic(len(table.rows) - 1)))
    return [
        f'<ConditionalDerivedVariable name="{name}" dimension="none">',
        *cases,
        f'    <Case value="{last}"/>',
        "</ConditionalDerivedVariable>",
    ]


def _variable(name: str, value: str) -> str:
    return f'<DerivedVariable name="{name}" dimension="none" value="{escape(value)}"/>'


def _expanded(x: Expression, before: list[str], text: Printer, mark: str) -> Expression:
    """Without linoid, softplus and silu."""
    if isinstance(x, Operation):
        left = _expanded(x.left, before, text, mark)
        return Operation(x.op, left, _expanded(x.right, before, text, mark))
    if isinstance(x, Negative):
        return Negative(_expanded(x.of, before, text, mark))
    if not isinstance(x, Call):
        return x
    of = _expanded(x.of, before, text, mark)
    if x.name == "softplus":
        return Call("log", 1.0 + Call("exp", of))
    if x.name == "silu":
        return of / (1.0 + Call("exp", -of))
    if x.name == "linoid":
        name = f"x_{mark}_{len(before)}"
        before.append(_variable(name, text.text(of)))
        small = f"{name} .gt. (0 - 1e-4) .and. {name} .lt. 1e-4"
        before += [
            f'<ConditionalDerivedVariable name="{name}_ratio" dimension="none">',
            f'    <Case condition="{small}" value="1 + {name}/2 + {name}*{name}/12"/>',
            f'    <Case value="{name}/(1 - exp(0 - {name}))"/>',
            "</ConditionalDerivedVariable>",
        ]
        return Symbol(f"{name}_ratio")
    return Call(x.name, of)
