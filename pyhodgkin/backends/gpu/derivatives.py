"""Derivatives of a graph: the tangents of its nodes, and the adjoints of what it is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .graph import Graph, Node, Value, below, choose, logistic, power

LARGEST = 700.0  # exp(x) is held there


def partials(node: Node) -> list[tuple[Node, Value]]:
    """The arguments of an operation with the derivative of its result by each."""
    graph, operation = node.graph, node.operation
    arguments = [Node(graph, i) for i in operation.arguments]
    name = operation.name
    if not arguments:
        return []
    x = arguments[0]
    if name == "+":
        return [(x, 1.0), (arguments[1], 1.0)]
    if name == "-":
        return [(x, 1.0), (arguments[1], -1.0)]
    if name == "*":
        return [(x, arguments[1]), (arguments[1], x)]
    if name == "/":
        over = arguments[1]
        return [(x, 1.0 / over), (over, -(node / over))]
    if name == "choose":
        a, b, p, q = arguments
        return [(p, choose(a, b, 1.0, 0.0)), (q, choose(a, b, 0.0, 1.0))]
    return [(x, _slope(node, x, arguments[1:]))]


def _slope(node: Node, x: Node, rest: Sequence[Node]) -> Value:
    """The derivative of a function of one variable."""
    graph, name = node.graph, node.operation.name
    if name == "exponential":
        return below(x, LARGEST, node)
    if name == "logistic":
        return node * (1.0 - node)
    if name == "logarithm":
        return 1.0 / x
    if name == "hyperbolic_tangent":
        return 1.0 - node * node
    if name == "softplus":
        return logistic(x)
    if name == "linoid":
        return graph.apply("linoid_slope", x)
    if name == "within":
        return graph.apply("inside", x, *rest)
    if name == "power":
        exponent = rest[0].constant
        assert exponent is not None
        return exponent * power(x, exponent - 1.0)
    raise NotImplementedError(f"no derivative of {name}")


def tangents(graph: Graph, seeds: Mapping[int, Value], outputs: Sequence[Node]) -> list[Value]:
    """Derivatives of `outputs` along a direction: the tangents of some nodes, by their places."""
    known: dict[int, Value] = dict(seeds)
    for index in graph.needed(outputs):
        if index in known:
            continue
        total: Value = 0.0
        found = any(i in known for i in graph.operations[index].arguments)
        if not found:
            continue
        for argument, slope in partials(Node(graph, index)):
            if argument.index in known:
                total = total + slope * known[argument.index]
        known[index] = total
    return [known.get(node.index, 0.0) for node in outputs]


def adjoints(
    graph: Graph, outputs: Sequence[Node], weights: Sequence[Value], inputs: Iterable[Node]
) -> list[Value]:
    """Derivatives of Σ weights·outputs by `inputs`."""
    wanted = list(inputs)
    order = graph.needed(outputs)
    depends = {node.index for node in wanted}
    for index in order:
        if any(i in depends for i in graph.operations[index].arguments):
            depends.add(index)
    totals: dict[int, Value] = {}
    for node, weight in zip(outputs, weights, strict=True):
        totals[node.index] = totals.get(node.index, 0.0) + weight
    for index in reversed(order):
        if index not in totals or index not in depends:
            continue
        for argument, slope in partials(Node(graph, index)):
            if argument.index in depends:
                own = totals[index] * slope
                totals[argument.index] = totals.get(argument.index, 0.0) + own
    return [totals.get(node.index, 0.0) for node in wanted]
