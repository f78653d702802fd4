# The functions that rate laws and networks are made of: exact, and finite for every argument.

const LARGEST_EXPONENT = 700.0
# Below this |x/2| the linoid is summed as a series: the closed form loses digits to 0/0.
const LINOID_SERIES = 0.05

# log2(e), and ln 2 in two parts whose product with a small whole number is exact.
const LOG2E = 1.4426950408889634
const LN2_HIGH = 6.93147180369123816490e-01
const LN2_LOW = 1.90821492927058770002e-10
# Adding it rounds to a whole number, which is then found in the last bits.
const ROUNDER = 6.755399441055744e15

"""
    branchless_exp(x)

`exp(x)` for x ≤ 709, to about one unit in the last place, without a branch or a table, so that a
loop over it becomes vector instructions. Below -708 it is as good as zero.
"""
@inline function branchless_exp(x::Float64)
    x = ifelse(x < -708.0, -708.0, x)
    shifted = muladd(x, LOG2E, ROUNDER)
    k = shifted - ROUNDER
    r = muladd(-k, LN2_LOW, muladd(-k, LN2_HIGH, x))
    # The series in pairs of pairs: every step waits for a third of what Horner's rule waits for.
    r2 = r * r
    r4 = r2 * r2
    low = muladd(muladd(1 / 120, r, 1 / 24), r2, muladd(1 / 6, r, 1 / 2))
    middle = muladd(muladd(1 / 362880, r, 1 / 40320), r2, muladd(1 / 5040, r, 1 / 720))
    high = muladd(
        muladd(1 / 6227020800, r, 1 / 479001600), r2, muladd(1 / 39916800, r, 1 / 3628800))
    p = 1.0 + muladd(r2, muladd(muladd(high, r4, middle), r4, low), r)
    power_of_two = reinterpret(Float64, (reinterpret(Int64, shifted) + 1023) << 52)
    return p * power_of_two
end

const BLOCK = 8

"Length of a vector of `n` numbers that is used in whole blocks."
padded(n::Int) = cld(n, BLOCK) * BLOCK

"`x^n` for the powers that gates have."
@inline function small_power(x, n::Int)
    n == 1 && return x
    square = x * x
    n == 2 && return square
    n == 3 && return square * x
    n == 4 && return square * square
    return x^n
end

"1/(1 + exp(-x)), to full relative precision on both sides."
@inline function logistic(x)
    e = exp(-abs(x))
    return (x >= 0 ? one(e) : e) / (1 + e)
end

"""
    linoid(x, e)

x/(1 - exp(-x)) and its derivative, given `e` = exp(-|x|). Near zero it is x/2 plus an even
function, which is summed as a series.
"""
@inline function linoid(x, e)
    p = abs(x)
    if p < 2 * LINOID_SERIES
        y = x / 2
        w = y * y
        value = y + 1 + w * (1 / 3 + w * (-1 / 45 + w * (2 / 945 - w / 4725)))
        slope = 0.5 + y * (1 / 3 + w * (-2 / 45 + w * (6 / 945 - w * 4 / 4725)))
        return value, slope
    end
    right = p / (1 - e)
    left = right * e
    return x > 0 ? (right, right * (1 - left) / p) : (left, left * (right - 1) / p)
end

@enum Activation::UInt8 TANH SOFTPLUS SILU

const ACTIVATIONS = Dict("tanh" => TANH, "softplus" => SOFTPLUS, "silu" => SILU)

@inline function activate(f::Activation, x)
    f == TANH && return tanh(x)
    f == SOFTPLUS && return max(x, zero(x)) + log1p(exp(-abs(x)))
    return x * logistic(x)
end

"Slope of an activation at `x`, where its value is `y`."
@inline function slope(f::Activation, x, y)
    f == TANH && return 1 - y * y
    s = logistic(x)
    return f == SOFTPLUS ? s : s * (1 + x * (1 - s))
end

"Second derivative of an activation at `x`, where its value is `y`."
@inline function curvature(f::Activation, x, y)
    f == TANH && return -2 * y * (1 - y * y)
    s = logistic(x)
    return f == SOFTPLUS ? s * (1 - s) : s * (1 - s) * (2 + x * (1 - 2s))
end
