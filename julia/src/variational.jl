# Forward sensitivities: the variational equations along a known trajectory, dS/dt = A S + B with A
# the derivatives of the right-hand side by the state and B those along q directions in theta, and
# the same of gates under a known voltage. Matrices have the directions first: (q, S).

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

const FAST = 1e4  # per ms: a gate that is faster follows v as well

"A and B at one node of a trajectory."
struct VariationalNode
    a::Matrix{Float64}
    b::Matrix{Float64}
end

VariationalNode(n::Int, q::Int) = VariationalNode(zeros(n, n), zeros(q, n))

function set_node!(node::VariationalNode, d::WeightDirections, model, state, u, work)
    jacobian!(node.a, state, u, model)
    evaluate!(work.value, Slopes(), state, u, model)
    outputs_along!(d, model)
    n = length(state)
    @inbounds for i in 1:n
        along!(node.b, i, d, Slopes(), i, state, u, model, work)
        # Rows of any size leave nothing of the others in a double.
        calm = min(1.0, FAST / max(abs(node.a[i, i]), 1e-9))
        calm < 1 || continue
        for j in 1:n
            node.a[i, j] *= calm
        end
        for j in axes(node.b, 1)
            node.b[j, i] *= calm
        end
    end
    return nothing
end

"""
    forward_sensitivities!(out, system, theta, t, y, u, places, slopes, counts, columns, start)

How v moves at every second node of a trajectory: `out` (q, M). Nodes `t` (N) are at both ends and
in the middle of each step, with the states `y` (N, S) and stimuli `u` (N); the state at the first
moves by `start` (q, S), whose last rows may be more than there are directions. By Lobatto's method
(IIIA, of order 4), which stays bounded however fast a gate is.
"""
function forward_sensitivities!(
    out, system::System, theta, t, y, u, places, slopes, counts, columns, start
)
    model, n, q = bind!(Model{Float64}(system), theta), n_states(system), size(start, 1)
    d = WeightDirections(system, places, slopes, counts, columns)
    first, middle, last = (VariationalNode(n, q) for _ in 1:3)
    work, state, moved = LobattoWork(n, q), zeros(n), copy(start)
    out[:, 1] .= @view moved[:, 1]
    set_node!(first, d, model, state!(state, y, 1), u[1], work)
    for k in 1:2:(length(t) - 2)
        set_node!(middle, d, model, state!(state, y, k + 1), u[k + 1], work)
        set_node!(last, d, model, state!(state, y, k + 2), u[k + 2], work)
        moved = lobatto_step!(moved, work, first, middle, last, (t[k + 2] - t[k]) / 6)
        out[:, (k + 3) ÷ 2] .= @view moved[:, 1]
        first, last = last, first
    end
    return nothing
end

struct LobattoWork
    bar::Vector{Float64}
    y_bar::Vector{Float64}
    value::Vector{Float64}
    left::Matrix{Float64}
    right::Matrix{Float64}
    step::Matrix{Float64}
    inverse::Matrix{Float64}
    pivots::Vector{Int}
    push::Matrix{Float64}
    next::Matrix{Float64}
end

LobattoWork(n::Int, q::Int) = LobattoWork((zeros(n) for _ in 1:3)..., (zeros(n, n) for _ in 1:4)...,
    zeros(Int, n), zeros(q, n), zeros(q, n))

"S after a step of length 6·`h`; the memory of the one before is used for the next."
function lobatto_step!(moved, work::LobattoWork, first, middle, last, h)
    n = size(moved, 2)
    left, right, inverse, push = work.left, work.right, work.inverse, work.push
    @inbounds for j in 1:n, i in 1:n
        ahead = behind = 0.0
        for k in 1:n
            ahead = muladd(middle.a[i, k], last.a[k, j], ahead)
            behind = muladd(middle.a[i, k], first.a[k, j], behind)
        end
        eye = i == j ? 1.0 : 0.0
        left[i, j] = eye - h * (last.a[i, j] + 2 * middle.a[i, j] - 3h * ahead)
        right[i, j] = eye + h * (first.a[i, j] + 2 * middle.a[i, j] + 3h * behind)
        inverse[i, j] = eye
    end
    factor!(left, work.pivots)
    for j in 1:n
        solve_factored!(left, work.pivots, @view inverse[:, j])
    end
    @inbounds for i in 1:n
        @simd ivdep for j in axes(push, 1)
            push[j, i] = h * (first.b[j, i] + 4 * middle.b[j, i] + last.b[j, i])
        end
        for k in 1:n
            add_difference!(push, i, first.b, last.b, k, 3h * h * middle.a[i, k])
            add_column!(push, i, moved, k, size(push, 1), right[i, k])
        end
    end
    next = work.next
    fill!(next, 0)
    @inbounds for i in 1:n, k in 1:n
        add_column!(next, i, push, k, size(push, 1), inverse[i, k])
    end
    copyto!(moved, next)
    return moved
end

@inline function add_difference!(to, column::Int, a, b, other::Int, factor)
    @inbounds @simd ivdep for j in axes(to, 1)
        to[j, column] = muladd(factor, a[j, other] - b[j, other], to[j, column])
    end
end

"""
    gate_sensitivities!(out, system, theta, nodes, index, weight, v, h, sample, before, held,
        places, slopes, counts, columns, start)

How the gates at the samples of a known voltage move: `out` (q, G, T).

The voltage is `v` (N) in steps of `h` (N) ms, of which `sample` (T, increasing) are the last before
each sample, and the gates are `before` (N, G) them. Derivatives of the rates are taken at `nodes`
mV, and those in a step are sums of some of them (`index`, `weight`, one column a step). Gates start
at the steady state, but for those that are `held` (G); or they move by `start` (q, G) there, which
is (0, G) for the steady state.
"""
function gate_sensitivities!(
    out, system::System, theta, nodes, index, weight, v, h, sample, before, held, places, slopes,
    counts, columns, start,
)
    model = bind!(Model{Float64}(system), theta)
    d = WeightDirections(system, places, slopes, counts, columns)
    table, n_gates = rates_along(d, model, nodes), size(before, 2)
    rates, moved = zeros(2 * n_gates), zeros(size(out, 1), n_gates)
    along_a, along_s = zeros(d.count), zeros(d.count)
    state, next = zeros(n_states(system)), 1
    for k in eachindex(v)
        state[1] = v[k]
        evaluate!(rates, GateRates(), state, 0.0, model)
        for g in 1:n_gates
            if k == 1 && !isempty(start)
                moved[:, g] .= @view start[:, g]
            elseif k == 1 && held[g]
                moved[:, g] .= 0
            else
                interpolate_line!(along_a, table, g, index, weight, k)
                interpolate_line!(along_s, table, n_gates + g, index, weight, k)
                # In the first step gates reach their level, and nothing of before is left.
                step = k == 1 ? 0.0 : h[k]
                keep = k == 1 ? 0.0 : exp(-rates[n_gates + g] * step)
                gate_step!(moved, g, along_a, along_s, rates[g], rates[n_gates + g], before[k, g],
                    step, keep)
            end
        end
        while next <= length(sample) && sample[next] == k
            out[:, :, next] .= moved
            next += 1
        end
    end
    return nothing
end

"Derivatives of the rates along the directions at the voltages `nodes`: (q, 2·G, n)."
function rates_along(d::WeightDirections, model, nodes)
    system = model.system
    n, components = n_states(system), n_components(GateRates(), system)
    table, found = zeros(d.count, components, length(nodes)), zeros(d.count, components)
    value, state, work = zeros(components), zeros(n), PullWork(system)
    for (i, v) in enumerate(nodes)
        state[1] = v
        evaluate!(value, GateRates(), state, 0.0, model)
        outputs_along!(d, model)
        for f in 1:components
            along!(found, f, d, GateRates(), f, state, 0.0, model, work)
        end
        table[:, :, i] .= found
    end
    return table
end

@inline function interpolate_line!(to, table, f::Int, index, weight, k::Int)
    fill!(to, 0)
    @inbounds for i in axes(index, 1)
        node, w = index[i, k], weight[i, k]
        @simd ivdep for j in eachindex(to)
            to[j] = muladd(w, table[j, f, node], to[j])
        end
    end
end

"From a gate's derivatives before a step to those after it, where dx/dt = a - s·x for `h` ms."
@inline function gate_step!(moved, g::Int, along_a, along_s, a, s, before, h, keep)
    level, per_s = a / s, (1 - keep) / s
    stay = (before - level) * h * keep
    @inbounds @simd ivdep for j in eachindex(along_a)
        push = per_s * (along_a[j] - level * along_s[j]) - stay * along_s[j]
        moved[j, g] = muladd(keep, moved[j, g], push)
    end
    @inbounds for j in (length(along_a) + 1):size(moved, 1)
        moved[j, g] *= keep
    end
end
