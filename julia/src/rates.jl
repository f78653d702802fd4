# The rates of every gate, dx/dt = a(v) - s(v)·x, and the way back.

@inline out(c::Curves{T,T}, model::Model{T}, net::Network, j) where {T} =
    @inbounds model.y[output(net, j)]
@inline out(c::Curves{T,Pair1{T}}, model::Model{T}, net::Network, j) where {T} =
    @inbounds pair(model.y[output(net, j)], model.dy[output(net, j)])

@inline function bar_to!(c::Curves{T,T}, model::Model{T}, net::Network, j, bar::T) where {T}
    @inbounds model.y_bar[output(net, j)] = bar
    return nothing
end

# Of what flows back to a pair, its value belongs to the tangent and its slope to the value.
@inline function bar_to!(
    c::Curves{T,Pair1{T}}, model::Model{T}, net::Network, j, bar::Pair1{T}
) where {T}
    @inbounds model.y_bar[output(net, j)] = slope_of(bar)
    @inbounds model.dy_bar[output(net, j)] = value_of(bar)
    return nothing
end

@inline function neural_gate!(c::Curves{T,T}, model::Model{T}, net, gate, v::T) where {T}
    @inbounds model.y[input(net, 1)] = (v - gate.v_shift) * gate.inverse_v_scale
    forward!(model, net)
    return nothing
end

@inline function neural_gate!(
    c::Curves{T,Pair1{T}}, model::Model{T}, net, gate, v::Pair1{T}
) where {T}
    @inbounds model.y[input(net, 1)] = (value_of(v) - gate.v_shift) * gate.inverse_v_scale
    @inbounds model.dy[input(net, 1)] = slope_of(v) * gate.inverse_v_scale
    forward_tangent!(model, net)
    return nothing
end

"Rates `c.a`, `c.s` of the bounded gates at `v`, and the values of the instantaneous ones."
function rates!(c::Curves{T,S}, model::Model{T}, v::S) where {T,S}
    curves!(c, model, v)
    for (g, gate) in enumerate(model.system.gates)
        rate!(c, model, v, g, gate)
    end
    return nothing
end

"Those of one gate, from the values of the curves."
@inline function rate!(c::Curves{T,S}, model::Model{T}, v::S, g::Int, gate::Gate) where {T,S}
    kind = gate.kind
    @inbounds if kind == RATES
        alpha, beta = c.value[gate.first], c.value[gate.second]
        c.a[g], c.s[g] = gate.factor * alpha, gate.factor * (alpha + beta)
    elseif kind == STEADY_STATE
        s = gate.factor / c.value[gate.second]
        c.a[g], c.s[g] = s * c.value[gate.first], s
    elseif kind == INSTANTANEOUS
        c.gate[g] = c.value[gate.first]
    elseif kind != FREE
        neural_gate!(c, model, model.system.networks[gate.network], gate, v)
        c.a[g], c.s[g] = neural_rates(c, model, gate)
    end
    return nothing
end

"exp(b·tanh(y/b)) and its derivative by y."
@inline function bounded_exp(y, bound)
    t = tanh(y / bound)
    r = exp(bound * t)
    return r, r * (1 - t * t)
end

@inline function prior_rates(c::Curves{T,S}, gate::Gate) where {T,S}
    gate.prior == NO_PRIOR && return one(S), one(S)
    @inbounds first, second = c.value[gate.first], c.value[gate.second]
    gate.prior == PRIOR_RATES && return first, second
    return first / second, (1 - first) / second
end

"Sum of the rates of the form `steady_state`, and its derivative by the second output."
@inline function neural_sum(gate::Gate, y)
    if isnan(gate.log_span)
        e = exp(clamp(y, -40.0, 60.0))
        s = gate.factor / (gate.tau_min + e)
        return s, -s * e / (gate.tau_min + e)
    end
    w = logistic(y)
    s = gate.factor * exp(-gate.log_span * w) / gate.tau_min
    return s, -s * gate.log_span * w * (1 - w)
end

@inline function neural_rates(c::Curves{T,S}, model::Model{T}, gate::Gate) where {T,S}
    net = @inbounds model.system.networks[gate.network]
    first, second = out(c, model, net, 1), out(c, model, net, 2)
    if gate.kind == NEURAL_STEADY_STATE
        s, _ = neural_sum(gate, second)
        return s * logistic(first), s
    end
    prior_alpha, prior_beta = prior_rates(c, gate)
    alpha = gate.factor * bounded_exp(first, gate.bound)[1] * prior_alpha
    beta = gate.factor * bounded_exp(second, gate.bound)[1] * prior_beta
    return alpha, alpha + beta
end

"""
What flows back to the rates (`c.a_bar`, `c.s_bar`, and `c.gate_bar` of instantaneous gates) on to
the parameters and to v, which is returned. The values of the last `rates!` must still be there.
"""
function rates_pullback!(gradient, c::Curves{T,S}, model::Model{T}) where {T,S}
    fill!(c.bar, zero(S))
    v_bar = zero(S)
    for (g, gate) in enumerate(model.system.gates)
        v_bar += rate_pullback!(gradient, c, model, g, gate)
    end
    return v_bar + curves_pullback!(gradient, c, model)
end

"That of one gate on to its curves (`c.bar`), or to its network and v."
function rate_pullback!(gradient, c::Curves{T,S}, model::Model{T}, g::Int, gate::Gate) where {T,S}
    kind = gate.kind
    @inbounds a_bar, s_bar = c.a_bar[g], c.s_bar[g]
    @inbounds if kind == RATES
        c.bar[gate.first] += gate.factor * (a_bar + s_bar)
        c.bar[gate.second] += gate.factor * s_bar
    elseif kind == STEADY_STATE
        x, tau, s = c.value[gate.first], c.value[gate.second], c.s[g]
        c.bar[gate.first] += s * a_bar
        c.bar[gate.second] -= s / tau * (s_bar + x * a_bar)
    elseif kind == INSTANTANEOUS
        c.bar[gate.first] += c.gate_bar[g]
    elseif kind != FREE
        return neural_pullback!(gradient, c, model, gate, a_bar, s_bar)
    end
    return zero(S)
end

function neural_pullback!(
    gradient, c::Curves{T,S}, model::Model{T}, gate::Gate, a_bar::S, s_bar::S
) where {T,S}
    net = @inbounds model.system.networks[gate.network]
    first, second = out(c, model, net, 1), out(c, model, net, 2)
    if gate.kind == NEURAL_STEADY_STATE
        x = logistic(first)
        s, by_second = neural_sum(gate, second)
        bar_to!(c, model, net, 1, s * a_bar * x * (1 - x))
        bar_to!(c, model, net, 2, (s_bar + x * a_bar) * by_second)
    else
        alpha_bar, beta_bar = gate.factor * (a_bar + s_bar), gate.factor * s_bar
        r1, d1 = bounded_exp(first, gate.bound)
        r2, d2 = bounded_exp(second, gate.bound)
        prior_alpha, prior_beta = prior_rates(c, gate)
        bar_to!(c, model, net, 1, alpha_bar * prior_alpha * d1)
        bar_to!(c, model, net, 2, beta_bar * prior_beta * d2)
        prior_pullback!(c, gate, alpha_bar * r1, beta_bar * r2)
    end
    return inputs_pullback!(gradient, c, model, net, gate.inverse_v_scale)
end

@inline function prior_pullback!(c::Curves{T,S}, gate::Gate, alpha_bar::S, beta_bar::S) where {T,S}
    gate.prior == NO_PRIOR && return nothing
    @inbounds if gate.prior == PRIOR_RATES
        c.bar[gate.first] += alpha_bar
        c.bar[gate.second] += beta_bar
    else
        x, tau = c.value[gate.first], c.value[gate.second]
        c.bar[gate.first] += (alpha_bar - beta_bar) / tau
        c.bar[gate.second] -= (x * alpha_bar + (1 - x) * beta_bar) / (tau * tau)
    end
    return nothing
end

"Through a network to its first input, the scaled voltage; what flows back to v."
@inline function inputs_pullback!(gradient, c::Curves{T,T}, model, net, scale) where {T}
    network_pullback!(gradient, model, net)
    return @inbounds model.y_bar[input(net, 1)] * scale
end

@inline function inputs_pullback!(gradient, c::Curves{T,Pair1{T}}, model, net, scale) where {T}
    tangent_pullback!(gradient, model, net)
    i = input(net, 1)
    return @inbounds pair(model.dy_bar[i], model.y_bar[i]) * scale
end
