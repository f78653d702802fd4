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
    x = max(x, -708.0)
    shifted = muladd(x, LOG2E, ROUNDER)
    k = shifted - ROUNDER
    r = muladd(-k, LN2_LOW, muladd(-k, LN2_HIGH, x))
    p = evalpoly(r, (
        1.0, 1.0, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040, 1 / 40320, 1 / 362880,
        1 / 3628800, 1 / 39916800, 1 / 479001600, 1 / 6227020800,
    ))
    power_of_two = reinterpret(Float64, (reinterpret(Int64, shifted) + 1023) << 52)
    return p * power_of_two
end

const BLOCK = 8

"Length of a vector of `n` numbers that `exp_all!` may use as a whole."
padded(n::Int) = cld(n, BLOCK) * BLOCK

"""
    exp_all!(e, x, n)

exp of the first `n` of `x` into `e`; both have `padded(n)` elements.
"""
function exp_all!(e::Vector{Float64}, x::Vector{Float64}, n::Int)
    # A constant number of turns is what makes LLVM use whole vectors for a handful of numbers.
    for first in 0:BLOCK:(n - 1)
        @inbounds @simd ivdep for j in 1:BLOCK
            e[first + j] = branchless_exp(x[first + j])
        end
    end
    return e
end

function exp_all!(e::Vector{T}, x::Vector{T}, n::Int) where {T<:Real}
    @inbounds for i in 1:n
        e[i] = exp(x[i])
    end
    return e
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
