# A neuron with the values of its parameters, and the memory that its equations need.

"Value and one derivative of numbers of type `T`."
const Pair1{T} = Dual{Nothing,T,1}

@inline pair(value::T, slope::T) where {T} = Dual{Nothing}(value, slope)
@inline slope_of(x::Dual{Nothing,T,1}) where {T} = partials(x, 1)
@inline value_of(x::Dual{Nothing,T,1}) where {T} = value(x)

"Curves and rates at one voltage, as numbers (`S` = `T`) or with their slopes (`S` = `Pair1{T}`)."
mutable struct Curves{T,S}
    const x::Vector{S}
    const e::Vector{S}
    const value::Vector{S}
    const bar::Vector{S}
    # One for each gate: dx/dt = a - s·x, and x itself, with what flows back to them.
    const a::Vector{S}
    const s::Vector{S}
    const gate::Vector{S}
    const a_bar::Vector{S}
    const s_bar::Vector{S}
    const gate_bar::Vector{S}
    # The sum of the ionic currents.
    total::S
end

function Curves{T,S}(system::System) where {T,S}
    # Whole blocks, so that they are used and copied as vectors.
    n, slots, gates = padded(length(system.leaves)),
        padded(length(system.leaves) + length(system.nodes)), padded(length(system.gates))
    zero_of(k) = zeros(S, k)
    return Curves{T,S}(zero_of(n), zero_of(n), zero_of(slots),
        zero_of(slots), (zero_of(gates) for _ in 1:6)..., zero(S))
end

"1 for the curves of a form and 0 for others, and the sign of exp(-|x|) in the denominator."
struct Forms
    exponential::Vector{Float64}
    linoid::Vector{Float64}
    sign::Vector{Float64}
end

function Forms(leaves::Leaves)
    forms = Forms((zeros(padded(length(leaves))) for _ in 1:3)...)
    forms.exponential[leaves.exponentials] .= 1
    forms.linoid[leaves.linoids] .= 1
    forms.sign[leaves.sigmoids] .= 1
    forms.sign[leaves.linoids] .= -1
    return forms
end

"""
    Model{T}(system)

The equations of `system` with room for numbers of type `T`; `bind!` gives it its parameters.
A model is scratch memory too: one for each thread.
"""
mutable struct Model{T}
    const system::System
    const theta::Vector{T}
    # The elementary curves: a, v0, k and 1/k.
    const a::Vector{T}
    const v0::Vector{T}
    const k::Vector{T}
    const inverse_k::Vector{T}
    # What their forms ask for when all are evaluated in one loop; see `curves!`.
    const forms::Forms
    const inverse_c::Base.RefValue{T}
    const plain::Curves{T,T}
    const paired::Curves{T,Pair1{T}}
    # Networks: weights with the outputs contiguous, then for each layer what goes into the
    # activations, what comes out, its tangent, and what flows back to both.
    const transposed::Vector{T}
    const x::Vector{T}
    const y::Vector{T}
    const dx::Vector{T}
    const dy::Vector{T}
    const y_bar::Vector{T}
    const dy_bar::Vector{T}
    # The values of a program, as numbers and with a tangent.
    const program::ProgramWork{T}
    const program_pairs::ProgramWork{Pair1{T}}
end

function Model{T}(system::System) where {T}
    n = padded(length(system.leaves))
    net = isempty(system.networks) ? 0 : maximum(
        net -> padded(net.rows[end] + padded(net.layers[end])), system.networks)
    weights = sum(
        net -> sum(net.layers[1:(end - 1)] .* net.layers[2:end]), system.networks; init=0)
    return Model{T}(system, zeros(T, system.n_parameters), (zeros(T, n) for _ in 1:4)...,
        Forms(system.leaves), Ref(zero(T)), Curves{T,T}(system), Curves{T,Pair1{T}}(system), zeros(T, weights),
        (zeros(T, net) for _ in 1:6)..., ProgramWork{T}(length(system.program)),
        ProgramWork{Pair1{T}}(length(system.program)))
end

"""
A model with the parameters of `model`, now and after every `bind!`, and values of its own: what
`rhs!` computed in it stays there for `pullback!`.
"""
sibling(model::Model{T}) where {T} = Model{T}(model.system, model.theta, model.a, model.v0, model.k,
    model.inverse_k, model.forms, model.inverse_c, Curves{T,T}(model.system), model.paired, model.transposed,
    copy(model.x), copy(model.y), model.dx, model.dy, model.y_bar, model.dy_bar,
    ProgramWork{T}(length(model.system.program)), model.program_pairs)

Base.eltype(::Model{T}) where {T} = T

"Give `model` the parameters `theta`."
function bind!(model::Model, theta::AbstractVector)
    system = model.system
    length(theta) == system.n_parameters || throw(InputError(
        "theta has $(length(theta)) numbers; this neuron needs $(system.n_parameters)"))
    copyto!(model.theta, theta)
    leaves = system.leaves
    for (i, place) in enumerate(leaves.place)
        model.a[i] = theta[place]
        i in leaves.constants && continue
        model.v0[i] = theta[place + 1]
        model.k[i] = theta[place + 2]
        model.inverse_k[i] = inv(theta[place + 2])
    end
    system.c_m > 0 && (model.inverse_c[] = inv(theta[system.c_m]))
    for net in system.networks, l in 1:(length(net.layers) - 1)
        transpose_weights!(model.transposed, model.theta, net, l)
    end
    return model
end

function transpose_weights!(transposed, theta, net::Network, l::Int)
    n_in, n_out = net.layers[l], net.layers[l + 1]
    from, to = net.places[l], net.transposed[l]
    for o in 1:n_out, i in 1:n_in
        transposed[to + (i - 1) * n_out + o] = theta[from + (o - 1) * n_in + i]
    end
    return nothing
end

"Add `x` to the gradient of a parameter; of a pair only its slope counts."
@inline add!(::Nothing, ::Int, x) = nothing
@inline add!(gradient::AbstractVector{T}, i::Int, x::T) where {T} = (@inbounds gradient[i] += x; nothing)
@inline add!(gradient::AbstractVector{T}, i::Int, x::Pair1{T}) where {T} =
    (@inbounds gradient[i] += slope_of(x); nothing)
