# Networks of a block, whose weights may differ from element to element: gates, currents and whole
# right-hand sides that are networks.

"Outputs of `net`, in its last rows of `model.layers`, for the inputs in its first rows."
function block_forward!(model::BlockModel, net::Network)
    n_layers = length(net.layers)
    for l in 1:(n_layers - 1)
        block_affine!(model.layers, model.theta, net, l)
        l < n_layers - 1 && block_activate!(model.layers, net, l + 1)
    end
    return nothing
end

"W·x + bias of layer `l`; the sums of eight elements are kept in registers."
function block_affine!(x, theta, net::Network, l::Int)
    n_in, n_out = net.layers[l], net.layers[l + 1]
    source, target, place = net.rows[l], net.rows[l + 1], net.places[l]
    bias = place + n_in * n_out
    @inbounds for o in 1:n_out, part in 0:8:(WIDTH - 1)
        from, line = offset(source + 1) + part, offset(place + (o - 1) * n_in + 1) + part
        first, to = offset(bias + o) + part, offset(target + o) + part
        Base.Cartesian.@nexprs 8 w -> (total_w = theta[first + w])
        for _ in 1:n_in
            Base.Cartesian.@nexprs 8 w -> (total_w = muladd(theta[line + w], x[from + w], total_w))
            from, line = from + WIDTH, line + WIDTH
        end
        Base.Cartesian.@nexprs 8 w -> (x[to + w] = total_w)
    end
    return nothing
end

function block_activate!(x, net::Network, l::Int)
    rows, f = (net.rows[l] + 1):(net.rows[l] + net.layers[l]), net.activation
    for row in rows
        if f == TANH
            @inbounds @simd ivdep for w in 1:WIDTH
                x[offset(row) + w] = branchless_tanh(x[offset(row) + w])
            end
        elseif f == SILU
            @inbounds @simd ivdep for w in 1:WIDTH
                z = x[offset(row) + w]
                x[offset(row) + w] = z * branchless_logistic(z)
            end
        else
            @inbounds for w in 1:WIDTH
                x[offset(row) + w] = activate(f, x[offset(row) + w])
            end
        end
    end
    return nothing
end

@inline function branchless_tanh(z::Float64)
    e = branchless_exp(-2 * abs(z))
    return copysign((1 - e) / (1 + e), z)
end

@inline function branchless_logistic(z::Float64)
    e = branchless_exp(-abs(z))
    return ifelse(z < 0, e, 1.0) / (1.0 + e)
end

"The slope of a gate whose rates, or which itself, come from a network."
function block_neural_gate!(dy, y, model::BlockModel, gate::Gate)
    net = model.system.networks[gate.network]
    x, v, one_input = model.layers, model.v, n_inputs(net) == 1
    row, state, factor = input(net, 1), gate.state, gate.factor
    shift, scale = gate.v_shift, gate.inverse_v_scale
    if gate.kind != FREE || !one_input
        @inbounds @simd ivdep for w in 1:WIDTH
            x[offset(row) + w] = (v[w] - shift) * scale
        end
    end
    if gate.kind == FREE
        row = input(net, n_inputs(net))
        @inbounds @simd ivdep for w in 1:WIDTH
            x[offset(row) + w] = y[offset(state) + w]
        end
    end
    block_forward!(model, net)
    if gate.kind == FREE
        out = output(net, 1)
        @inbounds @simd ivdep for w in 1:WIDTH
            dy[offset(state) + w] = factor * x[offset(out) + w]
        end
    elseif gate.kind == NEURAL_STEADY_STATE
        block_steady_state_gate!(dy, y, model, gate, net)
    else
        block_rates_gate!(dy, y, model, gate, net)
    end
    return nothing
end

function block_steady_state_gate!(dy, y, model::BlockModel, gate::Gate, net::Network)
    x, state, first, second = model.layers, gate.state, output(net, 1), output(net, 2)
    factor, low, span = gate.factor, gate.tau_min, gate.log_span
    if isnan(span)
        @inbounds @simd ivdep for w in 1:WIDTH
            z = x[offset(second) + w]
            s = factor / (low + branchless_exp(ifelse(z < -40.0, -40.0, ifelse(z > 60.0, 60.0, z))))
            a = s * branchless_logistic(x[offset(first) + w])
            dy[offset(state) + w] = a - s * y[offset(state) + w]
        end
    else
        @inbounds @simd ivdep for w in 1:WIDTH
            s = factor * branchless_exp(-span * branchless_logistic(x[offset(second) + w])) / low
            a = s * branchless_logistic(x[offset(first) + w])
            dy[offset(state) + w] = a - s * y[offset(state) + w]
        end
    end
    return nothing
end

function block_rates_gate!(dy, y, model::BlockModel, gate::Gate, net::Network)
    x, state, factor, bound = model.layers, gate.state, gate.factor, gate.bound
    a, b = output(net, 1), output(net, 2)
    @inbounds @simd ivdep for w in 1:WIDTH
        x[offset(a) + w] = branchless_exp(bound * branchless_tanh(x[offset(a) + w] / bound))
        x[offset(b) + w] = branchless_exp(bound * branchless_tanh(x[offset(b) + w] / bound))
    end
    values, first, second = model.curves, gate.first, gate.second
    if gate.prior == PRIOR_RATES
        @inbounds @simd ivdep for w in 1:WIDTH
            x[offset(a) + w] *= values[offset(first) + w]
            x[offset(b) + w] *= values[offset(second) + w]
        end
    elseif gate.prior == PRIOR_STEADY_STATE
        @inbounds @simd ivdep for w in 1:WIDTH
            x[offset(a) + w] *= values[offset(first) + w] / values[offset(second) + w]
            x[offset(b) + w] *= (1.0 - values[offset(first) + w]) / values[offset(second) + w]
        end
    end
    @inbounds @simd ivdep for w in 1:WIDTH
        alpha, beta = factor * x[offset(a) + w], factor * x[offset(b) + w]
        dy[offset(state) + w] = alpha - (alpha + beta) * y[offset(state) + w]
    end
    return nothing
end

"Take away an ionic current that is a network."
function block_current!(total, model::BlockModel, unknown::UnknownCurrent)
    net = model.system.networks[unknown.network]
    x, v, gates, row = model.layers, model.v, model.gates, input(net, 1)
    shift, inverse, scale = unknown.v_shift, unknown.inverse_v_scale, unknown.scale
    @inbounds @simd ivdep for w in 1:WIDTH
        x[offset(row) + w] = (v[w] - shift) * inverse
    end
    for (j, g) in enumerate(unknown.gates)
        @inbounds @simd ivdep for w in 1:WIDTH
            x[offset(row + j) + w] = gates[offset(g) + w]
        end
    end
    block_forward!(model, net)
    out = output(net, 1)
    @inbounds @simd ivdep for w in 1:WIDTH
        total[w] -= scale * x[offset(out) + w]
    end
    return nothing
end

"The right-hand side that is a network; v is taken from `model.v`."
function block_black_box!(dy, y, u, model::BlockModel)
    box = model.system.black_box::BlackBox
    net, x, n = model.system.networks[box.network], model.layers, length(box.shift)
    for j in 1:n
        row, shift, scale = input(net, j), box.shift[j], box.scale[j]
        @inbounds @simd ivdep for w in 1:WIDTH
            x[offset(row) + w] = ((j == 1 ? model.v[w] : y[offset(j) + w]) - shift) / scale
        end
    end
    if box.sees_stimulus
        row, scale = input(net, n + 1), box.inverse_stimulus_scale
        @inbounds @simd ivdep for w in 1:WIDTH
            x[offset(row) + w] = u[w] * scale
        end
    end
    block_forward!(model, net)
    for j in 1:n
        row, rate = output(net, j), box.rate[j]
        @inbounds @simd ivdep for w in 1:WIDTH
            dy[offset(j) + w] = x[offset(row) + w] * rate
        end
    end
    return nothing
end
