"""exp, log and what rate laws and networks are made of, for numbers and vectors of them."""

from __future__ import annotations

import math
from typing import Any

import numba
from numba import types
from numba.extending import overload

from .bits import exponent_of, fraction_of, power_of_two
from .vector_types import element_of
from .vectors import absolute, fill, fma, select

_njit: Any = numba.njit  # of which the stubs do not know all options

# No reordering: a NaN or an infinity must stay one; a product and a sum may be fused.
compiled: Any = _njit(
    fastmath={"contract"},
    nogil=True,
    error_model="numpy",
    _nrt=False,
    no_cpython_wrapper=True,
    no_cfunc_wrapper=True,
)

_LOG2E, _SQRT2 = math.log2(math.e), math.sqrt(2.0)
# ln 2 in two parts, the first with so few digits that its product with n is exact.
_HIGH, _LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_HIGH32, _LOW32 = 0.693359375, -2.12194440e-4
_TAYLOR = tuple(1.0 / math.factorial(i) for i in range(13))
# exp(r) = 1 + r + Σ s_i rⁱ for |r| up to ln 2 / 2, by least largest relative error of exp(r) - 1.
_SINGLE = (
    0.5000000065508233,
    0.16666538149865956,
    0.04166626700111009,
    0.008367234102816475,
    0.0013947574054362574,
)
# Below this x the slope of the linoid is summed as a series: the closed form loses digits to 0/0.
SERIES = 0.3
NEAR = 0.5  # the same for the linoid itself, where exp(-x) has no digits beyond those of 1


def _reduced(x) -> Any:
    """2ⁿ and exp(r) - 1 with x = n ln 2 + r and r small: of them exp(x) is made, and exp(x) - 1."""


@overload(_reduced)
def _reduced_(x):
    _, _, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12 = _TAYLOR
    s2, s3, s4, s5, s6 = _SINGLE

    def double(x):
        rounded = fma(x, _LOG2E, 6755399441055744.0)
        n = rounded - 6755399441055744.0
        r = fma(n, -_LOW, fma(n, -_HIGH, x))
        s = r * r
        q = s * s
        b = fma(fma(c7, r, c6), s, fma(c5, r, c4))
        c = fma(c12, q, fma(fma(c11, r, c10), s, fma(c9, r, c8)))
        less = fma(fma(fma(c, q, b), s, fma(c3, r, c2)), s, r)
        return power_of_two(rounded), less

    def single(x):
        rounded = fma(x, _LOG2E, 12582912.0)
        n = rounded - 12582912.0
        r = fma(n, -_LOW32, fma(n, -_HIGH32, x))
        s = r * r
        b = fma(s6, s, fma(s5, r, s4))
        return power_of_two(rounded), fma(fma(b, s, fma(s3, r, s2)), s, r)

    return double if element_of(x) is types.float64 else single


def _limits(x) -> Any:
    """The largest and the smallest x whose exp(x) is a normal number."""


@overload(_limits)
def _limits_(x):
    most, least = (700.0, -708.0) if element_of(x) is types.float64 else (87.0, -87.0)
    return lambda x: (most, least)


@compiled
def exponential(x):
    """exp(x) to about the last digit; held at its value at 700 (87 in single precision)."""
    most, least = _limits(x)
    x = select(x > most, most, x)
    tiny = x < least
    two, less = _reduced(select(tiny, least, x))
    return select(tiny, 0.0, fma(two, less, two))


@compiled
def with_less_one(x):
    """exp(x) and exp(x) - 1 for an x that is not positive, both to full relative precision."""
    _, least = _limits(x)
    tiny = x < least
    two, less = _reduced(select(tiny, least, x))
    return select(tiny, 0.0, fma(two, less, two)), fma(two, less, two - 1.0)


@compiled
def logarithm(x):
    """ln(x) of a positive, normal number; the result of others has no meaning."""
    m, n = fraction_of(x), exponent_of(x)
    large = m > _SQRT2
    m, n = select(large, 0.5 * m, m), select(large, n + 1.0, n)
    s = (m - 1.0) / (m + 1.0)
    return fma(n, math.log(2.0), 2.0 * s * _atanh_series(s * s, 11))


@compiled
def _atanh_series(w, terms):
    """atanh(s)/s for w = s²."""
    total = fill(w, 1.0 / (2 * terms + 1))
    for k in range(terms - 1, -1, -1):
        total = fma(total, w, 1.0 / (2 * k + 1))
    return total


@compiled
def logistic(x):
    """1/(1 + exp(-x)), to full relative precision on both sides."""
    e = exponential(-absolute(x))
    return select(x >= 0.0, 1.0, e) / (1.0 + e)


@compiled
def hyperbolic_tangent(x):
    e = exponential(-2.0 * absolute(x))
    t = (1.0 - e) / (1.0 + e)
    return select(x < 0.0, -t, t)


@compiled
def softplus(x):
    """ln(1 + exp(x))."""
    e = exponential(-absolute(x))
    s = e / (2.0 + e)
    return select(x > 0.0, x, 0.0) + 2.0 * s * _atanh_series(s * s, 17)


@compiled
def linoid(x):
    """x/(1 - exp(-x)), smooth through 0."""
    p = absolute(x)
    e, less = with_less_one(-p)
    f = select(p > 0.0, p, 1.0) / select(p > 0.0, -less, 1.0)
    return select(x > 0.0, f, f * e)


@compiled
def linoid_slope(x, e):
    """The derivative of `linoid`."""
    p = absolute(x)
    w = x * x
    near = 0.5 + x * _linoid_slope_series(w)
    top = select(x > 0.0, 1.0 - e - p * e, e * (p - 1.0 + e))
    return select(p < SERIES, near, top / ((1.0 - e) * (1.0 - e)))


@compiled
def _linoid_slope_series(w):
    """The derivative of the even part, over x."""
    total = fma(fill(w, -12.0 * 691.0 / 1307674368000.0), w, 10.0 / 47900160.0)
    total = fma(fma(total, w, -8.0 / 1209600.0), w, 6.0 / 30240.0)
    return fma(fma(total, w, -4.0 / 720.0), w, 2.0 / 12.0)


@compiled
def linoid_bend(z, e):
    """The second derivative of x/(1 - exp(-x)); `e` is exp(-|x|)."""
    p = absolute(z)
    w = z * z
    near = fma(fill(w, -132.0 * 691.0 / 1307674368000.0), w, 90.0 / 47900160.0)
    near = fma(fma(near, w, -56.0 / 1209600.0), w, 30.0 / 30240.0)
    near = fma(fma(near, w, -12.0 / 720.0), w, 2.0 / 12.0)
    less = select(p < SERIES, 1.0, 1.0 - e)
    far = e * (p * (1.0 + e) - 2.0 * (1.0 - e)) / (less * less * less)
    return select(p < SERIES, near, far)


@compiled
def held_below(x):
    """`x`, not more than the largest value of `exponential`."""
    most, _ = _limits(x)
    most = math.exp(most)
    return select(x > most, most, x)


@compiled
def linoid_of(x, e):
    """As `linoid`, where exp(-x) is known; 1 - exp(-x) would lose digits near 0."""
    near = absolute(x) < NEAR
    closed = x / select(near, 1.0, 1.0 - e)
    return select(near, fma(fill(x, 0.5), x, _linoid_series(x * x)), closed)


@compiled
def linoid_slope_of(x, e):
    """Its derivative."""
    near = absolute(x) < NEAR
    inverse = 1.0 / select(near, 1.0, 1.0 - e)
    closed = inverse * (1.0 - x * (e * inverse))  # in this order nothing is too large for a number
    return select(near, fma(x, _linoid_slope_series(x * x), 0.5), closed)


def _linoid_series(w) -> Any:
    """The even part of `linoid`, for w = x² up to NEAR²."""


@overload(_linoid_series)
def _linoid_series_(w):
    def double(w):
        total = fma(fill(w, -691.0 / 1307674368000.0), w, 1.0 / 47900160.0)
        total = fma(fma(total, w, -1.0 / 1209600.0), w, 1.0 / 30240.0)
        return fma(fma(fma(total, w, -1.0 / 720.0), w, 1.0 / 12.0), w, 1.0)

    def single(w):
        total = fma(fill(w, 1.0 / 30240.0), w, -1.0 / 720.0)
        return fma(fma(total, w, 1.0 / 12.0), w, 1.0)

    return double if element_of(w) is types.float64 else single


@compiled
def power(x, exponent):
    """x to a fixed power; NaN for a negative x and a power that is no whole number."""
    n = int(abs(exponent))
    if n == abs(exponent) and n <= 16:
        total = fill(x, 1.0)
        for _ in range(n):
            total = total * x
        return total if exponent >= 0.0 else 1.0 / total
    zero = 0.0 if exponent > 0.0 else math.inf
    found = exponential(exponent * logarithm(x))
    return select(x > 0.0, found, select(x < 0.0, fill(x, math.nan), zero))
