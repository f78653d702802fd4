"""Curves of the voltage from text: a formula is parsed, never executed."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import NoReturn

from ..errors import InputError
from .calcium_curves import Calcium
from .curves import Curve, Power, Product, Sum
from .formula_checks import check_brackets, check_finite
from .functions import Formula, Function, Number, Parameter, Reference, Voltage

MOST_CHARACTERS, MOST_NODES, MOST_DEPTH, MOST_PARTS = 2000, 400, 60, 4000
NAMES = "exp, log, tanh, sqrt, abs, min, max, linoid"
_ONE, _MINUS = Number(1.0), Number(-1.0)


def formula(text: str, **parameters: float) -> Formula:
    """The curve that a formula in v (mV) describes.

    Parameters
    ----------
    text : str
        Numbers, ``v``, ``ca`` (mM, of a neuron with a `CalciumPool`), the names of `parameters`,
        ``+ - * / **``, brackets, the functions
        ``exp``, ``log`` (natural), ``tanh``, ``sqrt``, ``abs``, ``min``, ``max`` and ``linoid``
        (x/(1 - exp(-x)), 1 at x = 0), and choices ``a if v < -40 else b`` with ``< <= > >=``,
        ``and``, ``or``. The text is parsed, not executed.
    **parameters : float
        Their values. Each becomes a parameter of the neuron, ``channel.gate.role.NAME``, that can
        be trained. Numbers within the text are fixed.

    Raises
    ------
    InputError
        For anything else, and for a formula that is not finite everywhere between -200 and
        200 mV; the message names the place in the text.

    Examples
    --------
    >>> tau = formula("0.34 + 0.92*exp(-((v+71)/59)**2)")
    >>> round(float(tau(-71.0)), 2)
    1.26
    >>> bell = formula("a*exp(-((v - v_half)/k)**2)", a=2.0, v_half=-50.0, k=20.0)
    >>> [leaf.name for leaf in bell.leaves()]
    ['a', 'v_half', 'k']
    """
    if not isinstance(text, str):
        raise InputError(f'formula: {text!r} is not text; give a formula in v, such as "exp(v/20)"')
    if len(text) > MOST_CHARACTERS:
        raise InputError(
            f"formula: {len(text)} characters; the limit is {MOST_CHARACTERS}. Divide it: curves "
            "are combined with + * / **"
        )
    for name in parameters:
        if name in _FUNCTIONS or name == "v" or not name.isidentifier():
            raise InputError(f'formula: "{name}" cannot be the name of a parameter; choose another')
    body = _Parser(text, tuple(parameters)).parsed()
    found = Formula(body, tuple(Parameter(value, name) for name, value in parameters.items()))
    check_finite(found, text)
    return found


def gaussian(a: float, v0: float, k: float, offset: float | None = None) -> Formula:
    """offset + a·exp(-((v - v0)/k)²), all of them parameters of the neuron.

    Examples
    --------
    >>> float(gaussian(2.0, -60.0, 20.0, offset=1.0)(-60.0))
    3.0
    """
    text = "a*exp(-((v - v0)/k)**2)"
    if offset is None:
        return formula(text, a=a, v0=v0, k=k)
    return formula(f"offset + {text}", offset=offset, a=a, v0=v0, k=k)


def piecewise(*pieces: tuple[Curve | float, float] | Curve | float) -> Curve:
    """Curves that take over from each other at given voltages.

    Parameters
    ----------
    *pieces : (curve, v_end) or curve
        Each curve holds below its `v_end` (mV), where the next one begins; the last stands alone.

    Examples
    --------
    >>> tau = piecewise((formula("49 + 175*exp(0.026*(v + 10))"), -60.0), 12.0)
    >>> float(tau(-20.0))
    12.0
    """
    *rest, last = pieces
    if isinstance(last, tuple):
        raise InputError("piecewise: the last piece is a curve alone: it has no end")
    found = _fixed(last)
    ends = []
    for piece in reversed(rest):
        if not isinstance(piece, tuple) or len(piece) != 2:
            raise InputError(f"piecewise: {piece!r} must be (curve, v_end in mV)")
        ends.append(Number(piece[1]))
        found = Function("choice", (Voltage(), ends[-1], _fixed(piece[0]), found))
    values = [end.value for end in reversed(ends)]
    if any(b <= a for a, b in pairwise(values)):
        raise InputError(f"piecewise: the ends {values} mV must increase")
    return found


def _fixed(piece: Curve | float) -> Curve:
    return piece if isinstance(piece, Curve) else Number(piece)


# -- from text to curves ----------------------------------------------------------------------


def _sqrt(x: Curve) -> Curve:
    return Power(x, 0.5)


def _named(name: str) -> Callable[..., Curve]:
    return lambda *of: Function(name, of)


# By name: how many arguments (None for two or more), and what is made of them.
_FUNCTIONS: dict[str, tuple[int | None, Callable[..., Curve]]] = {
    **{name: (1, _named(name)) for name in ("exp", "log", "tanh", "abs", "linoid")},
    "sqrt": (1, _sqrt),
    "min": (None, _named("min")),
    "max": (None, _named("max")),
}


class _Parser:
    def __init__(self, text: str, parameters: tuple[str, ...]) -> None:
        self.text, self.parameters, self.nodes, self.used = text, parameters, 0, set()

    def parsed(self) -> Curve:
        check_brackets(self.text, MOST_DEPTH)
        try:
            tree = ast.parse(self.text.strip(), mode="eval").body
        except SyntaxError as error:
            place = "" if error.offset is None else f" at character {error.offset}"
            raise InputError(
                f'formula "{self.text}": {error.msg}{place}; write it as in Python, for instance '
                '"0.34 + 0.92*exp(-((v+71)/59)**2)"'
            ) from None
        except (ValueError, MemoryError, RecursionError):
            raise InputError(
                "formula: it cannot be parsed; divide it into several curves"
            ) from None
        found = self.curve(tree, 0)
        if _size(found, {}) > MOST_PARTS:
            raise InputError(
                f'formula "{self.text[:60]}…": its conditions multiply to more than {MOST_PARTS} '
                "parts; nest the choices instead of joining conditions with and, or"
            )
        left = [name for name in self.parameters if name not in self.used]
        if left:
            raise InputError(f'formula "{self.text}": parameter "{left[0]}" does not occur in it')
        return found

    def curve(self, node: ast.AST, depth: int) -> Curve:
        self.nodes += 1
        if depth > MOST_DEPTH or self.nodes > MOST_NODES:
            raise InputError(
                f'formula "{self.text[:60]}…": more than {MOST_NODES} operations or {MOST_DEPTH} '
                "levels of brackets; divide it: curves are combined with + * / **"
            )
        if isinstance(node, ast.Constant):
            return self.number(node)
        if isinstance(node, ast.Name):
            return self.name(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            inner = self.curve(node.operand, depth + 1)
            return inner if isinstance(node.op, ast.UAdd) else _negative(inner)
        if isinstance(node, ast.BinOp):
            return self.operation(node, depth)
        if isinstance(node, ast.Call):
            return self.call(node, depth)
        if isinstance(node, ast.IfExp):
            yes, no = self.curve(node.body, depth + 1), self.curve(node.orelse, depth + 1)
            return self.choice(node.test, yes, no, depth + 1)
        self.refuse(node, "is not allowed")

    def number(self, node: ast.Constant) -> Curve:
        if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
            self.refuse(node, "is no number")
        if not abs(node.value) <= sys.float_info.max:  # a whole number may be larger
            self.refuse(node, "is too large for a number")
        return Number(float(node.value))

    def name(self, node: ast.Name) -> Curve:
        if node.id == "v":
            return Voltage()
        if node.id in self.parameters:
            self.used.add(node.id)
            return Reference(node.id)
        if node.id == "ca":
            return Calcium()
        if node.id in _FUNCTIONS:
            self.refuse(node, f"is a function: write {node.id}(…)")
        self.refuse(
            node,
            "is unknown: the voltage is v, calcium is ca; give parameters as "
            f"formula(…, {node.id}=1.0)",
        )

    def operation(self, node: ast.BinOp, depth: int) -> Curve:
        a, b = self.curve(node.left, depth + 1), self.curve(node.right, depth + 1)
        if isinstance(node.op, ast.Add):
            return Sum((*_parts(Sum, a), b))
        if isinstance(node.op, ast.Sub):
            return Sum((*_parts(Sum, a), _negative(b)))
        if isinstance(node.op, ast.Mult):
            return Product((*_parts(Product, a), b))
        if isinstance(node.op, ast.Div):
            return Product((*_parts(Product, a), Power(b, -1.0)))
        if isinstance(node.op, ast.Pow):
            exponent = _value_of(b)
            if exponent is not None:
                return Power(a, exponent)
            return Function("exp", (Product((b, Function("log", (a,)))),))
        self.refuse(node, "is not allowed: the operations are + - * / **")

    def call(self, node: ast.Call, depth: int) -> Curve:
        if not isinstance(node.func, ast.Name) or node.func.id not in _FUNCTIONS:
            self.refuse(node.func, f"is no function of formulas: there are {NAMES}")
        if node.keywords or any(isinstance(x, ast.Starred) for x in node.args):
            self.refuse(node, "takes plain arguments only")
        count, make = _FUNCTIONS[node.func.id]
        arguments = [self.curve(x, depth + 1) for x in node.args]
        if count is not None and len(arguments) != count:
            self.refuse(node, f"takes {count} argument, not {len(arguments)}")
        if count is None and len(arguments) < 2:
            self.refuse(node, "takes two arguments or more")
        found = make(*arguments[:2])
        for other in arguments[2:]:
            found = make(found, other)
        return found

    def choice(self, test: ast.AST, yes: Curve, no: Curve, depth: int) -> Curve:
        if isinstance(test, ast.BoolOp):
            first, *others = test.values
            for part in reversed(others):
                found = self.choice(part, yes, no, depth + 1)
                yes, no = (found, no) if isinstance(test.op, ast.And) else (yes, found)
            return self.choice(first, yes, no, depth + 1)
        if not isinstance(test, ast.Compare):
            self.refuse(test, "is no condition: write a comparison, such as v < -40")
        values = [self.curve(x, depth + 1) for x in (test.left, *test.comparators)]
        for i in range(len(test.ops) - 1, -1, -1):
            a, b, operator = values[i], values[i + 1], test.ops[i]
            if isinstance(operator, ast.Lt):
                yes = Function("choice", (a, b, yes, no))
            elif isinstance(operator, ast.Gt):
                yes = Function("choice", (b, a, yes, no))
            elif isinstance(operator, ast.LtE):
                yes = Function("choice", (b, a, no, yes))
            elif isinstance(operator, ast.GtE):
                yes = Function("choice", (a, b, no, yes))
            else:
                self.refuse(test, "is not allowed: comparisons are < <= > >=")
        return yes

    def refuse(self, node: ast.AST, why: str) -> NoReturn:
        source = self.text.strip()
        segment = ast.get_source_segment(source, node) or source
        column = getattr(node, "col_offset", 0) + 1
        raise InputError(f'formula "{source}": "{segment}" (character {column}) {why}')


def _size(curve: Curve, known: dict[int, int]) -> int:
    """How many curves it is made of, those that occur twice counted twice."""
    if id(curve) not in known:
        known[id(curve)] = 1 + sum(_size(part, known) for part in curve.children())
    return known[id(curve)]


def _parts(kind: type[Sum] | type[Product], curve: Curve) -> tuple[Curve, ...]:
    return curve.children() if isinstance(curve, kind) else (curve,)


def _negative(curve: Curve) -> Curve:
    if isinstance(curve, Number):
        return Number(-curve.value)
    return Product((_MINUS, *_parts(Product, curve)))


def _value_of(curve: Curve) -> float | None:
    """The value of a curve of numbers alone."""
    if isinstance(curve, (Voltage, Reference, Calcium)):
        return None
    if not curve.children():
        return float(curve(0.0))
    known = all(_value_of(part) is not None for part in curve.children())
    return float(curve(0.0)) if known else None
