using HodgkinNeurons: QUANTITIES, bind!, evaluate!, has_free_gates, is_black_box, local_jacobians!,
    local_recurrence!, local_slopes!, local_values!, n_components, n_inputs, n_states,
    network_inputs!

"A quantity as a function of the state and the parameters, for numbers of any type."
function quantity_at(kind, system, y, theta, u)
    T = promote_type(eltype(y), eltype(theta))
    model = bind!(HodgkinNeurons.Model{T}(system), theta)
    out = zeros(T, n_components(QUANTITIES[kind], system))
    evaluate!(out, QUANTITIES[kind], T.(y), T(u), model)
    return out
end

kinds_of(system) = is_black_box(system) ? ["rhs", "steady_state"] : sort(collect(keys(QUANTITIES)))

"States, one a row, and stimuli; -40 and -55 mV are where the squid axon's rates are 0/0."
function some_states(system)
    rng = MersenneTwister(7)
    v = [-40.0, -55.0, -71.3, 12.6]
    return [v rand(rng, 4, n_states(system) - 1)], randn(rng, 4)
end

@testset "local derivatives: $name" for name in NAMES
    neuron = test_neuron(name)
    system, theta = neuron.system, neuron.theta
    (y, u), n = some_states(system), n_states(system)
    jacobians = zeros(n, n, length(u))
    local_jacobians!(jacobians, system, theta, y, u)
    for k in eachindex(u)
        exact = ForwardDiff.jacobian(y -> quantity_at("rhs", system, y, theta, u[k]), y[k, :])
        @test jacobians[:, :, k]' ≈ exact rtol = 1e-12 atol = 1e-12
    end
    networks = places_of_networks(neuron)
    last_biases = [net.places[end] + net.layers[end - 1] * net.layers[end] + o
                   for net in system.networks for o in 1:net.layers[end]]
    numbers = setdiff(eachindex(theta), networks)
    # By outputs of networks and numbers; by weights too; in any order, and some of them twice.
    for places in ([reverse(last_biases); numbers], collect(eachindex(theta)),
        [numbers; numbers[1:min(2, end)]]), kind in kinds_of(system)

        components = n_components(QUANTITIES[kind], system)
        values = zeros(length(u), components)
        local_values!(values, kind, system, theta, y, u)
        slopes = fill(NaN, length(places), components, length(u))
        local_slopes!(slopes, kind, system, theta, y, u, places)
        for k in eachindex(u)
            @test values[k, :] ≈ quantity_at(kind, system, y[k, :], theta, u[k])
            exact = ForwardDiff.jacobian(x -> quantity_at(kind, system, y[k, :], x, u[k]), theta)
            @test slopes[:, :, k] ≈ exact[:, places]' rtol = 1e-11 atol = 1e-13
        end
    end
    @test_throws InputError local_slopes!(
        zeros(1, n, length(u)), "rhs", system, theta, y, u, [length(theta) + 1])
end

@testset "inputs of networks: $name" for name in NAMES
    neuron = test_neuron(name)
    system, theta = neuron.system, neuron.theta
    isempty(system.networks) && continue
    y, u = some_states(system)
    inputs = zeros(sum(n_inputs, system.networks), length(u))
    network_inputs!(inputs, system, theta, y, u)
    nets, row, all_places = sort(system.networks; by=net -> net.places[1]), 0, eachindex(theta)
    slopes = zeros(length(theta), n_states(system), length(u))
    local_slopes!(slopes, "rhs", system, theta, y, u, collect(all_places))
    # A weight of the first layer changes what its input times the bias of its row does.
    for net in nets
        n_in, n_out, weights = n_inputs(net), net.layers[2], net.places[1]
        for o in 1:n_out, j in 1:n_in, k in eachindex(u)
            by_bias = slopes[weights + n_in * n_out + o, :, k]
            @test slopes[weights + (o - 1) * n_in + j, :, k] ≈ by_bias .* inputs[row + j, k]
        end
        row += n_in
    end
end

@testset "a recurrence" begin
    decay, push = [0.0 0.5; 0.5 0.1; 0.25 2.0], [1.0 2.0; 3.0 4.0; 5.0 6.0]
    x = zeros(3, 2)
    local_recurrence!(x, decay, push)
    @test x ≈ [1.0 2.0; 3.5 4.2; 5.875 14.4]
end
