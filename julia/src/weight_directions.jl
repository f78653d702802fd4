# Directions in theta, for forward sensitivities: what moves along them, at one state. Matrices have
# the directions first: (q, S).

"""
Directions in theta: those in the weights of networks first, in the order of the networks' places
in theta, then single `places` of theta, times their `slopes`.

`columns` has, for each network one after the other, how each of its W weights moves along its r
directions, (r, W), `counts` the numbers r.
"""
struct WeightDirections
    entries::Entries
    slopes::Vector{Float64}
    nets::Vector{Network}
    counts::Vector{Int}
    firsts::Vector{Int}
    columns::Vector{Float64}
    # The number of directions, and for the outputs of a network along its own: (r, outputs).
    count::Int
    moved::Vector{Matrix{Float64}}
    # Tangents of one layer and of the next.
    before::Matrix{Float64}
    after::Matrix{Float64}
end

function WeightDirections(system::System, places, slopes, counts, columns)
    nets = sort(system.networks; by=net -> net.places[1])
    outputs = [place for net in nets for place in last_biases(net)]
    sizes = [counts[i] * n_weights(net) for (i, net) in enumerate(nets)]
    firsts = cumsum([0; sizes])
    length(columns) == last(firsts) && length(counts) == length(nets) || throw(InputError(
        "$(length(columns)) numbers of directions in weights; $(last(firsts)) are needed"))
    most, widest = maximum(counts; init=0), maximum(net -> maximum(net.layers), nets; init=0)
    moved = [zeros(r, n_outputs(net)) for (r, net) in zip(counts, nets)]
    return WeightDirections(Entries(system, [outputs; places]), slopes, nets, counts, firsts,
        columns, sum(counts) + length(places), moved, zeros(most, widest), zeros(most, widest))
end

last_biases(net::Network) =
    (last(net.places) + net.layers[end - 1] * net.layers[end]) .+ (1:net.layers[end])
n_weights(net::Network) =
    sum(l -> (net.layers[l] + 1) * net.layers[l + 1], 1:(length(net.layers) - 1))

"The outputs of the networks along the directions, at the values of the last `forward!`."
function outputs_along!(d::WeightDirections, model::Model)
    for (i, net) in enumerate(d.nets)
        d.counts[i] > 0 && network_along!(d.moved[i], d, model, net, d.counts[i], d.firsts[i])
    end
    return nothing
end

function network_along!(moved, d::WeightDirections, model::Model, net::Network, r::Int, first::Int)
    layers, columns = net.layers, d.columns
    before, after = d.before, d.after
    for l in 1:(length(layers) - 1)
        n_in, n_out, is_last = layers[l], layers[l + 1], l == length(layers) - 1
        source, target, weights = net.rows[l], net.rows[l + 1], net.places[l]
        biases = first + r * n_in * n_out
        @inbounds for o in 1:n_out
            line = first + r * (o - 1) * n_in
            copy_line!(after, o, columns, biases + r * (o - 1), r)
            for i in 1:n_in
                add_line!(after, o, columns, line + r * (i - 1), r, model.y[source + i])
                l > 1 && add_column!(after, o, before, i, r, model.theta[weights + (o - 1) * n_in + i])
            end
            is_last && continue
            steep = slope(net.activation, model.x[target + o], model.y[target + o])
            scale_column!(after, o, r, steep)
        end
        first = biases + r * n_out
        before, after = after, before
    end
    @inbounds for o in axes(moved, 2), j in 1:r
        moved[j, o] = before[j, o]
    end
    return nothing
end

@inline function copy_line!(to, column::Int, from, offset::Int, r::Int)
    @inbounds @simd ivdep for j in 1:r
        to[j, column] = from[offset + j]
    end
end

@inline function add_line!(to, column::Int, from, offset::Int, r::Int, factor)
    @inbounds @simd ivdep for j in 1:r
        to[j, column] = muladd(factor, from[offset + j], to[j, column])
    end
end

@inline function add_column!(to, column::Int, from, other::Int, r::Int, factor)
    @inbounds @simd ivdep for j in 1:r
        to[j, column] = muladd(factor, from[j, other], to[j, column])
    end
end

@inline function scale_column!(to, column::Int, r::Int, factor)
    @inbounds @simd ivdep for j in 1:r
        to[j, column] *= factor
    end
end

"""
The derivatives of component `f` of a quantity along the directions into column `into` of `out`,
after `evaluate!` and `outputs_along!` at the same state.
"""
function along!(out, into::Int, d::WeightDirections, quantity, f::Int, state, u, model, work)
    entries, place, row = d.entries, 0, 0
    fill!(entries.sums, 0)
    pull!(entries, quantity, f, state, u, model, work)
    @inbounds for i in eachindex(d.nets)
        r, moved = d.counts[i], d.moved[i]
        for j in 1:r
            out[row + j, into] = 0
        end
        for o in axes(moved, 2)
            own = entries.sums[entries.slots[entries.places[place + o]]]
            iszero(own) && continue
            for j in 1:r
                out[row + j, into] = muladd(own, moved[j, o], out[row + j, into])
            end
        end
        place += size(moved, 2)
        row += r
    end
    @inbounds for i in eachindex(d.slopes)
        out[row + i, into] = d.slopes[i] * entries.sums[entries.slots[entries.places[place + i]]]
    end
    return nothing
end
