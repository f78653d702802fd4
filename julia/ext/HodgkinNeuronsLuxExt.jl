module HodgkinNeuronsLuxExt

using HodgkinNeurons: HodgkinNeurons, Activation, Neuron, SILU, SOFTPLUS, TANH, network
using Lux: Chain, Dense, softplus, swish

const FUNCTIONS = Dict{Activation,Function}(TANH => tanh, SOFTPLUS => softplus, SILU => swish)

function HodgkinNeurons.lux_chain(neuron::Neuron, name::AbstractString, theta=neuron.theta)
    net = network(neuron, name)
    n_layers = length(net.layers) - 1
    layers = map(1:n_layers) do l
        activation = l < n_layers ? FUNCTIONS[net.activation] : identity
        Dense(net.layers[l] => net.layers[l + 1], activation)
    end
    names = ntuple(l -> Symbol(:layer_, l), n_layers)
    parameters = NamedTuple{names}(ntuple(l -> layer_views(net, theta, l), n_layers))
    state = NamedTuple{names}(ntuple(_ -> (;), n_layers))
    return Chain(layers...), parameters, state
end

"Weight and bias of a layer as views; the weight lies in theta row by row."
function layer_views(net, theta, l::Int)
    n_in, n_out, place = net.layers[l], net.layers[l + 1], net.places[l]
    n = n_in * n_out
    weight = transpose(reshape(view(theta, (place + 1):(place + n)), n_in, n_out))
    return (weight=weight, bias=view(theta, (place + n + 1):(place + n + n_out)))
end

end
