"""Piecewise cubics in a kernel: the row of a voltage, and the numbers in it, for each element."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from .elementary import compiled
from .layout import TABLE_BOUNDS, TABLE_GRID, TABLE_ROWS
from .vector_types import LLVM_TYPES, Vector, element_of, intrinsic, width_of
from .vectors import fill, fma, round_down, select

COLUMNS = 5


@intrinsic
def pick(typingctx, like, where, place, row):
    """The number that lies `place` and a whole number of rows, each element's own, from `where`."""

    def one(context: Any, builder: Any, source: Any, start: Any, index: Any) -> Any:
        step = builder.mul(builder.sext(index, start.type), ir.Constant(start.type, COLUMNS))
        found = builder.load(builder.gep(source, [builder.add(start, step)]))
        return context.cast(builder, found, where.dtype, element_of(like))

    def codegen(context, builder, own, args):
        _, source, start, rows = args
        whole = ir.IntType(32)
        if not isinstance(like, Vector):
            return one(context, builder, source, start, builder.fptosi(rows, whole))
        indices = builder.fptosi(rows, ir.VectorType(whole, like.width))
        found = ir.Constant(ir.VectorType(LLVM_TYPES[like.element], like.width), ir.Undefined)
        for i in range(width_of(like)):
            place = ir.Constant(whole, i)
            value = one(context, builder, source, start, builder.extract_element(indices, place))
            found = builder.insert_element(found, value, place)
        return found

    return like(like, where, types.int64, row), codegen


@compiled
def row_of(like, m, c, which, v):
    """The row of table `which` for the voltage: how many of its knots are not above it."""
    bounds = m[TABLE_BOUNDS] + which
    knots = m[bounds + 1] - m[bounds] - 1
    grid = m[TABLE_GRID] + 2 * which
    if c[grid + 1] > 0.0:
        row = round_down((v - c[grid]) * c[grid + 1]) + 1.0
        row = select(row > 0.0, row, 0.0)
        return select(row < knots, row, fill(like, float(knots)))
    start = m[TABLE_ROWS] + COLUMNS * m[bounds]
    row = fill(like, 0.0)
    step = 1
    while 2 * step <= knots:
        step = 2 * step
    while step >= 1:
        further = row + step
        inside = further <= knots
        knot = pick(like, c, start, select(inside, further, 0.0))
        row = select(inside & (v >= knot), further, row)
        step = step // 2
    return row


@compiled
def table(like, m, c, which, v):
    """Value, slope and second derivative of table `which`."""
    row = row_of(like, m, c, which, v)
    place = m[TABLE_ROWS] + COLUMNS * m[m[TABLE_BOUNDS] + which]
    u = v - pick(like, c, place, row)
    c1, c2 = pick(like, c, place + 2, row), pick(like, c, place + 3, row)
    c3 = pick(like, c, place + 4, row)
    value = fma(fma(fma(c3, u, c2), u, c1), u, pick(like, c, place + 1, row))
    slope = fma(fma(3.0 * c3, u, 2.0 * c2), u, c1)
    return value, slope, fma(6.0 * c3, u, 2.0 * c2)
