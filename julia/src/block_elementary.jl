# Elementary functions without branches or tables, in double and in single precision, for loops over
# the elements of a block.

"Exponentials go up to exp of this, so that products with them stay finite."
@inline largest_exponent(::Type{Float64}) = LARGEST_EXPONENT
@inline largest_exponent(::Type{Float32}) = 80.0f0

"Below this |x/2| the linoid is summed as a series: to the rounding of the type."
@inline linoid_series(::Type{Float64}) = LINOID_SERIES
@inline linoid_series(::Type{Float32}) = 0.5f0

"""
    branchless_exp(x::Float32)

`exp(x)` for x ≤ 88, to about one unit in the last place. Below -87 it is as good as zero.
"""
@inline function branchless_exp(x::Float32)
    x = ifelse(x < -87.0f0, -87.0f0, x)
    rounder = 1.2582912f7
    shifted = muladd(x, 1.442695f0, rounder)
    k = shifted - rounder
    r = muladd(-k, -2.1219444f-4, muladd(-k, 0.693359375f0, x))
    r2 = r * r
    low = muladd(muladd(1.0f0 / 120, r, 1.0f0 / 24), r2, muladd(1.0f0 / 6, r, 0.5f0))
    high = muladd(1.0f0 / 5040, r, 1.0f0 / 720)
    p = 1.0f0 + muladd(r2, muladd(high, r2 * r2, low), r)
    power_of_two = reinterpret(
        Float32, (reinterpret(Int32, shifted) + Int32(127)) << (23 % Int32))
    return p * power_of_two
end

"""
    branchless_log(x)

`log(x)` of a positive normal number, to about one unit in the last place of the larger of the
result and 1, without a branch or a table.
"""
@inline function branchless_log(x::Float64)
    bits = reinterpret(Int64, x)
    # The exponent such that the rest is between sqrt(1/2) and sqrt(2), as a number: its bits lie
    # where those of a whole number do in a float of 2^52 and more.
    shifted = bits + (0x3ff0000000000000 - 0x3fe6a09e667f3bcd) % Int64
    exponent = reinterpret(Float64, (shifted >> 52) | 0x4330000000000000 % Int64)
    exponent -= 2.0^52 + 1023
    m = reinterpret(Float64, (shifted & 0x000fffffffffffff) + 0x3fe6a09e667f3bcd % Int64)
    # 2·artanh(s): the series in s², in two halves that do not wait for each other.
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    z2 = z * z
    even = muladd(z2, muladd(z2, muladd(z2, muladd(z2, 2 / 19, 2 / 15), 2 / 11), 2 / 7), 2 / 3)
    odd = muladd(z2, muladd(z2, muladd(z2, muladd(z2, 2 / 21, 2 / 17), 2 / 13), 2 / 9), 2 / 5)
    small = muladd(s * z, muladd(z, odd, even), 2.0 * s)
    return muladd(exponent, LN2_HIGH, muladd(exponent, LN2_LOW, small))
end

@inline function branchless_tanh(z::T) where {T}
    e = branchless_exp(-2 * abs(z))
    return copysign((1 - e) / (1 + e), z)
end

@inline function branchless_logistic(z::T) where {T}
    e = branchless_exp(-abs(z))
    return ifelse(z < 0, e, one(T)) / (1 + e)
end

"Value of the linoid at `z`, given `e` = exp(-|z|)."
@inline function linoid_value(z::T, e::T) where {T}
    far = ifelse(z < 0, e, one(T)) * abs(z) / (1 - e)
    # Near 0 a series, as in `linoid`: the closed form is 0/0 there.
    y = T(0.5) * z
    w = y * y
    near = y + 1 + w * (T(1 / 3) + w * (T(-1 / 45) + w * (T(2 / 945) - w * T(1 / 4725))))
    return ifelse(abs(z) < 2 * linoid_series(T), near, far)
end

"Slope of the linoid at `z`, where its value is `height`."
@inline function linoid_slope(z::T, height::T) where {T}
    y = T(0.5) * z
    w = y * y
    near = T(0.5) + y * (T(1 / 3) + w * (T(-2 / 45) + w * (T(6 / 945) - w * T(4 / 4725))))
    return ifelse(abs(z) < 2 * linoid_series(T), near, height * (1 + (z - height)) / z)
end
