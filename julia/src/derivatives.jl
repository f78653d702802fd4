# Values and derivatives of the equations at given states, for forward sensitivities: arrays in,
# arrays out. `y` is (N, S), one state a row, and `u` (N) the stimulus. Derivatives by the weights
# of networks are not taken one by one: by their outputs is enough, and an output changes as its
# own last bias does.

"Where derivatives by some entries of theta are summed up; `slots` has the place of each, or 0."
struct Entries
    places::Vector{Int}
    slots::Vector{Int}
    sums::Vector{Float64}
    # Whether single weights are among them, besides the last bias of each output.
    weights::Bool
end

function Entries(system::System, places)
    slots = zeros(Int, system.n_parameters)
    for (i, place) in enumerate(places)
        1 <= place <= length(slots) || throw(InputError(
            "entry $(place - 1) of theta: there are $(length(slots))"))
        slots[place] = i
    end
    weights = any(system.networks) do net
        first, last = net.places[1] + 1, net.places[end] + net.layers[end - 1] * net.layers[end]
        any(place -> first <= place <= last, places)
    end
    return Entries(places, slots, zeros(length(places)), weights)
end

@inline function add!(entries::Entries, i::Int, x::Float64)
    slot = @inbounds entries.slots[i]
    slot > 0 && (@inbounds entries.sums[slot] += x)
    return nothing
end

"""
As for a plain gradient. What flows back to the inputs is right only where a network has several:
a single one is the voltage or a state, which no parameter changes here.
"""
function network_pullback!(entries::Entries, model::Model, net::Network)
    bar, last = model.y_bar, length(net.layers) - 1
    @inbounds for l in last:-1:1
        l < last && times_slope!(bar, bar, model, net.rows[l + 1], net.layers[l + 1], net.activation)
        weights_pullback!(entries, bar, model, net, l)
        n_inputs(net) == 1 && !entries.weights && return nothing
        back!(bar, model, net, l)
    end
    return nothing
end

function weights_pullback!(entries::Entries, bar, model::Model, net::Network, l::Int)
    entries.weights || l == length(net.layers) - 1 || return nothing
    n_in, n_out = net.layers[l], net.layers[l + 1]
    source, target, place = net.rows[l], net.rows[l + 1], net.places[l]
    @inbounds for o in 1:n_out
        add!(entries, place + n_in * n_out + o, bar[target + o])
        entries.weights || continue
        for i in 1:n_in
            add!(entries, place + (o - 1) * n_in + i, bar[target + o] * model.y[source + i])
        end
    end
    return nothing
end

# What is asked for: the right-hand side; the steady state at the voltage; opening rate, then sum
# of both rates, of each bounded gate; the sum of the ionic currents.
abstract type Quantity end
struct Slopes <: Quantity end
struct SteadyStates <: Quantity end
struct GateRates <: Quantity end
struct IonicCurrents <: Quantity end

const QUANTITIES = Dict{String,Quantity}("rhs" => Slopes(), "steady_state" => SteadyStates(),
    "rates" => GateRates(), "current" => IonicCurrents())

n_components(::Quantity, system::System) = n_states(system)
n_components(::GateRates, system::System) = 2 * count(system.bounded)
n_components(::IonicCurrents, ::System) = 1

"The quantity at a state into `out`; what `pull!` needs is then in the model."
evaluate!(out, ::Slopes, y, u, model) = rhs!(out, y, u, model)

function evaluate!(out, ::SteadyStates, y, u, model)
    system, c = model.system, model.plain
    @inbounds out[1] = y[1]
    is_program(system) && return program_steady_state!(out, y[1], model)
    is_black_box(system) && return copyto!(out, 2, system.black_box.shift, 2, n_states(system) - 1)
    rates!(c, model, y[1])
    @inbounds for (g, gate) in enumerate(system.gates)
        gate.state > 0 && (out[gate.state] = gate.kind == FREE ? 0.5 : c.a[g] / c.s[g])
    end
    return nothing
end

function evaluate!(out, ::GateRates, y, u, model)
    system, c, row, half = model.system, model.plain, 0, length(out) ÷ 2
    rates!(c, model, y[1])
    @inbounds for (g, gate) in enumerate(system.gates)
        is_bounded(gate) || continue
        row += 1
        out[row], out[half + row] = c.a[g], c.s[g]
    end
    return nothing
end

evaluate!(out, ::IonicCurrents, y, u, model) = (@inbounds out[1] = ionic_current(model, y); nothing)

"Add the derivatives of component `f` to `entries`, after `evaluate!` at the same state."
function pull!(entries, ::Slopes, f::Int, y, u, model, work)
    fill!(work.bar, 0)
    @inbounds work.bar[f] = 1
    pullback!(work.y_bar, entries, y, u, work.bar, model, false, true)
    return nothing
end

function pull!(entries, ::IonicCurrents, f::Int, y, u, model, work)
    current_pullback!(work.y_bar, entries, model, y, 1.0)
    return nothing
end

function pull!(entries, quantity::Union{SteadyStates,GateRates}, f::Int, y, u, model, work)
    system, c = model.system, model.plain
    is_black_box(system) && return nothing
    if is_program(system)
        fill!(work.bar, 0)
        work.bar[f] = 1
        return program_steady_pullback!(entries, y[1], work.bar, model)
    end
    fill!(c.a_bar, 0)
    fill!(c.s_bar, 0)
    fill!(c.gate_bar, 0)
    bounded, row = count(system.bounded), 0
    @inbounds for (g, gate) in enumerate(system.gates)
        is_bounded(gate) || continue
        row += 1
        if quantity isa GateRates
            row == f && (c.a_bar[g] = 1)
            row + bounded == f && (c.s_bar[g] = 1)
        elseif gate.state == f
            c.a_bar[g], c.s_bar[g] = 1 / c.s[g], -c.a[g] / c.s[g]^2
        end
    end
    rates_pullback!(entries, c, model)
    return nothing
end

"What `pull!` writes to, besides."
struct PullWork
    bar::Vector{Float64}
    y_bar::Vector{Float64}
end

PullWork(system::System) = PullWork(zeros(n_states(system)), zeros(n_states(system)))

function state!(state, y, i::Int)
    @inbounds for j in eachindex(state)
        state[j] = y[i, j]
    end
    return state
end

"""
    local_values!(out, kind, system, theta, y, u)

The quantity `kind`, one of `QUANTITIES`, at N states: `out` (N, F).
"""
function local_values!(out, kind, system::System, theta, y, u)
    model = bind!(Model{Float64}(system), theta)
    return values_at!(out, QUANTITIES[kind], model, y, u)
end

function values_at!(out, quantity::Quantity, model, y, u)
    state, found = zeros(size(y, 2)), zeros(size(out, 2))
    for i in eachindex(u)
        evaluate!(found, quantity, state!(state, y, i), u[i], model)
        @inbounds for f in eachindex(found)
            out[i, f] = found[f]
        end
    end
    return nothing
end

"""
    local_jacobians!(out, system, theta, y, u)

The derivatives of the right-hand side by the state at N states: those of component i by state j
in `out[j, i, n]`.
"""
function local_jacobians!(out, system::System, theta, y, u)
    model, n = bind!(Model{Float64}(system), theta), n_states(system)
    state, jacobian = zeros(n), zeros(n, n)
    for k in eachindex(u)
        jacobian!(jacobian, state!(state, y, k), u[k], model)
        @inbounds for i in 1:n, j in 1:n
            out[j, i, k] = jacobian[i, j]
        end
    end
    return nothing
end

"""
    local_slopes!(out, kind, system, theta, y, u, places)

The derivatives of the quantity `kind` by the entries of theta at `places` (M), at N states:
`out` (M, F, N).
"""
function local_slopes!(out, kind, system::System, theta, y, u, places)
    model = bind!(Model{Float64}(system), theta)
    return slopes_at!(out, QUANTITIES[kind], model, y, u, Entries(system, places))
end

function slopes_at!(out, quantity::Quantity, model, y, u, entries::Entries)
    work, state, found = PullWork(model.system), zeros(size(y, 2)), zeros(size(out, 2))
    for k in eachindex(u)
        evaluate!(found, quantity, state!(state, y, k), u[k], model)
        for f in eachindex(found)
            fill!(entries.sums, 0)
            pull!(entries, quantity, f, state, u[k], model, work)
            @inbounds for (i, place) in enumerate(entries.places)
                out[i, f, k] = entries.sums[entries.slots[place]]
            end
        end
    end
    return nothing
end

"""
    network_inputs!(out, system, theta, y, u)

The inputs of all networks at N states, one network after the other in the order of their places
in theta: `out` (I, N).
"""
function network_inputs!(out, system::System, theta, y, u)
    model, n = bind!(Model{Float64}(system), theta), n_states(system)
    nets = sort(system.networks; by=net -> net.places[1])
    state, dy = zeros(n), zeros(n)
    for k in eachindex(u)
        rhs!(dy, state!(state, y, k), u[k], model)
        row = 0
        for net in nets, j in 1:n_inputs(net)
            row += 1
            out[row, k] = model.y[input(net, j)]
        end
    end
    return nothing
end

"x[n, g] = decay[n, g]·x[n - 1, g] + push[n, g], from zero, into `x` (N, G)."
function local_recurrence!(x, decay, push)
    @inbounds for g in axes(x, 2)
        last = 0.0
        for n in axes(x, 1)
            last = muladd(decay[n, g], last, push[n, g])
            x[n, g] = last
        end
    end
    return nothing
end
