using HodgkinNeurons: Ends, NO_ENDS, Options, loss_and_gradient!, make_recordings, n_states, rises,
    match_spikes, system_of

"Losses (R, K), gradients and start gradients of a batch."
function batch_gradient(neuron, data, theta, y0, sets; loss=Loss(), ends=NO_ENDS)
    n, states = length(data), n_states(neuron.system)
    each, gradient = zeros(n, sets), zeros(size(theta))
    by_start = zeros(states, size(y0, 2), size(y0, 2) == 0 ? 0 : sets)
    loss_and_gradient!(each, gradient, by_start, zeros(Int, n, sets), zeros(Int, 3, n, sets), data,
        theta, y0, loss, Options(; TIGHT...), [0x00], ends)
    return each, gradient, by_start
end

@testset "cells have parameters of their own" begin
    neuron = test_neuron("one_gate")
    recordings = [made_recording(neuron, clamp) for clamp in (STEP, RAMP, STEP)]
    cells, sets = [2, 1, 2], 2
    theta = reduce(hcat, [neuron.theta .* (1 + 0.01i) for i in 1:4])
    plain = HodgkinNeurons.Recordings(neuron.system, recordings)
    data = make_recordings(
        neuron.system, plain.protocols, plain.targets, plain.v0, plain.current, cells)
    none = zeros(n_states(neuron.system), 0, 0)
    each, gradient, _ = batch_gradient(neuron, data, theta, none, sets)
    for k in 1:sets, cell in 1:2
        column, own = 2(k - 1) + cell, findall(==(cell), cells)
        alone = [loss_and_gradient(neuron, [recordings[r]], theta[:, column]; TIGHT...) for r in own]
        @test each[own, k] ≈ first.(alone)
        @test gradient[:, column] ≈ sum(last.(alone)) ./ 3
    end
end

@testset "ends of windows" begin
    neuron = test_neuron("squid_axon")
    recordings = [made_recording(neuron, clamp) for clamp in (STEP, RAMP)]
    data = HodgkinNeurons.Recordings(neuron.system, recordings)
    n, rng = n_states(neuron.system), MersenneTwister(2)
    start = [-60.0, 0.4, 0.1, 0.5] .+ zeros(n, 2, 1)
    weight, target = [1e-3, 1.0, 2.0, 3.0], rand(rng, n, 2, 1)
    target[:, 2, 1] .= NaN
    state = zeros(n, 2, 1)
    theta = reshape(copy(neuron.theta), :, 1)
    call(start, target) = batch_gradient(
        neuron, data, theta, start, 1; ends=Ends(weight, target, state))
    each, gradient, by_start = call(start, target)
    free = batch_gradient(neuron, data, theta, start, 1)
    @test each[2] == free[1][2]
    @test each[1] - free[1][1] ≈ sum(weight .* (state[:, 1, 1] - target[:, 1, 1]) .^ 2)
    step = 1e-5
    for j in 1:n
        ahead, behind = copy(start), copy(start)
        ahead[j, 1, 1] += step
        behind[j, 1, 1] -= step
        slope = (sum(call(ahead, target)[1]) - sum(call(behind, target)[1])) / 4step
        @test by_start[j, 1, 1] ≈ slope rtol = 1e-5
    end
end

@testset "spike times" begin
    @test rises([-1.0, 1.0, -1.0, 0.0, 2.0], 0.0) == [1, 3]
    @test rises([-1.0, 1.0, -1.0, 0.0, 2.0], 0.0, [1.0, 1.0, 0.0, 1.0, 1.0]) == [1]
    @test match_spikes([10.0, 20.0], [11.0, 9.5, 40.0], 5.0) == [(1, 2)]
    @test match_spikes([10.0, 13.0], [12.0, 14.5], 2.5) == [(1, 1), (2, 2)]
    @test match_spikes([10.0, 13.0], [13.1], 5.0) == [(2, 1)]
    @test isempty(match_spikes([10.0], Float64[], 5.0))
    neuron, loss = test_neuron("squid_axon"), Loss("mse"; spikes=0.5, threshold=-20.0)
    recording = made_recording(neuron, STEP; times=collect(0.1:0.1:20.0))
    plain = loss_and_gradient(neuron, [recording]; TIGHT...)[1]
    @test loss_and_gradient(neuron, [recording]; loss, TIGHT...)[1] > plain
    exact, found = along_directions(neuron, recording; loss, TIGHT...)
    @test found ≈ exact rtol = 1e-4
    forwards = along_directions(neuron, recording; loss, sensitivity="forward", solver="tsit5",
        rtol=1e-9, atol=1e-11)[2]
    @test found ≈ forwards rtol = 1e-4
end
