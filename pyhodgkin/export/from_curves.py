"""Curves of the voltage as expressions."""

from __future__ import annotations

from functools import reduce

from ..errors import InputError
from ..neuron.curves import Constant, Curve, Power, Product, Sum
from ..neuron.rates import Exponential, Linoid, Sigmoid
from .expressions import Call, Expression, Number, Symbol, exp

V = Symbol("v")


def expression_of(curve: Curve) -> Expression:
    """`curve` as an expression of ``v`` (mV).

    Raises
    ------
    InputError
        For a curve of a kind that no target is told of.

    Examples
    --------
    >>> from pyhodgkin.export.printing import Printer
    >>> Printer().text(expression_of(Sigmoid(2.0, -35, 10) + 0.5))
    '2.0/(1.0 + exp(-(v + 35.0)/10.0)) + 0.5'
    """
    if isinstance(curve, Constant):
        return Number(curve.a)
    if isinstance(curve, Exponential):
        return curve.a * exp((V - curve.v0) / curve.k)
    if isinstance(curve, Sigmoid):
        return Number(curve.a) / (1.0 + exp(-((V - curve.v0) / curve.k)))
    if isinstance(curve, Linoid):
        return curve.a * curve.k * Call("linoid", (V - curve.v0) / curve.k)
    if isinstance(curve, Sum):
        return reduce(lambda a, b: a + b, map(expression_of, curve.terms))
    if isinstance(curve, Product):
        return reduce(_times, curve.factors[1:], expression_of(curve.factors[0]))
    if isinstance(curve, Power):
        return _power(expression_of(curve.base), curve.exponent)
    raise InputError(
        f"export: a curve of kind {type(curve).__name__} cannot be written for other simulators; "
        "constants, exponentials, sigmoids and linoids with + * / ** can"
    )


def _times(left: Expression, factor: Curve) -> Expression:
    if isinstance(factor, Power) and factor.exponent == -1.0:
        return left / expression_of(factor.base)
    return left * expression_of(factor)


def _power(base: Expression, exponent: float) -> Expression:
    return 1.0 / base if exponent == -1.0 else base**exponent
