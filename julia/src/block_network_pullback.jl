# The way back of the networks of a block.

"""
From the outputs of `net` (in `bars.layers`) to the weights, and to the inputs, in the first rows of
`bars.layers`. What `block_forward!` computed must still be there.
"""
function block_network_pullback!(
    gradient, model::BlockModel{T}, bars::BlockBars{T}, net::Network
) where {T}
    n_layers = length(net.layers)
    for l in (n_layers - 1):-1:1
        l < n_layers - 1 && block_times_slope!(bars.layers, model, net, l + 1)
        block_affine_pullback!(gradient, bars.layers, model, net, l)
    end
    return nothing
end

function block_times_slope!(bar::Matrix{T}, model::BlockModel{T}, net::Network, l::Int) where {T}
    x, before, f = model.layers, model.before, net.activation
    for row in (net.rows[l] + 1):(net.rows[l] + net.layers[l])
        o = offset(T, row)
        if f == TANH
            @vectorized for w in 1:width(T)
                bar[o + w] *= 1 - x[o + w] * x[o + w]
            end
        else
            is_silu = f == SILU
            @vectorized for w in 1:width(T)
                z = before[o + w]
                s = branchless_logistic(z)
                bar[o + w] *= ifelse(is_silu, s * (1 + z * (1 - s)), s)
            end
        end
    end
    return nothing
end

"From the outputs of layer `l` to its weights and its inputs; sixteen elements at a time."
function block_affine_pullback!(
    gradient::Matrix{T}, bar, model::BlockModel{T}, net::Network, l::Int
) where {T}
    n_in, n_out = net.layers[l], net.layers[l + 1]
    source, target, place = net.rows[l], net.rows[l + 1], net.places[l]
    bias, x, theta = place + n_in * n_out, model.layers, model.parameters.theta
    for i in 1:n_in
        zero_column!(bar, source + i)
    end
    @inbounds for o in 1:n_out, part in 0:16:(width(T) - 1)
        own, to = offset(T, target + o) + part, offset(T, bias + o) + part
        from, line = offset(T, source + 1) + part, offset(T, place + (o - 1) * n_in + 1) + part
        Base.Cartesian.@nexprs 16 w -> (b_w = bar[own + w])
        Base.Cartesian.@nexprs 16 w -> (g_w = gradient[to + w] + b_w)
        Base.Cartesian.@nexprs 16 w -> (gradient[to + w] = g_w)
        for _ in 1:n_in
            Base.Cartesian.@nexprs 16 w -> (g_w = muladd(b_w, x[from + w], gradient[line + w]))
            Base.Cartesian.@nexprs 16 w -> (z_w = muladd(b_w, theta[line + w], bar[from + w]))
            Base.Cartesian.@nexprs 16 w -> (gradient[line + w] = g_w)
            Base.Cartesian.@nexprs 16 w -> (bar[from + w] = z_w)
            from, line = from + width(T), line + width(T)
        end
    end
    return nothing
end

"From the slope of a gate whose rates, or which itself, come from a network."
function block_neural_gate_pullback!(
    y_bar, gradient, y, bar, model::BlockModel{T}, bars::BlockBars{T}, gate::Gate
) where {T}
    net = model.system.networks[gate.network]
    layers, v_bar, state, scale = bars.layers, bars.v, offset(T, gate.state), T(gate.inverse_v_scale)
    if gate.kind == FREE
        out, factor = offset(T, output(net, 1)), T(gate.factor)
        @vectorized for w in 1:width(T)
            layers[out + w] = factor * bar[state + w]
        end
    elseif gate.kind == NEURAL_STEADY_STATE
        block_steady_state_pullback!(y_bar, y, bar, model, bars, gate, net)
    else
        block_rates_pullback!(y_bar, y, bar, model, bars, gate, net)
    end
    block_network_pullback!(gradient, model, bars, net)
    if gate.kind == FREE
        own = offset(T, input(net, n_inputs(net)))
        @vectorized for w in 1:width(T)
            y_bar[state + w] += layers[own + w]
        end
        n_inputs(net) == 1 && return nothing
    end
    row = offset(T, input(net, 1))
    @vectorized for w in 1:width(T)
        v_bar[w] += layers[row + w] * scale
    end
    return nothing
end

function block_steady_state_pullback!(
    y_bar, y, bar, model::BlockModel{T}, bars::BlockBars{T}, gate::Gate, net::Network
) where {T}
    x, layers, state = model.layers, bars.layers, offset(T, gate.state)
    first, second = offset(T, output(net, 1)), offset(T, output(net, 2))
    factor, low, span = T(gate.factor), T(gate.tau_min), T(gate.log_span)
    free = isnan(span)
    @vectorized for w in 1:width(T)
        z = x[second + w]
        level, share = branchless_logistic(x[first + w]), branchless_logistic(z)
        e = branchless_exp(ifelse(free, between(z, T(-40), T(60)), -span * share))
        s = ifelse(free, factor / (low + e), factor * e / low)
        by_second = ifelse(free, -s * e / (low + e), -s * span * share * (1 - share))
        b, gate_value = bar[state + w], y[state + w]
        y_bar[state + w] -= s * b
        layers[first + w] = s * b * level * (1 - level)
        layers[second + w] = (level - gate_value) * b * by_second
    end
    return nothing
end

function block_rates_pullback!(
    y_bar, y, bar, model::BlockModel{T}, bars::BlockBars{T}, gate::Gate, net::Network
) where {T}
    block_rates!(model, gate, net)
    x, layers, state = model.layers, bars.layers, offset(T, gate.state)
    first, second, bound = offset(T, output(net, 1)), offset(T, output(net, 2)), T(gate.bound)
    alpha, beta, (opening, closing), a, b = model.alpha, model.beta, model.priors, bars.a, bars.s
    @vectorized for w in 1:width(T)
        z, own = y[state + w], bar[state + w]
        y_bar[state + w] -= (alpha[w] * opening[w] + beta[w] * closing[w]) * own
        a[w], b[w] = own * (1 - z) * alpha[w], -own * z * beta[w]
        t1, t2 = branchless_tanh(x[first + w] / bound), branchless_tanh(x[second + w] / bound)
        layers[first + w] = a[w] * opening[w] * (1 - t1 * t1)
        layers[second + w] = b[w] * closing[w] * (1 - t2 * t2)
    end
    gate.prior == NO_PRIOR || block_prior_pullback!(bars, model, gate)
    return nothing
end

"From the rates of the prior (`bars.a`, `bars.s`) to its curves."
function block_prior_pullback!(bars::BlockBars{T}, model::BlockModel{T}, gate::Gate) where {T}
    values, curves, a, b = model.curves, bars.curves, bars.a, bars.s
    first, second = offset(T, gate.first), offset(T, gate.second)
    if gate.prior == PRIOR_RATES
        @vectorized for w in 1:width(T)
            curves[first + w] += a[w]
            curves[second + w] += b[w]
        end
    else
        @vectorized for w in 1:width(T)
            x, inverse = values[first + w], 1 / values[second + w]
            curves[first + w] += (a[w] - b[w]) * inverse
            curves[second + w] -= (x * a[w] + (1 - x) * b[w]) * inverse * inverse
        end
    end
    return nothing
end

"From an ionic current that is a network to the gates and v."
function block_current_pullback!(
    gradient, model::BlockModel{T}, bars::BlockBars{T}, unknown::UnknownCurrent
) where {T}
    net = model.system.networks[unknown.network]
    layers, each, v_bar, out, row = bars.layers, bars.each, bars.v, offset(T, output(net, 1)),
        input(net, 1)
    scale, inverse = T(unknown.scale), T(unknown.inverse_v_scale)
    @vectorized for w in 1:width(T)
        layers[out + w] = scale * each[w]
    end
    block_network_pullback!(gradient, model, bars, net)
    for (j, g) in enumerate(unknown.gates)
        from, to, gates = offset(T, row + j), offset(T, g), bars.gates
        @vectorized for w in 1:width(T)
            gates[to + w] += layers[from + w]
        end
    end
    @vectorized for w in 1:width(T)
        v_bar[w] += layers[offset(T, row) + w] * inverse
    end
    return nothing
end

function block_black_box_pullback!(
    y_bar, gradient, bar, model::BlockModel{T}, bars::BlockBars{T}
) where {T}
    box = model.system.black_box::BlackBox
    net, layers, n = model.system.networks[box.network], bars.layers, length(box.shift)
    for j in 1:n
        row, rate = offset(T, output(net, j)), T(box.rate[j])
        @vectorized for w in 1:width(T)
            layers[row + w] = bar[offset(T, j) + w] * rate
        end
    end
    block_network_pullback!(gradient, model, bars, net)
    for j in 1:n
        row, scale = offset(T, input(net, j)), T(box.scale[j])
        @vectorized for w in 1:width(T)
            y_bar[offset(T, j) + w] += layers[row + w] / scale
        end
    end
    return nothing
end
