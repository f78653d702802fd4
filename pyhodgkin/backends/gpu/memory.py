"""What kernels read and write.

Triton's compiler looks through a whole kernel around every access to memory to find how threads
share it, and takes minutes for a long kernel with many of them. Here each thread reads numbers of
its own, so with `PTX` most accesses are single instructions that the compiler does not look into.
"""

from __future__ import annotations

from typing import Any

import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]

jit: Any = triton.jit


@jit
def read(place, PTX: tl.constexpr):
    """Numbers of memory that no kernel writes to."""
    if PTX:
        address = place.to(tl.int64)
        if place.dtype.element_ty == tl.float64:
            return tl.inline_asm_elementwise(
                "ld.global.nc.f64 $0, [$1];",
                "=d,l",
                [address],
                dtype=tl.float64,
                is_pure=False,
                pack=1,
            )
        else:
            return tl.inline_asm_elementwise(
                "ld.global.nc.f32 $0, [$1];",
                "=f,l",
                [address],
                dtype=tl.float32,
                is_pure=False,
                pack=1,
            )
    else:
        return tl.load(place)


@jit
def write(place, value, held, PTX: tl.constexpr):
    """`value`, in the type of what it is written to, where `held`."""
    value = value.to(place.dtype.element_ty)
    if PTX:
        address = place.to(tl.int64)
        if place.dtype.element_ty == tl.float64:
            tl.inline_asm_elementwise(
                "{ .reg .pred p; setp.ne.s32 p, $3, 0; @p st.global.f64 [$1], $2; mov.b32 $0, 0; }",
                "=r,l,d,r",
                [address, value, held.to(tl.int32)],
                dtype=tl.int32,
                is_pure=False,
                pack=1,
            )
        elif place.dtype.element_ty == tl.float32:
            tl.inline_asm_elementwise(
                "{ .reg .pred p; setp.ne.s32 p, $3, 0; @p st.global.f32 [$1], $2; mov.b32 $0, 0; }",
                "=r,l,f,r",
                [address, value, held.to(tl.int32)],
                dtype=tl.int32,
                is_pure=False,
                pack=1,
            )
        else:
            tl.inline_asm_elementwise(
                "{ .reg .pred p; setp.ne.s32 p, $3, 0; @p st.global.b32 [$1], $2; mov.b32 $0, 0; }",
                "=r,l,r,r",
                [address, value, held.to(tl.int32)],
                dtype=tl.int32,
                is_pure=False,
                pack=1,
            )
    else:
        tl.store(place, value, held)


@jit
def read_piece(lines, protocol, piece, pieces, stop, PTX: tl.constexpr):
    """Of a piece of the stimulus: its end, start, value there and slope."""
    place = lines + (protocol * pieces + piece) * 3
    there = piece + 1 < pieces
    following = read(place + tl.where(there, 3, 0), PTX)
    end = tl.where(there & (following < stop), following, stop)
    return end, read(place, PTX), read(place + 1, PTX), read(place + 2, PTX)


@jit
def read_time(times, place, count, PTX: tl.constexpr):
    """When the next sample is, infinite after the last one."""
    there = place < count
    # The times have one more number than there are samples.
    return tl.where(there, read(times + tl.where(there, place, 0), PTX), float("inf"))
