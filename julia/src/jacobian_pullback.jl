# The way back of a weighted sum of the entries of the Jacobian: an implicit step contains the
# Jacobian, so the adjoint of a step contains its derivative.

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
    is_program(model.system) && return program_jacobian_pullback!(
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
