"""From the equation of a state to the kinetics of a gate, with its temperature factor."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..neuron.gates import Gate
from ..neuron.kinetics import InstantaneousKinetics, Kinetics, RateKinetics, SteadyStateKinetics
from .algebra import Node, add, linear, mul, num, power, put, ref, walk
from .curves import curve_of

V = np.linspace(-100.0, 60.0, 65)
CLOSE = 1e-9


class Law(NamedTuple):
    """Curves by role ("alpha", "beta" or "x_inf", "tau" or "x_inf" alone), in v and celsius."""

    roles: dict[str, Node]


def law_of(slope: Node, state: str) -> Law:
    """The kinetics that ``state' = slope`` says.

    Raises
    ------
    InputError
        Where it is not linear in the state.

    Examples
    --------
    >>> m = ref("m")
    >>> law_of(ref("a") * (num(1.0) - m) - ref("b") * m, "m").roles
    {'alpha': <...>, 'beta': <...>}
    """
    found = _relaxation(slope, state)
    if found is not None:
        x_inf, tau = found
        rates = _rates_of(x_inf, tau)
        if rates is not None:
            return Law({"alpha": rates[0], "beta": rates[1]})
        return Law({"x_inf": x_inf, "tau": tau})
    alpha, beta = put(slope, {state: 0.0}), -put(slope, {state: 1.0})
    return Law({"alpha": alpha, "beta": beta})


def _relaxation(slope: Node, state: str) -> tuple[Node, Node] | None:
    """(x_inf, tau) of (x_inf - x)/tau."""
    factors = slope.args if slope.op == "mul" else (slope,)
    inside = [factor for factor in factors if state in factor.free]
    if len(inside) != 1 or inside[0].op != "add":
        return None
    terms = [term for term in inside[0].args if state in term.free]
    if len(terms) != 1:
        return None
    x = ref(state)
    sign = {x: 1.0, -x: -1.0}.get(terms[0])
    if sign is None:
        return None
    rest = add(*(t for t in inside[0].args if t is not terms[0]), num(0.0))
    rate = mul(*(f for f in factors if f is not inside[0]), num(-sign))
    if rate.value is not None and rate.value <= 0.0:
        raise InputError("moves away from its steady state")
    if slope.op == "add" and rate.value == 1.0 and rest.op == "add":
        return None  # a sum of terms: rates
    return rest * -sign, power(rate, num(-1.0))


def _rates_of(x_inf: Node, tau: Node) -> tuple[Node, Node] | None:
    """(alpha, beta) where x_inf = alpha/(alpha + beta) and tau = 1/(alpha + beta)."""
    factors = tau.args if tau.op == "mul" else (tau,)
    sums = [f for f in factors if f.op == "pow" and f.data == -1.0 and f.args[0].op == "add"]
    for inverse in sums:
        inside = x_inf.args if x_inf.op == "mul" else (x_inf,)
        if inverse not in inside:
            continue
        others = list(inside)
        others.remove(inverse)
        alpha = mul(*others, num(1.0))
        terms = list(inverse.args[0].args)
        if alpha not in terms:
            continue
        terms.remove(alpha)
        beta = add(*terms, num(0.0))
        rest = list(factors)
        rest.remove(inverse)
        factor = power(mul(*rest, num(1.0)), num(-1.0))
        return alpha * factor, beta * factor
    return None


def slope_of_update(value: Node, state: str) -> Node:
    """The equation behind x = x + (1 - exp(-dt/tau))·(x_inf - x), which is its exact solution.

    Raises
    ------
    InputError
        For any other update.
    """
    change = value - ref(state)
    terms = [x for x in value.args if x != ref(state)] if value.op == "add" else []
    if len(terms) + 1 == len(value.args) and terms:
        change = add(*terms)
    factors = change.args if change.op == "mul" else (change,)
    for factor in factors:
        if "dt" not in factor.free or factor.op != "add" or len(factor.args) != 2:
            continue
        one, other = factor.args
        if one.value != 1.0 or other.op != "mul" or len(other.args) != 2:
            continue
        exponential = other.args[1]
        if other.args[0].value != -1.0 or exponential.op != "call" or exponential.data != "exp":
            continue
        exponent = exponential.args[0]
        parts = exponent.args if exponent.op == "mul" else (exponent,)
        if ref("dt") not in parts:
            continue
        rate = -mul(*(p for p in parts if p != ref("dt")), num(1.0))
        rest = mul(*(f for f in factors if f is not factor), num(1.0))
        if "dt" not in rate.free | rest.free:
            return rest * rate
    raise InputError(
        f"is no exponential step of {state}: give x = x + (1 - exp(-dt/tau))*(x_inf - x)"
    )


# -- temperature ----------------------------------------------------------------------------------


def gate_of(
    name: str, law: Law, exponent: int, celsius: float | None, checked: Node | None
) -> Gate:
    """The gate, with q10 and t_ref where the temperature is a factor of the rates.

    Parameters
    ----------
    name : str
    law : Law
        Without names other than v and celsius.
    exponent : int
    celsius : float, optional
        For a dependence of any other form, degrees Celsius.
    checked : Node, optional
        The slope as the file has it, in v, celsius and the state `name`: what is found is compared
        with it.
    """
    roles = law.roles
    if not any("celsius" in x.free for x in roles.values()):
        return Gate(name, _kinetics(name, roles, checked), exponent)
    for q10, t_ref in _candidates(roles):
        if _is_factor(roles, q10, t_ref):
            at = {key: put(x, {"celsius": t_ref}) for key, x in roles.items()}
            slope = None if checked is None else put(checked, {"celsius": t_ref})
            return Gate(name, _kinetics(name, at, slope), exponent, q10=q10, t_ref=t_ref)
    if celsius is None:
        raise InputError(
            f"makes {name} depend on the temperature in another way than by q10^((celsius - "
            "t_ref)/10) as a factor of the rates; give the temperature, for instance celsius=37.0"
        )
    at = {key: put(x, {"celsius": celsius}) for key, x in roles.items()}
    slope = None if checked is None else put(checked, {"celsius": celsius})
    return Gate(name, _kinetics(name, at, slope), exponent)


def _candidates(roles: dict[str, Node]) -> list[tuple[float, float]]:
    """Pairs of q10 and t_ref from powers and exponentials of a line in the temperature."""
    found: list[tuple[float, float]] = []
    for x in roles.values():
        for part in walk(x):
            if part.op != "call" or part.data not in ("power", "exp"):
                continue
            line = linear(part.args[-1], "celsius")
            if line is None or line[1] == 0.0:
                continue
            base = np.e if part.data == "exp" else part.args[0].value
            if base is None or base <= 0.0:
                continue
            with np.errstate(over="ignore", under="ignore"):
                q10 = float(np.float64(base) ** (10.0 * line[1]))
            if not 1e-6 < q10 < 1e6:  # no dependence on the temperature that a channel has
                continue
            pair = (_round(q10), _round(-line[0] / line[1]))
            inverse = (_round(1.0 / q10), pair[1])
            found += [each for each in (pair, inverse) if each not in found]
    return found[:20]


def _round(x: float) -> float:
    """Without the last digits, which a division by 10 and back loses."""
    return float(f"{x:.14g}")


def _is_factor(roles: dict[str, Node], q10: float, t_ref: float) -> bool:
    for role, x in roles.items():
        base = _values(put(x, {"celsius": t_ref}))
        for celsius in (t_ref + 9.0, t_ref - 7.0, 37.0):
            factor = q10 ** ((celsius - t_ref) / 10.0)
            wanted = base * {"x_inf": 1.0, "tau": 1.0 / factor}.get(role, factor)
            if not np.allclose(_values(put(x, {"celsius": celsius})), wanted, CLOSE, 0.0):
                return False
    return True


def _values(x: Node) -> np.ndarray:
    return curve_of(x)(V)


def _kinetics(name: str, roles: dict[str, Node], slope: Node | None) -> Kinetics:
    curves = {role: curve_of(x) for role, x in roles.items()}
    for role, curve in curves.items():
        value = curve(V)
        low = int(np.argmin(value))
        if (role == "tau" and value[low] <= 0.0) or value[low] < -1e-12:
            raise InputError(f"has {role} = {value[low]:g} of {name} at v = {V[low]:g} mV")
    if slope is not None:
        _compare(name, curves, slope)
    if tuple(curves) == ("x_inf",):
        return InstantaneousKinetics(**curves)
    kind = RateKinetics if "alpha" in curves else SteadyStateKinetics
    return kind(**curves)


def _compare(name: str, curves: dict, slope: Node) -> None:
    """The equation of the file against that of the gate, at values of the state."""
    for x in (0.0, 0.3, 1.0):
        said = _values(put(slope, {name: x}))
        if "tau" in curves:
            scale = 1.0 / curves["tau"](V)
            mine = (curves["x_inf"](V) - x) * scale
        else:
            a, b = curves["alpha"](V), curves["beta"](V)
            scale, mine = a + b, a * (1.0 - x) - b * x
        if not np.allclose(said, mine, 1e-8, 1e-8 * float(np.max(scale))):
            raise InputError(f"is not linear in {name}, or {name} does not relax to a steady state")
