# A block: several elements of a batch side by side, one column of memory for each number that they
# all have. Every operation of a neuron's tables is done for the whole block in a loop of a constant
# number of turns, which becomes vector instructions; reading the tables is shared by the block.

"""
Elements in a block of numbers of a type: four vectors of four or eight numbers for each operation
keep a core busy.
"""
@inline width(::Type{Float64}) = 16
@inline width(::Type{Float32}) = 32

"A number for each element of a block, in a column for each of `n`."
columns_of_block(arena::Arena, ::Type{T}, n::Int) where {T} = take!(arena, T, width(T), n)

"What lies before column `i` in memory, which loops over a block add to."
@inline offset(::Type{T}, i::Int) where {T} = (i - 1) * width(T)

"The parameters of the elements of a block, and those of their curves: a, v0, k and 1/k."
struct BlockParameters{T}
    arena::Arena
    theta::Matrix{T}
    a::Matrix{T}
    v0::Matrix{T}
    k::Matrix{T}
    inverse_k::Matrix{T}
    inverse_c::Vector{T}
end

function BlockParameters{T}(arena::Arena, system::System) where {T}
    leaves = length(system.leaves)
    p = BlockParameters{T}(arena, columns_of_block(arena, T, system.n_parameters),
        (columns_of_block(arena, T, leaves) for _ in 1:4)..., take!(arena, T, width(T)))
    fill!(p.k, 1)
    fill!(p.inverse_k, 1)
    return p
end

"The equations of the elements of a block, with parameters of their own, and the memory they need."
struct BlockModel{T}
    system::System
    arena::Arena
    parameters::BlockParameters{T}
    # At one state: v, (v - v0)/k of the curves, their exponentials and values, the values of the
    # gates, and the ionic current.
    v::Vector{T}
    x::Matrix{T}
    e::Matrix{T}
    curves::Matrix{T}
    gates::Matrix{T}
    open::Vector{T}
    total::Vector{T}
    # Rates of one gate that come from a network, and those of its prior.
    alpha::Vector{T}
    beta::Vector{T}
    priors::NTuple{2,Vector{T}}
    # What comes out of the layers of networks, and what goes into their activations where that is
    # needed for their slopes.
    layers::Matrix{T}
    before::Matrix{T}
end

function BlockModel{T}(
    system::System, arena=Arena(), parameters=BlockParameters{T}(arena, system)
) where {T}
    leaves = length(system.leaves)
    column() = take!(arena, T, width(T))
    rows = maximum(net -> net.rows[end] + last(net.layers), system.networks; init=0)
    return BlockModel{T}(system, arena, parameters, column(),
        (columns_of_block(arena, T, leaves) for _ in 1:2)...,
        columns_of_block(arena, T, leaves + length(system.nodes)),
        columns_of_block(arena, T, length(system.gates)), (column() for _ in 1:4)..., (column(), column()),
        (columns_of_block(arena, T, rows) for _ in 1:2)...)
end

"Give element `w` of the block the parameters `theta`."
function bind!(p::BlockParameters{T}, system::System, w::Int, theta::AbstractVector) where {T}
    leaves = system.leaves
    length(theta) == system.n_parameters || throw(InputError(
        "theta has $(length(theta)) numbers; this neuron needs $(system.n_parameters)"))
    @inbounds for i in eachindex(theta)
        p.theta[w, i] = theta[i]
    end
    @inbounds for (i, place) in enumerate(leaves.place)
        p.a[w, i] = theta[place]
        i in leaves.constants && continue
        p.v0[w, i], p.k[w, i] = theta[place + 1], theta[place + 2]
        p.inverse_k[w, i] = inv(theta[place + 2])
    end
    system.c_m > 0 && (p.inverse_c[w] = inv(theta[system.c_m]))
    return nothing
end

bind!(model::BlockModel, w::Int, theta::AbstractVector) =
    bind!(model.parameters, model.system, w, theta)
