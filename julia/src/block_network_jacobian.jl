# The slopes of the networks of a block by their inputs, for its Jacobian: what goes forward through
# them, one input after the other.

"""
From the slopes of the inputs of `net`, in its first rows of `layers`, to those of the outputs.
What `block_forward!` computed must still be in `model`.
"""
function block_tangent!(layers, model::BlockModel{T}, net::Network) where {T}
    n_layers = length(net.layers)
    for l in 1:(n_layers - 1)
        block_affine!(layers, model.parameters.theta, net, l, false)
        l < n_layers - 1 && block_times_slope!(layers, model, net, l + 1)
    end
    return nothing
end

"The slopes of the outputs of `net` by input `j`, times `scale`."
function block_slope_by!(layers, model::BlockModel{T}, net::Network, j::Int, scale::T) where {T}
    for i in 1:n_inputs(net)
        o, x = offset(T, input(net, i)), i == j ? scale : zero(T)
        @vectorized for w in 1:width(T)
            layers[o + w] = x
        end
    end
    return block_tangent!(layers, model, net)
end

"An ionic current that is a network: dv/dt by v and by the gates that it sees."
function block_unknown_row!(
    jac::BlockJacobian{T}, model::BlockModel{T}, unknown::UnknownCurrent
) where {T}
    net, layers, by_v, by_gate = model.system.networks[unknown.network], jac.layers, jac.diagonal, jac.by_gate
    out, scale, inverse_c = offset(T, output(net, 1)), T(unknown.scale), model.parameters.inverse_c
    block_slope_by!(layers, model, net, 1, T(unknown.inverse_v_scale))
    @vectorized for w in 1:width(T)
        by_v[w] -= inverse_c[w] * scale * layers[out + w]
    end
    for (j, g) in enumerate(unknown.gates)
        own = offset(T, g)
        block_slope_by!(layers, model, net, 1 + j, one(T))
        @vectorized for w in 1:width(T)
            by_gate[own + w] -= inverse_c[w] * scale * layers[out + w]
        end
    end
    return nothing
end

"A gate whose rates, or which itself, come from a network: its slope by v and by itself."
function block_neural_gate_row!(jac::BlockJacobian{T}, y, model::BlockModel{T}, gate::Gate) where {T}
    net, layers = model.system.networks[gate.network], jac.layers
    column, diagonal, state = jac.column, jac.diagonal, offset(T, gate.state)
    scale, factor, out = T(gate.inverse_v_scale), T(gate.factor), offset(T, output(net, 1))
    if gate.kind != FREE
        block_slope_by!(layers, model, net, 1, scale)
        gate.kind == NEURAL_STEADY_STATE ? block_steady_state_row!(jac, y, model, gate, net) :
            block_rates_row!(jac, y, model, gate, net)
        return nothing
    end
    block_slope_by!(layers, model, net, n_inputs(net), one(T))
    @vectorized for w in 1:width(T)
        diagonal[state + w] = factor * layers[out + w]
    end
    n_inputs(net) == 1 && return zero_column!(column, gate.state)
    block_slope_by!(layers, model, net, 1, scale)
    @vectorized for w in 1:width(T)
        column[state + w] = factor * layers[out + w]
    end
    return nothing
end

function block_steady_state_row!(
    jac::BlockJacobian{T}, y, model::BlockModel{T}, gate::Gate, net::Network
) where {T}
    x, layers, state = model.layers, jac.layers, offset(T, gate.state)
    first, second = offset(T, output(net, 1)), offset(T, output(net, 2))
    factor, low, span = T(gate.factor), T(gate.tau_min), T(gate.log_span)
    column, diagonal, free = jac.column, jac.diagonal, isnan(span)
    @vectorized for w in 1:width(T)
        z = x[second + w]
        level, share = branchless_logistic(x[first + w]), branchless_logistic(z)
        e = branchless_exp(ifelse(free, between(z, T(-40), T(60)), -span * share))
        s = ifelse(free, factor / (low + e), factor * e / low)
        by_second = ifelse(free, -s * e / (low + e), -s * span * share * (1 - share))
        column[state + w] = s * level * (1 - level) * layers[first + w] +
            (level - y[state + w]) * by_second * layers[second + w]
        diagonal[state + w] = -s
    end
    return nothing
end

function block_rates_row!(
    jac::BlockJacobian{T}, y, model::BlockModel{T}, gate::Gate, net::Network
) where {T}
    block_rates!(model, gate, net)
    x, layers, state, bound = model.layers, jac.layers, offset(T, gate.state), T(gate.bound)
    first, second = offset(T, output(net, 1)), offset(T, output(net, 2))
    column, diagonal, alpha, beta, (opening, closing) =
        jac.column, jac.diagonal, model.alpha, model.beta, model.priors
    by_opening, by_closing = jac.weight, jac.other
    block_prior_slopes!(by_opening, by_closing, jac, model, gate)
    @vectorized for w in 1:width(T)
        t1, t2 = branchless_tanh(x[first + w] / bound), branchless_tanh(x[second + w] / bound)
        a = alpha[w] * (opening[w] * (1 - t1 * t1) * layers[first + w] + by_opening[w])
        b = beta[w] * (closing[w] * (1 - t2 * t2) * layers[second + w] + by_closing[w])
        column[state + w] = a - (a + b) * y[state + w]
        diagonal[state + w] = -(alpha[w] * opening[w] + beta[w] * closing[w])
    end
    return nothing
end

"The slopes by v of the rates of a prior."
function block_prior_slopes!(
    by_opening, by_closing, jac::BlockJacobian{T}, model::BlockModel{T}, gate::Gate
) where {T}
    values, slopes = model.curves, jac.slopes
    first, second = offset(T, gate.first), offset(T, gate.second)
    if gate.prior == PRIOR_RATES
        @vectorized for w in 1:width(T)
            by_opening[w], by_closing[w] = slopes[first + w], slopes[second + w]
        end
    elseif gate.prior == PRIOR_STEADY_STATE
        @vectorized for w in 1:width(T)
            x, inverse = values[first + w], 1 / values[second + w]
            along, tau = slopes[first + w] * inverse, slopes[second + w] * inverse * inverse
            by_opening[w], by_closing[w] = along - x * tau, -along - (1 - x) * tau
        end
    else
        fill!(by_opening, zero(T))
        fill!(by_closing, zero(T))
    end
    return nothing
end
