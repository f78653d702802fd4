# From the curves of a document to elementary curves and what is made of them.

const LEAF_FORMS = Dict("exponential" => EXPONENTIAL, "sigmoid" => SIGMOID, "linoid" => LINOID,
    "constant" => CONSTANT)
const NODE_KINDS = Dict("sum" => SUM, "product" => PRODUCT, "power" => POWER, "exp" => EXP,
    "log" => LOG, "tanh" => TANH_OF, "linoid_of" => LINOID_OF, "choice" => CHOICE)
const OTHER_CURVES = ("formula", "parameter", "number", "voltage", "tabulated", "abs", "min", "max")

"Where one curve of the document stands: names of its parameters begin with `path`."
struct CurvePlace
    path::String
    fixed::Tuple{Vararg{String}}
    # Whether it is one rate law or one formula, whose parameters need no number.
    single::Bool
    # How many elementary curves there were before.
    count::Base.RefValue{Int}
end

"The slot of a curve; negative numbers are nodes, until `renumber` knows how many leaves there are."
function add_curve!(b::Builder, path, data, fixed)
    single = haskey(LEAF_FORMS, data["form"]) || data["form"] == "formula"
    place = CurvePlace(path, fixed, single, Ref(-1))
    return add_curve!(b, place, data, Dict{String,Int}())
end

"`known` are the parameters of the formula around it."
function add_curve!(b::Builder, place::CurvePlace, data, known::Dict{String,Int})
    form = String(data["form"])
    haskey(LEAF_FORMS, form) && return add_leaf!(b, place, data, form)
    form == "formula" && return add_formula!(b, place, data)
    form == "parameter" && return known[String(data["name"])]
    form == "number" && return add_node!(b, NUMBER, Int[], Float64(data["value"]))
    form == "voltage" && return add_node!(b, VOLTAGE, Int[])
    form == "tabulated" && return add_table!(b, data)
    choose("form of curve", form, (keys(LEAF_FORMS)..., keys(NODE_KINDS)..., OTHER_CURVES...))
    parts = form == "power" ? [data["base"]] : data["of"]
    x = Int[add_curve!(b, place, part, known) for part in parts]
    form == "min" && return add_node!(b, CHOICE, [x[1], x[2], x[1], x[2]])
    form == "max" && return add_node!(b, CHOICE, [x[1], x[2], x[2], x[1]])
    if form == "abs"
        zero, minus = (add_node!(b, NUMBER, Int[], value) for value in (0.0, -1.0))
        return add_node!(b, CHOICE, [x[1], zero, add_node!(b, PRODUCT, [minus, x[1]]), x[1]])
    end
    return add_node!(b, NODE_KINDS[form], x, form == "power" ? data["exponent"] : 1.0)
end

next_name!(place::CurvePlace) =
    (place.count[] += 1; place.single ? place.path : "$(place.path).$(place.count[])")

function add_leaf!(b::Builder, at::CurvePlace, data, form)
    name, place = next_name!(at), length(b.theta) + 1
    for parameter in (form == "constant" ? ("a",) : ("a", "v0", "k"))
        held = parameter in at.fixed || (form == "exponential" && parameter == "v0")
        add_parameter!(b, "$name.$parameter", data[parameter], held ? :fixed : :rates)
    end
    push!(b.leaves, (LEAF_FORMS[form], place))
    return length(b.leaves)
end

function add_formula!(b::Builder, at::CurvePlace, data)
    known = Dict{String,Int}()
    for parameter in data["parameters"]
        name = String(parameter["name"])
        place = add_parameter!(b, "$(next_name!(at)).$name", parameter["value"], :rates)
        push!(b.leaves, (CONSTANT, place))
        known[name] = length(b.leaves)
    end
    return add_curve!(b, at, data["of"], known)
end

function add_node!(b::Builder, kind::NodeKind, children, number=1.0)
    first = length(b.slots) + 1
    append!(b.slots, children)
    push!(b.nodes, Node(kind, first:length(b.slots), number))
    return -length(b.nodes)
end

function add_table!(b::Builder, data)
    logarithmic = choose("scale", data["scale"], ("linear", "log")) == "log"
    linear = choose("outside", data["outside"], ("constant", "linear")) == "linear"
    y = Float64.(data["values"])
    push!(b.tables, Cubic(Float64.(data["v"]), logarithmic ? log.(y) : y,
        Float64.(data["slopes"]), linear))
    voltage = add_node!(b, VOLTAGE, Int[])
    found = add_node!(b, TABLE, [voltage], length(b.tables) - 1)
    return logarithmic ? add_node!(b, EXP, [found]) : found
end
