@testset "training lowers the loss and keeps the best" begin
    truth = load(joinpath(DOCUMENTS, "squid_axon.json"))
    times = collect(0.0:0.25:20.0)
    recording = Recording(times, STEP; v=simulate(truth, STEP; saveat=times)["v"])
    start = test_neuron("one_gate")
    before, _ = loss_and_gradient(start, [recording])
    fitted, history = fit(start, [recording]; steps=30, rate=0.02)
    after, _ = loss_and_gradient(fitted, [recording])
    @test length(history) == 30 && history[1] ≈ before
    @test after < before && after ≈ minimum(history)
    # Only what was asked for has moved.
    held = setdiff(eachindex(start.theta), select(start, "networks"))
    @test fitted.theta[held] == start.theta[held]
    @test_throws InputError Recording([0.0, 1.0], STEP; v=[1.0])
    @test_throws InputError Recording([1.0, 0.0], STEP; v=[1.0, 2.0])
end
