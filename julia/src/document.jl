# The document of a neuron: versioned JSON, and the weights of its networks as safetensors.

const FORMAT = "pyhodgkin neuron"
const FORMAT_VERSION = 1

"""
    Neuron

The equations of a neuron, and the values of its parameters in one flat vector `theta`.

`entries` names them in order, with their shapes; `select` finds their places.
"""
struct Neuron
    system::System
    theta::Vector{Float64}
    entries::Vector{Entry}
    document::Dict{String,Any}
end

Base.show(io::IO, neuron::Neuron) = print(io, "Neuron(", neuron.system.name, ": ",
    join(neuron.system.states, " "), ", ", length(neuron.theta), " parameters)")

"That `document` is one, and of a version that can be read."
function check(document)
    document isa AbstractDict && get(document, "format", nothing) == FORMAT ||
        throw(InputError("not the document of a neuron: \"format\" is not \"$FORMAT\""))
    version = get(document, "version", nothing)
    version == FORMAT_VERSION || throw(InputError(
        "version $version of the document is not known here; this package reads $FORMAT_VERSION"))
    return nothing
end

function Neuron(document::AbstractDict, tensors=Dict{String,Array{Float64}}())
    check(document)
    system, theta, entries = try
        build(document["neuron"], tensors)
    catch err
        err isa KeyError || rethrow()
        throw(InputError("the document has no field \"$(err.key)\" where one is needed"))
    end
    return Neuron(system, theta, entries, document)
end

"""
    load(path)

The neuron of a document: the `.json` file, or the folder with `model.json` in it.
"""
function load(path::AbstractString)
    file = isdir(path) ? joinpath(path, "model.json") : String(path)
    isfile(file) || throw(InputError("$file: there is no such file"))
    document = try
        JSON.parsefile(file)
    catch err
        err isa InterruptException && rethrow()
        throw(InputError("$file: not valid JSON"))
    end
    check(document)
    kept = get(document, "tensors", nothing)
    kept === nothing && return Neuron(document)
    return Neuron(document, read_tensors(joinpath(dirname(file), kept["file"]), kept["sha256"]))
end

"""
    system_of(text)

The equations of the `neuron` part of a document given as JSON text, without its weights.
"""
system_of(text::AbstractString) = build(JSON.parse(text))[1]

"Arrays by name from a safetensors file, row by row as they lie there."
function read_tensors(file::AbstractString, sha::AbstractString)
    isfile(file) || throw(InputError("$file: the weights of the networks are missing"))
    bytes = read(file)
    bytes2hex(sha256(bytes)) == sha ||
        throw(InputError("$file: damaged; its SHA-256 is not the one in the document"))
    n = Int(ltoh(reinterpret(UInt64, bytes[1:8])[1]))
    header = JSON.parse(String(bytes[9:(8 + n)]))
    tensors = Dict{String,Array{Float64}}()
    for (name, info) in header
        name == "__metadata__" && continue
        info["dtype"] == "F64" || throw(InputError("$file: tensor $name is not of float64"))
        first, last = info["data_offsets"]
        tensors[name] = ltoh.(reinterpret(Float64, bytes[(9 + n + first):(8 + n + last)]))
    end
    return tensors
end

"""
    select(neuron, names...)

Places in `theta` of the parameters so called, or of a group (`"networks"`, `"conductances"`,
`"reversals"`, `"capacitance"`, `"rates"`).
"""
function select(neuron::Neuron, names::AbstractString...)
    found = Int[]
    for name in names
        entries = filter(e -> e.name == name || String(e.group) == name ||
            startswith(e.name, name * "."), neuron.entries)
        isempty(entries) && choose("parameter or group", name,
            [[e.name for e in neuron.entries]; unique(String(e.group) for e in neuron.entries)])
        foreach(entry -> append!(found, places(entry)), entries)
    end
    return sort!(unique!(found))
end
