"""Curves of the voltage and of the calcium concentration as expressions."""

from __future__ import annotations

from functools import reduce

from ..errors import InputError
from ..neuron.calcium_curves import LEAST, Calcium, Hill
from ..neuron.curves import Constant, Curve, Power, Product, Sum
from ..neuron.functions import Formula, Function, Parameter, Voltage
from ..neuron.functions import Number as FixedNumber
from ..neuron.rates import Exponential, Linoid, Sigmoid
from ..neuron.tabulated import Tabulated
from .expressions import Call, Choice, Expression, Lookup, Number, Statement, Symbol, exp

V, CA = Symbol("v"), Symbol("ca")


def expression_of(curve: Curve, before: list[Statement], name: str = "curve") -> Expression:
    """`curve` as an expression of ``v`` (mV) and, with a pool, ``ca`` (mM).

    Parameters
    ----------
    curve : Curve
    before : list of statements
        Choices and tables inside are added to it, and stand in the expression by their names.
    name : str
        What these names begin with.

    Raises
    ------
    InputError
        For a curve of a kind of the user's own.

    Examples
    --------
    >>> from pyhodgkin.export.printing import Printer
    >>> Printer().text(expression_of(Sigmoid(2.0, -35, 10) + 0.5, []))
    '2.0/(1.0 + exp(-(v + 35.0)/10.0)) + 0.5'
    """
    if isinstance(curve, (Constant, Parameter)):
        return Number(curve.a)
    if isinstance(curve, FixedNumber):
        return Number(curve.value)
    if isinstance(curve, Voltage):
        return V
    if isinstance(curve, Calcium):
        return CA
    if isinstance(curve, Hill):
        return _hill(curve, before, name)
    if isinstance(curve, Exponential):
        return curve.a * exp((V - curve.v0) / curve.k)
    if isinstance(curve, Sigmoid):
        return Number(curve.a) / (1.0 + exp(-((V - curve.v0) / curve.k)))
    if isinstance(curve, Linoid):
        return curve.a * curve.k * Call("linoid", (V - curve.v0) / curve.k)
    if isinstance(curve, Tabulated):
        table = Lookup(f"{name}_{len(before)}", V, curve.rows)
        before.append(table)
        return exp(Symbol(table.name)) if curve.scale == "log" else Symbol(table.name)
    if isinstance(curve, Formula):
        return expression_of(curve.filled, before, name)
    if isinstance(curve, Power) and curve.exponent == -1.0:
        return 1.0 / expression_of(curve.base, before, name)
    if not isinstance(curve, (Sum, Product, Power, Function)):
        raise InputError(
            f"export: a curve of kind {type(curve).__name__} cannot be written for other "
            "simulators; those of pyhodgkin.rates can, tables and formulas included"
        )
    if isinstance(curve, Product):
        return _product(curve, before, name)
    parts = [expression_of(part, before, name) for part in curve.children()]
    if isinstance(curve, Sum):
        return reduce(lambda a, b: a + b, parts)
    if isinstance(curve, Power):
        return parts[0] ** curve.exponent
    return _function(curve.name, parts, before, name)


def _hill(curve: Hill, before: list[Statement], name: str) -> Expression:
    """a/(1 + (half/ca)^n), where ca is not below the concentration that logarithms are taken of."""
    held = f"{name}_{len(before)}"
    before.append(Choice(held, CA, Number(LEAST), Number(LEAST), CA))
    return Number(curve.a) / (1.0 + (curve.half / Symbol(held)) ** curve.n)


def _product(curve: Product, before: list[Statement], name: str) -> Expression:
    first, *rest = curve.factors
    found = expression_of(first, before, name)
    for factor in rest:
        if isinstance(factor, Power) and factor.exponent == -1.0:
            found = found / expression_of(factor.base, before, name)
        else:
            found = found * expression_of(factor, before, name)
    return found


def _function(
    function: str, of: list[Expression], before: list[Statement], name: str
) -> Expression:
    if len(of) == 1:
        return Call(function, of[0])
    left, right = of[:2]
    yes, no = {"choice": of[2:], "min": of, "max": of[::-1]}[function]
    before.append(Choice(f"{name}_{len(before)}", left, right, yes, no))
    return Symbol(before[-1].name)  # type: ignore[union-attr]
