"""The functions that NMODL has."""

from __future__ import annotations

from collections.abc import Callable

from .algebra import Node, call, choice, num, power


def _half(sign: float) -> Callable[[Node], Node]:
    return lambda x: (call("exp", x) + call("exp", -x) * sign) * 0.5


# Functions of NMODL, by name: how many arguments, and what is made of them.
BUILT_IN: dict[str, tuple[int, Callable[..., Node]]] = {
    "exp": (1, lambda x: call("exp", x)),
    "log": (1, lambda x: call("log", x)),
    "log10": (1, lambda x: call("log", x) / 2.302585092994046),
    "tanh": (1, lambda x: call("tanh", x)),
    "sinh": (1, _half(-1.0)),
    "cosh": (1, _half(1.0)),
    "fabs": (1, lambda x: call("abs", x)),
    "abs": (1, lambda x: call("abs", x)),
    "sqrt": (1, lambda x: power(x, num(0.5))),
    "pow": (2, power),
    "exprelr": (1, lambda x: call("linoid", -x)),
}


def compared(kind: str, a: Node, b: Node) -> Callable[[Node, Node], Node]:
    """What is chosen by a comparison of two values: from (yes, no)."""
    return {
        "<": lambda yes, no: choice("choice", a, b, yes, no),
        ">": lambda yes, no: choice("choice", b, a, yes, no),
        "<=": lambda yes, no: choice("choice", b, a, no, yes),
        ">=": lambda yes, no: choice("choice", a, b, no, yes),
        "==": lambda yes, no: choice("same", a, b, yes, no),
        "!=": lambda yes, no: choice("same", a, b, no, yes),
    }[kind]


ARITHMETIC: dict[str, Callable[[Node, Node], Node]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}
