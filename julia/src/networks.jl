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

# Sums over a group of columns are kept in registers; longer groups wait less for one another.
const GROUP = 8

"W·from (+ bias) of layer `l`."
@inline function affine!(to, from, model::Model, net::Network, l::Int, with_bias::Bool)
    n_in, n_out = net.layers[l], net.layers[l + 1]
    source, target, weights = net.rows[l], net.rows[l + 1], net.places[l]
    bias, theta = weights + n_in * n_out, model.theta
    if n_out < GROUP
        @inbounds for o in 1:n_out
            line = weights + (o - 1) * n_in
            total = zero(eltype(to))
            @simd for i in 1:n_in
                total = muladd(theta[line + i], from[source + i], total)
            end
            to[target + o] = with_bias ? total + theta[bias + o] : total
        end
        return nothing
    end
    with_bias || fill_row!(to, target, n_out)
    base, b = with_bias ? (theta, bias) : (to, target)
    add_lines!(to, target, base, b, model.transposed, net.transposed[l], n_out, from, source, n_in)
    return nothing
end

@inline function fill_row!(to, row::Int, n::Int)
    @inbounds @simd ivdep for i in (row + 1):(row + n)
        to[i] = zero(eltype(to))
    end
    return nothing
end

"""
to = base + Σ_k z_k·line_k over `count` lines of `n` weights, one after the other from `w[first]`
on; each vector is read or written after its own offset.
"""
@inline function add_lines!(to, t::Int, base, b::Int, w, first::Int, n::Int, z, s::Int, count::Int)
    k = 0
    @inbounds while k + GROUP <= count
        Base.Cartesian.@nexprs 8 j -> (z_j = z[s + k + j]; c_j = first + (k + j - 1) * n)
        @simd ivdep for o in 1:n
            left = muladd(w[c_1 + o], z_1, muladd(w[c_2 + o], z_2,
                muladd(w[c_3 + o], z_3, w[c_4 + o] * z_4)))
            right = muladd(w[c_5 + o], z_5, muladd(w[c_6 + o], z_6,
                muladd(w[c_7 + o], z_7, muladd(w[c_8 + o], z_8, base[b + o]))))
            to[t + o] = left + right
        end
        base, b, k = to, t, k + GROUP
    end
    @inbounds while k < count
        k += 1
        weight, line = z[s + k], first + (k - 1) * n
        @simd ivdep for o in 1:n
            to[t + o] = muladd(w[line + o], weight, base[b + o])
        end
        base, b = to, t
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
    @inbounds @simd ivdep for o in 1:n_out
        gradient[bias + o] += bar[target + o]
    end
    if n_in == 1
        x = @inbounds y[source + 1]
        @inbounds @simd ivdep for o in 1:n_out
            gradient[place + o] = muladd(bar[target + o], x, gradient[place + o])
        end
        return nothing
    end
    whole = n_in - n_in % GROUP
    @inbounds for o in 1:n_out
        b, line = bar[target + o], place + (o - 1) * n_in
        # Read as a whole and written as a whole, which becomes one instruction each; a loop over
        # so few numbers would not become vector instructions at all.
        for first in 0:GROUP:(whole - 1)
            to, from = line + first, source + first
            Base.Cartesian.@nexprs 8 i -> (g_i = muladd(b, y[from + i], gradient[to + i]))
            Base.Cartesian.@nexprs 8 i -> (gradient[to + i] = g_i)
        end
        for i in (whole + 1):n_in
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
    whole = n_in - n_in % GROUP
    @inbounds for o in 1:n_out
        b, d = bar[target + o], d_bar[target + o]
        gradient[bias + o] += b
        line = place + (o - 1) * n_in
        for first in 0:GROUP:(whole - 1)
            to, from = line + first, source + first
            Base.Cartesian.@nexprs 8 i -> (g_i = muladd(
                b, y[from + i], muladd(d, dy[from + i], gradient[to + i])))
            Base.Cartesian.@nexprs 8 i -> (gradient[to + i] = g_i)
        end
        for i in (whole + 1):n_in
            gradient[line + i] = muladd(
                b, y[source + i], muladd(d, dy[source + i], gradient[line + i]))
        end
    end
    return nothing
end

"Wᵀ·bar of layer `l`, into the rows of the layer before."
@inline function back!(bar, model::Model, net::Network, l::Int)
    n_in, n_out = net.layers[l], net.layers[l + 1]
    source, target = net.rows[l], net.rows[l + 1]
    if n_in < GROUP
        w, columns = model.transposed, net.transposed[l]
        @inbounds for i in 1:n_in
            column = columns + (i - 1) * n_out
            total = zero(eltype(bar))
            @simd for o in 1:n_out
                total = muladd(w[column + o], bar[target + o], total)
            end
            bar[source + i] = total
        end
        return nothing
    end
    fill_row!(bar, source, n_in)
    add_lines!(
        bar, source, bar, source, model.theta, net.places[l], n_in, bar, target, n_out)
    return nothing
end
