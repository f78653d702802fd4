# The Julia side of the bridge, included into the module that pyhodgkin makes for itself.
# It sees addresses, never a Python object, so it may run without the lock of the interpreter.

"""
    invoke(f, address, n, objects...)

Call `f` with `n` arguments as `pack.py` wrote them at `address`, in words of 64 bits: a kind, then
what belongs to it. Arrays are wrapped where they lie; the caller keeps them alive meanwhile. For
an argument that is one of `objects` its number is written.
"""
function invoke(f, address::Int, n::Int, objects...)
    words, next = Ptr{Int64}(address), 1
    arguments = Vector{Any}(undef, n)
    for i in 1:n
        kind, word = unsafe_load(words, next), unsafe_load(words, next + 1)
        next += 2
        if kind >= 16
            element, axes = divrem(kind, 16)
            arguments[i] = array(word, words + 8 * (next - 1), element, axes)
            next += axes
        elseif kind == 3
            arguments[i] = unsafe_string(Ptr{UInt8}(word), unsafe_load(words, next))
            next += 1
        else
            arguments[i] = kind == 5 ? objects[word] : scalar(kind, word)
        end
    end
    return f(arguments...)
end

scalar(kind, word) =
    kind == 0 ? word : kind == 1 ? reinterpret(Float64, word) : kind == 2 ? word != 0 : nothing

"The elements in the order of `ELEMENTS` in `pack.py`."
function array(address, sizes, element, axes)
    element == 1 && return array(Float64, address, sizes, axes)
    element == 2 && return array(Int64, address, sizes, axes)
    element == 3 && return array(UInt8, address, sizes, axes)
    element == 4 && return array(Bool, address, sizes, axes)
    element == 5 && return array(Float32, address, sizes, axes)
    return array(Int32, address, sizes, axes)
end

function array(::Type{T}, address, sizes, axes) where {T}
    size(i) = Int(unsafe_load(sizes, i))
    p = Ptr{T}(address)
    axes == 1 && return unsafe_wrap(Array, p, size(1))
    axes == 2 && return unsafe_wrap(Array, p, (size(1), size(2)))
    axes == 3 && return unsafe_wrap(Array, p, (size(1), size(2), size(3)))
    axes == 0 && return unsafe_wrap(Array, p, ())
    return unsafe_wrap(Array, p, ntuple(size, axes))
end

"The exception inside those that tasks, threads and files wrap around it."
root(e) = e
root(e::TaskFailedException) = root(e.task.result)
root(e::CompositeException) = isempty(e.exceptions) ? e : root(first(e.exceptions))
root(e::CapturedException) = root(e.ex)
root(e::LoadError) = root(e.error)
root(e::InitError) = root(e.error)

"Name of the type of an exception, and what it says."
function explain(e)
    inner = root(e)
    return string(nameof(typeof(inner))), sprint(showerror, inner)
end

"""
    safe_enter()

Address of the C function after which Julia's garbage collector does not wait for this thread, or 0
where this Julia has none. Every entry from C undoes it for its own length.
"""
function safe_enter()
    try
        return Int(cglobal(:jl_gc_safe_enter))
    catch
        return 0
    end
end
