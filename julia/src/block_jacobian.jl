# The Jacobian of a block. But for neurons that are one network altogether it has only a first row,
# a first column and a diagonal: gates depend on the voltage and on themselves.

"""
The Jacobian of the elements of a block, and the factors of I/(hγ) - J: `diagonal` first J's, then
the inverse of each pivot; `row` and `column` are J's before they are multiplied by the pivots of
the gates. `by_time` is the derivative of dy/dt by time.
"""
struct BlockJacobian{T}
    row::Matrix{T}
    column::Matrix{T}
    diagonal::Matrix{T}
    by_time::Matrix{T}
    inverse_h::Vector{T}
    du::Vector{T}
    # Slopes of the curves by v, of dv/dt by the gates, and what goes forward through networks.
    slopes::Matrix{T}
    by_gate::Matrix{T}
    layers::Matrix{T}
    weight::Vector{T}
    other::Vector{T}
end

function BlockJacobian(model::BlockModel{T}) where {T}
    n = n_states(model.system)
    column() = take!(model.arena, T, width(T))
    same(x) = take!(model.arena, T, size(x)...)
    return BlockJacobian{T}((columns_of_block(model.arena, T, n) for _ in 1:4)..., column(),
        column(), same(model.curves), same(model.gates), same(model.layers), column(), column())
end

"""
J at the state `y`, from what `block_rhs!` has just computed there in `model`. Under voltage clamp
the first row is zero, and the first column, which then says how the gates follow the command.
"""
function block_jacobian!(jac::BlockJacobian{T}, y, model::BlockModel{T}, clamped::Bool) where {T}
    system = model.system
    block_curve_slopes!(jac, model)
    clamped || block_voltage_row!(jac, model)
    for g in eachindex(system.gates)
        block_gate_row!(jac, y, model, @inbounds(system.gates[g]), g, clamped)
    end
    clamped && zero_column!(jac.diagonal, 1)
    return nothing
end

"Slopes of the curves by v."
function block_curve_slopes!(jac::BlockJacobian{T}, model::BlockModel{T}) where {T}
    leaves, own, values, x, e = model.system.leaves, model.parameters, model.curves, model.x, model.e
    a, inverse_k, slopes = own.a, own.inverse_k, jac.slopes
    for i in leaves.exponentials
        o = offset(T, i)
        @vectorized for w in 1:width(T)
            below = x[o + w] < largest_exponent(T)
            slopes[o + w] = ifelse(below, values[o + w] * inverse_k[o + w], zero(T))
        end
    end
    for i in leaves.sigmoids
        o = offset(T, i)
        @vectorized for w in 1:width(T)
            share = 1 / (1 + e[o + w])
            slopes[o + w] = a[o + w] * e[o + w] * share * share * inverse_k[o + w]
        end
    end
    for i in leaves.linoids
        o = offset(T, i)
        @vectorized for w in 1:width(T)
            height = values[o + w] * inverse_k[o + w] / a[o + w]
            height = ifelse(a[o + w] == 0, one(T), height)
            slopes[o + w] = a[o + w] * linoid_slope(x[o + w], height)
        end
    end
    for i in leaves.constants
        zero_column!(slopes, i)
    end
    isempty(model.system.nodes) || block_node_slopes!(jac, model)
    return nothing
end

function block_node_slopes!(jac::BlockJacobian{T}, model::BlockModel{T}) where {T}
    system, values, slopes, others = model.system, model.curves, jac.slopes, jac.other
    slots, place = system.slots, length(system.leaves)
    for node in system.nodes
        place += 1
        own = offset(T, place)
        if !is_combined(node)
            block_other_slope!(slopes, model, node, place)
            continue
        end
        zero_column!(slopes, place)
        for j in node.children
            slot = offset(T, slots[j])
            if node.kind == SUM
                @vectorized for w in 1:width(T)
                    slopes[own + w] += slopes[slot + w]
                end
            elseif node.kind == POWER
                exponent = T(node.exponent)
                @vectorized for w in 1:width(T)
                    slopes[own + w] += exponent * values[own + w] / values[slot + w] * slopes[slot + w]
                end
            else
                @vectorized for w in 1:width(T)
                    others[w] = slopes[slot + w]
                end
                for k in node.children
                    k == j || times_power!(others, values, offset(T, slots[k]), 1)
                end
                add_column!(slopes, own, others)
            end
        end
    end
    return nothing
end

"The slope of dv/dt by v at fixed gates (`diagonal`), and by each gate (`by_gate`)."
function block_voltage_row!(jac::BlockJacobian{T}, model::BlockModel{T}) where {T}
    system, v, by_v, by_gate = model.system, model.v, jac.diagonal, jac.by_gate
    theta, inverse_c, gates = model.parameters.theta, model.parameters.inverse_c, model.gates
    open, weight, factors = model.open, jac.weight, system.factors
    zero_column!(by_v, 1)
    fill!(by_gate, zero(T))
    for channel in system.channels
        g, e = offset(T, channel.g), offset(T, channel.e)
        @vectorized for w in 1:width(T)
            open[w] = -inverse_c[w] * theta[g + w]
        end
        for j in channel.factors
            factor, drive = @inbounds(factors[j]), jac.other
            gate, power = offset(T, factor.gate), T(factor.power)
            @vectorized for w in 1:width(T)
                drive[w] = power * open[w] * (v[w] - theta[e + w])
            end
            factor.power > 1 && times_power!(drive, gates, gate, factor.power - 1)
            for k in channel.factors
                k == j && continue
                other = @inbounds factors[k]
                times_power!(drive, gates, offset(T, other.gate), other.power)
            end
            add_column!(by_gate, gate, drive)
        end
        @vectorized for w in 1:width(T)
            weight[w] = open[w]
        end
        for j in channel.factors
            factor = @inbounds factors[j]
            times_power!(weight, gates, offset(T, factor.gate), factor.power)
        end
        @vectorized for w in 1:width(T)
            by_v[w] += weight[w]
        end
    end
    for unknown in system.unknown
        block_unknown_row!(jac, model, unknown)
    end
    return nothing
end

"The first row's and column's entries of gate `g`, and its own."
@inline function block_gate_row!(
    jac::BlockJacobian{T}, y, model::BlockModel{T}, gate::Gate, g::Int, clamped::Bool
) where {T}
    values, slopes, factor, own = model.curves, jac.slopes, T(gate.factor), offset(T, g)
    first, second, state = offset(T, gate.first), offset(T, gate.second), offset(T, gate.state)
    row, column, diagonal, by_gate = jac.row, jac.column, jac.diagonal, jac.by_gate
    if gate.kind == INSTANTANEOUS
        clamped && return nothing
        @vectorized for w in 1:width(T)
            diagonal[w] += by_gate[own + w] * slopes[first + w]
        end
        return nothing
    elseif gate.kind == RATES
        @vectorized for w in 1:width(T)
            alpha, beta = factor * slopes[first + w], factor * slopes[second + w]
            column[state + w] = alpha - (alpha + beta) * y[state + w]
            diagonal[state + w] = -factor * (values[first + w] + values[second + w])
        end
    elseif gate.kind == STEADY_STATE
        @vectorized for w in 1:width(T)
            inverse = 1 / values[second + w]
            s = factor * inverse
            away = values[first + w] - y[state + w]
            column[state + w] = s * (slopes[first + w] - slopes[second + w] * inverse * away)
            diagonal[state + w] = -s
        end
    else
        block_neural_gate_row!(jac, y, model, gate)
    end
    @vectorized for w in 1:width(T)
        row[state + w] = ifelse(clamped, zero(T), by_gate[own + w])
    end
    return nothing
end
