# A block: several elements of a batch side by side, one column of memory for each number that they
# all have. Every operation of a neuron's tables is done for the whole block in a loop of a constant
# number of turns, which becomes vector instructions; reading the tables is shared by the block.

"Elements in a block: four vectors of four numbers for each operation keep a core busy."
const WIDTH = 16

"A number for each element of a block, in a column for each of `n`."
columns_of_block(n::Int) = zeros(WIDTH, n)

"What lies before column `i` in memory, which loops over a block add to."
@inline offset(i::Int) = (i - 1) * WIDTH

"The equations of WIDTH elements that have parameters of their own, and the memory they need."
struct BlockModel
    system::System
    theta::Matrix{Float64}
    # The elementary curves: a, v0, k and 1/k.
    a::Matrix{Float64}
    v0::Matrix{Float64}
    k::Matrix{Float64}
    inverse_k::Matrix{Float64}
    inverse_c::Vector{Float64}
    # At one state: v, (v - v0)/k of the curves, their exponentials and values, the values of the
    # gates, and the ionic current.
    v::Vector{Float64}
    x::Matrix{Float64}
    e::Matrix{Float64}
    curves::Matrix{Float64}
    gates::Matrix{Float64}
    open::Vector{Float64}
    total::Vector{Float64}
    # What goes into the layers of networks.
    layers::Matrix{Float64}
end

function BlockModel(system::System)
    leaves = length(system.leaves)
    rows = maximum(net -> net.rows[end] + last(net.layers), system.networks; init=0)
    model = BlockModel(system, columns_of_block(system.n_parameters),
        (columns_of_block(leaves) for _ in 1:4)..., zeros(WIDTH), zeros(WIDTH),
        (columns_of_block(leaves) for _ in 1:2)...,
        columns_of_block(leaves + length(system.nodes)), columns_of_block(length(system.gates)),
        zeros(WIDTH), zeros(WIDTH), columns_of_block(rows))
    fill!(model.k, 1.0)
    fill!(model.inverse_k, 1.0)
    return model
end

"Give element `w` of the block the parameters `theta`."
function bind!(model::BlockModel, w::Int, theta::AbstractVector)
    system, leaves = model.system, model.system.leaves
    length(theta) == system.n_parameters || throw(InputError(
        "theta has $(length(theta)) numbers; this neuron needs $(system.n_parameters)"))
    @inbounds for i in eachindex(theta)
        model.theta[w, i] = theta[i]
    end
    @inbounds for (i, place) in enumerate(leaves.place)
        model.a[w, i] = theta[place]
        if i in leaves.constants
            model.curves[w, i] = theta[place]
            continue
        end
        model.v0[w, i], model.k[w, i] = theta[place + 1], theta[place + 2]
        model.inverse_k[w, i] = inv(theta[place + 2])
    end
    system.c_m > 0 && (model.inverse_c[w] = inv(theta[system.c_m]))
    return model
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
