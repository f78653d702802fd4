"""Jaxley: statements as lines of a method, weights and tables as attributes of a class."""

from __future__ import annotations

from collections.abc import Iterator

from .expressions import Assignment, Choice, Layer, Lookup, Statement, expressions_of
from .printing import Printer

CALLS = {name: f"jnp.{name}" for name in ("exp", "tanh", "log", "sqrt", "abs")}


def array_of(layer: Layer) -> str:
    return layer.out[0].rpartition("_")[0]


def arrays(statements: tuple[Statement, ...]) -> Iterator[str]:
    """Weights and biases as attributes of the class."""
    for layer in statements:
        if isinstance(layer, Layer):
            yield f"{array_of(layer)}_weight = {layer.weight.tolist()!r}"
            yield f"{array_of(layer)}_bias = {layer.bias.tolist()!r}"
        elif isinstance(layer, Lookup):
            yield f"{layer.name}_rows = {layer.rows.tolist()!r}"
    if any(isinstance(layer, (Layer, Lookup)) for layer in statements):
        yield ""


def statement_lines(statements: tuple[Statement, ...]) -> Iterator[str]:
    text = Printer(CALLS)
    for each in statements:
        if isinstance(each, Assignment):
            yield f"{each.name} = {text.text(each.value)}"
            continue
        if isinstance(each, Choice):
            left, right, yes, no = map(text.text, expressions_of(each))
            yield f"{each.name} = jnp.where({left} < {right}, {yes}, {no})"
            continue
        if isinstance(each, Lookup):
            yield f"{each.name} = piecewise_cubic(self.{each.name}_rows, {text.text(each.of)})"
            continue
        stacked = ", ".join(each.inputs)
        inner = (
            f"jnp.tensordot(jnp.asarray(self.{array_of(each)}_weight), "
            f"jnp.stack(jnp.broadcast_arrays({stacked})), 1)"
        )
        yield f"out = {inner}"
        yield f"out = (out.T + jnp.asarray(self.{array_of(each)}_bias)).T"
        if each.activation:
            yield f"out = {CALLS.get(each.activation, each.activation)}(out)"
        yield f"{', '.join(each.out)}, = out"
