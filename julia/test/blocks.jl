using HodgkinNeurons: MOST_STEPS, Options, Protocols, VoltageSteps, all_steps, algorithm,
    branchless_log, n_states, solve!, solve_blocks!, solve_each!, width

const WIDTH = width(Float64)

"What a batch gives in blocks, or one by one: states, status, counts and steps."
function solved_batch(
    in_blocks, neuron, clamps, theta, times; ends=Float64[], y0=nothing, options...
)
    system, count = neuron.system, max(size(theta, 2), length(clamps))
    n = n_states(system)
    y, status, stats = zeros(n, length(times), count), fill(-1, count), zeros(Int, 3, count)
    start = y0 === nothing ? zeros(n, 0) : y0
    how, protocols = Options(; solver="tsit5", options...), Protocols(clamps)
    watched = !isempty(ends) && !protocols.clamped
    each = watched ? [VoltageSteps(b - 1, MOST_STEPS) for b in 1:count] : VoltageSteps[]
    arguments = (y, status, stats, system, protocols, theta, start, times)
    rest = in_blocks ? solve_blocks!(arguments..., how, [0x00], ends, each) : collect(1:count)
    isempty(rest) || solve_each!(rest, arguments..., algorithm(how.solver), how, [0x00], ends, each)
    return y, status, stats, watched ? all_steps(each) : zeros(8, 0), rest
end

"The greatest difference, NaN at the same places."
function apart(a, b)
    @test isequal(isnan.(a), isnan.(b))
    return maximum(x -> isnan(x) ? 0.0 : abs(x), a .- b; init=0.0)
end

"More elements than a block has, each with parameters of its own."
scattered(neuron, count) = reduce(hcat, [neuron.theta .* (1 + 0.002i) for i in 1:count])

@testset "logarithm without a branch" begin
    for x in (1e-30, 1e-4, 0.1, 0.5, sqrt(0.5), 0.999, 1.0, 1.001, sqrt(2), 2.0, 3.7, 1e8, 1e300)
        @test abs(branchless_log(x) - log(x)) <= 2 * eps(max(abs(log(x)), 1.0))
    end
end

@testset "blocks take the steps of each element: $name" for name in NAMES
    neuron = test_neuron(name)
    for clamps in ([STEP, RAMP, CurrentClamp(7.0; t_end=20.0)], [VOLTAGE_STEP, VOLTAGE_RAMP])
        name == "black_box" && clamps[1] isa VoltageClamp && continue
        count = WIDTH + 5
        own = [clamps[1 + i % length(clamps)] for i in 1:count]
        theta, times = scattered(neuron, count), [0.0; 0.7:0.7:19.0; 20.0]
        for ends in (Float64[], [20.0 - 0.7i for i in 0:(count - 1)])
            ours, theirs = (
                solved_batch(way, neuron, own, theta, times; ends) for way in (true, false))
            @test ours[2] == theirs[2] == zeros(count)
            # At rest, under voltage clamp, rounding is all that the length of a step depends on.
            at_rest = clamps[1] isa VoltageClamp
            @test apart(ours[1], theirs[1]) < (at_rest ? 1e-5 : 1e-8)
            @test maximum(abs, ours[3][1:2, :] - theirs[3][1:2, :]) <= (at_rest ? 4 : 0)
            @test size(ours[4]) == size(theirs[4]) && isapprox(ours[4], theirs[4]; rtol=1e-7)
        end
    end
end

@testset "whatever the place in the batch" begin
    neuron = load(joinpath(DOCUMENTS, "squid_axon.json"))
    theta, times = scattered(neuron, 3 * WIDTH), collect(0.0:0.5:20.0)
    y, _, stats, _ = solved_batch(true, neuron, [RAMP], theta, times)
    back, _, other, _ = solved_batch(true, neuron, [RAMP], reverse(theta; dims=2), times)
    @test y == reverse(back; dims=3) && stats == reverse(other; dims=2)
    alone, _, _, _ = solved_batch(true, neuron, [RAMP], theta[:, 5:5], times)
    @test alone[:, :, 1] == y[:, :, 5]
    y0 = [-65.0, 0.3, 0.05, 0.6] .+ 0.01 .* (1:(3 * WIDTH))'
    for start in (y0, y0[:, 1:1])
        ours, theirs = (
            solved_batch(way, neuron, [RAMP], theta, times; y0=start) for way in (true, false))
        @test apart(ours[1], theirs[1]) < 1e-8 && ours[3] == theirs[3]
    end
end

@testset "one that fails does not touch the others" begin
    neuron = load(joinpath(DOCUMENTS, "squid_axon.json"))
    theta, times = scattered(neuron, 2 * WIDTH), collect(0.0:0.5:20.0)
    whole, _, _, _ = solved_batch(true, neuron, [STEP], theta, times)
    theta[1, 3] = NaN
    theta[select(neuron, "l.e"), 7] .= 1e200
    ours, theirs = (solved_batch(way, neuron, [STEP], theta, times) for way in (true, false))
    @test ours[2] == theirs[2] && ours[3] == theirs[3] && ours[2][3] != 0 && ours[2][7] != 0
    fine = setdiff(1:(2 * WIDTH), (3, 7))
    @test ours[1][:, :, fine] == whole[:, :, fine] && all(iszero, ours[2][fine])
    few = solved_batch(true, neuron, [STEP], theta, times; max_steps=50)
    @test few[2][1] == Int(HodgkinNeurons.MAX_STEPS) && few[3][1, 1] + few[3][2, 1] == 50
    @test few[2:3] == solved_batch(false, neuron, [STEP], theta, times; max_steps=50)[2:3]
    short = [solved_batch(way, neuron, [STEP], theta[:, 8:20], times; dt_max=0.05, rtol=1e-4)[3] for
        way in (true, false)]
    @test short[1] == short[2] && all(>=(400), short[1][1, :])
end

@testset "Rodas5P in blocks: the solution of each element: $name" for name in NAMES
    neuron = test_neuron(name)
    HodgkinNeurons.is_black_box(neuron.system) && continue
    for clamps in ([STEP, RAMP, CurrentClamp(7.0; t_end=20.0)], [VOLTAGE_STEP, VOLTAGE_RAMP])
        count = WIDTH + 5
        own = [clamps[1 + i % length(clamps)] for i in 1:count]
        theta, times = scattered(neuron, count), [0.0; 0.7:0.7:19.0; 20.0]
        options = (solver="rodas5p", rtol=1e-9, atol=1e-11)
        for ends in (Float64[], [20.0 - 0.7i for i in 0:(count - 1)])
            ours, theirs = (
                solved_batch(way, neuron, own, theta, times; ends, options...) for way in (true, false))
            @test ours[2] == theirs[2] == zeros(count) && isempty(ours[5])
            @test apart(ours[1] ./ [100; ones(size(ours[1], 1) - 1)], theirs[1] ./
                [100; ones(size(ours[1], 1) - 1)]) < 1e-6
            # Another controller than that of one element: no more steps, but for a few.
            @test sum(ours[3][1:2, :]) < 1.1 * sum(theirs[3][1:2, :])
            @test size(ours[4], 1) == size(theirs[4], 1)
        end
        # In single precision as near to the exact solution, but for rounding, which also decides
        # now and then whether a step is accepted.
        exact = solved_batch(true, neuron, own, theta, times; options...)
        ours, theirs = (solved_batch(true, neuron, own, theta, times; solver="rodas5p", rtol=1e-4,
            atol=1e-6, single) for single in (true, false))
        @test ours[2] == theirs[2] == zeros(count)
        @test apart(ours[1], exact[1]) < 2 * apart(theirs[1], exact[1]) + 0.1
    end
end

@testset "Rodas5P in blocks: one that fails does not touch the others" begin
    neuron = load(joinpath(DOCUMENTS, "squid_axon.json"))
    theta, times = scattered(neuron, 2 * WIDTH), collect(0.0:0.5:20.0)
    whole, _, _, _ = solved_batch(true, neuron, [STEP], theta, times; solver="rodas5p")
    theta[1, 3] = NaN
    theta[select(neuron, "l.e"), 7] .= 1e200
    ours = solved_batch(true, neuron, [STEP], theta, times; solver="rodas5p")
    @test ours[2][3] != 0 && ours[2][7] != 0
    fine = setdiff(1:(2 * WIDTH), (3, 7))
    @test ours[1][:, :, fine] == whole[:, :, fine] && all(iszero, ours[2][fine])
    few = solved_batch(true, neuron, [STEP], theta, times; solver="rodas5p", max_steps=50)
    @test few[2][1] == Int(HodgkinNeurons.MAX_STEPS) && few[3][1, 1] + few[3][2, 1] == 50
end

@testset "a stop flag ends all of them" begin
    neuron = load(joinpath(DOCUMENTS, "squid_axon.json"))
    theta, n = scattered(neuron, 2 * WIDTH), 4
    y, status, stats = zeros(n, 1, 2 * WIDTH), fill(-1, 2 * WIDTH), zeros(Int, 3, 2 * WIDTH)
    solve_blocks!(y, status, stats, neuron.system, Protocols([STEP]), theta, zeros(n, 0), [20.0],
        Options(; solver="tsit5"), [0x01], Float64[], VoltageSteps[])
    @test all(==(Int(HodgkinNeurons.INTERRUPTED)), status) && all(isnan, y)
end

@testset "auto gives what is stiff to a method for it" begin
    neuron = load(joinpath(DOCUMENTS, "squid_axon.json"))
    theta, times = scattered(neuron, WIDTH + 2), collect(0.0:0.5:20.0)
    # A membrane a thousand times as quick in one of them.
    theta[neuron.system.c_m, 4] = 1e-3
    options = (solver="auto", rtol=1e-8, atol=1e-10)
    y, status, stats, _, rest = solved_batch(true, neuron, [STEP], theta, times; options...)
    @test isempty(rest) && all(iszero, status)
    each = solved_batch(false, neuron, [STEP], theta, times; options...)
    @test apart(y, each[1]) < 1e-4
    # It is solved as by Rodas5P in a block.
    by_rodas5p = solved_batch(true, neuron, [STEP], theta, times; options..., solver="rodas5p")
    @test y[:, :, 4] == by_rodas5p[1][:, :, 4] && stats[:, 4] == by_rodas5p[3][:, 4]
    # Where there are many of them they are solved in blocks, too, whatever the precision.
    theta[neuron.system.c_m, :] .= range(1e-3, 2e-3; length=size(theta, 2))
    y, status, stats, _, rest = solved_batch(true, neuron, [STEP], theta, times; options...)
    @test isempty(rest) && all(iszero, status)
    each = solved_batch(false, neuron, [STEP], theta, times; solver="rodas5p", rtol=1e-9, atol=1e-11)
    @test apart(y, each[1]) < 1e-3
    single = solved_batch(true, neuron, [STEP], theta, times; solver="auto", rtol=1e-4, atol=1e-6,
        single=true)
    @test all(iszero, single[2]) && apart(single[1], each[1]) < 0.5
end

@testset "a batch is solved in blocks where it is large enough" begin
    neuron = load(joinpath(DOCUMENTS, "squid_axon.json"))
    count, times, n = HodgkinNeurons.FEWEST_IN_BLOCK * Threads.nthreads(), [5.0, 20.0], 4
    theta = scattered(neuron, count)
    for solver in ("tsit5", "auto")
        y, status, stats = zeros(n, 2, count), zeros(Int, count), zeros(Int, 3, count)
        solve!(y, status, stats, neuron.system, Protocols([STEP]), theta, zeros(n, 0), times,
            Options(; solver), [0x00])
        blocks = solved_batch(true, neuron, [STEP], theta, times)
        @test y == blocks[1] && stats == blocks[3]
        solve!(y, status, stats, neuron.system, Protocols([STEP]), theta, zeros(n, 0), times,
            Options(; solver="rodas5p"), [0x00])
        @test apart(y, blocks[1]) < 1e-2
    end
end
