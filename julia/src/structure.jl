# What a neuron is, as plain tables: one concrete type for every neuron, so that nothing is
# compiled anew when the equations change. Parameters are named by their places in the flat
# vector theta; values of curves by "slots", first those of the elementary curves, then those of
# their sums, products and powers.

@enum LeafForm::UInt8 EXPONENTIAL SIGMOID LINOID CONSTANT
# What comes after a power is no sum, product or power: see functions.jl.
@enum NodeKind::UInt8 SUM PRODUCT POWER NUMBER VOLTAGE EXP LOG TANH_OF LINOID_OF CHOICE TABLE
@enum GateKind::UInt8 RATES STEADY_STATE INSTANTANEOUS NEURAL_STEADY_STATE NEURAL_RATES FREE
@enum PriorKind::UInt8 NO_PRIOR PRIOR_RATES PRIOR_STEADY_STATE

"Elementary curves, sorted by form; `place` is that of `a`, with v0 and k right after it."
struct Leaves
    place::Vector{Int}
    exponentials::UnitRange{Int}
    sigmoids::UnitRange{Int}
    linoids::UnitRange{Int}
    constants::UnitRange{Int}
end

Base.length(leaves::Leaves) = length(leaves.place)

"From the numbers of the forms, in increasing order, and the places of `a`."
function sorted_leaves(forms::Vector{Int}, place::Vector{Int})
    range(form) = searchsorted(forms, Int(form))
    return Leaves(place, range(EXPONENTIAL), range(SIGMOID), range(LINOID), range(CONSTANT))
end

"""
A sum, product, power or function of slots; `children` is a range of the system's list of slots.
`exponent` is that of a power, the value of a number, or which of the tables a table is, from 0 on.
"""
struct Node
    kind::NodeKind
    children::UnitRange{Int}
    exponent::Float64
end

is_combined(node::Node) = node.kind <= POWER
table_number(node::Node) = unsafe_trunc(Int, node.exponent) + 1

"""
A fully connected network. Layer l has its weight (row by row) and then its bias from
`places[l]` on; `rows[l]` is where the values of layer l start in a workspace (layer 1 = input).
"""
struct Network
    name::String
    layers::Vector{Int}
    activation::Activation
    places::Vector{Int}
    rows::Vector{Int}
    transposed::Vector{Int}
end

"""
A network whose parameters lie in theta after the first `place`; the networks before it have the
rows of a workspace, and the transposed weights, before its own.
"""
function placed_network(name, layers, activation, place::Int, before::Vector{Network})
    row, weight = 0, 0
    if !isempty(before)
        other = last(before)
        row = other.rows[end] + padded(other.layers[end])
        weight = other.transposed[end] + other.layers[end - 1] * other.layers[end]
    end
    net = Network(name, layers, activation, Int[], Int[], Int[])
    for l in eachindex(layers)
        push!(net.rows, row)
        row += padded(layers[l])
        l == length(layers) && break
        n_in, n_out = layers[l], layers[l + 1]
        push!(net.places, place)
        push!(net.transposed, weight)
        place += (n_in + 1) * n_out
        weight += n_in * n_out
    end
    return net
end

n_inputs(net::Network) = first(net.layers)
n_outputs(net::Network) = last(net.layers)

"""
A gating variable. `first` and `second` are the slots of alpha and beta, or of x_inf and tau
(those of the prior where there is one); `state` is its place in the state, 0 without one.
"""
struct Gate
    kind::GateKind
    state::Int
    factor::Float64
    first::Int
    second::Int
    prior::PriorKind
    network::Int
    v_shift::Float64
    inverse_v_scale::Float64
    tau_min::Float64
    log_span::Float64
    bound::Float64
end

is_bounded(gate::Gate) = gate.kind != FREE && gate.kind != INSTANTANEOUS

"Of each of `n` states, whether it stays between 0 and 1."
function bounded_states(gates::Vector{Gate}, n::Int)
    bounded = fill(false, n)
    for gate in gates
        is_bounded(gate) && (bounded[gate.state] = true)
    end
    return bounded
end

"x^p of a gate x in a channel."
struct Factor
    gate::Int
    power::Int
end

"An ionic current g·(Π x^p)·(v - e); `factors` is a range, which may be empty, of the system's."
struct IonChannel
    g::Int
    e::Int
    factors::UnitRange{Int}
end

"An ionic current scale·N((v - v_shift)/v_scale, x…)."
struct UnknownCurrent
    name::String
    network::Int
    gates::Vector{Int}
    scale::Float64
    v_shift::Float64
    inverse_v_scale::Float64
end

"The whole right-hand side as a network: dz/dt = N(z, i_stim/stimulus_scale)/time_scale."
struct BlackBox
    network::Int
    shift::Vector{Float64}
    scale::Vector{Float64}
    rate::Vector{Float64}
    inverse_stimulus_scale::Float64
    sees_stimulus::Bool
end

"""
The equations of a neuron without the values of its parameters.

`initial` holds the start of gates that do not start at their steady state, NaN for the others.
"""
mutable struct System
    const name::String
    const states::Vector{String}
    const v_rest::Float64
    const initial::Vector{Float64}
    const c_m::Int
    const leaves::Leaves
    const nodes::Vector{Node}
    const slots::Vector{Int}
    const tables::CubicTables
    const networks::Vector{Network}
    const gates::Vector{Gate}
    const channels::Vector{IonChannel}
    const factors::Vector{Factor}
    const unknown::Vector{UnknownCurrent}
    const black_box::Union{Nothing,BlackBox}
    const program::Program
    const bounded::Vector{Bool}
    const n_parameters::Int
    const pool::Pool
    # For blocks of numbers in double and in single precision.
    const block_pools::NTuple{2,Pool}
end

n_states(system::System) = length(system.states)
is_black_box(system::System) = system.black_box !== nothing
"Whether the equations are a program; there are no gates, channels and unknown currents then."
is_program(system::System) = length(system.program) > 0
has_free_gates(system::System) = any(gate -> gate.kind == FREE, system.gates)

Base.show(io::IO, system::System) =
    print(io, "System(", system.name, ": ", join(system.states, " "), ", ", system.n_parameters,
        " parameters)")
