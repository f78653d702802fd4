"""
    lux_chain(neuron, name, theta=neuron.theta)

The network called `name` (for instance `"k.n.network"`) as a Lux chain: the chain, its parameters
and its state. The parameters are views into `theta`: a change of one is seen in the other.
Needs Lux: `using Lux` first.
"""
function lux_chain end

"The network called `name`."
function network(neuron::Neuron, name::AbstractString)
    names = [net.name for net in neuron.system.networks]
    return neuron.system.networks[findfirst(==(choose("network", name, names)), names)]
end
