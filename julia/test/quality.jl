if installed("Aqua")
    using Aqua: Aqua
    @testset "Aqua" begin
        # Two solver packages are loaded only when one of their methods is asked for.
        later = [:OrdinaryDiffEqBDF, :OrdinaryDiffEqSDIRK, :OrdinaryDiffEqVerner]
        Aqua.test_all(HodgkinNeurons; stale_deps=(ignore=later,), persistent_tasks=false)
    end
else
    @info "skipped: Aqua is not installed"
end

if installed("JET")
    using JET: JET
    @testset "JET" begin
        neuron = test_neuron("learned")
        model = HodgkinNeurons.bind!(HodgkinNeurons.Model{Float64}(neuron.system), neuron.theta)
        n = HodgkinNeurons.n_states(neuron.system)
        y, dy, jacobian, gradient = fill(0.4, n), zeros(n), zeros(n, n), zeros(length(neuron.theta))
        JET.@test_opt target_modules = (HodgkinNeurons,) HodgkinNeurons.rhs!(dy, y, 1.0, model)
        JET.@test_opt target_modules = (HodgkinNeurons,) HodgkinNeurons.jacobian!(
            jacobian, y, 1.0, model)
        JET.@test_opt target_modules = (HodgkinNeurons,) HodgkinNeurons.pullback!(
            dy, gradient, y, 1.0, y, model, false)
        JET.test_package(HodgkinNeurons; target_modules=(HodgkinNeurons,))
    end
else
    @info "skipped: JET is not installed"
end
