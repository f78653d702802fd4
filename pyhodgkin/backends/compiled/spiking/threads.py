"""What threads inside a kernel need to wait for one another, and pointers into longer arrays."""

from __future__ import annotations

import sys
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from ..kernels.elementary import compiled
from ..kernels.vector_types import intrinsic

# A thread that has looked so many times sleeps for so many µs: others may need its processor.
SPINS, PAUSE = 2000, 20
# Places in the array of a barrier, on cache lines of their own.
ARRIVED, GENERATION, BARRIER_SIZE = 0, 16, 32
# Where a thread can give its processor away by a function of the C library.
CAN_WAIT = sys.platform != "win32"


@intrinsic
def shifted(typingctx, pointer, offset):
    """The pointer to the number at `offset`."""

    def codegen(context, builder, own, args):
        return builder.gep(args[0], [args[1]])

    return pointer(pointer, types.int64), codegen


@intrinsic
def atomic_add(typingctx, pointer, offset, value):
    """Add to an integer in one piece; what was there."""

    def codegen(context, builder, own, args):
        where = builder.gep(args[0], [args[1]])
        return builder.atomic_rmw("add", where, args[2], "seq_cst")

    return types.int64(pointer, types.int64, types.int64), codegen


@intrinsic
def atomic_read(typingctx, pointer, offset):
    """An integer that another thread writes."""

    def codegen(context, builder, own, args):
        return builder.load_atomic(builder.gep(args[0], [args[1]]), "seq_cst", 8)

    return types.int64(pointer, types.int64), codegen


@intrinsic
def give_way(typingctx):
    """Sleep, so that another thread of this machine can run."""

    def codegen(context, builder, own, args):
        if CAN_WAIT:
            kind = ir.FunctionType(ir.IntType(32), [ir.IntType(32)])
            module: Any = builder.module
            sleep = cgutils.get_or_insert_function(module, kind, "usleep")
            builder.call(sleep, [ir.Constant(ir.IntType(32), PAUSE)])
        return context.get_dummy_value()

    return types.none(), codegen


@compiled
def wait_for_all(barrier, threads):
    """Go on when all threads are here."""
    if threads == 1:
        return
    generation = atomic_read(barrier, GENERATION)
    if atomic_add(barrier, ARRIVED, 1) == threads - 1:
        atomic_add(barrier, ARRIVED, -threads)
        atomic_add(barrier, GENERATION, 1)
        return
    looks = 0
    while atomic_read(barrier, GENERATION) == generation:
        looks += 1
        if looks > SPINS:
            give_way()
