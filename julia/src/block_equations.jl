# The right-hand side of a block, operation by operation as the tables of the neuron say. Loops over
# the elements of a block have nothing in them that depends on one of them alone.

"dy/dt (W, S) at the states `y`, the voltage in `model.v` and the stimulus `u`; of v as well."
function block_rhs!(dy, y, u, model::BlockModel{T}, clamped::Bool) where {T}
    system = model.system
    if is_black_box(system)
        block_black_box!(dy, y, u, model)
    else
        block_curves!(model)
        for g in eachindex(system.gates)
            block_gate!(dy, y, model, @inbounds(system.gates[g]), g)
        end
        clamped || block_voltage!(dy, u, model)
    end
    clamped && zero_column!(dy, 1)
    return nothing
end

@inline function zero_column!(x::Matrix{T}, j::Int) where {T}
    @vectorized for w in 1:width(T)
        x[offset(T, j) + w] = zero(T)
    end
    return nothing
end

"Values of the curves at `model.v`."
function block_curves!(model::BlockModel{T}) where {T}
    leaves, values, v, e = model.system.leaves, model.curves, model.v, model.e
    own, x = model.parameters, model.x
    a, v0, k, inverse_k = own.a, own.v0, own.k, own.inverse_k
    # The exponentials of all forms in one loop: its constants are loaded once.
    rising, n = last(leaves.exponentials), last(leaves.linoids)
    for i in 1:n
        o, up = offset(T, i), i <= rising
        @vectorized for w in 1:width(T)
            z = (v[w] - v0[o + w]) * inverse_k[o + w]
            x[o + w] = z
            high = ifelse(z > largest_exponent(T), largest_exponent(T), z)
            e[o + w] = branchless_exp(ifelse(up, high, -abs(z)))
        end
    end
    for i in leaves.exponentials
        o = offset(T, i)
        @vectorized for w in 1:width(T)
            values[o + w] = a[o + w] * e[o + w]
        end
    end
    for i in leaves.sigmoids
        o = offset(T, i)
        @vectorized for w in 1:width(T)
            p = e[o + w]
            values[o + w] = a[o + w] * ifelse(x[o + w] < 0, p, one(T)) / (1 + p)
        end
    end
    for i in leaves.linoids
        o = offset(T, i)
        @vectorized for w in 1:width(T)
            values[o + w] = a[o + w] * k[o + w] * linoid_value(x[o + w], e[o + w])
        end
    end
    for i in leaves.constants
        o = offset(T, i)
        @vectorized for w in 1:width(T)
            values[o + w] = a[o + w]
        end
    end
    isempty(model.system.nodes) || block_nodes!(model)
    return nothing
end

function block_nodes!(model::BlockModel{T}) where {T}
    system, values = model.system, model.curves
    slots, place = system.slots, length(system.leaves)
    for node in system.nodes
        place += 1
        if !is_combined(node)
            block_other!(model, node, place)
            continue
        end
        first_slot = slots[first(node.children)]
        if node.kind == POWER
            exponent = node.exponent
            if exponent == -1.0
                @vectorized for w in 1:width(T)
                    values[offset(T, place) + w] = inv(values[offset(T, first_slot) + w])
                end
            else
                power = T(exponent)
                @inbounds for w in 1:width(T)
                    values[offset(T, place) + w] = values[offset(T, first_slot) + w]^power
                end
            end
            continue
        end
        @vectorized for w in 1:width(T)
            values[offset(T, place) + w] = values[offset(T, first_slot) + w]
        end
        for j in (first(node.children) + 1):last(node.children)
            slot = slots[j]
            if node.kind == SUM
                @vectorized for w in 1:width(T)
                    values[offset(T, place) + w] += values[offset(T, slot) + w]
                end
            else
                @vectorized for w in 1:width(T)
                    values[offset(T, place) + w] *= values[offset(T, slot) + w]
                end
            end
        end
    end
    return nothing
end

"The value of gate `g`, and its slope where it is a state."
@inline function block_gate!(dy, y, model::BlockModel{T}, gate::Gate, g::Int) where {T}
    values, gates, factor = model.curves, model.gates, T(gate.factor)
    first, second, state = gate.first, gate.second, gate.state
    if gate.kind == RATES
        @vectorized for w in 1:width(T)
            alpha, beta = factor * values[offset(T, first) + w], factor * values[offset(T, second) + w]
            x = y[offset(T, state) + w]
            gates[offset(T, g) + w] = x
            dy[offset(T, state) + w] = alpha - (alpha + beta) * x
        end
    elseif gate.kind == STEADY_STATE
        @vectorized for w in 1:width(T)
            s, x = factor / values[offset(T, second) + w], y[offset(T, state) + w]
            gates[offset(T, g) + w] = x
            dy[offset(T, state) + w] = s * values[offset(T, first) + w] - s * x
        end
    elseif gate.kind == INSTANTANEOUS
        @vectorized for w in 1:width(T)
            gates[offset(T, g) + w] = values[offset(T, first) + w]
        end
    else
        @vectorized for w in 1:width(T)
            gates[offset(T, g) + w] = y[offset(T, state) + w]
        end
        block_neural_gate!(dy, y, model, gate)
    end
    return nothing
end

"The slope of the voltage, from the values of the gates."
function block_voltage!(dy, u, model::BlockModel{T}) where {T}
    system, v, factors = model.system, model.v, model.system.factors
    theta, inverse_c = model.parameters.theta, model.parameters.inverse_c
    open, total, gates = model.open, model.total, model.gates
    @vectorized for w in 1:width(T)
        total[w] = u[w]
    end
    for channel in system.channels
        g, e = offset(T, channel.g), offset(T, channel.e)
        if isempty(channel.factors)
            @vectorized for w in 1:width(T)
                total[w] -= theta[g + w] * (v[w] - theta[e + w])
            end
            continue
        end
        @vectorized for w in 1:width(T)
            open[w] = theta[g + w] * (v[w] - theta[e + w])
        end
        for j in channel.factors
            factor = @inbounds factors[j]
            times_power!(open, gates, offset(T, factor.gate), factor.power)
        end
        @vectorized for w in 1:width(T)
            total[w] -= open[w]
        end
    end
    for unknown in system.unknown
        block_current!(total, model, unknown)
    end
    @vectorized for w in 1:width(T)
        dy[w] = total[w] * inverse_c[w]
    end
    return nothing
end

"open·x^power of the gate whose values come after `o`."
@inline function times_power!(open::Vector{T}, gates, o::Int, power::Int) where {T}
    if power == 1
        @vectorized for w in 1:width(T)
            open[w] *= gates[o + w]
        end
    elseif power == 2
        @vectorized for w in 1:width(T)
            open[w] *= gates[o + w] * gates[o + w]
        end
    elseif power == 3
        @vectorized for w in 1:width(T)
            x = gates[o + w]
            open[w] *= x * x * x
        end
    elseif power == 4
        @vectorized for w in 1:width(T)
            square = gates[o + w] * gates[o + w]
            open[w] *= square * square
        end
    else
        for _ in 1:power
            @vectorized for w in 1:width(T)
                open[w] *= gates[o + w]
            end
        end
    end
    return nothing
end
