# The right-hand side of a neuron, its Jacobian, and the way back of the right-hand side; that of the
# Jacobian is in jacobian_pullback.jl.
#
# `y` is the state, v first; `u` the stimulus current. Under voltage clamp the first state is the
# command, and the first component of what comes out means nothing.

"dy/dt into `dy`."
@inline function rhs!(dy, y, u, model::Model{T}) where {T}
    is_black_box(model.system) && return black_box_rhs!(dy, y, u, model)
    is_program(model.system) && return program_rhs!(dy, y, u, model)
    c = model.plain
    gate_rhs!(dy, y, model)
    @inbounds c.total = total_current(c, model, y[1])
    @inbounds dy[1] = (u - c.total) * model.inverse_c[]
    return nothing
end

"The gates' part of `rhs!` alone; their values are then in `model.plain.gate`."
@inline function gate_rhs!(dy, y, model::Model{T}) where {T}
    system, c = model.system, model.plain
    v = @inbounds convert(T, y[1])
    curves!(c, model, v)
    gates, values, a, s, x = system.gates, c.value, c.a, c.s, c.gate
    @inbounds for g in eachindex(gates)
        gate = gates[g]
        if gate.kind != RATES
            other_gate!(dy, y, model, v, g)
            continue
        end
        alpha, beta = gate.factor * values[gate.first], gate.factor * values[gate.second]
        a[g], s[g], x[g] = alpha, alpha + beta, y[gate.state]
        dy[gate.state] = a[g] - s[g] * x[g]
    end
    return nothing
end

# Not inlined: the loop above takes half as long again with all of this in it.
@noinline function other_gate!(dy, y, model::Model{T}, v::T, g::Int) where {T}
    gate, c = @inbounds(model.system.gates[g]), model.plain
    rate!(c, model, v, g, gate)
    gate.kind == INSTANTANEOUS && return nothing
    @inbounds begin
        x = y[gate.state]
        c.gate[g] = x
        dy[gate.state] = gate.kind == FREE ? free_rate(model, gate, v, x) : c.a[g] - c.s[g] * x
    end
    return nothing
end

"Values of the gates that are states."
@inline function take_states!(values, y, system::System)
    @inbounds for (g, gate) in enumerate(system.gates)
        gate.state > 0 && (values[g] = y[gate.state])
    end
    return nothing
end

"The inputs of the network of a free gate, and which of them is the gate itself."
@inline function set_free!(model, gate::Gate, to, v, x)
    net = @inbounds model.system.networks[gate.network]
    sees_v = n_inputs(net) == 2
    @inbounds sees_v && (to[input(net, 1)] = v * gate.inverse_v_scale)
    @inbounds to[input(net, n_inputs(net))] = x
    return net, sees_v
end

@inline function free_rate(model, gate::Gate, v, x)
    net, _ = set_free!(model, gate, model.y, v - gate.v_shift, x)
    forward!(model, net)
    return @inbounds gate.factor * model.y[output(net, 1)]
end

"dx/dt of a free gate along the direction (dv, dx) in the state."
@inline function free_tangent(model, gate::Gate, y, dv, dx)
    @inbounds set_free!(model, gate, model.y, y[1] - gate.v_shift, y[gate.state])
    net, _ = set_free!(model, gate, model.dy, dv, dx)
    forward_tangent!(model, net)
    return @inbounds gate.factor * model.dy[output(net, 1)]
end

"The Jacobian of `rhs!` by the state, into `jacobian` (S, S)."
function jacobian!(jacobian, y, u, model::Model{T}) where {T}
    is_black_box(model.system) && return black_box_jacobian!(jacobian, y, u, model)
    is_program(model.system) && return program_jacobian!(jacobian, y, u, model)
    fill!(jacobian, zero(eltype(jacobian)))
    gate_jacobian!(jacobian, y, model)
    system, plain, paired = model.system, model.plain, model.paired
    take_states!(plain.gate, y, system)
    @inbounds begin
        for (g, gate) in enumerate(system.gates)
            gate.kind == INSTANTANEOUS && (plain.gate[g] = value_of(paired.gate[g]))
        end
        isempty(system.unknown) || total_current(plain, model, y[1])
        slope = currents_pullback!(nothing, plain, model, convert(T, y[1]), one(T))
        for (g, gate) in enumerate(system.gates)
            bar = plain.gate_bar[g]
            if gate.kind == INSTANTANEOUS
                slope += bar * slope_of(paired.gate[g])
            else
                jacobian[1, gate.state] = -bar * model.inverse_c[]
            end
        end
        jacobian[1, 1] = -slope * model.inverse_c[]
    end
    return nothing
end

"The gates' rows of the Jacobian."
function gate_jacobian!(jacobian, y, model::Model{T}) where {T}
    system, c = model.system, model.paired
    @inbounds rates!(c, model, pair(convert(T, y[1]), one(T)))
    @inbounds for (g, gate) in enumerate(system.gates)
        j = gate.state
        if gate.kind == FREE
            jacobian[j, 1] = free_tangent(model, gate, y, one(T), zero(T))
            jacobian[j, j] = free_tangent(model, gate, y, zero(T), one(T))
        elseif gate.kind != INSTANTANEOUS
            jacobian[j, 1] = slope_of(c.a[g]) - slope_of(c.s[g]) * y[j]
            jacobian[j, j] = -value_of(c.s[g])
        end
    end
    return nothing
end

"""
    pullback!(y_bar, gradient, y, u, bar, model, clamped, known=false)

Add what flows back from `bar` on dy/dt to the state (`y_bar`) and the parameters (`gradient`).
With `known` the values of the last `slope!` of this model, at the same `y`, are used again.
"""
function pullback!(
    y_bar, gradient, y, u, bar, model::Model{T}, clamped::Bool, known::Bool=false
) where {T}
    is_black_box(model.system) &&
        return black_box_pullback!(y_bar, gradient, y, u, bar, model, clamped)
    is_program(model.system) &&
        return program_pullback!(y_bar, gradient, y, u, bar, model, clamped)
    system, c = model.system, model.plain
    @inbounds begin
        v = y[1]
        known || rates!(c, model, v)
        take_states!(c.gate, y, system)
        if clamped || iszero(bar[1])
            fill!(c.gate_bar, zero(T))
            v_bar = zero(T)
        else
            inverse_c = model.inverse_c[]
            known || (c.total = total_current(c, model, v))
            add!(gradient, system.c_m, -bar[1] * (u - c.total) * inverse_c * inverse_c)
            v_bar = currents_pullback!(gradient, c, model, v, -bar[1] * inverse_c)
        end
        fill!(c.bar, zero(T))
        curves_bar, gate_bar, s, gates = c.bar, c.gate_bar, c.s, system.gates
        for g in eachindex(gates)
            gate = gates[g]
            if gate.kind != RATES
                v_bar += other_gate_pullback!(y_bar, gradient, y, bar, model, g)
                continue
            end
            j = gate.state
            y_bar[j] += gate_bar[g] - s[g] * bar[j]
            to_rates = gate.factor * bar[j]
            curves_bar[gate.first] += to_rates * (1 - y[j])
            curves_bar[gate.second] -= to_rates * y[j]
        end
        y_bar[1] += v_bar + curves_pullback!(gradient, c, model)
    end
    return nothing
end

@noinline function other_gate_pullback!(y_bar, gradient, y, bar, model::Model{T}, g::Int) where {T}
    gate, c = @inbounds(model.system.gates[g]), model.plain
    j = gate.state
    @inbounds if gate.kind == FREE
        y_bar[j] += c.gate_bar[g]
        return free_pullback!(y_bar, gradient, model, gate, y, bar[j])
    elseif gate.kind != INSTANTANEOUS
        y_bar[j] += c.gate_bar[g] - c.s[g] * bar[j]
        c.a_bar[g], c.s_bar[g] = bar[j], -y[j] * bar[j]
    end
    return rate_pullback!(gradient, c, model, g, gate)
end

function free_pullback!(y_bar, gradient, model, gate::Gate, y, bar)
    @inbounds free_rate(model, gate, y[1], y[gate.state])
    net = @inbounds model.system.networks[gate.network]
    @inbounds model.y_bar[output(net, 1)] = gate.factor * bar
    network_pullback!(gradient, model, net)
    return free_inputs!(y_bar, model, gate, net)
end

@inline function free_inputs!(y_bar, model, gate::Gate, net::Network)
    @inbounds y_bar[gate.state] += model.y_bar[input(net, n_inputs(net))]
    n_inputs(net) == 2 || return zero(eltype(y_bar))
    return @inbounds model.y_bar[input(net, 1)] * gate.inverse_v_scale
end
