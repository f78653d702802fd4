# Small multi-layer perceptrons: values, tangents, and the way back through both. Written by hand
# because speed lives here; the same network as a Lux chain is in lux.jl, and tests compare them.

"Row of input `j` of a network."
@inline input(net::Network, j::Int) = (@inbounds net.rows[1]) + j
"Row of output `j` of a network."
@inline output(net::Network, j::Int) = (@inbounds net.rows[end]) + j

"Outputs of `net` for the inputs that lie in its first rows of `model.y`."
function forward!(model::Model, net::Network)
    n_layers = length(net.layers)
    @inbounds for l in 1:(n_layers - 1)
        affine!(model.x, model.y, model, net, l, true)
        row, n = net.rows[l + 1], net.layers[l + 1]
        if l < n_layers - 1
            activate_all!(model.y, model.x, row, n, net.activation)
        else
            copyto!(model.y, row + 1, model.x, row + 1, n)
        end
    end
    return nothing
end

"As `forward!`, with the tangent of the outputs for that of the inputs in `model.dy`."
function forward_tangent!(model::Model, net::Network)
    forward!(model, net)
    n_layers = length(net.layers)
    @inbounds for l in 1:(n_layers - 1)
        affine!(model.dx, model.dy, model, net, l, false)
        row, n = net.rows[l + 1], net.layers[l + 1]
        if l < n_layers - 1
            for i in (row + 1):(row + n)
                model.dy[i] = slope(net.activation, model.x[i], model.y[i]) * model.dx[i]
            end
        else
            copyto!(model.dy, row + 1, model.dx, row + 1, n)
        end
    end
    return nothing
end

"W·from (+ bias) of layer `l`."
@inline function affine!(to, from, model::Model, net::Network, l::Int, with_bias::Bool)
    n_in, n_out = net.layers[l], net.layers[l + 1]
    source, target, weights = net.rows[l], net.rows[l + 1], net.transposed[l]
    bias = net.places[l] + n_in * n_out
    w = model.transposed
    @inbounds begin
        for o in 1:n_out
            to[target + o] = with_bias ? model.theta[bias + o] : zero(eltype(to))
        end
        for i in 1:n_in
            z, column = from[source + i], weights + (i - 1) * n_out
            @simd ivdep for o in 1:n_out
                to[target + o] = muladd(w[column + o], z, to[target + o])
            end
        end
    end
    return nothing
end

@inline function activate_all!(y::Vector{Float64}, x::Vector{Float64}, row, n, f::Activation)
    if f == TANH
        # Rows are padded: whole blocks are computed, whatever lies in the rest of them.
        for first in row:BLOCK:(row + n - 1)
            @inbounds @simd ivdep for j in 1:BLOCK
                z = x[first + j]
                e = branchless_exp(-2 * abs(z))
                y[first + j] = copysign((1 - e) / (1 + e), z)
            end
        end
    else
        @inbounds for i in (row + 1):(row + n)
            y[i] = activate(f, x[i])
        end
    end
    return nothing
end

@inline function activate_all!(y::Vector, x::Vector, row, n, f::Activation)
    @inbounds for i in (row + 1):(row + n)
        y[i] = activate(f, x[i])
    end
    return nothing
end

"""
What flows back to the outputs (in `model.y_bar`) on to the weights, and to the inputs, in the
first rows of `model.y_bar`. The values of the last `forward!` must still be there.
"""
function network_pullback!(gradient, model::Model, net::Network)
    bar, n_layers = model.y_bar, length(net.layers)
    @inbounds for l in (n_layers - 1):-1:1
        row, n = net.rows[l + 1], net.layers[l + 1]
        if l < n_layers - 1
            for i in (row + 1):(row + n)
                bar[i] *= slope(net.activation, model.x[i], model.y[i])
            end
        end
        weights_pullback!(gradient, bar, model.y, net, l, true)
        back!(bar, model, net, l)
    end
    return nothing
end

"""
As `network_pullback!`, also for what flows back to the tangent of the outputs (`model.dy_bar`),
after `forward_tangent!`.
"""
function tangent_pullback!(gradient, model::Model, net::Network)
    bar, d_bar, n_layers = model.y_bar, model.dy_bar, length(net.layers)
    f = net.activation
    @inbounds for l in (n_layers - 1):-1:1
        row, n = net.rows[l + 1], net.layers[l + 1]
        if l < n_layers - 1
            for i in (row + 1):(row + n)
                x, y = model.x[i], model.y[i]
                steep = slope(f, x, y)
                bar[i] = steep * bar[i] + curvature(f, x, y) * model.dx[i] * d_bar[i]
                d_bar[i] *= steep
            end
        end
        weights_pullback!(gradient, bar, model.y, net, l, true)
        weights_pullback!(gradient, d_bar, model.dy, net, l, false)
        back!(bar, model, net, l)
        back!(d_bar, model, net, l)
    end
    return nothing
end

@inline weights_pullback!(::Nothing, bar, y, ::Network, ::Int, ::Bool) = nothing

@inline function weights_pullback!(gradient::AbstractVector, bar, y, net::Network, l::Int, with_bias::Bool)
    n_in, n_out = net.layers[l], net.layers[l + 1]
    source, target, place = net.rows[l], net.rows[l + 1], net.places[l]
    bias = place + n_in * n_out
    @inbounds for o in 1:n_out
        b = bar[target + o]
        with_bias && (gradient[bias + o] += b)
        line = place + (o - 1) * n_in
        @simd ivdep for i in 1:n_in
            gradient[line + i] = muladd(b, y[source + i], gradient[line + i])
        end
    end
    return nothing
end

"Wᵀ·bar of layer `l`, into the rows of the layer before."
@inline function back!(bar, model::Model, net::Network, l::Int)
    n_in, n_out = net.layers[l], net.layers[l + 1]
    source, target, place = net.rows[l], net.rows[l + 1], net.places[l]
    w = model.theta
    @inbounds begin
        for i in 1:n_in
            bar[source + i] = zero(eltype(bar))
        end
        for o in 1:n_out
            b, line = bar[target + o], place + (o - 1) * n_in
            @simd ivdep for i in 1:n_in
                bar[source + i] = muladd(w[line + i], b, bar[source + i])
            end
        end
    end
    return nothing
end
