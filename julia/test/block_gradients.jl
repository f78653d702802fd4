using HodgkinNeurons: Ends, GradientCall, NO_ENDS, Options, Recordings, algorithm, branchless_exp,
    gradient_each!, in_portions!, linoid_slope, linoid_value, loss_and_gradient!, n_states,
    predict!, width

"Losses, gradients and counts of all recordings and sets, in blocks of `T` or one by one (nothing)."
function gradients_of(T, neuron, recordings, theta; y0=nothing, loss=Loss(), ends=NO_ENDS,
    cells=Int[], options...)
    data = Recordings(neuron.system, recordings)
    append!(data.cells, cells)
    n, sets = length(recordings), size(theta, 2) ÷ max(1, maximum(cells; init=1))
    start = y0 === nothing ? zeros(n_states(neuron.system), 0, 0) : y0
    how = Options(; solver="tsit5", options...)
    call = GradientCall(zeros(n, sets), zeros(size(theta, 1), n, sets),
        y0 === nothing ? start : zeros(size(start, 1), n, sets), fill(-1, n, sets),
        zeros(Int, 3, n, sets), data, theta, start, loss, how, [0x00], ends, Int[],
        Threads.SpinLock())
    rest = T === nothing ? (1:(n * sets)) : in_portions!(call, T)
    gradient_each!(call, rest, algorithm(how.solver))
    return call, rest
end

"The greatest difference of a from b, of the greatest number there."
difference(a, b) = maximum(abs, a .- b; init=0.0) / maximum(abs, b; init=floatmin())

many(neuron, count; by=0.002) = reduce(hcat, [neuron.theta .* (1 + by * i) for i in 1:count])

@testset "the linoid without branches, in both precisions" begin
    for x in (-30.0, -3.0, -1.1, -0.3, -0.11, -1e-3, 0.0, 1e-9, 0.05, 0.2, 0.9, 1.5, 20.0)
        value, slope = HodgkinNeurons.linoid(x, exp(-abs(x)))
        for (T, rtol) in ((Float64, 1e-14), (Float32, 1e-6))
            z = T(x)
            height = linoid_value(z, exp(-abs(z)))
            @test height ≈ value rtol = rtol
            @test linoid_slope(z, height) ≈ slope rtol = 30rtol
        end
    end
    for x in range(-87.0f0, 80.0f0; length=1001)
        @test branchless_exp(x) ≈ exp(x) rtol = 3eps(Float32)
    end
    @test branchless_exp(-200.0f0) < 1e-37
end

@testset "gradients in blocks are those of each element: $name" for name in NAMES
    neuron = test_neuron(name)
    for clamps in ((STEP, RAMP), (VOLTAGE_STEP, VOLTAGE_RAMP))
        name == "black_box" && clamps[1] isa VoltageClamp && continue
        recordings = [made_recording(neuron, clamps[1]),
            made_recording(neuron, clamps[2]; times=[0.0; 0.3:0.7:17.0])]
        theta = many(neuron, width(Float64))
        # At rest, under voltage clamp, rounding is all that the length of a step would depend on.
        options = clamps[1] isa VoltageClamp ? (dt_max=0.02,) : NamedTuple()
        # To 1e-10, but where a trajectory magnifies what rounding does: the steps of both round
        # differently, as parameters in the last places would make them.
        function check(given)
            ours, theirs, moved = (gradients_of(T, neuron, recordings, x; given..., options...) for
                (T, x) in ((Float64, theta), (nothing, theta), (nothing, theta .* (1 + 4eps()))))
            @test isempty(ours[2])
            ours, theirs, moved = first.((ours, theirs, moved))
            @test all(iszero, ours.status) && ours.stats == theirs.stats
            @test ours.each ≈ theirs.each rtol = 1e-10
            close(x) = difference(x(ours), x(theirs)) <
                max(1e-10, 10 * difference(x(moved), x(theirs)))
            @test close(call -> call.parts) && close(call -> call.y0_gradient)
        end
        check(NamedTuple())
        y0 = fill(0.4, n_states(neuron.system), 2, size(theta, 2))
        y0[1, :, :] .= -60 .+ 0.1 .* reshape(1:size(theta, 2), 1, :)
        check((; y0))
    end
end

@testset "gradients in blocks: cells, spikes, ends, and one that fails" begin
    neuron = load(joinpath(DOCUMENTS, "squid_axon.json"))
    recordings = [made_recording(neuron, clamp) for clamp in (STEP, RAMP, STEP)]
    # Two cells for each parameter set.
    cells = [1, 2, 2]
    theta, loss = many(neuron, 20), Loss("huber"; spikes=0.3, threshold=-20.0, v_clip=20.0)
    n = n_states(neuron.system)
    made() = Ends([0.1, 0.0, 0.0, 1.0], fill(0.5, n, 3, 1), zeros(n, 3, 10))
    ends = made(), made()
    ours, theirs = (gradients_of(T, neuron, recordings, theta; loss, cells, ends=e)[1] for
        (T, e) in zip((Float64, nothing), ends))
    @test ours.each ≈ theirs.each rtol = 1e-10
    @test difference(ours.parts, theirs.parts) < 1e-10
    @test ends[1].state ≈ ends[2].state rtol = 1e-10
    broken = copy(theta)
    broken[1, 3] = NaN
    broken[select(neuron, "l.e"), 8] .= 1e200
    other, _ = gradients_of(Float64, neuron, recordings, broken; loss, cells, ends=made())
    @test findall(!=(0), vec(any(!=(0), other.status; dims=1))) == [2, 4]
    fine = setdiff(1:10, (2, 4))
    @test other.parts[:, :, fine] == ours.parts[:, :, fine]
    @test other.each[:, fine] == ours.each[:, fine] && all(isinf, other.each[1, 2])
end

@testset "predictions in blocks are those of each recording" begin
    for name in ("squid_axon", "one_gate"), clamps in ((STEP, RAMP), (VOLTAGE_STEP, VOLTAGE_RAMP))
        neuron = test_neuron(name)
        data = Recordings(neuron.system, [made_recording(neuron, clamp) for clamp in clamps])
        theta, none = many(neuron, 20), zeros(n_states(neuron.system), 0, 0)
        function predicted(; options...)
            found, status = zeros(80, size(theta, 2)), fill(-1, 2, size(theta, 2))
            predict!(found, status, data, theta, none, Options(; options...), [0x00])
            @test all(iszero, status)
            return found
        end
        blocks, single = predicted(; solver="tsit5", dt_max=0.05), predicted(; single=true)
        alone = predicted(; solver="rodas5p", rtol=1e-9, atol=1e-11)
        @test difference(blocks, alone) < 1e-4 && difference(single, alone) < 1e-2
    end
end

@testset "gradients in blocks leave what is stiff to a method for it" begin
    neuron = load(joinpath(DOCUMENTS, "squid_axon.json"))
    recordings, theta = [made_recording(neuron, STEP)], many(neuron, 18)
    theta[neuron.system.c_m, 4] = 1e-3
    options = (solver="auto", rtol=1e-8, atol=1e-10)
    ours, rest = gradients_of(Float64, neuron, recordings, theta; options...)
    theirs, _ = gradients_of(nothing, neuron, recordings, theta; options...)
    @test rest == [4] && all(iszero, ours.status)
    @test ours.parts[:, :, 4] == theirs.parts[:, :, 4]
    @test difference(ours.parts[:, 1, 1:3], theirs.parts[:, 1, 1:3]) < 1e-4
end

@testset "batches of gradients are in blocks where they are large enough" begin
    neuron = load(joinpath(DOCUMENTS, "squid_axon.json"))
    recordings = [made_recording(neuron, STEP)]
    theta = many(neuron, HodgkinNeurons.FEWEST_IN_BLOCK * Threads.nthreads())
    data, n = Recordings(neuron.system, recordings), size(theta, 2)
    none = zeros(n_states(neuron.system), 0, 0)
    function call(stop)
        each, gradient, status = zeros(1, n), zeros(size(theta)), fill(-1, 1, n)
        loss_and_gradient!(each, gradient, none, status, zeros(Int, 3, 1, n), data, theta, none,
            Loss(), Options(), [stop])
        return each, gradient, status
    end
    each, gradient, status = call(0x00)
    @test (each, gradient, status) == call(0x00) && all(iszero, status)
    blocks, _ = gradients_of(Float64, neuron, recordings, theta; solver="auto")
    @test each == blocks.each && gradient == blocks.parts[:, 1, :]
    @test all(==(Int(HodgkinNeurons.INTERRUPTED)), call(0x01)[3])
end

@testset "gradients in single precision: $name" for name in ("squid_axon", "connor_stevens", "one_gate")
    neuron = test_neuron(name)
    recordings, theta = [made_recording(neuron, STEP)], many(neuron, width(Float32) + 3; by=1e-4)
    options = (rtol=1e-5, atol=1e-7)
    ours, _ = gradients_of(Float32, neuron, recordings, theta; options...)
    theirs, _ = gradients_of(Float64, neuron, recordings, theta; options...)
    @test all(iszero, ours.status)
    @test difference(ours.each, theirs.each) < 1e-3
    @test difference(ours.parts, theirs.parts) < 1e-3
end
