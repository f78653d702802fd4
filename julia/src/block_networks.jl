# Networks of a block, whose weights may differ from element to element: gates, currents and whole
# right-hand sides that are networks.

"Outputs of `net`, in its last rows of `model.layers`, for the inputs in its first rows."
function block_forward!(model::BlockModel{T}, net::Network) where {T}
    n_layers = length(net.layers)
    for l in 1:(n_layers - 1)
        block_affine!(model.layers, model.parameters.theta, net, l)
        l < n_layers - 1 && block_activate!(model.layers, model.before, net, l + 1)
    end
    return nothing
end

"W·x (+ bias) of layer `l`; the sums of sixteen elements are kept in registers."
function block_affine!(x::Matrix{T}, theta, net::Network, l::Int, with_bias=true) where {T}
    n_in, n_out = net.layers[l], net.layers[l + 1]
    source, target, place = net.rows[l], net.rows[l + 1], net.places[l]
    bias = place + n_in * n_out
    @inbounds for o in 1:n_out, part in 0:16:(width(T) - 1)
        from, line = offset(T, source + 1) + part, offset(T, place + (o - 1) * n_in + 1) + part
        first, to = offset(T, bias + o) + part, offset(T, target + o) + part
        Base.Cartesian.@nexprs 16 w -> (total_w = with_bias ? theta[first + w] : zero(T))
        for _ in 1:n_in
            Base.Cartesian.@nexprs 16 w -> (total_w = muladd(theta[line + w], x[from + w], total_w))
            from, line = from + width(T), line + width(T)
        end
        Base.Cartesian.@nexprs 16 w -> (x[to + w] = total_w)
    end
    return nothing
end

function block_activate!(x::Matrix{T}, before, net::Network, l::Int) where {T}
    rows, f = (net.rows[l] + 1):(net.rows[l] + net.layers[l]), net.activation
    for row in rows
        if f == TANH
            @vectorized for w in 1:width(T)
                x[offset(T, row) + w] = branchless_tanh(x[offset(T, row) + w])
            end
        elseif f == SILU
            @vectorized for w in 1:width(T)
                z = x[offset(T, row) + w]
                before[offset(T, row) + w] = z
                x[offset(T, row) + w] = z * branchless_logistic(z)
            end
        else
            @inbounds for w in 1:width(T)
                z = x[offset(T, row) + w]
                before[offset(T, row) + w] = z
                x[offset(T, row) + w] = activate(f, z)
            end
        end
    end
    return nothing
end

"The slope of a gate whose rates, or which itself, come from a network."
function block_neural_gate!(dy, y, model::BlockModel{T}, gate::Gate) where {T}
    net = model.system.networks[gate.network]
    x, v, one_input = model.layers, model.v, n_inputs(net) == 1
    row, state, factor = input(net, 1), gate.state, T(gate.factor)
    shift, scale = T(gate.v_shift), T(gate.inverse_v_scale)
    if gate.kind != FREE || !one_input
        @vectorized for w in 1:width(T)
            x[offset(T, row) + w] = (v[w] - shift) * scale
        end
    end
    if gate.kind == FREE
        row = input(net, n_inputs(net))
        @vectorized for w in 1:width(T)
            x[offset(T, row) + w] = y[offset(T, state) + w]
        end
    end
    block_forward!(model, net)
    if gate.kind == FREE
        out = output(net, 1)
        @vectorized for w in 1:width(T)
            dy[offset(T, state) + w] = factor * x[offset(T, out) + w]
        end
    elseif gate.kind == NEURAL_STEADY_STATE
        block_steady_state_gate!(dy, y, model, gate, net)
    else
        block_rates_gate!(dy, y, model, gate, net)
    end
    return nothing
end

function block_steady_state_gate!(dy, y, model::BlockModel{T}, gate::Gate, net::Network) where {T}
    x, state, first, second = model.layers, gate.state, output(net, 1), output(net, 2)
    factor, low, span = T(gate.factor), T(gate.tau_min), T(gate.log_span)
    if isnan(span)
        @vectorized for w in 1:width(T)
            s = factor / (low + branchless_exp(between(x[offset(T, second) + w], T(-40), T(60))))
            a = s * branchless_logistic(x[offset(T, first) + w])
            dy[offset(T, state) + w] = a - s * y[offset(T, state) + w]
        end
    else
        @vectorized for w in 1:width(T)
            s = factor * branchless_exp(-span * branchless_logistic(x[offset(T, second) + w])) / low
            a = s * branchless_logistic(x[offset(T, first) + w])
            dy[offset(T, state) + w] = a - s * y[offset(T, state) + w]
        end
    end
    return nothing
end

@inline between(z, low, high) = ifelse(z < low, low, ifelse(z > high, high, z))

"What the network of a gate multiplies its rates by (`model.alpha`, `model.beta`), and the prior."
function block_rates!(model::BlockModel{T}, gate::Gate, net::Network) where {T}
    x, factor, bound, alpha, beta = model.layers, T(gate.factor), T(gate.bound), model.alpha, model.beta
    a, b = offset(T, output(net, 1)), offset(T, output(net, 2))
    @vectorized for w in 1:width(T)
        alpha[w] = factor * branchless_exp(bound * branchless_tanh(x[a + w] / bound))
        beta[w] = factor * branchless_exp(bound * branchless_tanh(x[b + w] / bound))
    end
    values, (opening, closing) = model.curves, model.priors
    first, second = offset(T, gate.first), offset(T, gate.second)
    if gate.prior == PRIOR_RATES
        @vectorized for w in 1:width(T)
            opening[w], closing[w] = values[first + w], values[second + w]
        end
    elseif gate.prior == PRIOR_STEADY_STATE
        @vectorized for w in 1:width(T)
            inverse = 1 / values[second + w]
            opening[w], closing[w] = values[first + w] * inverse, (1 - values[first + w]) * inverse
        end
    else
        fill!(opening, one(T))
        fill!(closing, one(T))
    end
    return nothing
end

function block_rates_gate!(dy, y, model::BlockModel{T}, gate::Gate, net::Network) where {T}
    block_rates!(model, gate, net)
    alpha, beta, (opening, closing) = model.alpha, model.beta, model.priors
    state = offset(T, gate.state)
    @vectorized for w in 1:width(T)
        a, b = alpha[w] * opening[w], beta[w] * closing[w]
        dy[state + w] = a - (a + b) * y[state + w]
    end
    return nothing
end

"Take away an ionic current that is a network."
function block_current!(total, model::BlockModel{T}, unknown::UnknownCurrent) where {T}
    net = model.system.networks[unknown.network]
    x, v, gates, row = model.layers, model.v, model.gates, input(net, 1)
    shift, inverse, scale = T(unknown.v_shift), T(unknown.inverse_v_scale), T(unknown.scale)
    @vectorized for w in 1:width(T)
        x[offset(T, row) + w] = (v[w] - shift) * inverse
    end
    for (j, g) in enumerate(unknown.gates)
        @vectorized for w in 1:width(T)
            x[offset(T, row + j) + w] = gates[offset(T, g) + w]
        end
    end
    block_forward!(model, net)
    out = output(net, 1)
    @vectorized for w in 1:width(T)
        total[w] -= scale * x[offset(T, out) + w]
    end
    return nothing
end

"The right-hand side that is a network; v is taken from `model.v`."
function block_black_box!(dy, y, u, model::BlockModel{T}) where {T}
    box = model.system.black_box::BlackBox
    net, x, n = model.system.networks[box.network], model.layers, length(box.shift)
    for j in 1:n
        row, shift, scale = input(net, j), T(box.shift[j]), T(box.scale[j])
        @vectorized for w in 1:width(T)
            x[offset(T, row) + w] = ((j == 1 ? model.v[w] : y[offset(T, j) + w]) - shift) / scale
        end
    end
    if box.sees_stimulus
        row, scale = input(net, n + 1), T(box.inverse_stimulus_scale)
        @vectorized for w in 1:width(T)
            x[offset(T, row) + w] = u[w] * scale
        end
    end
    block_forward!(model, net)
    for j in 1:n
        row, rate = output(net, j), T(box.rate[j])
        @vectorized for w in 1:width(T)
            dy[offset(T, j) + w] = x[offset(T, row) + w] * rate
        end
    end
    return nothing
end
