using Lux: Lux

@testset "networks as Lux chains: $name" for (name, net) in (
    ("one_gate", "k.n.network"), ("free", "k.n.network"), ("unbounded_tau", "k.n.network"))

    neuron = test_neuron(name)
    chain, parameters, state = lux_chain(neuron, net)
    own = HodgkinNeurons.network(neuron, net)
    model = HodgkinNeurons.bind!(HodgkinNeurons.Model{Float64}(neuron.system), neuron.theta)
    x = collect(0.3:0.2:(0.3 + 0.2 * (own.layers[1] - 1)))
    for (j, value) in enumerate(x)
        model.y[HodgkinNeurons.input(own, j)] = value
    end
    HodgkinNeurons.forward!(model, own)
    found = [model.y[HodgkinNeurons.output(own, j)] for j in 1:own.layers[end]]
    @test found ≈ first(chain(x, parameters, state)) rtol = 1e-12
    @test Lux.parameterlength(chain) == length(select(neuron, net))
    # The parameters are views: a change of theta is seen in the chain.
    neuron.theta[select(neuron, net)] .= 0
    @test all(iszero, first(chain(x, parameters, state)))
    @test_throws InputError lux_chain(neuron, "nothing")
end
