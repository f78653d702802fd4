# From the document of a neuron (nested dictionaries) to its tables.

"One named parameter and its shape, as in the layout of the document."
struct Entry
    name::String
    shape::Vector{Int}
    start::Int
    group::Symbol
end

Base.length(entry::Entry) = prod(entry.shape; init=1)

"Places of an entry in theta."
places(entry::Entry) = entry.start:(entry.start + length(entry) - 1)

mutable struct Builder
    tensors::Dict{String,Array{Float64}}
    temperature::Union{Nothing,Float64}
    theta::Vector{Float64}
    entries::Vector{Entry}
    leaves::Vector{Tuple{LeafForm,Int}}
    nodes::Vector{Node}
    slots::Vector{Int}
    tables::Vector{Cubic}
    networks::Vector{Network}
    gates::Vector{Gate}
    factors::Vector{Factor}
    # Names of the gates that are states, which come after v.
    states::Vector{String}
end

Builder(tensors, temperature) = Builder(tensors, temperature, Float64[], Entry[],
    Tuple{LeafForm,Int}[], Node[], Int[], Cubic[], Network[], Gate[],
    Factor[], String[])

function add_parameter!(b::Builder, name, value::Real, group::Symbol)
    push!(b.theta, Float64(value))
    push!(b.entries, Entry(name, Int[], length(b.theta), group))
    return length(b.theta)
end

"Values of `tensors` under `name`, zeros where the document came without its weights."
function add_tensor!(b::Builder, name, shape::Vector{Int})
    start = length(b.theta) + 1
    values = get(b.tensors, name, nothing)
    if values === nothing
        append!(b.theta, zeros(prod(shape)))
    else
        length(values) == prod(shape) ||
            throw(InputError("tensor $name has $(length(values)) numbers; layers say $shape"))
        append!(b.theta, vec(values))
    end
    push!(b.entries, Entry(name, shape, start, :networks))
    return start
end

function add_network!(b::Builder, data)
    layers = Int.(data["layers"])
    name = String(data["tensors"])
    activation = ACTIVATIONS[choose("activation", data["activation"], keys(ACTIVATIONS))]
    place = length(b.theta)
    for l in 1:(length(layers) - 1)
        add_tensor!(b, "$name.weight$(l - 1)", [layers[l + 1], layers[l]])
        add_tensor!(b, "$name.bias$(l - 1)", [layers[l + 1]])
    end
    push!(b.networks, placed_network(name, layers, activation, place, b.networks))
    return length(b.networks)
end

function rate_factor(b::Builder, data)
    (b.temperature === nothing || data["t_ref"] === nothing) && return 1.0
    return data["q10"]^((b.temperature - data["t_ref"]) / 10)
end

const ROLES = Dict("rates" => ("alpha", "beta"), "steady_state" => ("x_inf", "tau"),
    "instantaneous" => ("x_inf",))

"Slots of the curves of kinetics; a missing second one is 0."
function add_curves!(b::Builder, path, data)
    roles = ROLES[choose("kind of kinetics", data["kind"], keys(ROLES))]
    fixed(role) = role == "x_inf" ? ("a",) : ()
    slots = [add_curve!(b, "$path.$role", data[role], fixed(role)) for role in roles]
    return slots[1], length(slots) == 2 ? slots[2] : 0
end

function add_gate!(b::Builder, channel, data)
    kinetics = data["kinetics"]
    kind = String(kinetics["kind"])
    path = "$channel.$(data["name"])"
    has_state = kind != "instantaneous"
    has_state && push!(b.states, data["name"])
    state = has_state ? length(b.states) + 1 : 0
    factor = rate_factor(b, data)
    if kind != "neural"
        first, second = add_curves!(b, path, kinetics)
        which = Dict("rates" => RATES, "steady_state" => STEADY_STATE,
            "instantaneous" => INSTANTANEOUS)[kind]
        push!(b.gates, Gate(which, state, factor, first, second, NO_PRIOR, 0, 0.0,
            1.0, 0.0, NaN, 0.0))
        return length(b.gates)
    end
    forms = Dict("steady_state" => NEURAL_STEADY_STATE, "rates" => NEURAL_RATES,
        "residual" => NEURAL_RATES, "free" => FREE)
    form = forms[choose("form of neural kinetics", kinetics["form"], keys(forms))]
    prior, first, second = NO_PRIOR, 0, 0
    if get(kinetics, "prior", nothing) !== nothing
        first, second = add_curves!(b, "$path.prior", kinetics["prior"])
        prior = kinetics["prior"]["kind"] == "rates" ? PRIOR_RATES : PRIOR_STEADY_STATE
    end
    network = add_network!(b, kinetics["network"])
    low, high = kinetics["tau_min"], kinetics["tau_max"]
    log_span = high === nothing ? NaN : log(high / low)
    push!(b.gates, Gate(form, state, factor, first, second, prior, network,
        kinetics["v_shift"], 1 / kinetics["v_scale"], low, log_span, kinetics["bound"]))
    return length(b.gates)
end

"Leaves sorted by form, and the new number of each slot."
function renumber(b::Builder)
    forms = [Int(form) for (form, _) in b.leaves]
    order = sortperm(forms; alg=MergeSort)
    new = invperm(order)
    leaves = sorted_leaves(forms[order], [b.leaves[i][2] for i in order])
    slot(i) = i > 0 ? new[i] : i < 0 ? length(order) - i : 0
    return leaves, slot
end

function renumbered(gate::Gate, slot)
    fields = Any[getfield(gate, f) for f in fieldnames(Gate)]
    fields[4], fields[5] = slot(gate.first), slot(gate.second)
    return Gate(fields...)
end

"""
    build(data, tensors)

The system, the parameter vector and its entries, from the `neuron` of a document.
"""
function build(data::AbstractDict, tensors=Dict{String,Array{Float64}}())
    get(data, "calcium", nothing) === nothing || throw(InputError(
        "the document has a calcium pool, which only the Python package reads"))
    b = Builder(tensors, data["temperature"] === nothing ? nothing : Float64(data["temperature"]))
    channels, unknown, black_box = IonChannel[], UnknownCurrent[], nothing
    states, c_m = ["v"], 0
    if data["right_hand_side"] !== nothing
        black_box, states = add_black_box!(b, data["right_hand_side"])
    else
        c_m = add_parameter!(b, "c_m", data["c_m"], :capacitance)
        for current in data["channels"]
            add_current!(b, current, channels, unknown)
        end
        append!(states, b.states)
    end
    leaves, slot = renumber(b)
    gates = [renumbered(gate, slot) for gate in b.gates]
    initial = fill(NaN, length(states))
    for (name, value) in data["initial"]
        initial[findfirst(==(name), states)] = value
    end
    system = System(data["name"], states, data["v_rest"], initial, c_m, leaves, b.nodes,
        slot.(b.slots), CubicTables(b.tables), b.networks, gates, channels, b.factors, unknown, black_box, Program(),
        bounded_states(gates, length(states)), length(b.theta), Pool(), (Pool(), Pool()))
    return system, b.theta, b.entries
end

function add_current!(b::Builder, data, channels, unknown)
    name = String(data["name"])
    if data["kind"] == "channel"
        g = add_parameter!(b, "$name.g", data["g"], :conductances)
        e = add_parameter!(b, "$name.e", data["e"], :reversals)
        gates = [add_gate!(b, name, gate) for gate in data["gates"]]
        first = length(b.factors) + 1
        append!(b.factors, Factor.(gates, [Int(gate["power"]) for gate in data["gates"]]))
        push!(channels, IonChannel(g, e, first:length(b.factors)))
    elseif data["kind"] == "neural_current"
        network = add_network!(b, data["network"])
        gates = [add_gate!(b, name, gate) for gate in data["gates"]]
        push!(unknown, UnknownCurrent(name, network, gates, data["scale"], data["v_shift"],
            1 / data["v_scale"]))
    else
        data["kind"] in ("markov_channel", "nernst_channel", "ghk_channel") && throw(InputError(
            "channel $name is of the kind $(data["kind"]), which only the Python package reads"))
        choose("kind of channel", data["kind"], ("channel", "neural_current"))
    end
    return nothing
end

function add_black_box!(b::Builder, data)
    network = add_network!(b, data["network"])
    scale = Float64.(data["scale"])
    stimulus = data["stimulus_scale"]
    black_box = BlackBox(network, Float64.(data["shift"]), scale, scale ./ data["time_scale"],
        stimulus === nothing ? 0.0 : 1 / stimulus, stimulus !== nothing)
    return black_box, String.(data["states"])
end
