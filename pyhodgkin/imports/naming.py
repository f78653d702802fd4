"""Functions of the voltage by the names that they have in a file."""

from __future__ import annotations

from collections.abc import Collection

from .algebra import Node, linear, put, ref


def with_name(name: str, value: Node, named: dict[str, Node], states: Collection[str]) -> Node:
    """A function of v alone as ``name#``; a product of such functions and numbers as it is.

    Parameters
    ----------
    name : str
    value : Node
        What the variable of that name is.
    named : dict of str to Node
        Functions by name, to which it is added.
    states : collection of str
        Names of states: what depends on them gets no name.

    Examples
    --------
    >>> known = {}
    >>> print(with_name("minf", ref("v") * ref("v") + 1.0, known, ()), *known)
    minf# minf#
    >>> print(with_name("g", ref("gbar") * ref("minf#"), known, ()))
    gbar minf#
    """
    whole = put(value, named)
    if "v" not in whole.free or not whole.free.isdisjoint(states):
        return value
    factors = value.args if value.op == "mul" else (value,)
    plain = [x.args[0] if x.op == "pow" else x for x in factors]
    lines = [x for x in factors if "v" in x.free and _is_line(x)]
    if all((x.op in ("ref", "num") and x.data != "v") or x in lines for x in plain):
        if lines or value != whole:
            return value
    named[f"{name}#"] = whole
    return ref(f"{name}#")


def _is_line(x: Node) -> bool:
    """Whether it is linear in v, whatever its other names stand for."""
    found = linear(put(x, {name: 1.5 for name in x.free - {"v"}}), "v")
    return found is not None and found[1] != 0.0
