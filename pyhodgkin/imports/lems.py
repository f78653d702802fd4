"""A ComponentType of LEMS whose output is one expression of the voltage."""

from __future__ import annotations

import re

from ..errors import InputError
from .algebra import Node, call, choice, num, power, put, ref
from .source import Source
from .statements import StatementParser
from .syntax import Term
from .tokens import tokens_of
from .xml import Element

_EXPOSURES = {"Rate": ("r", "per_time"), "Variable": ("x", "none"), "Time": ("t", "time")}
# The size of units that constants have, in ms and mV.
_UNITS = {"ms": 1.0, "s": 1e3, "us": 1e-3, "mV": 1.0, "V": 1e3, "": 1.0, "degC": 1.0,
          "per_ms": 1.0, "per_s": 1e-3, "per_mV": 1.0, "per_V": 1e-3}  # fmt: skip
_DIMENSIONS = ("none", "time", "voltage", "per_time", "per_voltage", "temperature")
_FUNCTIONS = {"exp": "exp", "ln": "log", "log": "log", "tanh": "tanh", "abs": "abs"}
_WORDS = {"lt": "<", "gt": ">", "leq": "<=", "geq": ">=", "eq": "==", "neq": "!=",
          "and": "&&", "or": "||"}  # fmt: skip


def formula_of(x: Element, dimension: str, celsius: float | None) -> Node:
    """The output of a ComponentType, per ms or in ms, as an expression of ``v`` (mV).

    Raises
    ------
    InputError
        For inputs other than the voltage and the temperature, and for states.
    """
    exposure, wanted = _EXPOSURES[dimension]
    known: dict[str, Node] = {"v": ref("v")}
    if celsius is not None:
        known["temperature"] = num(celsius)
    if x.get("extends") not in (f"baseVoltageDep{dimension}", f"baseHH{dimension}"):
        x.refuse(f"extends {x.get('extends')}; baseVoltageDep{dimension} is read")
    found = None
    for child in x.children:
        if child.tag == "Constant":
            known[child.need("name")] = num(_constant(child))
        elif child.tag == "Requirement":
            if child.need("name") not in ("v", "temperature"):
                child.refuse(f"requires {child.need('name')}: only the voltage is known")
        elif child.tag == "Dynamics":
            for variable in child.children:
                value = _variable(variable, known)
                known[variable.need("name")] = value
                if variable.get("exposure") == exposure:
                    found = value
        elif child.tag not in ("Exposure", "notes"):
            child.refuse("is not read within such a ComponentType")
    for _ in range(len(known)):  # variables may stand in any order
        if found is None or found.free <= {"v", "temperature"}:
            break
        found = put(found, {name: value for name, value in known.items() if name != "v"})
    if found is None:
        x.refuse(f"has no variable with the exposure {exposure} ({wanted})")
    if "temperature" in found.free:
        x.refuse("depends on the temperature; give it, for instance celsius=37.0")
    if found.free - {"v"}:
        x.refuse(f"depends on {', '.join(sorted(found.free - {'v'}))}, which the file does not say")
    return found


def _constant(x: Element) -> float:
    text = x.need("value")
    match = re.fullmatch(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\w*)\s*", text)
    if x.need("dimension") not in _DIMENSIONS or match is None or match[2] not in _UNITS:
        x.refuse("is a constant of a dimension or unit that is not read")
    return float(match[1]) * _UNITS[match[2]]


def _variable(x: Element, known: dict[str, Node]) -> Node:
    try:
        if x.tag == "DerivedVariable":
            if x.get("select"):
                x.refuse("selects from other components, which is not read")
            return _parsed(x, "value", known)
        if x.tag == "ConditionalDerivedVariable":
            return _cases(x, known)
    except InputError as error:
        if str(error).startswith(x.source.name):
            raise
        raise x.source.error(x.line, str(error)) from None
    x.refuse("is not read: DerivedVariable and ConditionalDerivedVariable are")


def _cases(x: Element, known: dict[str, Node]) -> Node:
    cases = [child for child in x.children if child.tag == "Case"]
    if not cases or cases[-1].get("condition") is not None:
        x.refuse("has no Case without a condition at its end")
    if any(case.get("condition") is None for case in cases[:-1]):
        x.refuse("has a Case without a condition before others")
    found = _parsed(cases[-1], "value", known)
    for case in reversed(cases[:-1]):
        found = _chosen(_term(case, "condition"), known, _parsed(case, "value", known), found)
    return found


def _term(x: Element, name: str) -> Term:
    """An attribute parsed: the grammar is that of NMODL but for the words of comparisons."""
    text = re.sub(r"\.(lt|gt|leq|geq|eq|neq|and|or)\.", lambda m: f" {_WORDS[m[1]]} ", x.need(name))
    if re.search(r"[:?\"'{}\n]", text):
        x.refuse(f'has {name} = "{text}", which is no expression')
    inner = Source(x.source.name, text)
    parser = StatementParser(inner, tokens_of(inner))
    try:
        found = parser.expression()
        if parser.now.kind != "end":
            parser.unexpected(parser.now, "the end")
    except InputError as error:
        x.refuse(str(error).partition(": ")[2])
    return found


def _parsed(x: Element, name: str, known: dict[str, Node]) -> Node:
    return _value(_term(x, name), known)


def _value(x: Term, known: dict[str, Node]) -> Node:
    if x.kind == "number":
        return num(float(x.value))
    if x.kind == "name":
        return known.get(str(x.value), ref(str(x.value)))
    if x.kind == "call":
        return _called(x, known)
    if x.kind == "neg":
        return -_value(x.parts[0], known)
    if x.kind == "^":
        return power(_value(x.parts[0], known), _value(x.parts[1], known))
    chain = []
    while x.kind in ("+", "-", "*", "/"):
        chain.append(x)
        x = x.parts[0]
    if not chain:
        raise InputError("has a condition as a value")
    found = _value(x, known)
    for each in reversed(chain):
        other = _value(each.parts[1], known)
        if each.kind == "/" and other.value == 0.0:
            raise InputError("divides by zero")
        if each.kind in "+-":
            found = found + other if each.kind == "+" else found - other
        else:
            found = found * other if each.kind == "*" else found / other
    return found


def _called(x: Term, known: dict[str, Node]) -> Node:
    parts = [_value(part, known) for part in x.parts]
    if len(parts) != 1:
        raise InputError(f"calls {x.value}() with {len(parts)} arguments")
    if x.value == "sqrt":
        return power(parts[0], num(0.5))
    if x.value not in _FUNCTIONS:
        raise InputError(f"calls {x.value}(), which is not known here")
    return call(_FUNCTIONS[str(x.value)], parts[0])


def _chosen(x: Term, known: dict[str, Node], yes: Node, no: Node) -> Node:
    if x.kind in ("&&", "||"):
        one, two = x.parts
        inner = _chosen(two, known, yes, no)
        return _chosen(one, known, inner, no) if x.kind == "&&" else _chosen(one, known, yes, inner)
    if x.kind not in ("<", "<=", ">", ">=", "==", "!="):
        raise InputError("has a condition that is no comparison")
    a, b = (_value(part, known) for part in x.parts)
    if x.kind in ("==", "!="):
        return choice("same", a, b, *((yes, no) if x.kind == "==" else (no, yes)))
    if x.kind in ("<", ">="):
        return choice("choice", a, b, *((yes, no) if x.kind == "<" else (no, yes)))
    return choice("choice", b, a, *((yes, no) if x.kind == ">" else (no, yes)))
