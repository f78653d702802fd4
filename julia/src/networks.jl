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
            times_slope!(model.dy, model.dx, model, row, n, net.activation)
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
        # Four columns at a time, so that the sums are not stored and loaded for each of them.
        for i in 1:4:(n_in - 3)
            z1, z2, z3, z4 = from[source + i], from[source + i + 1], from[source + i + 2],
                from[source + i + 3]
            c1 = weights + (i - 1) * n_out
            c2, c3, c4 = c1 + n_out, c1 + 2n_out, c1 + 3n_out
            @simd ivdep for o in 1:n_out
                to[target + o] = muladd(w[c1 + o], z1, muladd(w[c2 + o], z2,
                    muladd(w[c3 + o], z3, muladd(w[c4 + o], z4, to[target + o]))))
            end
        end
        for i in (n_in - n_in % 4 + 1):n_in
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
            times_slope!(bar, bar, model, row, n, net.activation)
        end
        weights_pullback!(gradient, bar, model, net, l)
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
            tangent_activations!(bar, d_bar, model, row, n, f)
        end
        weights_pullback!(gradient, bar, d_bar, model, net, l)
        back!(bar, model, net, l)
        back!(d_bar, model, net, l)
    end
    return nothing
end

"`from` times the slope of the activations of a layer of `n`, into `to`."
@inline function times_slope!(to, from, model::Model, row::Int, n::Int, f::Activation)
    x, y = model.x, model.y
    if f == TANH
        @inbounds @simd ivdep for i in (row + 1):(row + n)
            to[i] = (1 - y[i] * y[i]) * from[i]
        end
    else
        @inbounds for i in (row + 1):(row + n)
            to[i] = slope(f, x[i], y[i]) * from[i]
        end
    end
    return nothing
end

"Back through the activations of a layer and their tangents."
@inline function tangent_activations!(bar, d_bar, model::Model, row::Int, n::Int, f::Activation)
    x, y, dx = model.x, model.y, model.dx
    if f == TANH
        @inbounds @simd ivdep for i in (row + 1):(row + n)
            steep = 1 - y[i] * y[i]
            bar[i] = steep * (bar[i] - 2 * y[i] * dx[i] * d_bar[i])
            d_bar[i] *= steep
        end
    else
        @inbounds for i in (row + 1):(row + n)
            steep = slope(f, x[i], y[i])
            bar[i] = steep * bar[i] + curvature(f, x[i], y[i]) * dx[i] * d_bar[i]
            d_bar[i] *= steep
        end
    end
    return nothing
end

@inline weights_pullback!(::Nothing, bar, ::Model, ::Network, ::Int) = nothing
@inline weights_pullback!(::Nothing, bar, d_bar, ::Model, ::Network, ::Int) = nothing

@inline function weights_pullback!(gradient::AbstractVector, bar, model::Model, net::Network, l::Int)
    n_in, n_out = net.layers[l], net.layers[l + 1]
    source, target, place = net.rows[l], net.rows[l + 1], net.places[l]
    bias, y = place + n_in * n_out, model.y
    @inbounds for o in 1:n_out
        b = bar[target + o]
        gradient[bias + o] += b
        line = place + (o - 1) * n_in
        @simd ivdep for i in 1:n_in
            gradient[line + i] = muladd(b, y[source + i], gradient[line + i])
        end
    end
    return nothing
end

"The same of values and tangents at once."
@inline function weights_pullback!(
    gradient::AbstractVector, bar, d_bar, model::Model, net::Network, l::Int
)
    n_in, n_out = net.layers[l], net.layers[l + 1]
    source, target, place = net.rows[l], net.rows[l + 1], net.places[l]
    bias, y, dy = place + n_in * n_out, model.y, model.dy
    @inbounds for o in 1:n_out
        b, d = bar[target + o], d_bar[target + o]
        gradient[bias + o] += b
        line = place + (o - 1) * n_in
        @simd ivdep for i in 1:n_in
            gradient[line + i] = muladd(
                b, y[source + i], muladd(d, dy[source + i], gradient[line + i]))
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
        for o in 1:4:(n_out - 3)
            b1, b2, b3, b4 = bar[target + o], bar[target + o + 1], bar[target + o + 2],
                bar[target + o + 3]
            l1 = place + (o - 1) * n_in
            l2, l3, l4 = l1 + n_in, l1 + 2n_in, l1 + 3n_in
            @simd ivdep for i in 1:n_in
                bar[source + i] = muladd(w[l1 + i], b1, muladd(w[l2 + i], b2,
                    muladd(w[l3 + i], b3, muladd(w[l4 + i], b4, bar[source + i]))))
            end
        end
        for o in (n_out - n_out % 4 + 1):n_out
            b, line = bar[target + o], place + (o - 1) * n_in
            @simd ivdep for i in 1:n_in
                bar[source + i] = muladd(w[line + i], b, bar[source + i])
            end
        end
    end
    return nothing
end
