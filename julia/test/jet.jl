using JET: JET, @test_opt
@testset "JET" begin
    neuron = test_neuron("learned")
    model = HodgkinNeurons.bind!(HodgkinNeurons.Model{Float64}(neuron.system), neuron.theta)
    n = HodgkinNeurons.n_states(neuron.system)
    y, dy, jacobian, gradient = fill(0.4, n), zeros(n), zeros(n, n), zeros(length(neuron.theta))
    @test_opt target_modules = (HodgkinNeurons,) HodgkinNeurons.rhs!(dy, y, 1.0, model)
    @test_opt target_modules = (HodgkinNeurons,) HodgkinNeurons.jacobian!(
        jacobian, y, 1.0, model)
    @test_opt target_modules = (HodgkinNeurons,) HodgkinNeurons.pullback!(
        dy, gradient, y, 1.0, y, model, false)
    JET.test_package(HodgkinNeurons; target_modules=(HodgkinNeurons,))
end
