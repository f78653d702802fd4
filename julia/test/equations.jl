using HodgkinNeurons: Model, bind!, is_black_box, jacobian!, jacobian_pullback!, n_states, pullback!,
    rhs!, steady_state!, steady_state_pullback!

dot(a, b) = sum(a .* b)

"dy/dt as a function of everything, for numbers of any type."
function slopes(system, y, theta, u)
    T = promote_type(eltype(y), eltype(theta), typeof(u))
    model = bind!(Model{T}(system), theta)
    dy = zeros(T, length(y))
    rhs!(dy, T.(y), T(u), model)
    return dy
end

@testset "derivatives of the equations: $name" for name in NAMES
    neuron = test_neuron(name)
    system, theta, u = neuron.system, neuron.theta, 3.0
    n, rng = n_states(system), MersenneTwister(5)
    model = bind!(Model{Float64}(system), theta)
    # -40 and -55 mV are where the squid axon's rates are 0/0.
    for v in (-40.0, -65.0, -55.0, 13.0)
        y = [v; rand(rng, n - 1)]
        jacobian = zeros(n, n)
        jacobian!(jacobian, y, u, model)
        by_state = ForwardDiff.jacobian(y -> slopes(system, y, theta, u), y)
        @test jacobian ≈ by_state rtol = 1e-12 atol = 1e-12

        bar, y_bar, gradient = randn(rng, n), zeros(n), zeros(length(theta))
        pullback!(y_bar, gradient, y, u, bar, model, false)
        exact = ForwardDiff.gradient(
            z -> dot(bar, slopes(system, z[1:n], z[(n + 1):end], u)), [y; theta])
        @test [y_bar; gradient] ≈ exact rtol = 1e-12

        weights, by_stimulus = randn(rng, n, n), randn(rng, n)
        is_black_box(system) || (by_stimulus[2:end] .= 0)
        y_bar, gradient = zeros(n), zeros(length(theta))
        jacobian_pullback!(y_bar, gradient, y, u, weights, by_stimulus, model, false)
        exact = ForwardDiff.gradient([y; theta]) do z
            own, parameters = z[1:n], z[(n + 1):end]
            jacobian = ForwardDiff.jacobian(y -> slopes(system, y, parameters, u), own)
            slope = ForwardDiff.derivative(u -> slopes(system, own, parameters, u), u)
            dot(weights, jacobian) + dot(by_stimulus, slope)
        end
        @test [y_bar; gradient] ≈ exact rtol = 1e-11
    end
end

@testset "steady state: $name" for name in NAMES
    neuron = test_neuron(name)
    system, theta = neuron.system, neuron.theta
    n = n_states(system)
    function state(theta)
        T = eltype(theta)
        return steady_state!(zeros(T, n), -60.0, bind!(Model{T}(system), theta))
    end
    y = state(theta)
    @test all(j -> !system.bounded[j] || 0 <= y[j] <= 1, 1:n)
    bar, gradient = collect(1.0:n), zeros(length(theta))
    steady_state_pullback!(gradient, -60.0, bar, bind!(Model{Float64}(system), theta))
    @test gradient ≈ ForwardDiff.gradient(theta -> dot(bar, state(theta)), theta) atol = 1e-12
end

@testset "no allocation, inferred types: $name" for name in NAMES
    neuron = test_neuron(name)
    n = n_states(neuron.system)
    model = bind!(Model{Float64}(neuron.system), neuron.theta)
    y, dy, jacobian = [-60.0; fill(0.4, n - 1)], zeros(n), zeros(n, n)
    gradient, ones_n = zeros(length(neuron.theta)), ones(n)
    calls = (
        () -> rhs!(dy, y, 1.0, model),
        () -> jacobian!(jacobian, y, 1.0, model),
        () -> pullback!(dy, gradient, y, 1.0, ones_n, model, false),
        () -> jacobian_pullback!(dy, gradient, y, 1.0, jacobian, ones_n, model, false),
    )
    for call in calls
        call()
        @test (@allocated call()) == 0
    end
    @inferred rhs!(dy, y, 1.0, model)
    @inferred jacobian!(jacobian, y, 1.0, model)
end
