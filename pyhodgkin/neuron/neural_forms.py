"""Forms of `NeuralKinetics` that are added from outside: from two outputs of a network to rates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..registry import Registry

NEURAL_FORMS = ("steady_state", "rates", "residual", "free")


@dataclass(frozen=True)
class Numbers:
    """The numbers of a `NeuralKinetics` that a form may use: ms, ms (NaN for None), 1."""

    tau_min: Any
    tau_max: Any
    bound: Any


class Dual:
    """A value with its derivative by v: forward differentiation of the law of a form.

    Examples
    --------
    >>> x = Dual(3.0, 1.0)
    >>> y = 2.0 * x**2 / (1.0 + x)
    >>> y.value, y.slope
    (4.5, 1.875)
    """

    __array_ufunc__ = None  # numpy leaves the operation to this class
    __slots__ = ("slope", "value")

    def __init__(self, value: Any, slope: Any) -> None:
        self.value, self.slope = value, slope

    def __add__(self, other: Any) -> Dual:
        value, slope = _parts(other)
        return Dual(self.value + value, self.slope + slope)

    def __mul__(self, other: Any) -> Dual:
        value, slope = _parts(other)
        return Dual(self.value * value, self.slope * value + self.value * slope)

    def __truediv__(self, other: Any) -> Dual:
        value, slope = _parts(other)
        ratio = self.value / value
        return Dual(ratio, (self.slope - ratio * slope) / value)

    def __rtruediv__(self, other: Any) -> Dual:
        ratio = other / self.value
        return Dual(ratio, -ratio * self.slope / self.value)

    def __pow__(self, power: float) -> Dual:
        return Dual(self.value**power, power * self.value ** (power - 1) * self.slope)

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.slope)

    def __sub__(self, other: Any) -> Dual:
        return self + (-other)

    def __rsub__(self, other: Any) -> Dual:
        return -self + other

    __radd__, __rmul__ = __add__, __mul__


def _parts(x: Any) -> tuple[Any, Any]:
    return (x.value, x.slope) if isinstance(x, Dual) else (x, 0.0)


class Functions:
    """exp, tanh, sigmoid and softplus, for arrays of any engine and for `Dual`.

    Parameters
    ----------
    xp : object
        With these four functions of arrays.
    """

    def __init__(self, xp: Any) -> None:
        self._xp = xp

    def exp(self, x: Any) -> Any:
        if not isinstance(x, Dual):
            return self._xp.exp(x)
        value = self._xp.exp(x.value)
        return Dual(value, value * x.slope)

    def tanh(self, x: Any) -> Any:
        if not isinstance(x, Dual):
            return self._xp.tanh(x)
        value = self._xp.tanh(x.value)
        return Dual(value, (1.0 - value * value) * x.slope)

    def sigmoid(self, x: Any) -> Any:
        if not isinstance(x, Dual):
            return self._xp.sigmoid(x)
        value = self._xp.sigmoid(x.value)
        return Dual(value, value * (1.0 - value) * x.slope)

    def softplus(self, x: Any) -> Any:
        if not isinstance(x, Dual):
            return self._xp.softplus(x)
        return Dual(self._xp.softplus(x.value), self._xp.sigmoid(x.value) * x.slope)


class _Numpy:
    exp, tanh = staticmethod(np.exp), staticmethod(np.tanh)

    @staticmethod
    def sigmoid(x: Any) -> Any:
        return 0.5 * (1.0 + np.tanh(0.5 * x))

    @staticmethod
    def softplus(x: Any) -> Any:
        return np.logaddexp(0.0, x)


NUMPY = Functions(_Numpy)
Law = Callable[[Any, Any, Numbers, Functions], tuple[Any, Any]]
LAWS: Registry[Law] = Registry("form of NeuralKinetics", {}, NEURAL_FORMS)


def register(name: str, law: Law) -> None:
    """Let `NeuralKinetics` have another form, under `name`; for ``backend="torch"``.

    Parameters
    ----------
    name : str
        As in ``NeuralKinetics(name, network)``.
    law : callable
        (n1, n2, numbers, functions) to (alpha, beta), 1/ms, both positive so that the gate stays
        in [0, 1]. `n1` and `n2` are the outputs of the network: arrays of numpy or of torch, or
        `Dual`, so the law uses ``+ - * / **`` and the `Functions` that it is given, and acts
        elementwise. `numbers` are `Numbers`.

    Raises
    ------
    InputError
        For a name of the package.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> def law(n1, n2, numbers, f):
    ...     x, tau = f.sigmoid(n1), numbers.tau_min + f.softplus(n2)
    ...     return x / tau, (1.0 - x) / tau
    >>> register("softplus_tau", law)
    >>> kinetics = ph.NeuralKinetics("softplus_tau", ph.Network.create((1, 4, 2), seed=1))
    >>> bool(kinetics.tau(-40.0) > kinetics.tau_min)
    True
    >>> unregister("softplus_tau")
    """
    if not callable(law):
        raise InputError(f"law is a {type(law).__name__}; give a function of two outputs")
    LAWS.register(name, law)


def unregister(name: str) -> None:
    """Undo `register`."""
    LAWS.remove(name)
