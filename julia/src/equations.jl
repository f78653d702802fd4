# The right-hand side of a neuron, its Jacobian, and two ways back: that of the right-hand side
# itself, and that of a weighted sum of the entries of its Jacobian (an implicit step contains the
# Jacobian, so the adjoint of a step contains its derivative).
#
# `y` is the state, v first; `u` the stimulus current. Under voltage clamp the first state is the
# command, and the first component of what comes out means nothing.

"dy/dt into `dy`."
@inline function rhs!(dy, y, u, model::Model{T}) where {T}
    is_black_box(model.system) && return black_box_rhs!(dy, y, u, model)
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

"""
    jacobian_pullback!(y_bar, gradient, y, u, weights, by_stimulus, model, clamped)

Add the gradient of Σ weights[i, j]·J[i, j] + Σ by_stimulus[i]·∂(dy/dt)[i]/∂u, J the Jacobian of
`rhs!`, by the state and the parameters. Under voltage clamp the first row does not count.
"""
function jacobian_pullback!(
    y_bar, gradient, y, u, weights, by_stimulus, model::Model{T}, clamped::Bool
) where {T}
    is_black_box(model.system) && return black_box_jacobian_pullback!(
        y_bar, gradient, y, u, weights, by_stimulus, model, clamped)
    system, c = model.system, model.paired
    v_bar = zero(T)
    @inbounds begin
        rates!(c, model, pair(y[1], one(T)))
        if clamped
            fill!(c.gate_bar, zero(Pair1{T}))
        else
            v_bar += row_pullback!(y_bar, gradient, y, u, weights, by_stimulus[1], model)
        end
        for (g, gate) in enumerate(system.gates)
            j = gate.state
            if gate.kind == FREE
                v_bar += free_row_pullback!(y_bar, gradient, model, gate, y, weights)
            elseif gate.kind != INSTANTANEOUS
                column, diagonal = weights[j, 1], weights[j, j]
                y_bar[j] -= column * slope_of(c.s[g])
                c.a_bar[g] = pair(column, zero(T))
                c.s_bar[g] = pair(-column * y[j], -diagonal)
            end
        end
        y_bar[1] += v_bar + slope_of(rates_pullback!(gradient, c, model))
    end
    return nothing
end

"The voltage's row: the tangent of the current along the direction of its weights."
function row_pullback!(y_bar, gradient, y, u, weights, by_stimulus, model::Model{T}) where {T}
    system, c, inverse_c = model.system, model.paired, model.inverse_c[]
    along_v = @inbounds weights[1, 1]
    @inbounds for (g, gate) in enumerate(system.gates)
        if gate.kind == INSTANTANEOUS
            x = c.gate[g]
            # Its slope by v is needed again below: keep it where nothing else is.
            c.a[g] = x
            c.gate[g] = pair(value_of(x), slope_of(x) * along_v)
        else
            c.gate[g] = pair(y[gate.state], weights[1, gate.state])
        end
    end
    v = pair(y[1], along_v)
    tangent = slope_of(total_current(c, model, v))
    add!(gradient, system.c_m, (tangent - by_stimulus) * inverse_c * inverse_c)
    v_bar = slope_of(currents_pullback!(gradient, c, model, v, pair(-inverse_c, zero(T))))
    @inbounds for (g, gate) in enumerate(system.gates)
        bar = c.gate_bar[g]
        if gate.kind == INSTANTANEOUS
            c.gate_bar[g] = pair(value_of(bar) * along_v, slope_of(bar))
            c.gate[g] = c.a[g]
        else
            y_bar[gate.state] += slope_of(bar)
        end
    end
    return v_bar
end

function free_row_pullback!(y_bar, gradient, model, gate::Gate, y, weights)
    j = gate.state
    free_tangent(model, gate, y, weights[j, 1], weights[j, j])
    net = model.system.networks[gate.network]
    model.y_bar[output(net, 1)] = zero(eltype(y_bar))
    model.dy_bar[output(net, 1)] = gate.factor
    tangent_pullback!(gradient, model, net)
    return free_inputs!(y_bar, model, gate, net)
end

"The steady state at `v` into `y`: free gates at 1/2, a black box at its centre."
function steady_state!(y, v, model::Model{T}) where {T}
    system = model.system
    y[1] = v
    if is_black_box(system)
        y[2:end] .= @view system.black_box.shift[2:end]
        return y
    end
    c = model.plain
    rates!(c, model, convert(T, v))
    for (g, gate) in enumerate(system.gates)
        gate.state > 0 || continue
        given = system.initial[gate.state]
        y[gate.state] = !isnan(given) ? given : gate.kind == FREE ? 0.5 : c.a[g] / c.s[g]
    end
    return y
end

"What flows back to the steady state at a known `v` on to the parameters."
function steady_state_pullback!(gradient, v, y_bar, model::Model{T}) where {T}
    system, c = model.system, model.plain
    is_black_box(system) && return nothing
    rates!(c, model, convert(T, v))
    fill!(c.gate_bar, zero(T))
    for (g, gate) in enumerate(system.gates)
        is_bounded(gate) || continue
        fixed = !isnan(system.initial[gate.state])
        bar = fixed ? zero(T) : y_bar[gate.state] / c.s[g]
        c.a_bar[g], c.s_bar[g] = bar, -bar * c.a[g] / c.s[g]
    end
    rates_pullback!(gradient, c, model)
    return nothing
end
