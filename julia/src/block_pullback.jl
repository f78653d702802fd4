# The way back of a block's right-hand side, operation by operation: from what flows back to the
# slopes on to the states and the parameters. What `block_rhs!` computed must still be in the model.

"""
What flows back to the curves, to the gates, to v, to the outputs and inputs of networks, and to
the rates of one gate, a and s.
"""
struct BlockBars{T}
    curves::Matrix{T}
    gates::Matrix{T}
    v::Vector{T}
    layers::Matrix{T}
    each::Vector{T}
    a::Vector{T}
    s::Vector{T}
end

function BlockBars(model::BlockModel{T}) where {T}
    column() = take!(model.arena, T, width(T))
    same(x) = take!(model.arena, T, size(x)...)
    return BlockBars{T}(same(model.curves), same(model.gates), column(), same(model.layers),
        column(), column(), column())
end

"Add what flows back from `bar` on dy/dt to the state (`y_bar`) and the parameters (`gradient`)."
function block_pullback!(
    y_bar, gradient, y, bar, model::BlockModel{T}, bars::BlockBars{T}, clamped::Bool
) where {T}
    system = model.system
    is_black_box(system) && return block_black_box_pullback!(y_bar, gradient, bar, model, bars)
    fill!(bars.curves, zero(T))
    fill!(bars.gates, zero(T))
    fill!(bars.v, zero(T))
    clamped || block_voltage_pullback!(gradient, bar, model, bars)
    for g in eachindex(system.gates)
        block_gate_pullback!(y_bar, gradient, y, bar, model, bars, @inbounds(system.gates[g]), g)
    end
    isempty(system.nodes) || block_nodes_pullback!(bars, model)
    block_curves_pullback!(gradient, model, bars)
    v = bars.v
    @vectorized for w in 1:width(T)
        y_bar[w] += v[w]
    end
    return nothing
end

"From the slope of the voltage to the gates, to v, and to the parameters of the currents."
function block_voltage_pullback!(gradient, bar, model::BlockModel{T}, bars::BlockBars{T}) where {T}
    system, total, inverse_c, each = model.system, model.total, model.parameters.inverse_c, bars.each
    c_m = offset(T, system.c_m)
    @vectorized for w in 1:width(T)
        each[w] = -bar[w] * inverse_c[w]
        gradient[c_m + w] += each[w] * total[w] * inverse_c[w]
    end
    for channel in system.channels
        block_channel_pullback!(gradient, model, bars, channel)
    end
    for unknown in system.unknown
        block_current_pullback!(gradient, model, bars, unknown)
    end
    return nothing
end

function block_channel_pullback!(
    gradient, model::BlockModel{T}, bars::BlockBars{T}, channel::IonChannel
) where {T}
    v, theta, gates, open, weight = model.v, model.parameters.theta, model.gates, model.open, bars.a
    each, v_bar, factors = bars.each, bars.v, model.system.factors
    g, e = offset(T, channel.g), offset(T, channel.e)
    @vectorized for w in 1:width(T)
        open[w] = each[w]
    end
    for j in channel.factors
        factor = @inbounds factors[j]
        times_power!(open, gates, offset(T, factor.gate), factor.power)
    end
    @vectorized for w in 1:width(T)
        gradient[g + w] += open[w] * (v[w] - theta[e + w])
        to_v = open[w] * theta[g + w]
        gradient[e + w] -= to_v
        v_bar[w] += to_v
    end
    for j in channel.factors
        factor = @inbounds factors[j]
        power, gate = T(factor.power), offset(T, factor.gate)
        @vectorized for w in 1:width(T)
            weight[w] = power * each[w] * theta[g + w] * (v[w] - theta[e + w])
        end
        factor.power > 1 && times_power!(weight, gates, gate, factor.power - 1)
        for k in channel.factors
            k == j && continue
            other = @inbounds factors[k]
            times_power!(weight, gates, offset(T, other.gate), other.power)
        end
        add_column!(bars.gates, gate, weight)
    end
    return nothing
end

"Add a number for each element to the column of `to` that comes after `o`."
@inline function add_column!(to::Matrix{T}, o::Int, x::Vector{T}) where {T}
    @vectorized for w in 1:width(T)
        to[o + w] += x[w]
    end
    return nothing
end

"From gate `g` and its slope to its state, its curves and its network."
@inline function block_gate_pullback!(
    y_bar, gradient, y, bar, model::BlockModel{T}, bars::BlockBars{T}, gate::Gate, g::Int
) where {T}
    values, curves, gates, factor = model.curves, bars.curves, bars.gates, T(gate.factor)
    first, second, state = offset(T, gate.first), offset(T, gate.second), offset(T, gate.state)
    own = offset(T, g)
    if gate.kind == RATES
        @vectorized for w in 1:width(T)
            sum, x = factor * (values[first + w] + values[second + w]), y[state + w]
            y_bar[state + w] += gates[own + w] - sum * bar[state + w]
            to_rates = factor * bar[state + w]
            curves[first + w] += to_rates * (1 - x)
            curves[second + w] -= to_rates * x
        end
    elseif gate.kind == STEADY_STATE
        @vectorized for w in 1:width(T)
            tau = values[second + w]
            s, x = factor / tau, y[state + w]
            y_bar[state + w] += gates[own + w] - s * bar[state + w]
            curves[first + w] += s * bar[state + w]
            curves[second + w] -= s / tau * (values[first + w] - x) * bar[state + w]
        end
    elseif gate.kind == INSTANTANEOUS
        @vectorized for w in 1:width(T)
            curves[first + w] += gates[own + w]
        end
    else
        @vectorized for w in 1:width(T)
            y_bar[state + w] += gates[own + w]
        end
        block_neural_gate_pullback!(y_bar, gradient, y, bar, model, bars, gate)
    end
    return nothing
end

"From the elementary curves to their parameters and to v."
function block_curves_pullback!(gradient, model::BlockModel{T}, bars::BlockBars{T}) where {T}
    leaves, own, values, x, e = model.system.leaves, model.parameters, model.curves, model.x, model.e
    a, k, bar = own.a, own.k, bars.curves
    for i in leaves.exponentials
        o, place = offset(T, i), offset(T, leaves.place[i])
        @vectorized for w in 1:width(T)
            gradient[place + w] += bar[o + w] * e[o + w]
            below = x[o + w] < largest_exponent(T)
            bar[o + w] *= ifelse(below, values[o + w], zero(T))
        end
        through_x!(gradient, model, bars, i, false)
    end
    for i in leaves.sigmoids
        o, place = offset(T, i), offset(T, leaves.place[i])
        @vectorized for w in 1:width(T)
            p = e[o + w]
            share = 1 / (1 + p)
            gradient[place + w] += bar[o + w] * ifelse(x[o + w] < 0, p, one(T)) * share
            bar[o + w] *= a[o + w] * p * share * share
        end
        through_x!(gradient, model, bars, i, false)
    end
    by_k = bars.a
    for i in leaves.linoids
        o, place = offset(T, i), offset(T, leaves.place[i])
        @vectorized for w in 1:width(T)
            height = linoid_value(x[o + w], e[o + w])
            weight = bar[o + w]
            gradient[place + w] += weight * k[o + w] * height
            by_k[w] = weight * a[o + w] * height
            bar[o + w] = weight * a[o + w] * k[o + w] * linoid_slope(x[o + w], height)
        end
        through_x!(gradient, model, bars, i, true)
    end
    for i in leaves.constants
        o, place = offset(T, i), offset(T, leaves.place[i])
        @vectorized for w in 1:width(T)
            gradient[place + w] += bar[o + w]
        end
    end
    return nothing
end

"From x = (v - v0)/k of curve `i` to v, v0 and k; `bars.a` is what else goes to k."
@inline function through_x!(
    gradient, model::BlockModel{T}, bars::BlockBars{T}, i::Int, more::Bool
) where {T}
    x, inverse_k, bar, v_bar, by_k = model.x, model.parameters.inverse_k, bars.curves, bars.v, bars.a
    o, place = offset(T, i), model.system.leaves.place[i]
    v0, k = offset(T, place + 1), offset(T, place + 2)
    @vectorized for w in 1:width(T)
        to_v = bar[o + w] * inverse_k[o + w]
        v_bar[w] += to_v
        gradient[v0 + w] -= to_v
        gradient[k + w] += ifelse(more, by_k[w], zero(T)) - to_v * x[o + w]
    end
    return nothing
end

"From sums, products and powers of curves to the curves."
function block_nodes_pullback!(bars::BlockBars{T}, model::BlockModel{T}) where {T}
    system, values, bar, others = model.system, model.curves, bars.curves, bars.a
    slots, place = system.slots, length(system.leaves) + length(system.nodes)
    for n in length(system.nodes):-1:1
        node, own = system.nodes[n], offset(T, place)
        if !is_combined(node)
            block_other_pullback!(bars, model, node, place)
            place -= 1
            continue
        end
        for j in node.children
            slot = offset(T, slots[j])
            if node.kind == SUM
                @vectorized for w in 1:width(T)
                    bar[slot + w] += bar[own + w]
                end
            elseif node.kind == POWER
                exponent = T(node.exponent)
                @vectorized for w in 1:width(T)
                    bar[slot + w] += bar[own + w] * exponent * values[own + w] / values[slot + w]
                end
            else
                @vectorized for w in 1:width(T)
                    others[w] = bar[own + w]
                end
                for k in node.children
                    k == j || times_power!(others, values, offset(T, slots[k]), 1)
                end
                add_column!(bar, slot, others)
            end
        end
        place -= 1
    end
    return nothing
end
