"""A graph as lines of Triton code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .graph import Graph, Node, Value

Read = Callable[[int], str]
FUNCTIONS = (
    "below",
    "choose",
    "exponential",
    "hyperbolic_tangent",
    "inside",
    "larger",
    "linoid",
    "logarithm",
    "linoid_slope",
    "logistic",
    "power",
    "softplus",
    "within",
)


def lines(graph: Graph, outputs: Sequence[Value], read: Read) -> tuple[list[str], list[str]]:
    """Assignments that compute `outputs`, and what each output is called."""
    nodes = [x for x in outputs if isinstance(x, Node)]
    text = []
    for index in graph.needed(nodes):
        expression = _expression(graph, index, read)
        if expression is not None:
            text.append(f"x{index} = {expression}")
    return text, [_value(x) for x in outputs]


def names(graph: Graph, outputs: Sequence[Value]) -> set[str]:
    """The variables that `outputs` are computed from; ``weights`` where some are read."""
    nodes = [x for x in outputs if isinstance(x, Node)]
    found = set()
    for index in graph.needed(nodes):
        name, _, extra = graph.operations[index]
        if name == "name":
            found.add(str(extra))
        elif name == "weight":
            found.add("weights")
    return found


def _expression(graph: Graph, index: int, read: Read) -> str | None:
    name, arguments, extra = graph.operations[index]
    if name in ("name", "constant"):
        return None
    if name == "weight":
        return read(int(extra))  # type: ignore[arg-type]
    own = [_value(Node(graph, i)) for i in arguments]
    if name in FUNCTIONS:
        return f"{name}({', '.join(own)})"
    if name == "-" and Node(graph, arguments[0]).constant == 0.0:
        return f"-{own[1]}"
    return f"{own[0]} {name} {own[1]}"


def _value(x: Value) -> str:
    if not isinstance(x, Node):
        return number(x)
    name, _, extra = x.operation
    if name == "name":
        return str(extra)
    return number(float(extra)) if name == "constant" else f"x{x.index}"  # type: ignore[arg-type]


def number(x: float) -> str:
    """A constant in double precision; a negative one in brackets."""
    return repr(float(x)) if x >= 0.0 else f"({float(x)!r})"


def function(
    name: str,
    arguments: Iterable[str],
    graph: Graph,
    outputs: Sequence[Value],
    read: Read,
    like: str = "y0",
) -> list[str]:
    """A function of Triton that returns `outputs`; `read` is the code that reads a row."""
    body, values = lines(graph, outputs, read)
    for i, x in enumerate(outputs):
        if not isinstance(x, Node) or x.constant is not None:
            values[i] = f"tl.full({like}.shape, {values[i]}, {like}.dtype)"
    text = ["@triton.jit", f"def {name}({', '.join(arguments)}):"]
    return [*text, *(f"    {line}" for line in body), f"    return {', '.join(values)}", "", ""]


def weighted(weights: Sequence[float], terms: Sequence[str]) -> str:
    """Σ weights·terms, without those whose weight is zero."""
    parts = [f"{number(w)} * {x}" for w, x in zip(weights, terms, strict=True) if w != 0.0]
    return " + ".join(parts) if parts else f"0.0 * {terms[0]}"
