"""Expressions of the voltage as curves: elementary ones where they are such, else their formula."""

from __future__ import annotations

import math

import numpy as np

from ..errors import InputError
from ..neuron.curves import Constant, Curve, Power, Product, Sum
from ..neuron.formula_checks import check_finite
from ..neuron.functions import Formula, Function, Number, Voltage
from ..neuron.rates import Exponential, Linoid, Sigmoid
from .algebra import Node, call, linear, num, power, rebuilt

MOST_PARTS = 4000
NARROW = 0.05  # mV: half the width of the place around a singularity that a file writes out
CLOSE = 1e-4  # how well what it writes there has to agree with the limit


def curve_of(x: Node) -> Curve:
    """The curve that an expression of ``v`` alone is.

    ``x/(1 - exp(-x))`` becomes a linoid; a case near the place where that is 0/0 is not needed any
    more and goes. Exponentials, sigmoids and linoids of a line become elementary curves, whose
    parameters can be trained.

    Raises
    ------
    InputError
        Where it is not finite between -200 and 200 mV, or too large.

    Examples
    --------
    >>> from pyhodgkin.imports.algebra import ref
    >>> x = (ref("v") + 40.0) / 10.0
    >>> curve_of(x / (num(1.0) - call("exp", -x)))
    Linoid(a=0.1, v0=-40.0, k=10.0)
    """
    x = without_gaps(with_linoids(x))
    if x.size > MOST_PARTS:
        raise InputError(f"is a formula of {x.size} parts; the limit is {MOST_PARTS}")
    found = _curve(x)
    check_finite(Formula(found), str(x)[:60])
    return Constant(found.value) if isinstance(found, Number) else found


# -- linoids ------------------------------------------------------------------------------------


def with_linoids(x: Node) -> Node:
    """The expression with x/(1 - exp(-x)) as the function linoid."""
    known: dict[int, Node] = {}

    def inner(x: Node) -> Node:
        if not x.args:
            return x
        if id(x) not in known:
            found = rebuilt(x, tuple(inner(part) for part in x.args))
            known[id(x)] = _linoids_in(found) if found.op == "mul" else found
        return known[id(x)]

    return inner(x)


def _linoids_in(x: Node) -> Node:
    factors = list(x.args)
    for divisor in [f for f in factors if f.op == "pow" and f.data == -1.0]:
        found = _one_minus_exp(divisor.args[0])
        if found is None:
            continue
        scale, rate, zero = found
        for line in [f for f in factors if f.free]:
            p, q = linear(line, "v") or (0.0, 0.0)
            if q == 0.0 or abs(p + q * zero) > 1e-9 * max(abs(p), abs(q)):
                continue
            # q(v - zero)/(scale·(1 - exp(rate (v - zero)))), as a linoid of y = -rate (v - zero)
            y = line * (-rate / q)
            factors.remove(divisor)
            factors.remove(line)
            factors += [num(-q / (rate * scale)), call("linoid", y)]
            break
    for line in [f for f in factors if f.op == "pow" and f.data == -1.0]:
        p, q = linear(line.args[0], "v") or (0.0, 0.0)
        for other in factors:
            found = _one_minus_exp(other)
            if q == 0.0 or found is None:
                continue
            scale, rate, zero = found
            if abs(p + q * zero) <= 1e-9 * max(abs(p), abs(q)):
                y = line.args[0] * (-rate / q)
                factors = [f for f in factors if f is not line and f is not other]
                factors += [num(-rate * scale / q), power(call("linoid", y), num(-1.0))]
                break
    return _product(factors)


def _product(factors: list[Node]) -> Node:
    found = num(1.0)
    for factor in factors:
        found = found * factor
    return found


def _one_minus_exp(x: Node) -> tuple[float, float, float] | None:
    """(scale, rate, zero) where x = scale·(1 - exp(rate·(v - zero)))."""
    if x.op != "add" or len(x.args) != 2:
        return None
    one, other = x.args
    scale = one.value
    if scale is None:
        return None
    factor, exponential = 1.0, other
    if other.op == "mul" and len(other.args) == 2 and other.args[0].value is not None:
        factor, exponential = other.args[0].value, other.args[1]
    if exponential.op != "call" or exponential.data != "exp" or factor * scale >= 0.0:
        return None
    found = linear(exponential.args[0], "v")
    if found is None or found[1] == 0.0:
        return None
    return scale, found[1], -(found[0] + math.log(-factor / scale)) / found[1]


# -- cases near a singularity -------------------------------------------------------------------


def without_gaps(x: Node) -> Node:
    """Without the cases that only stand for a limit."""
    known: dict[int, Node] = {}

    def inner(x: Node) -> Node:
        if not x.args:
            return x
        if id(x) not in known:
            found = rebuilt(x, tuple(inner(part) for part in x.args))
            if found.op in ("choice", "same"):
                found = _limit(found)
            known[id(x)] = found
        return known[id(x)]

    return inner(x)


def _limit(x: Node) -> Node:
    a, b, yes, no = x.args
    place = None
    if x.op == "same":
        place, near, far = _around(a - b, 0.0), yes, no
        if place is None:
            raise InputError(f"has a condition {a} = {b} that is no single voltage")
    else:
        near, far = yes, no
        place = _inside(a, b)
        if place is None:
            near, far = no, yes
            place = _inside(b, a)
    if place is None or place[1] > NARROW:
        return x
    middle, half = place
    v = middle + np.array([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0]) * max(half, 1e-3)
    try:
        with np.errstate(all="ignore"):
            limit = _curve(far)(v)
            written = [float(_curve(near)(at)) for at in (middle,)]
    except InputError:
        return x
    known = np.isfinite(limit).all()
    if known and abs(written[0] - limit[3]) <= CLOSE * max(abs(limit[3]), 1e-12):
        return far
    if x.op == "same":
        raise InputError(
            f"is {written[0]:g} at v = {middle:g} mV alone, where the rest of it is {limit[3]:g}"
        )
    return x


def _inside(a: Node, b: Node) -> tuple[float, float] | None:
    """The middle and half the width of |line| < number, where a < b is such a condition."""
    if b.value is None or b.value <= 0.0:
        return None
    factor = 1.0
    if a.op == "mul" and len(a.args) == 2 and a.args[0].value is not None:
        factor, a = a.args[0].value, a.args[1]
    if a.op != "call" or a.data != "abs" or factor <= 0.0:
        return None
    return _around(a.args[0], b.value / factor)


def _around(line: Node, half: float) -> tuple[float, float] | None:
    found = linear(line, "v")
    if found is None or found[1] == 0.0:
        return None
    return -found[0] / found[1], half / abs(found[1])


# -- curves -------------------------------------------------------------------------------------


def _curve(x: Node) -> Curve:
    if x.value is not None:
        return Number(x.value)
    if x.op == "ref":
        if x.data != "v":
            raise InputError(f"depends on {x.data}")
        return Voltage()
    if x.op == "mul":
        return _times(x)
    if x.op == "add":
        return Sum(tuple(_curve(part) for part in x.args))
    if x.op == "pow":
        found = _sigmoid(x)
        return Power(_curve(x.args[0]), float(x.data)) if found is None else found  # type: ignore[arg-type]
    if x.op == "choice":
        return Function("choice", tuple(_curve(part) for part in x.args))
    if x.op == "same":
        raise InputError(f"has a condition {x.args[0]} = {x.args[1]} that is no single voltage")
    if x.data == "power":
        base, exponent = x.args
        if base.value is not None and base.value > 0.0:
            return _curve(call("exp", exponent * math.log(base.value)))
        return Function("exp", (Product((_curve(exponent), Function("log", (_curve(base),)))),))
    line = linear(x.args[0], "v")
    if line is not None and line[1] != 0.0 and x.data in ("exp", "linoid"):
        zero, k = -line[0] / line[1] + 0.0, 1.0 / line[1]
        zero, k = short(zero), short(k)
        return Exponential(1.0, zero, k) if x.data == "exp" else Linoid(short(1.0 / k), zero, k)
    return Function(str(x.data), (_curve(x.args[0]),))


def _sigmoid(x: Node) -> Curve | None:
    """1/(p + c·exp(line)) with positive numbers p and c."""
    base = x.args[0]
    if x.data != -1.0 or base.op != "add" or len(base.args) != 2 or base.args[0].value is None:
        return None
    one, other = base.args[0].value, base.args[1]
    factor = 1.0
    if other.op == "mul" and len(other.args) == 2 and other.args[0].value is not None:
        factor, other = other.args[0].value, other.args[1]
    if other.op != "call" or other.data != "exp" or one <= 0.0 or factor <= 0.0:
        return None
    line = linear(other.args[0], "v")
    if line is None or line[1] == 0.0:
        return None
    zero = -(line[0] + math.log(factor / one)) / line[1] + 0.0
    return Sigmoid(short(1.0 / one), short(zero), short(-1.0 / line[1]))


def _times(x: Node) -> Curve:
    factors = list(x.args)
    scale = 1.0
    if factors[0].value is not None:
        scale, factors = factors[0].value, factors[1:]
    curves = [_curve(factor) for factor in factors]
    if scale != 1.0:
        for i, each in enumerate(curves):
            if isinstance(each, (Exponential, Sigmoid, Linoid)):
                curves[i] = type(each)(short(each.a * scale), each.v0, each.k)
                break
        else:
            curves.insert(0, Number(scale))
    return curves[0] if len(curves) == 1 else Product(tuple(curves))


def short(x: float) -> float:
    """Without the last digit, which sums and products of round numbers lose.

    Examples
    --------
    >>> short(0.020000000000000004), short(1 / 3) == 1 / 3
    (0.02, True)
    """
    rounded = float(f"{x:.14g}")
    return rounded if abs(rounded - x) <= 4.0 * np.spacing(abs(x)) else x
