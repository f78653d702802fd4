"""The stimulus of every element in a kernel: a line and sinusoids, as in `protocols.Segments`.

Times are in double precision whatever the states are in.
"""

from __future__ import annotations

from typing import Any

import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]

jit: Any = triton.jit


@jit
def sinusoids(sines, place, count, tau, ORDER: tl.constexpr):
    """The sum of the sinusoids of a piece at `tau` after its start, or of their derivatives."""
    total = 0.0 * tau
    j = place * 0
    first = sines + place * count * 4
    k = 0
    while k < count:
        amplitude = tl.load(first + 4 * j)
        omega = tl.load(first + 4 * j + 1)
        chirp = tl.load(first + 4 * j + 2)
        angle = tl.load(first + 4 * j + 3) + tau * (omega + 0.5 * chirp * tau)
        speed = omega + chirp * tau
        if ORDER == 0:
            total += amplitude * tl.sin(angle)
        elif ORDER == 1:
            total += amplitude * speed * tl.cos(angle)
        else:
            total += amplitude * (chirp * tl.cos(angle) - speed * speed * tl.sin(angle))
        j += 1
        k += 1
    return total


@jit
def line(offset, rate, tau, ORDER: tl.constexpr):
    """The line of a piece, or its derivative."""
    if ORDER == 0:
        return offset + rate * tau
    elif ORDER == 1:
        return rate
    else:
        return 0.0 * tau
