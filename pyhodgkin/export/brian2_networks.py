"""Brian2: networks and tables as functions by numpy."""

from __future__ import annotations

from collections.abc import Iterator

from .expressions import Assignment, Expression, Layer, Lookup
from .printing import Printer
from .programs import CellProgram

_ACTIVATIONS = {
    "tanh": "np.tanh(z)",
    "softplus": "np.logaddexp(0.0, z)",
    "silu": "0.5*z*(1.0 + np.tanh(0.5*z))",
}


def networks(cell: CellProgram) -> Iterator[str]:
    for owner, statements, _ in cell.programs():
        for each in statements:
            if isinstance(each, Lookup):
                yield from _table(each)
        layers = [x for x in statements if isinstance(x, Layer)]
        if layers:
            scaled = next(x for x in statements if isinstance(x, Assignment))
            names = ["v" if x.endswith("_z") else owner for x in layers[0].inputs]
            outputs = [f"{owner}_net{i}" for i in range(len(layers[-1].out))]
            yield from _function(f"{owner}_net", layers, names, scaled.value, outputs)
    for channel in cell.channels:
        if channel.current is not None:
            layers = [x for x in channel.statements if isinstance(x, Layer)]
            scaled = next(x for x in channel.statements if isinstance(x, Assignment))
            names = ["v", *(gate.name for gate in channel.gates)]
            name = f"{channel.name}_net"
            yield from _function(name, layers, names, scaled.value, [name])


def _table(table: Lookup) -> Iterator[str]:
    """A piecewise cubic as a function of Brian2 by numpy."""
    name = f"{table.name}_table"
    yield f"{name.upper()} = np.array({table.rows.tolist()!r})"
    yield from ("", "", f"def {name}_values(x):")
    yield f"    row = {name.upper()}[np.searchsorted({name.upper()}[1:, 0], x, side='right')]"
    yield "    start, a, b, c, d = np.moveaxis(row, -1, 0)"
    yield from ("    u = x - start", "    return a + u*(b + u*(c + u*d))", "", "")
    yield f"{name} = Function({name}_values, arg_units=[1], return_unit=1, stateless=True)"
    yield ""


def _function(
    name: str, layers: list[Layer], inputs: list[str], scaled: Expression, outputs: list[str]
) -> Iterator[str]:
    """A network as functions of Brian2 by numpy, one for each output."""
    upper = name.upper()
    yield f"{upper} = ("
    for layer in layers:
        yield f"    (np.array({layer.weight.tolist()!r}),"
        yield f"     np.array({layer.bias.tolist()!r})),"
    yield from (")", "", "", f"def {name}_outputs({', '.join(inputs)}):")
    if "v" in inputs:
        yield f"    z_v = {Printer().text(scaled)}"
    rows = ", ".join("z_v" if x == "v" else f"np.asarray({x})" for x in inputs)
    yield f"    z = np.stack(np.broadcast_arrays({rows}))"
    yield f"    for i, (weight, bias) in enumerate({upper}):"
    yield "        z = np.tensordot(weight, z, 1) + bias.reshape(-1, *(1,) * (z.ndim - 1))"
    yield f"        if i < len({upper}) - 1:"
    yield f"            z = {_ACTIVATIONS[layers[0].activation or 'tanh']}"
    yield from ("    return z", "", "")
    units = ", ".join("1" for _ in inputs)
    arguments = ", ".join(inputs)
    for i, output in enumerate(outputs):
        yield f"{output} = Function("
        yield f"    lambda {arguments}: {name}_outputs({arguments})[{i}],"
        yield f"    arg_units=[{units}], return_unit=1, stateless=True,"
        yield ")"
    yield ""
