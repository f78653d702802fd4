"""exp, log and what rate laws and networks are made of, in Triton, in both precisions.

They are those of the compiled integrators of the CPU, with the same limits; a NaN stays one.
"""

from __future__ import annotations

from typing import Any

import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]

from .bernoulli import C2, C4, C6, C8, C10, C12, C14

jit: Any = triton.jit


@jit
def exponential(x):
    """exp(x), held at its value at 700 (87 in single precision)."""
    if x.dtype == tl.float64:
        x = tl.where(x > 700.0, 700.0, x)
    else:
        x = tl.where(x > 87.0, 87.0, x)
    return tl.exp(x)


@jit
def logistic(x):
    """1/(1 + exp(-x)), to full relative precision on both sides."""
    e = exponential(-tl.abs(x))
    return tl.where(x >= 0.0, 1.0, e) / (1.0 + e)


@jit
def hyperbolic_tangent(x):
    e = exponential(-2.0 * tl.abs(x))
    t = (1.0 - e) / (1.0 + e)
    return tl.where(x < 0.0, -t, t)


@jit
def softplus(x):
    """ln(1 + exp(x))."""
    e = exponential(-tl.abs(x))
    u = 1.0 + e
    # What is lost where e is rounded to u is given back: ln(u) + (e - (u - 1))/u.
    return tl.where(x > 0.0, x, 0.0) + (tl.log(u) + (e - (u - 1.0)) / u)


@jit
def linoid(x):
    """x/(1 - exp(-x)), smooth through 0: a series there, the closed form elsewhere."""
    p = tl.abs(x)
    near = p < 0.5
    w = tl.where(near, x * x, 0.0)
    even = 1.0 + w * (C2 + w * (C4 + w * (C6 + w * (C8 + w * (C10 + w * (C12 + w * C14))))))
    far = tl.where(near, 1.0, p)
    e = exponential(-far)
    f = far / (1.0 - e)
    return tl.where(near, even + 0.5 * x, tl.where(x > 0.0, f, f * e))


@jit
def linoid_slope(x):
    """The derivative of `linoid`."""
    p = tl.abs(x)
    near = p < 0.5
    w = tl.where(near, x * x, 0.0)
    series = 12.0 * C12 + w * (14.0 * C14)
    series = 4.0 * C4 + w * (6.0 * C6 + w * (8.0 * C8 + w * (10.0 * C10 + w * series)))
    series = 0.5 + tl.where(near, x, 0.0) * (2.0 * C2 + w * series)
    far = tl.where(near, 1.0, p)
    e = exponential(-far)
    top = tl.where(x > 0.0, 1.0 - e - far * e, e * (far - 1.0 + e))
    return tl.where(near, series, top / ((1.0 - e) * (1.0 - e)))


@jit
def within(x, low, high):
    """`x` held between two numbers."""
    x = tl.where(x < low, low, x)
    return tl.where(x > high, high, x)


@jit
def inside(x, low, high):
    """1 between two numbers, 0 elsewhere."""
    return tl.where((x > low) & (x < high), 0.0 * x + 1.0, 0.0)


@jit
def below(x, limit, value):
    """`value` where `x` is below a limit, else 0."""
    return tl.where(x < limit, value, 0.0)


@jit
def logarithm(x):
    """ln(x); NaN where x is not positive."""
    return tl.where(x > 0.0, tl.log(tl.where(x > 0.0, x, 1.0)), float("nan"))


@jit
def choose(a, b, p, q):
    """`p` where a < b, else `q`."""
    return tl.where(a < b, p, q)


@jit
def power(x, exponent):
    """`x` to a power that is no whole number; NaN for a negative `x`."""
    found = exponential(exponent * tl.log(tl.where(x > 0.0, x, 1.0)))
    at_zero = 0.0 * found
    if exponent < 0.0:
        at_zero = 1.0 / at_zero
    return tl.where(x > 0.0, found, tl.where(x < 0.0, float("nan"), at_zero))


@jit
def larger(a, b, p, q):
    """`p` where `a` is larger than `b` in size, else `q`."""
    return tl.where(tl.abs(a) > tl.abs(b), p, q)
