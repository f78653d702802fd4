# Ionic currents, and the way back. `gate` holds the value of every gate of the neuron, states and
# instantaneous ones alike. Numbers are plain (`S` = `T`) or carry the tangent along one direction.

"Sum of the ionic currents at `v`."
@inline function total_current(c::Curves{T,S}, model::Model{T}, v::S) where {T,S}
    total = zero(S)
    for channel in model.system.channels
        total += current(c, model, channel, v)
    end
    isempty(model.system.unknown) || (total += unknown_current(c, model, v))
    return total
end

@noinline function unknown_current(c::Curves{T,S}, model::Model{T}, v::S) where {T,S}
    total = zero(S)
    for unknown in model.system.unknown
        total += current(c, model, unknown, v)
    end
    return total
end

@inline function open_probability(gates::Vector{S}, factors, channel::IonChannel) where {S}
    p = one(S)
    @inbounds for j in channel.factors
        x = gates[factors[j].gate]
        # Multiplied one by one: for powers up to 4 faster than asking which it is.
        for _ in 1:factors[j].power
            p *= x
        end
    end
    return p
end

@inline function current(c::Curves{T,S}, model::Model{T}, channel::IonChannel, v::S) where {T,S}
    g, e = @inbounds model.theta[channel.g], model.theta[channel.e]
    return g * open_probability(c.gate, model.system.factors, channel) * (v - e)
end

"Sum of the conductances of all channels, by the gates of the last `total_current`."
function total_conductance(c::Curves{T}, model::Model{T}) where {T}
    total = zero(T)
    for channel in model.system.channels
        g = @inbounds model.theta[channel.g]
        total += g * open_probability(c.gate, model.system.factors, channel)
    end
    return total
end

@inline function current(c::Curves{T,T}, model::Model{T}, i::UnknownCurrent, v::T) where {T}
    net = @inbounds model.system.networks[i.network]
    @inbounds model.y[input(net, 1)] = (v - i.v_shift) * i.inverse_v_scale
    @inbounds for (j, g) in enumerate(i.gates)
        model.y[input(net, j + 1)] = c.gate[g]
    end
    forward!(model, net)
    return i.scale * out(c, model, net, 1)
end

@inline function current(
    c::Curves{T,Pair1{T}}, model::Model{T}, i::UnknownCurrent, v::Pair1{T}
) where {T}
    net = @inbounds model.system.networks[i.network]
    @inbounds model.y[input(net, 1)] = (value_of(v) - i.v_shift) * i.inverse_v_scale
    @inbounds model.dy[input(net, 1)] = slope_of(v) * i.inverse_v_scale
    @inbounds for (j, g) in enumerate(i.gates)
        model.y[input(net, j + 1)] = value_of(c.gate[g])
        model.dy[input(net, j + 1)] = slope_of(c.gate[g])
    end
    forward_tangent!(model, net)
    return i.scale * out(c, model, net, 1)
end

"""
What flows back to the total current, and to the total conductance, on to the parameters, to the
gates (`c.gate_bar`, which is overwritten) and to v, which is returned. The values of the last
`total_current` must be there.
"""
function currents_pullback!(
    gradient, c::Curves{T,S}, model::Model{T}, v::S, bar::S, by_conductance::S=zero(S)
) where {T,S}
    fill!(c.gate_bar, zero(S))
    v_bar = zero(S)
    for channel in model.system.channels
        v_bar += channel_pullback!(gradient, c, model, channel, v, bar, by_conductance)
    end
    for unknown in model.system.unknown
        v_bar += unknown_pullback!(gradient, c, model, unknown, bar)
    end
    return v_bar
end

@inline function channel_pullback!(
    gradient, c::Curves{T,S}, model::Model{T}, channel::IonChannel, v::S, bar::S, by_conductance::S
) where {T,S}
    @inbounds begin
        g, e, factors = model.theta[channel.g], model.theta[channel.e], model.system.factors
        p = open_probability(c.gate, factors, channel)
        each = bar * (v - e) + by_conductance
        add!(gradient, channel.g, each * p)
        v_bar = bar * g * p
        add!(gradient, channel.e, -v_bar)
        weight = each * g
        for j in channel.factors
            gate, power = factors[j].gate, factors[j].power
            slope = weight * power * (power == 1 ? one(S) : small_power(c.gate[gate], power - 1))
            for k in channel.factors
                k == j || (slope *= small_power(c.gate[factors[k].gate], factors[k].power))
            end
            c.gate_bar[gate] += slope
        end
        return v_bar
    end
end

@inline function unknown_pullback!(
    gradient, c::Curves{T,T}, model::Model{T}, i::UnknownCurrent, bar::T
) where {T}
    net = @inbounds model.system.networks[i.network]
    bar_to!(c, model, net, 1, i.scale * bar)
    network_pullback!(gradient, model, net)
    @inbounds for (j, g) in enumerate(i.gates)
        c.gate_bar[g] += model.y_bar[input(net, j + 1)]
    end
    return @inbounds model.y_bar[input(net, 1)] * i.inverse_v_scale
end

@inline function unknown_pullback!(
    gradient, c::Curves{T,Pair1{T}}, model::Model{T}, i::UnknownCurrent, bar::Pair1{T}
) where {T}
    net = @inbounds model.system.networks[i.network]
    bar_to!(c, model, net, 1, i.scale * bar)
    tangent_pullback!(gradient, model, net)
    @inbounds for (j, g) in enumerate(i.gates)
        k = input(net, j + 1)
        c.gate_bar[g] += pair(model.dy_bar[k], model.y_bar[k])
    end
    k = input(net, 1)
    return @inbounds pair(model.dy_bar[k], model.y_bar[k]) * i.inverse_v_scale
end
