# The whole right-hand side as one network: dz/dt = N(z, i_stim/stimulus_scale)/time_scale with
# z = (y - shift)/scale.

@inline function set_black_box!(model::Model, black_box::BlackBox, y, u)
    net = model.system.networks[black_box.network]
    n = length(black_box.shift)
    @inbounds for j in 1:n
        model.y[input(net, j)] = (y[j] - black_box.shift[j]) / black_box.scale[j]
    end
    black_box.sees_stimulus && (model.y[input(net, n + 1)] = u * black_box.inverse_stimulus_scale)
    return net, n
end

function black_box_rhs!(dy, y, u, model::Model)
    black_box = model.system.black_box::BlackBox
    net, n = set_black_box!(model, black_box, y, u)
    forward!(model, net)
    @inbounds for j in 1:n
        dy[j] = model.y[output(net, j)] * black_box.rate[j]
    end
    return nothing
end

function black_box_jacobian!(jacobian, y, u, model::Model)
    black_box = model.system.black_box::BlackBox
    net, n = set_black_box!(model, black_box, y, u)
    @inbounds for i in 1:n
        for j in 1:n_inputs(net)
            model.dy[input(net, j)] = j == i ? 1 / black_box.scale[i] : 0
        end
        forward_tangent!(model, net)
        for j in 1:n
            jacobian[j, i] = model.dy[output(net, j)] * black_box.rate[j]
        end
    end
    return nothing
end

"Derivative of dy/dt by the stimulus, into `slope`."
function black_box_stimulus_slope!(slope, y, u, model::Model)
    black_box = model.system.black_box::BlackBox
    black_box.sees_stimulus || return fill!(slope, 0)
    net, n = set_black_box!(model, black_box, y, u)
    for j in 1:n
        model.dy[input(net, j)] = 0
    end
    model.dy[input(net, n + 1)] = black_box.inverse_stimulus_scale
    forward_tangent!(model, net)
    for j in 1:n
        slope[j] = model.dy[output(net, j)] * black_box.rate[j]
    end
    return slope
end

function black_box_pullback!(y_bar, gradient, y, u, bar, model::Model, clamped::Bool)
    black_box = model.system.black_box::BlackBox
    net, n = set_black_box!(model, black_box, y, u)
    forward!(model, net)
    @inbounds for j in 1:n
        model.y_bar[output(net, j)] = clamped && j == 1 ? 0 : bar[j] * black_box.rate[j]
    end
    network_pullback!(gradient, model, net)
    @inbounds for j in 1:n
        y_bar[j] += model.y_bar[input(net, j)] / black_box.scale[j]
    end
    return nothing
end

function black_box_jacobian_pullback!(
    y_bar, gradient, y, u, weights, by_stimulus, model::Model, clamped::Bool
)
    black_box = model.system.black_box::BlackBox
    net, n = set_black_box!(model, black_box, y, u)
    # Row by row: the tangent of one output along the direction of the weights of its row.
    for row in (clamped ? 2 : 1):n
        for j in 1:n
            model.dy[input(net, j)] = weights[row, j] / black_box.scale[j]
        end
        black_box.sees_stimulus &&
            (model.dy[input(net, n + 1)] = by_stimulus[row] * black_box.inverse_stimulus_scale)
        forward_tangent!(model, net)
        for j in 1:n
            model.y_bar[output(net, j)] = 0
            model.dy_bar[output(net, j)] = j == row ? black_box.rate[j] : 0
        end
        tangent_pullback!(gradient, model, net)
        for j in 1:n
            y_bar[j] += model.y_bar[input(net, j)] / black_box.scale[j]
        end
    end
    return nothing
end
