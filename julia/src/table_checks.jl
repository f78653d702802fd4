# Whether flat tables of a neuron fit together: the loops that read them do not ask again.

wrong(said) = throw(InputError("tables of a neuron: $said"))

"That all values of a table are whole numbers from `low` to `high`."
function check_range(name, values, low::Int, high::Int)
    inside(x) = low <= x <= high
    all(inside, values) || wrong(
        "$name holds $(first(Iterators.filter(!inside, values))); it must be from $low to $high")
    return nothing
end

function check_size(name, table, expected::Int...)
    size(table) == expected || wrong("$name has the shape $(size(table)), not $expected")
    return nothing
end

"That `bounds` divide `total` entries into `rows` rows, one after the other."
function check_bounds(name, bounds, rows::Int, total::Int)
    check_size(name, bounds, rows + 1)
    first(bounds) == 0 && last(bounds) == total && issorted(bounds) ||
        wrong("$name = $bounds do not divide $total entries into $rows rows")
    return nothing
end

"That the tables fit together."
function check(t::Tables)
    n = length(t.states)
    n > 0 || wrong("there are no states")
    check_size("initial", t.initial, n)
    t.size >= 0 || wrong("size = $(t.size)")
    check_networks(t)
    check_curves(t)
    check_range("c_m", (t.c_m,), -1, t.size - 1)
    check_gates(t, is_black_box(t) || is_program(t) ? 0 : n - 1)
    check_currents(t)
    check_size("box_numbers", t.box_numbers, is_black_box(t) ? n : 0, 3)
    is_black_box(t) && check_black_box(t, n)
    check_program(t, n)
    return nothing
end

"That operations take others before them, and the outputs are some of them."
function check_program(t::Tables, n::Int)
    count = length(t.program_kind)
    check_range("program_kind", t.program_kind, 0, Int(typemax(Op)))
    check_size("program_operands", t.program_operands, 4, count)
    check_size("program_number", t.program_number, count)
    states = count == 0 ? 0 : n
    for (name, table) in (("program_slopes", t.program_slopes), ("program_start", t.program_start))
        check_size(name, table, states)
        check_range(name, table, 0, count - 1)
    end
    check_size("program_held", t.program_held, states)
    check_range("program_held", t.program_held, 0, 1)
    check_range("program_currents", t.program_currents, 0, count - 1)
    count > 0 && isempty(t.program_currents) && wrong("program_currents is empty")
    terms = 0
    for i in 1:count
        terms += check_operation(t, i, Op(t.program_kind[i]), n)
    end
    length(t.program_terms) == terms || wrong("program_terms are not $terms")
    if count > 0
        is_black_box(t) && wrong("a program, and yet the right-hand side is one network")
        for (name, table) in (("leaf_form", t.leaf_form), ("gate_kind", t.gate_kind),
            ("channel_places", t.channel_places), ("current_network", t.current_network))
            isempty(table) || wrong("$name is not empty, and yet there is a program")
        end
    end
    return nothing
end

"The same of one operation; how many terms it begins."
function check_operation(t::Tables, i::Int, kind::Op, n::Int)
    a, b, c, d = @view t.program_operands[:, i]
    what = "operation $(i - 1)"
    if kind == OP_NETWORK
        check_range(what, (a,), 0, length(t.network_place) - 1)
        layers = t.layers[row(t.network_bounds, a + 1)]
        check_range(what, (b,), 0, last(layers) - 1)
        check_range(what, (d,), first(layers), first(layers))
        check_range(what, (c,), 0, length(t.program_terms) - d)
        check_range("program_terms", (@view t.program_terms[(c + 1):(c + d)]), 0, i - 2)
        return b == 0 ? d : 0
    end
    taken = kind <= OP_STIMULUS ? () : kind <= OP_DIVIDE ? (a, b) :
        kind == OP_CHOICE ? (a, b, c, d) : (a,)
    check_range(what, taken, 0, i - 2)
    kind == OP_PARAMETER && check_range(what, (a,), 0, t.size - 1)
    kind == OP_STATE && check_range(what, (a,), 0, n - 1)
    kind == OP_TABLE && check_range(what, (b,), 0, size(t.table_grid, 2) - 1)
    return 0
end

function check_curves(t::Tables)
    leaves, nodes = length(t.leaf_form), length(t.node_kind)
    check_range("leaf_form", t.leaf_form, 0, Int(typemax(LeafForm)))
    issorted(t.leaf_form) || wrong("leaf_form is not sorted")
    check_size("leaf_place", t.leaf_place, leaves)
    check_range("leaf_place", t.leaf_place, 0, t.size - 1)
    for i in eachindex(t.leaf_form)
        last = t.leaf_place[i] + (LeafForm(t.leaf_form[i]) == CONSTANT ? 0 : 2)
        check_range("the last place of curve $(i - 1)", (last,), 0, t.size - 1)
    end
    check_range("node_kind", t.node_kind, 0, Int(typemax(NodeKind)))
    check_size("node_exponent", t.node_exponent, nodes)
    check_bounds("node_bounds", t.node_bounds, nodes, length(t.children))
    check_tables(t)
    for i in 1:nodes
        parts, kind = row(t.node_bounds, i), NodeKind(t.node_kind[i])
        counts = kind <= PRODUCT ? (1:typemax(Int)) : kind in (NUMBER, VOLTAGE) ? (0:0) :
            kind == CHOICE ? (4:4) : (1:1)
        length(parts) in counts || wrong("curve $(leaves + i - 1) has $(length(parts)) parts")
        kind == TABLE && !(t.node_exponent[i] in 0:(size(t.table_grid, 2) - 1)) &&
            wrong("curve $(leaves + i - 1) is table $(t.node_exponent[i]), which there is not")
        # What a curve is made of comes before it.
        check_range("children", (@view t.children[parts]), 0, leaves + i - 2)
    end
    return nothing
end

"That the piecewise cubics have two knots or more, which increase."
function check_tables(t::Tables)
    count = size(t.table_grid, 2)
    check_size("table_grid", t.table_grid, 2, count)
    check_size("table_rows", t.table_rows, 5, size(t.table_rows, 2))
    check_bounds("table_bounds", t.table_bounds, count, size(t.table_rows, 2))
    for i in 1:count
        rows = row(t.table_bounds, i)
        length(rows) >= 3 || wrong("table $(i - 1) has $(length(rows)) rows; it needs 3 or more")
        knots = @view t.table_rows[1, rows[2:end]]
        issorted(knots; lt=<=) || wrong("the knots of table $(i - 1) do not increase")
    end
    return nothing
end

function check_networks(t::Tables)
    count = length(t.network_place)
    check_size("network_activation", t.network_activation, count)
    check_range("network_activation", t.network_activation, 0, Int(typemax(Activation)))
    check_bounds("network_bounds", t.network_bounds, count, length(t.layers))
    check_range("layers", t.layers, 1, max(t.size, 1))
    for i in 1:count
        layers = t.layers[row(t.network_bounds, i)]
        length(layers) >= 2 || wrong("network $(i - 1) has the layers $layers")
        weights = sum((layers[l] + 1) * layers[l + 1] for l in 1:(length(layers) - 1))
        check_range("network_place", (t.network_place[i],), 0, t.size - weights)
    end
    return nothing
end

"That network `i` is one of those there are, with so many inputs and outputs."
function check_network(t::Tables, what, i::Int, inputs, outputs::Int)
    check_range("the network of $what", (i,), 0, length(t.network_place) - 1)
    layers = t.layers[row(t.network_bounds, i + 1)]
    first(layers) in inputs && last(layers) == outputs || wrong(
        "network $i of $what has the layers $layers; it needs $(join(inputs, " or ")) inputs " *
        "and $outputs outputs")
    return nothing
end

"`n` of the gates are states: those after v."
function check_gates(t::Tables, n::Int)
    count = length(t.gate_kind)
    check_range("gate_kind", t.gate_kind, 0, Int(typemax(GateKind)))
    check_range("gate_prior", t.gate_prior, 0, Int(typemax(PriorKind)))
    for (name, table) in (("gate_state", t.gate_state), ("gate_prior", t.gate_prior),
        ("gate_network", t.gate_network))
        check_size(name, table, count)
    end
    check_size("gate_curves", t.gate_curves, 2, count)
    check_size("gate_numbers", t.gate_numbers, 6, count)
    check_range("gate_curves", t.gate_curves, -1, length(t.leaf_form) + length(t.node_kind) - 1)
    for g in 1:count
        check_gate(t, g, GateKind(t.gate_kind[g]))
    end
    states = sort(filter(>=(0), t.gate_state))
    states == 1:n || wrong("the gates are the states $states, not 1 to $n")
    return nothing
end

function check_gate(t::Tables, g::Int, kind::GateKind)
    what = "gate $(g - 1)"
    published = kind in (RATES, STEADY_STATE, INSTANTANEOUS)
    check_range("gate_state", (t.gate_state[g],), (kind == INSTANTANEOUS ? (-1, -1) :
        (1, length(t.states) - 1))...)
    needed = kind == INSTANTANEOUS ? 1 : published || t.gate_prior[g] != 0 ? 2 : 0
    any(<(0), @view t.gate_curves[1:needed, g]) && wrong("$what needs $needed curves")
    if published
        t.gate_network[g] == -1 && t.gate_prior[g] == 0 ||
            wrong("$what has curves of its own, and yet a network or a prior")
    else
        inputs, outputs = kind == FREE ? ((1, 2), 1) : ((1,), 2)
        check_network(t, what, t.gate_network[g], inputs, outputs)
    end
    return nothing
end

function check_currents(t::Tables)
    gates, count = length(t.gate_kind), length(t.current_network)
    check_size("channel_places", t.channel_places, 2, size(t.channel_places, 2))
    check_range("channel_places", t.channel_places, 0, t.size - 1)
    check_size("factors", t.factors, 2, size(t.factors, 2))
    check_bounds("channel_bounds", t.channel_bounds, size(t.channel_places, 2), size(t.factors, 2))
    check_range("the gates of factors", (@view t.factors[1, :]), 0, gates - 1)
    check_range("the powers of factors", (@view t.factors[2, :]), 1, typemax(Int))
    check_bounds("current_bounds", t.current_bounds, count, length(t.current_gates))
    check_range("current_gates", t.current_gates, 0, gates - 1)
    check_size("current_numbers", t.current_numbers, 3, count)
    for i in 1:count
        inputs = 1 + length(row(t.current_bounds, i))
        check_network(t, "current $(i - 1)", t.current_network[i], (inputs,), 1)
    end
    return nothing
end

"A whole right-hand side has one network and nothing else."
function check_black_box(t::Tables, n::Int)
    for (name, table) in (("leaf_form", t.leaf_form), ("gate_kind", t.gate_kind),
        ("channel_places", t.channel_places), ("current_network", t.current_network))
        isempty(table) || wrong("$name is not empty, and yet the right-hand side is one network")
    end
    check_network(t, "the right-hand side", 0, (n, n + 1), n)
    return nothing
end
