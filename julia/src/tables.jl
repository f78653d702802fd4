# A neuron as flat tables of numbers: what callers in other languages hand over in place of a
# document, and what a system gives back.

"""
    Tables(name, states, v_rest, c_m, size, box_stimulus, initial, leaf_form, …)

The equations of a neuron without the values of its parameters, as the Python package lowers them:
the fields are those of `pyhodgkin.neuron.tables.Tables`, which describes them. Places in theta and
in the state, curves, gates and networks count from 0, and -1 stands for none. What has several
numbers for each row is (numbers, rows) here.
"""
struct Tables
    name::String
    states::Vector{String}
    v_rest::Float64
    c_m::Int
    size::Int
    box_stimulus::Float64
    initial::Vector{Float64}
    leaf_form::Vector{Int}
    leaf_place::Vector{Int}
    node_kind::Vector{Int}
    node_exponent::Vector{Float64}
    node_bounds::Vector{Int}
    children::Vector{Int}
    table_bounds::Vector{Int}
    table_grid::Matrix{Float64}
    table_rows::Matrix{Float64}
    gate_kind::Vector{Int}
    gate_state::Vector{Int}
    gate_curves::Matrix{Int}
    gate_prior::Vector{Int}
    gate_network::Vector{Int}
    gate_numbers::Matrix{Float64}
    channel_places::Matrix{Int}
    channel_bounds::Vector{Int}
    factors::Matrix{Int}
    current_network::Vector{Int}
    current_bounds::Vector{Int}
    current_gates::Vector{Int}
    current_numbers::Matrix{Float64}
    network_place::Vector{Int}
    network_activation::Vector{Int}
    network_bounds::Vector{Int}
    layers::Vector{Int}
    box_numbers::Matrix{Float64}
    program_kind::Vector{Int}
    program_operands::Matrix{Int}
    program_number::Vector{Float64}
    program_terms::Vector{Int}
    program_slopes::Vector{Int}
    program_start::Vector{Int}
    program_currents::Vector{Int}
    program_held::Vector{Int}
end

"Row `i` of what `bounds` divide, counted from 1."
row(bounds::Vector{Int}, i::Int) = (bounds[i] + 1):bounds[i + 1]

"""
    system_of(tables)

The equations that the tables describe; nothing of their memory is kept.

Throws an `InputError` for tables that do not fit together.
"""
function system_of(t::Tables)
    check(t)
    networks = Network[]
    for i in eachindex(t.network_place)
        activation, layers = Activation(t.network_activation[i]), t.layers[row(t.network_bounds, i)]
        push!(networks,
            placed_network("network$i", layers, activation, t.network_place[i], networks))
    end
    nodes = [Node(NodeKind(t.node_kind[i]), row(t.node_bounds, i), t.node_exponent[i])
        for i in eachindex(t.node_kind)]
    gates = [gate_of(t, g) for g in eachindex(t.gate_kind)]
    factors = [Factor(gate + 1, power) for (gate, power) in eachcol(t.factors)]
    channels = [IonChannel(t.channel_places[1, i] + 1, t.channel_places[2, i] + 1,
        row(t.channel_bounds, i)) for i in axes(t.channel_places, 2)]
    unknown = [UnknownCurrent("current$i", t.current_network[i] + 1,
        t.current_gates[row(t.current_bounds, i)] .+ 1, t.current_numbers[1, i],
        t.current_numbers[2, i], t.current_numbers[3, i]) for i in eachindex(t.current_network)]
    return System(t.name, copy(t.states), t.v_rest, copy(t.initial), t.c_m + 1,
        sorted_leaves(t.leaf_form, t.leaf_place .+ 1), nodes, t.children .+ 1,
        CubicTables(copy(t.table_bounds), copy(t.table_grid), copy(t.table_rows)), networks, gates,
        channels, factors, unknown, black_box_of(t), program_of(t), bounded_states(gates, length(t.states)),
        t.size, Pool(), (Pool(), Pool()))
end

gate_of(t::Tables, g::Int) = Gate(GateKind(t.gate_kind[g]), t.gate_state[g] + 1,
    t.gate_numbers[1, g], t.gate_curves[1, g] + 1, t.gate_curves[2, g] + 1,
    PriorKind(t.gate_prior[g]), t.gate_network[g] + 1, t.gate_numbers[2, g], t.gate_numbers[3, g],
    t.gate_numbers[4, g], t.gate_numbers[5, g], t.gate_numbers[6, g])

"The program of the tables, whose places count from 1 here."
function program_of(t::Tables)
    operations = map(eachindex(t.program_kind)) do i
        kind, (a, b, c, d) = Op(t.program_kind[i]), @view t.program_operands[:, i]
        # Of a network the output and the range of its terms count from 0.
        kind == OP_NETWORK ? Operation(kind, a + 1, b, c, d, t.program_number[i]) :
            Operation(kind, a + 1, b + 1, c + 1, d + 1, t.program_number[i])
    end
    return Program(operations, t.program_terms .+ 1, t.program_slopes .+ 1, t.program_start .+ 1,
        t.program_currents .+ 1, t.program_held .> 0)
end

is_black_box(t::Tables) = t.c_m < 0
is_program(t::Tables) = !isempty(t.program_kind)
sees_stimulus(t::Tables) = is_black_box(t) && first(t.layers) > length(t.states)

black_box_of(t::Tables) = !is_black_box(t) ? nothing : BlackBox(1, t.box_numbers[:, 1],
    t.box_numbers[:, 2], t.box_numbers[:, 3], t.box_stimulus, sees_stimulus(t))

"""
    tables(system)

The flat tables of a system: `system_of` makes the same equations of them.
"""
function tables(system::System)
    leaves, gates, networks = system.leaves, system.gates, system.networks
    black_box, unknown = system.black_box, system.unknown
    counts = length.((leaves.exponentials, leaves.sigmoids, leaves.linoids, leaves.constants))
    numbers(gate) = [gate.factor, gate.v_shift, gate.inverse_v_scale, gate.tau_min, gate.log_span,
        gate.bound]
    return Tables(system.name, system.states, system.v_rest, system.c_m - 1, system.n_parameters,
        black_box === nothing ? 0.0 : black_box.inverse_stimulus_scale, copy(system.initial),
        reduce(vcat, fill.(0:3, counts)), leaves.place .- 1,
        Int[Int(node.kind) for node in system.nodes],
        Float64[node.exponent for node in system.nodes],
        bounds_of(node.children for node in system.nodes), system.slots .- 1,
        copy(system.tables.bounds), copy(system.tables.grid), copy(system.tables.rows),
        Int[Int(gate.kind) for gate in gates], Int[gate.state - 1 for gate in gates],
        columns(Int, 2, [[gate.first - 1, gate.second - 1] for gate in gates]),
        Int[Int(gate.prior) for gate in gates], Int[gate.network - 1 for gate in gates],
        columns(Float64, 6, numbers.(gates)),
        columns(Int, 2, [[channel.g - 1, channel.e - 1] for channel in system.channels]),
        bounds_of(channel.factors for channel in system.channels),
        columns(Int, 2, [[factor.gate - 1, factor.power] for factor in system.factors]),
        Int[i.network - 1 for i in unknown], bounds_of(i.gates for i in unknown),
        Int[gate - 1 for i in unknown for gate in i.gates],
        columns(Float64, 3, [[i.scale, i.v_shift, i.inverse_v_scale] for i in unknown]),
        Int[first(net.places) for net in networks], Int[Int(net.activation) for net in networks],
        bounds_of(net.layers for net in networks), Int[n for net in networks for n in net.layers],
        black_box === nothing ? zeros(0, 3) :
            hcat(black_box.shift, black_box.scale, black_box.rate),
        program_tables(system.program)...)
end

"The last fields of the tables."
function program_tables(program::Program)
    operands(op) = op.kind == OP_NETWORK ? [op.a - 1, op.b, op.c, op.d] :
        [op.a, op.b, op.c, op.d] .- 1
    operations = program.operations
    return Int[Int(op.kind) for op in operations], columns(Int, 4, operands.(operations)),
        Float64[op.number for op in operations], program.terms .- 1, program.slopes .- 1,
        program.start .- 1, program.currents .- 1, Int.(program.held)
end

"Where rows end that lie one after the other, after the 0 where the first begins."
bounds_of(rows) = cumsum([0; Int[length(row) for row in rows]])

columns(::Type{T}, n::Int, rows) where {T} = reduce(hcat, rows; init=zeros(T, n, 0))
