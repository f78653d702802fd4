# Recordings of a batch, and what is observed of a solve: the voltage or the current.

"""
A batch of K parameter sets by R recordings. `theta` is (P, K), `y0` (S, 0, 0) for the steady
state at `v0` (R), (S, R, 1) or (S, R, K); `current` tells that the current is observed, not v.
With `cells` (R) the recordings are of C cells, which have parameters of their own: `theta` is
(P, C·K) then, the cells of one set next to each other.
"""
struct Recordings
    system::System
    protocols::Protocols
    targets::Targets
    v0::Vector{Float64}
    current::Bool
    cells::Vector{Int}
end

Base.length(recordings::Recordings) = length(recordings.targets)

function checked(system::System, protocols, targets, v0, current, cells=Int[])
    current && is_black_box(system) && throw(InputError(
        "a NeuralRightHandSide has no current: give it current-clamp recordings"))
    return Recordings(system, protocols, targets, v0, current, cells)
end

given_start(y0, r::Int, k::Int) = Vector(@view y0[:, r, size(y0, 3) == 1 ? 1 : k])

"What is compared with the data, from samples; under voltage clamp they get their command."
function observed!(predicted, samples, times, element::Element, current::Bool)
    if !current
        predicted .= @view samples[1, :]
        return nothing
    end
    commands!(samples, times, element)
    model = element.model
    for i in eachindex(predicted)
        predicted[i] = ionic_current(model, @view samples[:, i])
    end
    return nothing
end

function ionic_current(model::Model, y)
    is_program(model.system) && return program_current(model, y)
    c = model.plain
    needs_rates(model.system) && rates!(c, model, y[1])
    take_states!(c.gate, y, model.system)
    return total_current(c, model, y[1])
end

"Whether currents need more of the gates than their states."
needs_rates(system::System) = any(gate -> gate.kind == INSTANTANEOUS, system.gates)

"""
Add what flows back from the current at a sample, and from the conductance, to its state and to the
parameters.
"""
function current_pullback!(
    y_bar, gradient, model::Model{T}, y, bar::T, by_conductance::T=zero(T)
) where {T}
    is_program(model.system) && return program_current_pullback!(y_bar, gradient, model, y, bar)
    system, c, v = model.system, model.plain, y[1]
    again = needs_rates(system)
    again && rates!(c, model, v)
    take_states!(c.gate, y, system)
    isempty(system.unknown) || total_current(c, model, v)
    currents_pullback!(gradient, c, model, v, bar, by_conductance)
    for (g, gate) in enumerate(system.gates)
        gate.state > 0 && (y_bar[gate.state] += c.gate_bar[g])
    end
    if again
        fill!(c.a_bar, zero(T))
        fill!(c.s_bar, zero(T))
        rates_pullback!(gradient, c, model)
    end
    return nothing
end
