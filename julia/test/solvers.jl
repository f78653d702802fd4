using HodgkinNeurons: SOLVERS, SUCCESS

@testset "solvers agree: $(nameof(typeof(clamp)))" for clamp in (STEP, RAMP, VOLTAGE_STEP, VOLTAGE_RAMP)
    for name in ("squid_axon", "learned", "connor_stevens")
        neuron = test_neuron(name)
        exact = simulate(neuron, clamp; saveat=0.5, solver="rodas5p", rtol=1e-11, atol=1e-13)
        for solver in SOLVERS
            # The methods of second order take very many steps at a tolerance that others like; at
            # the upstroke of a spike, 300 mV/ms, 0.3 mV is a microsecond.
            rtol = solver in ("trbdf2", "rosenbrock23") ? 1e-7 : 1e-9
            found = simulate(neuron, clamp; saveat=0.5, solver, rtol, atol=1e-3 * rtol)
            @test found.status == SUCCESS
            @test largest(found.y - exact.y) < (rtol < 1e-8 ? 1e-3 : 0.3)
        end
    end
end

@testset "all solvers are about as accurate at the default tolerance" begin
    neuron = load(joinpath(DOCUMENTS, "squid_axon.json"))
    spikes = CurrentClamp(Steps([5.0, 45.0], [10.0, 0.0]); t_end=50.0)
    exact = simulate(neuron, spikes; saveat=0.05, solver="rodas5p", rtol=1e-11, atol=1e-13)
    @test count(i -> exact["v"][i] < 0 <= exact["v"][i + 1], 1:(length(exact["v"]) - 1)) == 3
    for solver in SOLVERS
        found = simulate(neuron, spikes; saveat=0.05, solver)
        @test largest(found["v"] - exact["v"]) < 0.2
    end
end

@testset "a jump of the stimulus is met exactly" begin
    neuron = load(joinpath(DOCUMENTS, "squid_axon.json"))
    # The same pulse as two pieces, and after a dozen breakpoints that change nothing.
    many = CurrentClamp(Steps([2.0; 3.0:1.0:14.0; 17.0], [fill(10.0, 13); 0.0]); t_end=20.0)
    a = simulate(neuron, STEP; saveat=0.5, rtol=1e-10, atol=1e-12)
    b = simulate(neuron, many; saveat=0.5, rtol=1e-10, atol=1e-12)
    @test largest(a.y - b.y) < 1e-5
end

@testset "what cannot be solved is a status" begin
    neuron = load(joinpath(DOCUMENTS, "squid_axon.json"))
    short = simulate(neuron, STEP; max_steps=10)
    @test short.status == HodgkinNeurons.MAX_STEPS
    @test isnan(short.y[1, end]) && !isnan(short.y[1, 1])
    wild = copy(neuron.theta)
    wild[select(neuron, "na.g")] .= NaN
    @test simulate(neuron, STEP; theta=wild).status == HodgkinNeurons.NONFINITE
    # A trial step that overflows is tried again, smaller, until the steps run out.
    wild[select(neuron, "na.g")] .= 1e60
    far = simulate(neuron, STEP; theta=wild, solver="tsit5", max_steps=2000)
    @test far.status == HodgkinNeurons.MAX_STEPS
    lost = simulate(neuron, STEP; y0=[NaN, 0.1, 0.1, 0.1])
    @test lost.status == HodgkinNeurons.NONFINITE
    @test_throws InputError simulate(neuron, STEP; solver="rodas6")
end

@testset "under voltage clamp the voltage is the command" begin
    neuron = load(joinpath(DOCUMENTS, "squid_axon.json"))
    found = simulate(neuron, VOLTAGE_STEP; saveat=[0.0, 1.0, 2.0, 5.0, 12.0, 20.0])
    @test found["v"] == [-70.0, -70.0, -10.0, -10.0, -70.0, -70.0]
    @test found["n"][1] ≈ found["n"][2] rtol = 1e-6
end
