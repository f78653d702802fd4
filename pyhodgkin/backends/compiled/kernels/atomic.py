"""What several threads may do to one number at the same time."""

from __future__ import annotations

from llvmlite import ir
from numba import types

from .vector_types import intrinsic


@intrinsic
def take_next(typingctx, counter):
    """The integer there, which is one more afterwards; no two threads are given the same."""

    def codegen(context, builder, own, args):
        one = ir.Constant(ir.IntType(64), 1)
        return builder.atomic_rmw("add", args[0], one, "monotonic")

    return types.int64(counter), codegen
