# The right-hand side of a block, operation by operation as the tables of the neuron say. Loops over
# the elements of a block have nothing in them that depends on one of them alone.

"dy/dt (WIDTH, S) at the states `y`, the voltage in `model.v` and the stimulus `u`; of v as well."
function block_rhs!(dy, y, u, model::BlockModel, clamped::Bool)
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

@inline function zero_column!(x, j::Int)
    @inbounds @simd ivdep for w in 1:WIDTH
        x[offset(j) + w] = 0.0
    end
    return nothing
end

"Values of the curves at `model.v`; those of the constants are there already."
function block_curves!(model::BlockModel)
    leaves, values, v, e = model.system.leaves, model.curves, model.v, model.e
    x, a, v0, k, inverse_k = model.x, model.a, model.v0, model.k, model.inverse_k
    # The exponentials of all forms in one loop: its constants are loaded once.
    rising, n = last(leaves.exponentials), last(leaves.linoids)
    for i in 1:n
        o, up = offset(i), i <= rising
        @inbounds @simd ivdep for w in 1:WIDTH
            z = (v[w] - v0[o + w]) * inverse_k[o + w]
            x[o + w] = z
            high = ifelse(z > LARGEST_EXPONENT, LARGEST_EXPONENT, z)
            e[o + w] = branchless_exp(ifelse(up, high, -abs(z)))
        end
    end
    for i in leaves.exponentials
        o = offset(i)
        @inbounds @simd ivdep for w in 1:WIDTH
            values[o + w] = a[o + w] * e[o + w]
        end
    end
    for i in leaves.sigmoids
        o = offset(i)
        @inbounds @simd ivdep for w in 1:WIDTH
            p = e[o + w]
            values[o + w] = a[o + w] * ifelse(x[o + w] < 0, p, 1.0) / (1.0 + p)
        end
    end
    for i in leaves.linoids
        o = offset(i)
        @inbounds @simd ivdep for w in 1:WIDTH
            z, p = x[o + w], e[o + w]
            far = ifelse(z < 0, p, 1.0) * abs(z) / (1.0 - p)
            # Near 0 a series, as in `linoid`: the closed form is 0/0 there.
            half = 0.5 * z
            q = half * half
            near = half + 1.0 + q * (1 / 3 + q * (-1 / 45 + q * (2 / 945 - q / 4725)))
            values[o + w] = a[o + w] * k[o + w] * ifelse(abs(z) < 2 * LINOID_SERIES, near, far)
        end
    end
    isempty(model.system.nodes) || block_nodes!(model)
    return nothing
end

function block_nodes!(model::BlockModel)
    system, values = model.system, model.curves
    slots, place = system.slots, length(system.leaves)
    for node in system.nodes
        place += 1
        first_slot = slots[first(node.children)]
        if node.kind == POWER
            exponent = node.exponent
            if exponent == -1.0
                @inbounds @simd ivdep for w in 1:WIDTH
                    values[offset(place) + w] = inv(values[offset(first_slot) + w])
                end
            else
                @inbounds for w in 1:WIDTH
                    values[offset(place) + w] = values[offset(first_slot) + w]^exponent
                end
            end
            continue
        end
        @inbounds @simd ivdep for w in 1:WIDTH
            values[offset(place) + w] = values[offset(first_slot) + w]
        end
        for j in (first(node.children) + 1):last(node.children)
            slot = slots[j]
            if node.kind == SUM
                @inbounds @simd ivdep for w in 1:WIDTH
                    values[offset(place) + w] += values[offset(slot) + w]
                end
            else
                @inbounds @simd ivdep for w in 1:WIDTH
                    values[offset(place) + w] *= values[offset(slot) + w]
                end
            end
        end
    end
    return nothing
end

"The value of gate `g`, and its slope where it is a state."
@inline function block_gate!(dy, y, model::BlockModel, gate::Gate, g::Int)
    values, gates, factor = model.curves, model.gates, gate.factor
    first, second, state = gate.first, gate.second, gate.state
    if gate.kind == RATES
        @inbounds @simd ivdep for w in 1:WIDTH
            alpha, beta = factor * values[offset(first) + w], factor * values[offset(second) + w]
            x = y[offset(state) + w]
            gates[offset(g) + w] = x
            dy[offset(state) + w] = alpha - (alpha + beta) * x
        end
    elseif gate.kind == STEADY_STATE
        @inbounds @simd ivdep for w in 1:WIDTH
            s, x = factor / values[offset(second) + w], y[offset(state) + w]
            gates[offset(g) + w] = x
            dy[offset(state) + w] = s * values[offset(first) + w] - s * x
        end
    elseif gate.kind == INSTANTANEOUS
        @inbounds @simd ivdep for w in 1:WIDTH
            gates[offset(g) + w] = values[offset(first) + w]
        end
    else
        @inbounds @simd ivdep for w in 1:WIDTH
            gates[offset(g) + w] = y[offset(state) + w]
        end
        block_neural_gate!(dy, y, model, gate)
    end
    return nothing
end

"The slope of the voltage, from the values of the gates."
function block_voltage!(dy, u, model::BlockModel)
    system, v, theta, factors = model.system, model.v, model.theta, model.system.factors
    open, total, gates, inverse_c = model.open, model.total, model.gates, model.inverse_c
    @inbounds @simd ivdep for w in 1:WIDTH
        total[w] = u[w]
    end
    for channel in system.channels
        g, e = offset(channel.g), offset(channel.e)
        if isempty(channel.factors)
            @inbounds @simd ivdep for w in 1:WIDTH
                total[w] -= theta[g + w] * (v[w] - theta[e + w])
            end
            continue
        end
        @inbounds @simd ivdep for w in 1:WIDTH
            open[w] = theta[g + w] * (v[w] - theta[e + w])
        end
        for j in channel.factors
            factor = @inbounds factors[j]
            times_power!(open, gates, offset(factor.gate), factor.power)
        end
        @inbounds @simd ivdep for w in 1:WIDTH
            total[w] -= open[w]
        end
    end
    for unknown in system.unknown
        block_current!(total, model, unknown)
    end
    @inbounds @simd ivdep for w in 1:WIDTH
        dy[w] = total[w] * inverse_c[w]
    end
    return nothing
end

"open·x^power of the gate whose values come after `o`."
@inline function times_power!(open, gates, o::Int, power::Int)
    if power == 1
        @inbounds @simd ivdep for w in 1:WIDTH
            open[w] *= gates[o + w]
        end
    elseif power == 2
        @inbounds @simd ivdep for w in 1:WIDTH
            open[w] *= gates[o + w] * gates[o + w]
        end
    elseif power == 3
        @inbounds @simd ivdep for w in 1:WIDTH
            x = gates[o + w]
            open[w] *= x * x * x
        end
    elseif power == 4
        @inbounds @simd ivdep for w in 1:WIDTH
            square = gates[o + w] * gates[o + w]
            open[w] *= square * square
        end
    else
        for _ in 1:power
            @inbounds @simd ivdep for w in 1:WIDTH
                open[w] *= gates[o + w]
            end
        end
    end
    return nothing
end
