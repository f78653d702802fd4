using HodgkinNeurons: Options, Protocols, loss_and_gradient!, n_states, solve!

@testset "a batch is its elements, whatever the threads" begin
    neuron = load(joinpath(DOCUMENTS, "squid_axon.json"))
    n, times, count = n_states(neuron.system), collect(0.0:0.5:20.0), 7
    theta = reduce(hcat, [neuron.theta .* (1 + 0.01i) for i in 1:count])
    y, status, stats = zeros(n, length(times), count), zeros(Int, count), zeros(Int, 3, count)
    arguments = (neuron.system, Protocols([STEP]), theta, zeros(n, 0), times, Options(), [0x00])
    solve!(y, status, stats, arguments...)
    for i in 1:count
        alone = simulate(neuron, STEP; theta=theta[:, i], saveat=times)
        @test y[:, :, i] == alone.y
        @test stats[1, i] == alone.n_steps
    end
    # One element that cannot be solved does not touch the others.
    theta[1, 3] = NaN
    other, others = zeros(size(y)), zeros(Int, count)
    solve!(other, others, stats, arguments...)
    @test others[3] != 0 && all(iszero, others[[1, 2, 4, 5, 6, 7]])
    @test other[:, :, 4] == y[:, :, 4]
end

@testset "each element goes to its own end, and spikes need no samples" begin
    neuron, n = load(joinpath(DOCUMENTS, "squid_axon.json")), 4
    for solver in ("auto", "tsit5", "rodas5p", "vern7")
        options, ends = Options(; solver), [9.0, 20.0]
        theta, start = reshape(neuron.theta, :, 1), zeros(n, 0)
        clamps = [CurrentClamp(Step(15.0; start=2.0, stop=30.0); t_end) for t_end in ends]
        function solved(times, protocols, ends)
            states = zeros(n, length(times), length(ends))
            status, stats = zeros(Int, length(ends)), zeros(Int, 3, length(ends))
            found = solve!(states, status, stats, neuron.system, Protocols(protocols),
                repeat(theta, 1, length(ends)), start, times, options, [0x00], ends)
            @test all(iszero, status)
            return states, found
        end
        times = collect(0.0:0.5:20.0)
        y, steps = solved(times, clamps, ends)
        @test all(isnan, y[:, times .> 9.0, 1]) && !any(isnan, y[:, times .<= 9.0, 1])
        @test !any(isnan, y[:, :, 2])
        alone, same = solved(times[times .<= 9.0], clamps[1:1], ends[1:1])
        @test alone[:, :, 1] == y[:, times .<= 9.0, 1]
        _, few = solved([1.0], clamps, ends)
        @test few == steps && same == steps[:, steps[1, :] .== 0]
        # The polynomials pass through the states; where they rise through zero is a spike.
        fine = simulate(neuron, clamps[2]; saveat=0.01, rtol=1e-9, atol=1e-11)
        ups = [i for i in 1:(length(fine.t) - 1) if fine["v"][i] < 0 <= fine["v"][i + 1]]
        own = steps[:, steps[1, :] .== 1]
        found = [own[2, k] for k in axes(own, 2) if
            HodgkinNeurons.anywhere((a, b) -> a < 0 <= b, own[4:8, k])]
        @test length(ups) == length(found) >= 1
        for (i, k) in zip(ups, found)
            @test abs(fine.t[i] - k) < 1.0
        end
    end
end

@testset "what is only long, or has many breakpoints, is not given up" begin
    neuron = load(joinpath(DOCUMENTS, "squid_axon.json"))
    still = CurrentClamp(Step(0.0; start=1.0, stop=2.0); t_end=3500.0)
    many = CurrentClamp(Sampled(0.01:0.01:4.0, [0.1 * (-1)^i for i in 1:400]); t_end=4.0)
    for solver in ("auto", "tsit5", "rodas5p")
        all_of_it(max_steps) = simulate(neuron, still; saveat=100.0, solver, dt_max=10.0, max_steps)
        needed = all_of_it(1_000_000).n_steps
        @test needed > 350
        # Each second adds as many steps again; the first holds the short steps of the start.
        @test all_of_it(needed ÷ 2).status == HodgkinNeurons.SUCCESS
        @test all_of_it(needed ÷ 8).status == HodgkinNeurons.MAX_STEPS
        @test simulate(neuron, many; solver, max_steps=300).status == HodgkinNeurons.SUCCESS
    end
end

@testset "gradients of many recordings and parameter sets" begin
    neuron = test_neuron("one_gate")
    recordings = [made_recording(neuron, clamp) for clamp in (STEP, RAMP)]
    theta = [neuron.theta 1.01 .* neuron.theta]
    data = HodgkinNeurons.Recordings(neuron.system, recordings)
    each, gradient = zeros(2, 2), zeros(size(theta))
    none = zeros(n_states(neuron.system), 0, 0)
    call() = loss_and_gradient!(each, gradient, none, zeros(Int, 2, 2), zeros(Int, 3, 2, 2), data,
        theta, none, Loss(), Options(), [0x00])
    call()
    first_time = copy(gradient)
    call()
    @test gradient == first_time
    for k in 1:2
        value, alone = loss_and_gradient(neuron, recordings, theta[:, k])
        @test sum(each[:, k]) / 2 ≈ value
        @test gradient[:, k] ≈ alone
    end
end

@testset "a stop flag ends a solve" begin
    neuron = load(joinpath(DOCUMENTS, "squid_axon.json"))
    n, times = n_states(neuron.system), collect(0.0:1e3:1e8)
    y, status, stats = zeros(n, length(times), 1), zeros(Int, 1), zeros(Int, 3, 1)
    # The solve does not give its thread away: another one has to set the flag, or it is set.
    stop = [Threads.nthreads() > 1 ? 0x00 : 0x01]
    Threads.@spawn begin
        start = time()
        while time() - start < 0.3
            GC.safepoint()
        end
        stop[1] = 0x01
    end
    clamp = CurrentClamp(10.0; t_end=1e8)
    solve!(y, status, stats, neuron.system, Protocols([clamp]), reshape(neuron.theta, :, 1),
        zeros(n, 0), times, Options(; max_steps=10^9), stop)
    @test status[1] == Int(HodgkinNeurons.INTERRUPTED)
end

@testset "threads have memory of their own" begin
    neuron = test_neuron("one_gate")
    recordings = [made_recording(neuron, CurrentClamp(Float64(i); t_end=20.0)) for i in 1:40]
    # One by one, and so many that they are in blocks.
    for (solver, count) in (("rodas5p", 40), ("tsit5", 40), ("auto", 3))
        own = recordings[1:count]
        value, gradient = loss_and_gradient(neuron, own; solver)
        each = [loss_and_gradient(neuron, [recording]; solver) for recording in own]
        @test value ≈ sum(first, each) / count
        @test gradient ≈ sum(last, each) / count
    end
end
