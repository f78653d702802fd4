using HodgkinNeurons: Model, bind!, forward_sensitivities!, gate_sensitivities!, has_free_gates,
    is_black_box, local_values!, n_states, n_weights, steady_state!

"Places and slopes of all numbers; two directions in the weights of each network, (2, W)."
function some_directions(neuron)
    rng, system = MersenneTwister(9), neuron.system
    places = setdiff(eachindex(neuron.theta), places_of_networks(neuron))
    columns = [0.3 .* randn(rng, 2, n_weights(net)) for net in system.networks]
    order = sortperm([net.places[1] for net in system.networks])
    slopes = 0.5 .+ rand(rng, length(places))
    moves = zeros(length(neuron.theta), 2 * length(columns) + length(places))
    for (i, n) in enumerate(order)
        first = system.networks[n].places[1]
        moves[first .+ (1:n_weights(system.networks[n])), (2i - 1):(2i)] .= columns[n]'
    end
    for (i, place) in enumerate(places)
        moves[place, 2 * length(columns) + i] = slopes[i]
    end
    flat = reduce(vcat, [vec(columns[n]) for n in order]; init=Float64[])
    return (places, slopes, fill(2, length(columns)), flat), moves
end

@testset "forward sensitivities: $name" for name in NAMES
    neuron = test_neuron(name)
    system, theta, n = neuron.system, neuron.theta, n_states(neuron.system)
    along, moves = some_directions(neuron)
    q = size(moves, 2)
    # Steps that end where the stimulus jumps.
    t = collect(range(0.0, 6.0; length=2401))
    clamp = CurrentClamp(Step(6.0; start=2.0, stop=5.0); t_end=7.0)
    u = [2.0 <= x < 5.0 ? 6.0 : 0.0 for x in t]
    start = zeros(n)
    steady_state!(start, -62.0, bind!(Model{Float64}(system), theta))
    solve_at(theta, y0) = simulate(neuron, clamp; theta, y0, saveat=t, TIGHT...).y
    solved = solve_at(theta, start)
    # The last two directions are in the state that it starts from.
    begins = [zeros(q, n); 0.5 .* randn(MersenneTwister(2), 2, n)]
    found = zeros(q + 2, (length(t) + 1) ÷ 2)
    forward_sensitivities!(found, system, theta, t, permutedims(solved), u, along..., begins)
    for j in [1:min(q, 12); q + 1; q + 2]
        step = j <= q ? 1e-5 / max(1.0, largest(moves[:, j])) : 1e-5
        there = map((step, -step)) do s
            j <= q ? solve_at(theta .+ s .* moves[:, j], start) :
                solve_at(theta, start .+ s .* begins[j, :])
        end
        exact = (there[1][1, 1:2:end] .- there[2][1, 1:2:end]) ./ 2step
        @test largest(found[j, :] .- exact) < 1e-2 * largest(exact) + 1e-4
    end
end

"The gates after each step in which the voltage is `v` for `h`, one step a row."
function gates_under(system, theta, v, h, start)
    gates = count(system.bounded)
    rates = zeros(length(v), 2 * gates)
    y = [v zeros(length(v), n_states(system) - 1)]
    local_values!(rates, "rates", system, theta, y, zero(v))
    x = zeros(length(v), gates)
    for g in 1:gates, k in eachindex(v)
        a, s = rates[k, g], rates[k, gates + g]
        if k == 1
            x[k, g] = start === nothing ? a / s : start[g]
        else
            x[k, g] = a / s + (x[k - 1, g] - a / s) * exp(-s * h[k])
        end
    end
    return x
end

@testset "gates under a known voltage: $name" for name in NAMES
    neuron = test_neuron(name)
    system, theta = neuron.system, neuron.theta
    (is_black_box(system) || has_free_gates(system)) && continue
    along, moves = some_directions(neuron)
    gates, q, rng = count(system.bounded), size(moves, 2), MersenneTwister(4)
    v, h = [-65.0; -70 .+ 90 .* rand(rng, 30)], [1e30; 0.3 .* rand(rng, 30)]
    sample, index, weight = [1, 1, 4, 17, 31], permutedims(collect(1:31)), ones(1, 31)
    for given in (nothing, rand(rng, gates))
        x = gates_under(system, theta, v, h, given)
        before = [x[1:1, :]; x[1:(end - 1), :]]
        begins = given === nothing ? zeros(0, gates) : [zeros(q, gates); ones(1, gates)]
        found = zeros(given === nothing ? q : q + 1, gates, length(sample))
        gate_sensitivities!(found, system, theta, v, index, weight, v, h, sample, before,
            fill(false, gates), along..., begins)
        for j in axes(found, 1)
            ahead, behind = map((1e-6, -1e-6)) do s
                j <= q ? gates_under(system, theta .+ s .* moves[:, j], v, h, given) :
                    gates_under(system, theta, v, h, given .+ s)
            end
            exact = (ahead .- behind)[sample, :]' ./ 2e-6
            @test largest(found[j, :, :] .- exact) < 1e-5 * largest(exact) + 1e-8
        end
    end
    # A gate with a start of its own does not move there.
    held = zeros(q, gates, 1)
    gate_sensitivities!(held, system, theta, v, index, weight, v, h, [1],
        gates_under(system, theta, v, h, nothing), fill(true, gates), along..., zeros(0, gates))
    @test iszero(held)
end
