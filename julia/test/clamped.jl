using HodgkinNeurons: ClampedRecordings, Targets, add!, checked_clamped, clamped_gradient!, n_states

"A voltage clamp as the steps of its command, and its current at the ends of the steps."
function clamped_recordings(neuron, voltages, h, data; exact=true)
    targets, n = Targets(), length(voltages)
    times = cumsum(fill(h, n))
    add!(targets, times, data, fill(1 / n, n), 2.0)
    nodes = unique(voltages)
    index = [findfirst(==(v), nodes) for v in [voltages[1]; voltages]]
    # Not exact: two nodes at the same place, of weights that sum to one, by their logarithms.
    indices = exact ? reshape(index, 1, :) : permutedims([index index])
    weight = exact ? ones(1, n + 1) : repeat([0.25, 0.75], 1, n + 1)
    return checked_clamped(neuron.system, exact, nodes, indices, weight, [1, n + 2],
        [1e30; fill(h, n)], targets, collect(2:(n + 1)), voltages, zeros(3, 0), Float64[])
end

function clamped(
    neuron, recordings, theta, y0=zeros(n_states(neuron.system), 0, 0); loss=Loss("mse")
)
    each, gradient = zeros(1, 1), zeros(length(theta), 1)
    y0_gradient, status = zeros(size(y0)), zeros(Int, 1, 1)
    clamped_gradient!(each, gradient, y0_gradient, status, recordings, reshape(theta, :, 1), y0,
        loss, [0x00])
    return each[1], vec(gradient), y0_gradient, status[1]
end

@testset "clamped training: $name" for
    name in ("squid_axon", "connor_stevens", "learned", "residual"), exact in (true, false)

    neuron, rng = test_neuron(name), MersenneTwister(7)
    theta, n = neuron.theta, n_states(neuron.system)
    # Some voltages are held for several steps, as in a step protocol.
    voltages = repeat([-80.0, -40.0, 10.0, -55.0, 33.0]; inner=4)
    recordings = clamped_recordings(neuron, voltages, 0.4, 5 .* randn(rng, length(voltages));
        exact)
    y0 = reshape([0.0; rand(rng, n - 1)], n, 1, 1)
    for start in (zeros(n, 0, 0), y0)
        value, gradient, by_start, status = clamped(neuron, recordings, theta, start)
        @test status == 0
        direction = randn(rng, length(theta)) .* max.(abs.(theta), 1e-2)
        loss(s) = clamped(neuron, recordings, theta .+ s .* direction, start)[1]
        @test sum(gradient .* direction) ≈ (loss(1e-6) - loss(-1e-6)) / 2e-6 rtol = 1e-6
        isempty(start) && continue
        push = reshape([0.0; randn(rng, n - 1)], n, 1, 1)
        shifted(s) = clamped(neuron, recordings, theta, start .+ s .* push)[1]
        @test sum(by_start .* push) ≈ (shifted(1e-6) - shifted(-1e-6)) / 2e-6 rtol = 1e-6
    end
end

@testset "currents as voltages: $name" for name in ("squid_axon", "connor_stevens", "learned")
    neuron, rng = test_neuron(name), MersenneTwister(8)
    voltages = repeat([-80.0, -40.0, 10.0, -55.0, 33.0]; inner=4)
    n, data = length(voltages), 5 .* randn(rng, 20)
    held = clamped_recordings(neuron, voltages, 0.4, data)
    # As a measured v: a slope, and averages that are none.
    recordings = checked_clamped(neuron.system, true, held.nodes, held.index, held.weight,
        held.first_step, held.h, held.targets, held.place, voltages, [zeros(n) ones(n) zeros(n)]',
        randn(rng, n))
    loss, theta = Loss("huber"; delta=0.2, observer_conductance=1.5), neuron.theta
    direction = randn(rng, length(theta)) .* max.(abs.(theta), 1e-2)
    value(s) = clamped(neuron, recordings, theta .+ s .* direction; loss)[1]
    gradient = clamped(neuron, recordings, theta; loss)[2]
    @test sum(gradient .* direction) ≈ (value(1e-6) - value(-1e-6)) / 2e-6 rtol = 1e-6
    @test clamped(neuron, recordings, theta)[1] != clamped(neuron, recordings, theta; loss)[1]
    @test clamped(neuron, held, theta; loss=Loss("mse"; observer_conductance=1.5))[1] ==
        clamped(neuron, held, theta)[1]
end

@testset "clamped training agrees with solving" begin
    neuron = test_neuron("squid_axon")
    times = collect(0.1:0.1:20.0)
    found = simulate(neuron, VOLTAGE_STEP; saveat=times, rtol=1e-11, atol=1e-13)
    # The command in the middle of each step.
    voltages = [2.0 <= t - 0.05 < 12.0 ? -10.0 : -70.0 for t in times]
    recordings = clamped_recordings(neuron, voltages, 0.1, zeros(length(times)))
    worker = HodgkinNeurons.ClampedWorker(recordings)
    HodgkinNeurons.bind!(worker.model, neuron.theta)
    HodgkinNeurons.node_rates!(worker, recordings)
    HodgkinNeurons.clamp_gates!(worker, recordings, 1, nothing)
    @test worker.x[2:4, 2:end] ≈ found.y[2:4, :] atol = 1e-9
    @test_throws InputError clamped_recordings(test_neuron("black_box"), voltages, 0.1, times)
    @test_throws InputError clamped_recordings(test_neuron("free"), voltages, 0.1, times)
end
