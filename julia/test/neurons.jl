using Random: MersenneTwister

const DOCUMENTS = joinpath(@__DIR__, "documents")
const NAMES = [first(splitext(f)) for f in readdir(DOCUMENTS) if endswith(f, ".json")]

"The neuron of a document, its networks moved away from symmetric starts."
function test_neuron(name; seed=1, size=0.3)
    neuron = load(joinpath(DOCUMENTS, "$name.json"))
    rng = MersenneTwister(seed)
    for i in places_of_networks(neuron)
        neuron.theta[i] += size * randn(rng)
    end
    return neuron
end

places_of_networks(neuron) = any(e -> e.group == :networks, neuron.entries) ?
    select(neuron, "networks") : Int[]

const STEP = CurrentClamp(Step(10.0; start=2.0, stop=17.0); t_end=20.0)
const RAMP = CurrentClamp(Sampled([1.0, 8.0, 9.0, 15.0], [0.0, 12.0, -3.0, 5.0]); t_end=20.0)
const VOLTAGE_STEP = VoltageClamp(Step(60.0; start=2.0, stop=12.0, baseline=-70.0); t_end=20.0)
const VOLTAGE_RAMP = VoltageClamp(Sampled([1.0, 8.0, 15.0], [-80.0, 20.0, -40.0]); t_end=20.0)

largest(x) = maximum(abs, x)
