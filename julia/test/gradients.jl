using HodgkinNeurons: SOLVERS

"A recording of a neuron with other parameters, so that there is something to descend."
function made_recording(neuron, clamp; times=collect(0.5:0.5:20.0))
    other = copy(neuron.theta)
    networks = places_of_networks(neuron)
    other[setdiff(eachindex(other), networks)] .*= 1.02
    other[networks] .+= 0.05
    if clamp isa CurrentClamp
        found = simulate(neuron, clamp; theta=other, saveat=times)
        return Recording(times, clamp; v=found["v"])
    end
    found = simulate(neuron, clamp; theta=other, saveat=times)
    current = ionic_current(neuron, found; theta=other)
    return Recording(times, clamp; current)
end

"Central differences of the loss along a few directions, and the gradient along them."
function along_directions(neuron, recording; count=2, step=1e-5, options...)
    rng, theta = MersenneTwister(11), neuron.theta
    _, gradient = loss_and_gradient(neuron, [recording], theta; options...)
    scale = [max(abs(x), 1e-2) for x in theta]
    pairs = map(1:count) do _
        direction = randn(rng, length(theta)) .* scale
        ahead, behind = (loss_and_gradient(neuron, [recording], theta .+ s .* direction;
            options...)[1] for s in (step, -step))
        (ahead - behind) / 2step, sum(gradient .* direction)
    end
    return first.(pairs), last.(pairs)
end

const TIGHT = (rtol=1e-10, atol=1e-12)

@testset "gradient: $name, $(nameof(typeof(clamp)))" for name in NAMES,
    clamp in (STEP, RAMP, VOLTAGE_STEP, VOLTAGE_RAMP)

    black_box = name == "black_box"
    (black_box && clamp isa VoltageClamp) && continue
    neuron = test_neuron(name)
    recording = made_recording(neuron, clamp)
    # Every solver on the neuron with all kinds of parts, one of them on the others.
    every = ("rodas5p", "rodas4p", "tsit5", "auto")
    for solver in (name == "learned" ? every : every[[1 + length(name) % 4]])
        exact, found = along_directions(neuron, recording; solver, TIGHT...)
        @test found ≈ exact rtol = 1e-5
    end
end

@testset "gradient: solver $solver" for solver in SOLVERS
    neuron = test_neuron("one_gate")
    recording = made_recording(neuron, STEP)
    truth, exact = loss_and_gradient(neuron, [recording]; solver="rodas5p", TIGHT...)
    rtol = solver in ("trbdf2", "rosenbrock23") ? 1e-7 : 1e-9
    value, found = loss_and_gradient(neuron, [recording]; solver, rtol, atol=1e-3 * rtol)
    # Not further off than the trajectory itself, which is what the tolerance is about.
    @test largest(found - exact) < (1e-5 + 2 * abs(value / truth - 1)) * largest(exact)
end

@testset "losses" begin
    neuron = test_neuron("squid_axon")
    recording = made_recording(neuron, STEP)
    for loss in (Loss("mse"), Loss("mae"), Loss("huber"; delta=0.05))
        exact, found = along_directions(neuron, recording; loss, TIGHT...)
        @test found ≈ exact rtol = 1e-4
    end
    @test_throws InputError Loss("mean")
end

@testset "a solve that fails gives Inf and zeros" begin
    neuron = test_neuron("squid_axon")
    value, gradient = loss_and_gradient(neuron, [made_recording(neuron, STEP)]; max_steps=5)
    @test value == Inf && all(iszero, gradient)
end

@testset "forwards through the solver: $name, $(nameof(typeof(clamp)))" for
    name in ("squid_axon", "learned"), clamp in (STEP, VOLTAGE_STEP)

    neuron = test_neuron(name)
    recording = made_recording(neuron, clamp; times=collect(0.5:1.5:20.0))
    options = (solver="tsit5", rtol=1e-9, atol=1e-11)
    value, exact = loss_and_gradient(neuron, [recording]; options...)
    found_value, found = loss_and_gradient(neuron, [recording]; sensitivity="forward", options...)
    @test found_value ≈ value rtol = 1e-6
    @test largest(found - exact) < 1e-5 * largest(exact)
    @test_throws InputError loss_and_gradient(neuron, [recording]; sensitivity="backsolve")
end
