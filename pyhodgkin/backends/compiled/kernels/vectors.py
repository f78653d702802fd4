"""Several batch elements side by side in one value: vectors for numba, and what they can do.

A kernel is written once, for one number. Called with a `Vector` it computes as many batch elements
at once, each operation one instruction of the processor for several of them; called with a float it
computes one. `like` stands for the kind of number in the functions that make one.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.typing import templates
from numba.extending import lower_builtin

from .vector_types import (
    Vector,
    constant,
    element_of,
    intrinsic,
    spread,
    width_of,
    with_element,
)

_infer_global: Any = templates.infer_global


def _maker(element: types.Type, width: int) -> Callable:
    kind = Vector(element, width)

    @intrinsic
    def zero(typingctx):
        def codegen(context, builder, own, args):
            return constant(kind, 0.0)

        return kind(), codegen

    return zero


# Integrators keep a core busy with four registers of 32 bytes; derivatives need more memory.
NARROW, WIDE, WIDEST = 8, 16, 32
narrow_float64 = _maker(types.float64, NARROW)
wide_float64 = _maker(types.float64, WIDE)
wide_float32 = _maker(types.float32, WIDEST)


@intrinsic
def width(typingctx, like):
    """How many elements `like` has."""

    def codegen(context, builder, own, args):
        return ir.Constant(ir.IntType(64), width_of(like))

    return types.int64(like), codegen


@intrinsic
def fill(typingctx, like, number):
    """`number` in every element, rounded to the precision of `like`."""
    if not isinstance(number, (types.Float, types.Integer)):
        return None
    element = element_of(like)

    def codegen(context, builder, own, args):
        value = context.cast(builder, args[1], number, element)
        return spread(builder, value, like) if isinstance(like, Vector) else value

    return like(like, number), codegen


@intrinsic
def pointer(typingctx, array):
    """Where the numbers of an array lie: reading them there asks for no shape and no sign."""

    def codegen(context, builder, own, args):
        return context.make_array(array)(context, builder, args[0]).data

    return types.CPointer(array.dtype)(array), codegen


def _address(builder: Any, pointer: Any, place: Any, width: int) -> Any:
    return builder.gep(pointer, [builder.mul(place, ir.Constant(place.type, width))])


@intrinsic
def load(typingctx, like, where, slot):
    """The value in a slot, in the precision of what is there."""
    kind = with_element(like, where.dtype)

    def codegen(context, builder, own, args):
        _, source, place = args
        address = _address(builder, source, place, width_of(like))
        if isinstance(like, Vector):
            address = builder.bitcast(address, ir.PointerType(context.get_value_type(kind)))
        return builder.load(address, align=where.dtype.bitwidth // 8)

    return kind(like, where, types.int64), codegen


@intrinsic
def store(typingctx, where, slot, value):
    """Write `value` to a slot."""

    def codegen(context, builder, own, args):
        target, place, x = args
        address = _address(builder, target, place, width_of(value))
        if isinstance(value, Vector):
            address = builder.bitcast(address, ir.PointerType(x.type))
        builder.store(x, address, align=where.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.none(where, types.int64, value), codegen


@intrinsic
def convert(typingctx, like, x):
    """`x` in the precision of `like`."""
    kind = with_element(x, element_of(like))

    def codegen(context, builder, own, args):
        value = args[1]
        if element_of(x) is element_of(like):
            return value
        change = builder.fpext if element_of(like) is types.float64 else builder.fptrunc
        return change(value, context.get_value_type(kind))

    return kind(like, x), codegen


# -- arithmetic ---------------------------------------------------------------------------


def vector_among(*kinds: types.Type) -> types.Type:
    return next((kind for kind in kinds if isinstance(kind, Vector)), types.float64)


def widened(context: Any, builder: Any, value: Any, own: types.Type, kind: types.Type) -> Any:
    """`value` as a `kind`: a number is spread over a vector."""
    if isinstance(own, Vector):
        return value
    value = context.cast(builder, value, own, element_of(kind))
    return spread(builder, value, kind) if isinstance(kind, Vector) else value


def _operator(function: Callable, emit: Callable, boolean: bool = False) -> None:
    """Teach numba an operation of two vectors, or of one and a number."""

    @_infer_global(function)
    class Typing(templates.AbstractTemplate):
        def generic(self, args, kws):
            if kws or len(args) != 2 or not any(isinstance(kind, Vector) for kind in args):
                return None
            kind = vector_among(*args)
            return templates.signature(
                with_element(kind, types.boolean) if boolean else kind, *args
            )

    def lowered(context, builder, own, args):
        kind = vector_among(*own.args)
        values = [
            widened(context, builder, x, arg, kind) for x, arg in zip(args, own.args, strict=True)
        ]
        return emit(builder, *values)

    number = types.Number
    for kinds in ((Vector, Vector), (Vector, number), (number, Vector)):
        lower_builtin(function, *kinds)(lowered)


def _compare(symbol: str) -> Callable:
    return lambda builder, a, b: builder.fcmp_ordered(symbol, a, b)


_operator(operator.add, lambda builder, a, b: builder.fadd(a, b))
_operator(operator.sub, lambda builder, a, b: builder.fsub(a, b))
_operator(operator.mul, lambda builder, a, b: builder.fmul(a, b))
_operator(operator.truediv, lambda builder, a, b: builder.fdiv(a, b))
_operator(operator.and_, lambda builder, a, b: builder.and_(a, b))
_operator(operator.or_, lambda builder, a, b: builder.or_(a, b))
for _function, _symbol in (
    (operator.lt, "<"),
    (operator.le, "<="),
    (operator.gt, ">"),
    (operator.ge, ">="),
):
    _operator(_function, _compare(_symbol), boolean=True)


@_infer_global(operator.neg)
class _Negative(templates.AbstractTemplate):
    def generic(self, args, kws):
        return templates.signature(args[0], *args) if isinstance(args[0], Vector) else None


@lower_builtin(operator.neg, Vector)
def _negative(context, builder, own, args):
    return builder.fneg(args[0])


@intrinsic
def fma(typingctx, a, b, c):
    """a·b + c, rounded once where the processor can; numbers may stand beside vectors."""
    kind = vector_among(a, b, c)

    def codegen(context, builder, own, args):
        pairs = zip(args, own.args, strict=True)
        values = [widened(context, builder, x, own, kind) for x, own in pairs]
        llvm = context.get_value_type(kind)
        function = builder.module.declare_intrinsic(
            f"llvm.fma.{_suffix(kind)}", fnty=ir.FunctionType(llvm, [llvm] * 3)
        )
        return builder.call(function, values)

    return kind(a, b, c), codegen


def _suffix(kind: types.Type) -> str:
    size = "f64" if element_of(kind) is types.float64 else "f32"
    return f"v{kind.width}{size}" if isinstance(kind, Vector) else size


def _unary(name: str) -> Callable:
    @intrinsic
    def operate(typingctx, x):
        def codegen(context, builder, own, args):
            llvm = context.get_value_type(x)
            function = builder.module.declare_intrinsic(
                f"llvm.{name}.{_suffix(x)}", fnty=ir.FunctionType(llvm, [llvm])
            )
            return builder.call(function, args)

        return x(x), codegen

    return operate


absolute = _unary("fabs")
root = _unary("sqrt")
round_down = _unary("floor")


@intrinsic
def select(typingctx, condition, a, b):
    """`a` where the condition holds, else `b`; either may be a number beside vectors."""
    kind = vector_among(a, b)
    if isinstance(condition, Vector) and not isinstance(kind, Vector):
        return None

    def codegen(context, builder, own, args):
        values = [
            widened(context, builder, x, own, kind)
            for x, own in zip(args[1:], own.args[1:], strict=True)
        ]
        return builder.select(args[0], *values)

    return kind(condition, a, b), codegen


@intrinsic
def any_of(typingctx, condition):
    """Whether the condition holds in any element."""

    def codegen(context, builder, own, args):
        if not isinstance(condition, Vector):
            return args[0]
        whole = ir.IntType(condition.width)
        bits = builder.bitcast(args[0], whole)
        return builder.icmp_unsigned("!=", bits, ir.Constant(whole, 0))

    return types.boolean(condition), codegen


@intrinsic
def bits_of(typingctx, condition):
    """The elements in which a condition holds, as the bits of a number."""

    def codegen(context, builder, own, args):
        n = width_of(condition)
        bits = builder.bitcast(args[0], ir.IntType(n)) if n > 1 else args[0]
        return builder.zext(bits, ir.IntType(64))

    return types.int64(condition), codegen


# -- the bits of a number -----------------------------------------------------------------
