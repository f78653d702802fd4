"""What kernels do with the bits of numbers: powers of two, fractions and exponents."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from .vector_types import Vector, constant, element_of, intrinsic


def _bits_of(builder: Any, kind: types.Type) -> tuple[ir.Type, int]:
    """The integers of the size of the elements of `kind`, and that size."""
    size = 64 if element_of(kind) is types.float64 else 32
    integer = ir.IntType(size)
    return (ir.VectorType(integer, kind.width) if isinstance(kind, Vector) else integer), size


@intrinsic
def power_of_two(typingctx, rounded):
    """2ⁿ for n + 1.5·2⁵² (1.5·2²³ in single precision): n in the lowest bits of the number."""

    def codegen(context, builder, own, args):
        integer, size = _bits_of(builder, rounded)
        whole = ir.IntType(size)
        shift, bias = (52, 1023) if size == 64 else (23, 127)
        bits = builder.bitcast(args[0], integer)
        bits = builder.add(bits, constant(rounded, bias, whole))
        bits = builder.shl(bits, constant(rounded, shift, whole))
        return builder.bitcast(bits, context.get_value_type(rounded))

    return rounded(rounded), codegen


@intrinsic
def fraction_of(typingctx, x):
    """The fraction of a positive number, in [1, 2)."""

    def codegen(context, builder, own, args):
        integer, size = _bits_of(builder, x)
        whole = ir.IntType(size)
        mask, one = ((1 << 52) - 1, 1023 << 52) if size == 64 else ((1 << 23) - 1, 127 << 23)
        bits = builder.and_(builder.bitcast(args[0], integer), constant(x, mask, whole))
        bits = builder.or_(bits, constant(x, one, whole))
        return builder.bitcast(bits, context.get_value_type(x))

    return x(x), codegen


@intrinsic
def exponent_of(typingctx, x):
    """The exponent n of a positive number, which is its fraction times 2ⁿ."""

    def codegen(context, builder, own, args):
        integer, size = _bits_of(builder, x)
        whole, llvm = ir.IntType(size), context.get_value_type(x)
        # 2⁵² + n as a number, from its bits: there is no instruction for integers of 64 bits.
        shift, bias, large = (52, 1023, (1075 << 52)) if size == 64 else (23, 127, (150 << 23))
        bits = builder.lshr(builder.bitcast(args[0], integer), constant(x, shift, whole))
        bits = builder.or_(bits, constant(x, large, whole))
        number = builder.bitcast(bits, llvm)
        return builder.fsub(number, constant(x, 2.0**shift + bias))

    return x(x), codegen
